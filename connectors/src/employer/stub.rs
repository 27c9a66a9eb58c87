//! An employer as a partner meets it: takes candidates by the plain REST profile, and checks them by rules of its own.
//!
//! The rules are those of HR Open 4.2.1 (`CandidateType`) that it relies on, and what was agreed about persons: what is
//! said to be withheld is not there, nothing is sent as a blank, and no number of a state comes with it.

mod withheld;

use schemas::{EntityKey, Kind};
use serde_json::Value;

use crate::{
    Notice,
    rest::stub::{About, Finding, RestStub, RestStubError, RestStubSettings},
};

/// What a candidate consists of, with its document's names (HR Open 4.2.1, `CandidateType` and `DocumentType`).
const MEMBERS: [&str; 6] = ["documentId", "alternateIds", "uri", "distributionGuidelines", "person", "profiles"];

/// Opens an employer.
///
/// # Errors
/// [`RestStubError`].
pub async fn start(settings: RestStubSettings) -> Result<RestStub, RestStubError> {
    RestStub::start_with(settings, Box::new(inspect)).await
}

fn inspect(about: &About<'_>, document: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |pointer: &str, code, detail: &str| {
        findings.push(Finding { pointer: pointer.to_owned(), code, detail: detail.to_owned() });
    };
    if about.kind != Kind::TalentProfile {
        find("", "kind", "an employer takes candidates only");
    }
    if about.media_type != "application/json" {
        find("", "media_type", "a candidate is `application/json`");
    }
    let Ok(Value::Object(candidate)) = serde_json::from_slice(document) else {
        find("", "no_candidate", "a candidate is an object");
        return findings;
    };
    findings.extend(inspect_candidate(&Value::Object(candidate), about.notice, &[]));
    findings
}

/// What is wrong with a candidate, or with what is said beside it; `more` are members beside those of the standard.
pub(crate) fn inspect_candidate(candidate: &Value, notice: Option<&Notice>, more: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |pointer: &str, code, detail: &str| {
        findings.push(Finding { pointer: pointer.to_owned(), code, detail: detail.to_owned() });
    };
    for name in candidate.as_object().into_iter().flat_map(|members| members.keys()) {
        if !MEMBERS.contains(&name.as_str()) && !more.contains(&name.as_str()) {
            find("", "unknown_member", "it is not a member of a candidate");
        }
    }
    if candidate["documentId"]["value"].as_str().is_none_or(|id| id.parse::<EntityKey>().is_err()) {
        find("/documentId/value", "no_pseudonym", "a person is known by a pseudonym");
    }
    for pointer in ["/person/legalId", "/person/passportId", "/person/taxId"] {
        if candidate.pointer(pointer).is_some() {
            find(pointer, "number_of_a_state", "it was never to leave the employment service");
        }
    }
    if let Some(birth_date) = candidate.pointer("/person/birthDate")
        && birth_date.as_str().is_none_or(|date| date.len() != 10 || date.split('-').count() != 3)
    {
        find("/person/birthDate", "no_date", "a birth date is YYYY-MM-DD");
    }
    for (index, email) in candidate["person"]["communication"]["email"].as_array().into_iter().flatten().enumerate() {
        if email["address"].as_str().is_none_or(|address| !address.contains('@')) {
            find(&format!("/person/communication/email/{index}"), "no_address", "an e-mail has an address");
        }
    }
    if let Some(pointer) = blank(candidate, "") {
        find(&pointer, "blank", "what is withheld or unknown is left out, never sent empty");
    }
    findings.extend(withheld::inspect(notice, candidate));
    findings
}

/// The first place that says nothing.
fn blank(value: &Value, pointer: &str) -> Option<String> {
    match value {
        Value::Null => Some(pointer.to_owned()),
        Value::String(text) if text.trim().is_empty() => Some(pointer.to_owned()),
        Value::Array(items) if items.is_empty() => Some(pointer.to_owned()),
        Value::Object(members) if members.is_empty() => Some(pointer.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| blank(item, &format!("{pointer}/{index}")))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| blank(member, &format!("{pointer}/{name}"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The codes of what an employer finds in a candidate of which a picture and all that is restricted are withheld.
    fn codes(candidate: &Value) -> Vec<&'static str> {
        let notice = Notice {
            withheld: "picture;reason=category_excepted, restricted;reason=category_not_permitted".to_owned(),
            obligations: "retention=\"P6M\", onward=deny, notify-on-change".to_owned(),
        };
        codes_with(candidate, Some(&notice))
    }

    fn codes_with(candidate: &Value, notice: Option<&Notice>) -> Vec<&'static str> {
        let about = About { kind: Kind::TalentProfile, media_type: "application/json", notice };
        inspect(&about, candidate.to_string().as_bytes()).iter().map(|finding| finding.code).collect()
    }

    fn candidate(more: &Value) -> Value {
        let mut candidate = json!({
            "documentId": {"value": "5d0c7a9e-3b1f-4f7e-8a64-1c2e9b7d0f11"},
            "person": {"name": {"formattedName": "Amina Voorbeeld"}},
        });
        for (name, value) in more.as_object().unwrap() {
            candidate[name] = value.clone();
        }
        candidate
    }

    #[test]
    fn an_employer_finds_what_should_not_be_there() {
        assert_eq!(codes(&candidate(&json!({}))), [""; 0]);
        let picture = json!({"profiles": [{"attachments": [{"purpose": "picture", "url": "https://x.example/1"}]}]});
        let certificate =
            json!({"profiles": [{"attachments": [{"purpose": "certificate", "url": "https://x.example/1"}]}]});
        for (more, expected) in [
            (picture, vec!["withheld_is_there"]),
            (certificate, vec![]),
            (json!({"person": {"nationality": ["MA"]}}), vec!["withheld_is_there"]),
            (json!({"person": {"legalId": {"value": "1"}}}), vec!["number_of_a_state", "withheld_is_there"]),
            (json!({"person": {"birthDate": "1990"}}), vec!["no_date"]),
            (json!({"person": {"name": {"given": " "}}}), vec!["blank"]),
            (json!({"profiles": []}), vec!["blank"]),
            (json!({"documentId": {"value": "BX1"}}), vec!["no_pseudonym"]),
            (json!({"shoeSize": 43}), vec!["unknown_member"]),
            (json!({"person": {"communication": {"email": [{"address": "a"}]}}}), vec!["no_address"]),
        ] {
            assert_eq!(codes(&candidate(&more)), expected, "{more}");
        }
    }

    #[test]
    fn an_employer_wants_to_know_what_it_is_obliged_to() {
        let candidate = candidate(&json!({}));
        assert_eq!(codes_with(&candidate, None), ["no_notice"]);
        for (withheld, obligations) in [
            ("picture", "retention=\"P6M\", onward=deny"),
            ("shoe_size;reason=x", "retention=\"P6M\", onward=deny"),
            ("picture;reason=x", "onward=deny"),
            ("picture;reason=x", "retention=\"P6M\", onward=perhaps"),
        ] {
            let notice = Notice { withheld: withheld.to_owned(), obligations: obligations.to_owned() };
            assert_eq!(codes_with(&candidate, Some(&notice)), ["malformed_notice"], "{withheld} {obligations}");
        }
    }
}

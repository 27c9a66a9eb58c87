//! What is said beside a candidate: well-formed, and true of the document.

use serde_json::Value;

use crate::{Notice, rest::stub::Finding};

/// Where a candidate would say what stands under a category; `*` is every item. By the papers of HR Open, and what was
/// agreed beside them: what an attachment is for, and what a qualification is.
const PLACES: &[(&str, &[&str])] = &[
    ("profile", &["/profiles/*/positionPreferences", "/profiles/*/personAvailability", "/profiles/*/objective"]),
    (
        "skills",
        &["/profiles/*/licenses", "/profiles/*/certifications", "/profiles/*/qualifications[description!=language]"],
    ),
    ("languages", &["/person/primaryLanguage", "/profiles/*/qualifications[description=language]"]),
    ("education", &["/profiles/*/education"]),
    ("employment", &["/profiles/*/employment"]),
    ("intro", &["/introductions"]),
    ("linkedin", &["/person/communication/web"]),
    ("picture", &["/profiles/*/attachments[purpose=picture]"]),
    ("video", &["/profiles/*/attachments[purpose=video_cv]"]),
    ("contact", &["/person/communication/phone", "/person/communication/email"]),
    ("identity", &["/person/name", "/person/alternateNames"]),
    ("birth_date", &["/person/birthDate"]),
    (
        "restricted",
        &[
            "/person/legalId",
            "/person/gender",
            "/person/nationality",
            "/person/maritalStatus",
            "/person/disability",
            "/person/communication/address/*/line",
            "/person/communication/address/*/postalCode",
        ],
    ),
    ("attachments", &["/profiles/*/attachments[purpose!=picture|video_cv]"]),
    ("service_file", &["/alternateIds"]),
];

/// What is wrong with a notice, or with the candidate that it speaks of.
pub fn inspect(notice: Option<&Notice>, candidate: &Value) -> Vec<Finding> {
    let finding =
        |pointer: &str, code, detail: &str| Finding { pointer: pointer.to_owned(), code, detail: detail.to_owned() };
    let Some(notice) = notice else {
        return vec![finding("", "no_notice", "nothing says what is withheld and what we are obliged to")];
    };
    let Some(withheld) = withheld(&notice.withheld).filter(|_| is_an_obligation(&notice.obligations)) else {
        return vec![finding("", "malformed_notice", "what is said beside the candidate is not what was agreed")];
    };
    let places = withheld.into_iter().flatten();
    let there = places.filter(|place| is_there(candidate, place));
    there.map(|place| finding(place, "withheld_is_there", "it is said to be withheld")).collect()
}

/// Where it would stand what is withheld; none if the list is malformed or names what nobody knows.
fn withheld(list: &str) -> Option<Vec<&'static [&'static str]>> {
    let places = |item: &str| {
        let (category, reason) = item.trim().split_once(";reason=")?;
        let is_token = !reason.is_empty() && reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        PLACES.iter().find(|(name, _)| *name == category && is_token).map(|(_, places)| *places)
    };
    if list.is_empty() { Some(Vec::new()) } else { list.split(',').map(places).collect() }
}

/// Whether it says how long the candidate may be kept, and whether it may be passed on.
fn is_an_obligation(text: &str) -> bool {
    let members: Vec<(&str, &str)> =
        text.split(',').map(|member| member.trim().split_once('=').unwrap_or((member.trim(), ""))).collect();
    let says =
        |name: &str, is_right: fn(&str) -> bool| members.iter().any(|(key, value)| *key == name && is_right(value));
    says("retention", |value| value.starts_with("\"P") && value.ends_with('"'))
        && says("onward", |value| matches!(value, "deny" | "with-authorisation"))
}

/// Whether a candidate says something at a place: a pointer in which `*` is every item, and which may end in a choice
/// among the items of a list.
fn is_there(value: &Value, place: &str) -> bool {
    let Some(rest) = place.strip_prefix('/') else { return true };
    let (segment, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    if segment == "*" {
        return value.as_array().is_some_and(|items| items.iter().any(|item| is_there(item, rest)));
    }
    let Some((name, choice)) = segment.split_once('[') else {
        return value.get(segment).is_some_and(|member| is_there(member, rest));
    };
    let items = value.get(name).and_then(Value::as_array);
    items.is_some_and(|items| items.iter().any(|item| is_chosen(item, choice.trim_end_matches(']'))))
}

/// Whether an item has that value, `name=value`, or none of those, `name!=one|other`.
fn is_chosen(item: &Value, choice: &str) -> bool {
    let (name, wanted) = choice.split_once('=').unwrap_or((choice, ""));
    match name.strip_suffix('!') {
        Some(name) => !wanted.split('|').any(|one| item[name] == one),
        None => item[name] == wanted,
    }
}

//! FHIR Consent, release 5, read only: a base decision and provisions, each level of which negates the one above.
//!
//! What narrows a provision and is not ours (`documentType`, `dataPeriod` …) cannot be carried: on a permission that would
//! widen it, and the document is refused; on a denial it is left out, which denies more.
//!
//! Source: <https://hl7.org/fhir/R5/consent.html>.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ExchangeError, Template, folded, member, one_or_many, parsed};
use crate::{
    grant::{Effect, Event, Grant, Provision, Until, ValidTime, Who},
    period::Period,
    terms::{Action, ConsentType, Country, LegalId, Method, Recipient, State},
};

/// Members of a provision that narrow it and have no place in ours.
const NARROWING: [&str; 7] =
    ["securityLabel", "documentType", "resourceType", "dataPeriod", "data", "expression", "modifierExtension"];

/// Who receives. Source: <https://terminology.hl7.org/CodeSystem/v3-ParticipationType>.
const RECIPIENT: &str = "IRCP";

/// Reads a Consent. Places, notice, retention and the countries of recipients come from the template.
pub fn read(document: &Value, template: &Template) -> Result<Grant, ExchangeError> {
    if document["resourceType"] != "Consent" {
        return Err(unreadable("`resourceType` is not `Consent`"));
    }
    if document.get("modifierExtension").is_some() {
        return Err(unreadable("`modifierExtension` changes what the Consent means, in a way that we do not know"));
    }
    let base: String = member(document, "decision")?;
    if base != "deny" {
        return Err(unreadable(format!(
            "`decision` is `{base}`: only what begins with `deny` permits no more than it names"
        )));
    }
    let defaults = Defaults::of(document, template)?;
    let provisions = one_or_many(&document["provision"]).into_iter().map(|one| provision(one, Effect::Permit));
    let provisions = provisions.map(|one| one.map(|one| defaults.complete(one))).collect::<Result<Vec<_>, _>>()?;
    let subject = reference(&document["subject"])?.parse().map_err(|_| unreadable("`subject` is no pseudonym"))?;
    let identifiers = one_or_many(&document["identifier"]);
    let uuids = identifiers.iter().filter_map(|one| one["value"].as_str());
    let record_id = uuids
        .chain(document["id"].as_str())
        .find_map(|text| text.trim_start_matches("urn:uuid:").parse().ok())
        .ok_or_else(|| unreadable("neither `identifier` nor `id` is a UUID"))?;
    folded(template.record(record_id, subject, provisions), events(document)?)
}

fn unreadable(problem: impl Into<String>) -> ExchangeError {
    ExchangeError::Unreadable(problem.into())
}

/// What permissions of the first level get that a Consent does not say in them.
struct Defaults {
    recipients: BTreeSet<Recipient>,
    recipient_countries: BTreeSet<Country>,
    retention: Option<Period>,
}

impl Defaults {
    /// Recipients from `grantee`, countries and retention from the first provision of the template.
    fn of(document: &Value, template: &Template) -> Result<Self, ExchangeError> {
        let first = template.0.record().processing.provisions.first();
        let first = first.ok_or_else(|| unreadable("the template has no provision"))?;
        Ok(Self {
            recipients: one_or_many(&document["grantee"]).into_iter().map(recipient).collect::<Result<_, _>>()?,
            recipient_countries: first.recipient_countries.clone(),
            retention: first.retention,
        })
    }

    fn complete(&self, mut provision: Provision) -> Provision {
        if provision.recipients.is_empty() {
            provision.recipients.clone_from(&self.recipients);
        }
        provision.recipient_countries.clone_from(&self.recipient_countries);
        provision.retention = self.retention;
        provision
    }
}

fn provision(value: &Value, effect: Effect) -> Result<Provision, ExchangeError> {
    let narrowing = NARROWING.into_iter().find(|name| value.get(name).is_some());
    if let (Effect::Permit, Some(name)) = (effect, narrowing) {
        return Err(unreadable(format!(
            "a permission is narrowed by `{name}`, which we cannot carry: it would permit more"
        )));
    }
    let actors = one_or_many(&value["actor"]);
    let mut roles = actors.iter().filter_map(|actor| coding(&actor["role"]).as_str());
    if let Some(role) = roles.find(|role| *role != RECIPIENT) {
        return Err(unreadable(format!("`actor.role` is `{role}`, not `{RECIPIENT}`: it is nobody who receives")));
    }
    let negated = if effect == Effect::Permit { Effect::Deny } else { Effect::Permit };
    let all = |name: &'static str| one_or_many(&value[name]).into_iter();
    let actors = actors.into_iter().map(|actor| recipient(&actor["reference"]));
    let codes = all("code").map(|code| parsed(coding(code), "code"));
    Ok(Provision {
        effect,
        recipients: actors.collect::<Result<_, _>>()?,
        recipient_countries: BTreeSet::new(),
        purposes: all("purpose").map(|one| parsed(&one["code"], "purpose")).collect::<Result<_, _>>()?,
        actions: all("action").map(action).collect::<Result<_, _>>()?,
        categories: codes.collect::<Result<_, _>>()?,
        valid: period(&value["period"])?,
        from_stage: None,
        until_stage: None,
        retention: None,
        onward: None,
        exceptions: all("provision").map(|one| provision(one, negated)).collect::<Result<_, _>>()?,
    })
}

/// The code of a CodeableConcept.
fn coding(concept: &Value) -> &Value {
    &concept["coding"][0]["code"]
}

/// Source: <https://terminology.hl7.org/CodeSystem/consentaction>.
fn action(concept: &Value) -> Result<Action, ExchangeError> {
    match coding(concept).as_str() {
        Some("access") => Ok(Action::Read),
        Some("collect") => Ok(Action::Store),
        Some("use") => Ok(Action::Use),
        Some("disclose") => Ok(Action::Disclose),
        other => Err(unreadable(format!("`action` is `{}`, which we do not know", other.unwrap_or_default()))),
    }
}

/// A reference by its identifier: a number in a register, or the id of a partner behind `Organization/`.
fn recipient(value: &Value) -> Result<Recipient, ExchangeError> {
    let text = reference(value)?;
    if let Ok(id) = text.parse::<LegalId>() {
        return Ok(Recipient::Employer { id });
    }
    let id = text.parse().map_err(|_| unreadable(format!("`{text}` is neither a legal identifier nor a partner")))?;
    Ok(Recipient::Partner { id })
}

fn reference(value: &Value) -> Result<&str, ExchangeError> {
    let text = value["identifier"]["value"].as_str().or_else(|| value["reference"].as_str());
    let text = text.ok_or_else(|| unreadable("a reference has neither `identifier` nor `reference`"))?;
    Ok(text.rsplit('/').next().unwrap_or(text).trim_start_matches("urn:uuid:"))
}

fn period(value: &Value) -> Result<ValidTime, ExchangeError> {
    let moment = |name: &'static str| match &value[name] {
        Value::Null => Ok(None),
        text => parsed(text, name).map(Some),
    };
    Ok(ValidTime { from: moment("start")?, until: moment("end")?.map(Until::Instant) })
}

/// A Consent has a state and a moment, and no history.
fn events(document: &Value) -> Result<Vec<Event>, ExchangeError> {
    let at = match document["date"].as_str() {
        Some(text) if text.len() == 10 => parsed(&format!("{text}T23:59:59Z").into(), "date")?,
        _ => parsed(&document["date"], "date")?,
    };
    let verification = one_or_many(&document["verification"]);
    let is_verified = verification.iter().any(|one| one["verified"] == true);
    let event = |state: State, by| Event {
        state,
        at,
        by,
        method: Method::Import,
        consent_type: state.permits().then_some(if is_verified {
            ConsentType::Expressed
        } else {
            ConsentType::Implied
        }),
        duration: None,
        proof: None,
    };
    let given = || -> Result<Event, ExchangeError> {
        let end = period(&document["period"])?.until;
        let duration = end.ok_or_else(|| unreadable("`period.end` is missing: an endless consent is none"))?;
        Ok(Event { duration: Some(duration), ..event(State::Given, Who::Subject) })
    };
    match document["status"].as_str() {
        Some("active") => Ok(vec![given()?]),
        Some("inactive") => Ok(vec![given()?, event(State::Revoked, Who::Gateway)]),
        Some("not-done") => Ok(vec![event(State::Refused, Who::Subject)]),
        Some("draft") => Ok(vec![event(State::Requested, Who::Gateway)]),
        Some("entered-in-error") => Ok(vec![given()?, event(State::Invalidated, Who::Gateway)]),
        other => Err(unreadable(format!("`status` is `{}`, from which no state follows", other.unwrap_or_default()))),
    }
}

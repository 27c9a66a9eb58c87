//! Kantara Consent Receipt 1.1: a receipt, not a record. It has neither states nor exceptions; what it cannot say of a
//! permission stands beside it under `gw:provision`, and a receipt without that is read as the plain permission it shows.
//!
//! Source: Kantara Initiative, Consent Receipt Specification 1.1.0, with its published schema.

use std::collections::BTreeSet;

use schemas::Category;
use serde_json::{Value, json};

use super::{ExchangeError, Template, dpv, folded, member, one_or_many, parsed};
use crate::{
    grant::{Effect, Event, Grant, Provision, Until, ValidTime, Who},
    party::{Party, PartyRole},
    terms::{ConsentType, Country, Method, State, wants_explicit_consent},
};

const VERSION: &str = "KI-CR-v1.1.0";
/// Names of recipients stand behind each other.
const SEPARATOR: &str = "; ";

/// Writes a receipt for a grant that is in force.
pub fn write(grant: &Grant) -> Result<Value, ExchangeError> {
    let record = grant.record();
    let Some(given) = grant.events().last().filter(|event| event.state.permits()) else {
        return Err(unwritable("a receipt is for a consent that was given, and there is none now"));
    };
    let controllers = record.parties_of(PartyRole::Controller).map(controller).collect::<Result<Vec<_>, _>>()?;
    let sensitive = |category: &&Category| {
        wants_explicit_consent(**category) || matches!(category, Category::Picture | Category::Video)
    };
    let provisions = || record.processing.provisions.iter().filter(|one| one.effect == Effect::Permit);
    let special: BTreeSet<&Category> = provisions().flat_map(|one| &one.categories).filter(sensitive).collect();
    let jurisdictions: Vec<&str> = record.processing.basis.keys().map(Country::as_str).collect();
    Ok(json!({
        "version": VERSION,
        "jurisdiction": jurisdictions.join(" "),
        "consentTimestamp": given.at.as_second(),
        "collectionMethod": given.method,
        "consentReceiptID": grant.id(),
        "language": record.processing.notice.language,
        "piiPrincipalId": record.header.subject,
        "piiControllers": controllers,
        "policyUrl": record.processing.notice.url.as_deref().unwrap_or(&record.processing.notice.id),
        "services": [{
            "service": "Placement by public employment services",
            "purposes": record.processing.provisions.iter().map(|one| purpose(one, given)).collect::<Vec<_>>(),
        }],
        "sensitive": !special.is_empty(),
        "spiCat": special,
        "gw:duration": given.duration,
    }))
}

fn unwritable(problem: impl Into<String>) -> ExchangeError {
    ExchangeError::Unwritable(problem.into())
}

fn controller(party: &Party) -> Result<Value, ExchangeError> {
    let wanted = |value: &Option<String>, name: &str| {
        value
            .clone()
            .ok_or_else(|| unwritable(format!("party `{}` has no {name}, which a Kantara receipt wants", party.id)))
    };
    let mut value = json!({
        "piiController": party.name,
        "contact": party.contact,
        "address": {"streetAddress": party.address, "addressCountry": party.country},
        "email": wanted(&party.email, "email")?,
        "phone": wanted(&party.phone, "phone")?,
    });
    if let Some(url) = &party.url {
        value["piiControllerUrl"] = url.as_str().into();
    }
    Ok(value)
}

fn purpose(provision: &Provision, given: &Event) -> Value {
    let places: Vec<&str> = provision.recipient_countries.iter().map(Country::as_str).collect();
    let names: Vec<String> = provision.recipients.iter().map(|one| format!("{one} ({})", places.join(" "))).collect();
    let consent_type = if given.consent_type == Some(ConsentType::Explicit) { "EXPLICIT" } else { "IMPLICIT" };
    json!({
        "purposeCategory": provision.purposes,
        "consentType": consent_type,
        "piiCategory": provision.categories,
        "termination": provision.retention.map_or_else(|| "N/A".to_owned(), |period| period.to_string()),
        "thirdPartyDisclosure": true,
        "thirdPartyName": names.join(SEPARATOR),
        "gw:provision": provision,
    })
}

/// Reads a receipt: a consent that was asked for and given at its moment.
pub fn read(document: &Value, template: &Template) -> Result<Grant, ExchangeError> {
    let version: String = member(document, "version")?;
    if version != VERSION {
        return Err(ExchangeError::Unreadable(format!("`version` is `{version}`, not `{VERSION}`")));
    }
    let seconds: i64 = member(document, "consentTimestamp")?;
    let at = jiff::Timestamp::from_second(seconds)
        .map_err(|_| ExchangeError::Unreadable("`consentTimestamp` is no moment".to_owned()))?;
    let services: Vec<Value> = member(document, "services")?;
    let purposes: Vec<Value> = services
        .iter()
        .map(|service| member::<Vec<Value>>(service, "purposes"))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let is_explicit = purposes.iter().all(|one| one["consentType"] == "EXPLICIT");
    let provisions = purposes.iter().map(provision).collect::<Result<Vec<_>, _>>()?;
    let record_id = member(document, "consentReceiptID")?;
    let mut record = template.record(record_id, member(document, "piiPrincipalId")?, provisions);
    if let Some(language) = document["language"].as_str() {
        language.clone_into(&mut record.processing.notice.language);
    }
    let duration = match &document["gw:duration"] {
        Value::Null => shortest(&record.processing.provisions)?,
        value => parsed(value, "gw:duration")?,
    };
    let given = Event {
        state: State::Given,
        at,
        by: Who::Subject,
        method: document["collectionMethod"].as_str().and_then(|text| text.parse().ok()).unwrap_or(Method::Import),
        consent_type: Some(if is_explicit { ConsentType::Explicit } else { ConsentType::Implied }),
        duration: Some(duration),
        proof: None,
    };
    folded(record, vec![given])
}

/// How long a consent holds whose receipt does not say so: no longer than what it permits may be kept.
fn shortest(provisions: &[Provision]) -> Result<Until, ExchangeError> {
    let epoch = jiff::Timestamp::UNIX_EPOCH;
    let shortest = provisions.iter().filter_map(|one| one.retention).min_by_key(|period| period.after(epoch));
    shortest.map(Until::Period).ok_or_else(|| ExchangeError::Unreadable("nothing says how long it holds".to_owned()))
}

fn provision(purpose: &Value) -> Result<Provision, ExchangeError> {
    if purpose.get("gw:provision").is_some() {
        return member(purpose, "gw:provision");
    }
    let names: String = member(purpose, "thirdPartyName")?;
    let mut recipients = BTreeSet::new();
    let mut countries = BTreeSet::new();
    for name in names.split(SEPARATOR) {
        let (who, places) = name.strip_suffix(')').and_then(|name| name.rsplit_once(" (")).ok_or_else(|| {
            ExchangeError::Unreadable(format!("`thirdPartyName`: `{name}` does not end in countries"))
        })?;
        recipients.insert(dpv::recipient(&who.into())?);
        for place in places.split(' ') {
            countries.insert(parsed(&place.into(), "thirdPartyName")?);
        }
    }
    let all = |name: &'static str| one_or_many(&purpose[name]).into_iter();
    let categories: BTreeSet<Category> =
        all("piiCategory").map(|one| parsed(one, "piiCategory")).collect::<Result<_, _>>()?;
    if categories.is_empty() {
        return Err(ExchangeError::Unreadable("`piiCategory` names nothing, which would permit more".to_owned()));
    }
    Ok(Provision {
        effect: Effect::Permit,
        recipients,
        recipient_countries: countries,
        purposes: all("purposeCategory").map(|one| parsed(one, "purposeCategory")).collect::<Result<_, _>>()?,
        actions: BTreeSet::new(),
        categories,
        valid: ValidTime::default(),
        from_stage: None,
        until_stage: None,
        retention: Some(parsed(&purpose["termination"], "termination")?),
        onward: None,
        exceptions: Vec::new(),
    })
}

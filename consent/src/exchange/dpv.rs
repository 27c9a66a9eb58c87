//! Records after ISO/IEC TS 27560 as the W3C guide to it writes them in DPV terms.
//!
//! Source: <https://w3c.github.io/dpv/guides/consent-27560>, examples 39 and 40; their repeated members are lists here.
//! What DPV has no words for (stages, exceptions, our categories) stands under `gw:` and is read from there.

use std::collections::BTreeSet;

use schemas::Category;
use serde_json::{Map, Value, json};

use super::{ExchangeError, Template, folded, member, one_or_many, parsed};
use crate::{
    grant::{Effect, Event, Grant, Provision, Until, Who},
    party::PartyRole,
    terms::{ConsentType, Country, Method, Recipient, State},
};

const CONFORMS_TO: &str = "https://w3id.org/dpv/schema/dpv-27560#record";

/// What DPV calls the data of each category: a category is read from its terms only if all of them are there.
fn data_of(category: Category) -> &'static [&'static str] {
    match category {
        Category::Languages => &["pd:Language"],
        Category::Education => &["pd:Education", "pd:EducationQualification", "pd:ProfessionalCertification"],
        Category::Employment => &["pd:WorkHistory", "pd:EmploymentHistory"],
        Category::Linkedin => &["pd:SocialMedia"],
        Category::Picture => &["pd:Picture"],
        Category::Contact => &["pd:EmailAddress", "pd:TelephoneNumber"],
        Category::Identity => &["pd:Name"],
        Category::BirthDate => &["pd:BirthDate"],
        Category::Restricted => {
            &["pd:OfficialID", "pd:MaritalStatus", "pd:Disability", "pd:Nationality", "pd:Gender", "pd:PhysicalAddress"]
        }
        Category::Record
        | Category::Profile
        | Category::Skills
        | Category::Intro
        | Category::Video
        | Category::Attachments
        | Category::ServiceFile
        | Category::StatusFeedback => &[],
    }
}

/// Writes a record.
pub fn write(grant: &Grant) -> Value {
    let record = grant.record();
    let (header, processing) = (&record.header, &record.processing);
    let ids = |role| record.parties_of(role).map(|party| party.id.clone()).collect::<Vec<_>>();
    let locations = |countries: &[Country]| countries.iter().map(|one| format!("loc:{one}")).collect::<Vec<_>>();
    json!({
        "@id": format!("urn:uuid:{}", header.record_id),
        "@type": "dpv:ConsentRecord",
        "dct:identifier": header.record_id,
        "dct:conformsTo": CONFORMS_TO,
        "dpv:hasDataSubject": {"@id": header.subject, "skos:broader": "dpv:JobApplicant"},
        "dpv:hasDataController": ids(PartyRole::Controller),
        "dpv:hasDataProcessor": ids(PartyRole::Processor),
        "dpv:hasAuthority": ids(PartyRole::Authority),
        "dpv:hasJurisdiction": processing.basis.keys().map(|country| format!("loc:{country}")).collect::<Vec<_>>(),
        "dpv:hasLegalBasis": processing.basis.values().collect::<Vec<_>>(),
        "dpv:hasProcess": processing.provisions.iter()
            .map(|provision| process(provision, &locations(&processing.storage_locations), &locations(&processing.processing_locations)))
            .collect::<Vec<_>>(),
        "dpv:hasConsentControl": {
            "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
            "dpv:isExercisedAt": processing.withdrawal_method,
        },
        "dpv:hasRight": processing.rights.iter().map(|right| json!({"@type": ["dpv:DataSubjectRight", right]})).collect::<Vec<_>>(),
        "dpv:hasNotice": {
            "@id": processing.notice.id, "@type": "dpv:ConsentNotice",
            "dct:hasVersion": processing.notice.version, "dct:language": processing.notice.language,
        },
        "dpv:hasConsentStatus": grant.events().iter().map(status).collect::<Vec<_>>(),
        "gw:header": header,
        "gw:processing": without_provisions(processing),
        "gw:parties": record.parties,
    })
}

/// Our processing without what stands in processes.
fn without_provisions(processing: &crate::grant::Processing) -> Value {
    let mut value = json!(processing);
    if let Some(members) = value.as_object_mut() {
        members.remove("provisions");
    }
    value
}

fn process(provision: &Provision, storage: &[String], places: &[String]) -> Value {
    let data: Vec<Value> = provision
        .categories
        .iter()
        .map(|category| json!({"@id": format!("gw:{category}"), "skos:broader": data_of(*category)}))
        .collect();
    json!({
        "@type": "dpv:Process",
        "dpv:hasPurpose": provision.purposes,
        "dpv:hasPersonalData": data,
        "dpv:hasRecipient": provision.recipients.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "dpv:hasRecipientLocation": provision.recipient_countries.iter().map(|one| format!("loc:{one}")).collect::<Vec<_>>(),
        "dpv:hasProcessingLocation": places,
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": storage},
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": provision.retention},
        ],
        "gw:provision": provision,
    })
}

fn status(event: &Event) -> Value {
    let mut types = vec![event.state.as_str()];
    types.extend(event.consent_type.map(ConsentType::as_str));
    let by = match &event.by {
        Who::Subject => "dpv:DataSubject".to_owned(),
        who => who.to_string(),
    };
    let mut status = Map::new();
    status.insert("@type".to_owned(), json!(types));
    status.insert("dpv:isIndicatedBy".to_owned(), by.into());
    status.insert("dpv:hasIndicationMethod".to_owned(), event.method.as_str().into());
    status.insert("dpv:isIndicatedAtTime".to_owned(), json!(event.at));
    if let Some(duration) = &event.duration {
        let kind = match duration {
            Until::Period(_) => "dpv:TemporalDuration",
            Until::Instant(_) => "dpv:UntilTimeDuration",
            Until::Event(_) => "dpv:UntilEventDuration",
        };
        status.insert("dpv:hasDuration".to_owned(), json!({"@type": kind, "rdf:value": duration}));
    }
    if let Some(proof) = &event.proof {
        status.insert("gw:proof".to_owned(), json!(proof));
    }
    Value::Object(status)
}

/// Reads a record: ours as it was written, those of others with a template.
pub fn read(document: &Value, template: &Template) -> Result<Grant, ExchangeError> {
    let statuses = one_or_many(&document["dpv:hasConsentStatus"]);
    let events = statuses.into_iter().map(event).collect::<Result<Vec<_>, _>>()?;
    let processes = one_or_many(&document["dpv:hasProcess"]);
    let provisions = processes.into_iter().map(provision).collect::<Result<Vec<_>, _>>()?;
    let record_id = member(document, "dct:identifier")?;
    let subject = member(&document["dpv:hasDataSubject"], "@id")?;
    let mut record = template.record(record_id, subject, provisions);
    if document.get("gw:processing").is_some() {
        let provisions = std::mem::take(&mut record.processing.provisions);
        let mut processing: Value = member(document, "gw:processing")?;
        processing["provisions"] = json!(provisions);
        record.processing = serde_json::from_value(processing)
            .map_err(|error| ExchangeError::Unreadable(format!("`gw:processing`: {error}")))?;
        record.parties = member(document, "gw:parties")?;
        record.header.replaces = member::<crate::grant::Header>(document, "gw:header")?.replaces;
    }
    folded(record, events)
}

fn event(status: &Value) -> Result<Event, ExchangeError> {
    let types: Vec<&str> = one_or_many(&status["@type"]).into_iter().filter_map(Value::as_str).collect();
    let state: Option<State> = types.iter().find_map(|text| text.parse().ok());
    let state = state.ok_or_else(|| ExchangeError::Unreadable(format!("no state of a consent is among {types:?}")))?;
    let by = match status["dpv:isIndicatedBy"].as_str() {
        Some("dpv:DataSubject") => Who::Subject,
        _ => parsed(&status["dpv:isIndicatedBy"], "dpv:isIndicatedBy")?,
    };
    let at = &status["dpv:isIndicatedAtTime"];
    // A day counts from its beginning for what ends a consent, and from its end for what gives it.
    let day = at.as_str().and_then(|text| text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10));
    let at = match day {
        Some(day) => {
            let day = if state.permits() { day.tomorrow().unwrap_or(day) } else { day };
            let start = day.to_zoned(jiff::tz::TimeZone::UTC);
            start.map_err(|_| ExchangeError::Unreadable("`dpv:isIndicatedAtTime` is no day".to_owned()))?.timestamp()
        }
        None => parsed(at, "dpv:isIndicatedAtTime")?,
    };
    let optional = |value: &Value| if value.is_null() { None } else { Some(value.clone()) };
    let proof = optional(&status["gw:proof"]).map(serde_json::from_value).transpose();
    Ok(Event {
        state,
        at,
        by,
        method: status["dpv:hasIndicationMethod"].as_str().and_then(|text| text.parse().ok()).unwrap_or(Method::Import),
        consent_type: types.iter().find_map(|text| text.parse().ok()),
        duration: optional(&status["dpv:hasDuration"])
            .map(|duration| parsed(&duration["rdf:value"], "dpv:hasDuration"))
            .transpose()?,
        proof: proof.map_err(|error| ExchangeError::Unreadable(format!("`gw:proof`: {error}")))?,
    })
}

/// Reads a process: ours as it was written; of others what we can name, and a permission that names less.
fn provision(process: &Value) -> Result<Provision, ExchangeError> {
    if process.get("gw:provision").is_some() {
        return member(process, "gw:provision");
    }
    let all = |name: &'static str| one_or_many(&process[name]).into_iter();
    let country = |value: &Value| {
        let code = value.as_str().and_then(|text| text.strip_prefix("loc:")).unwrap_or_default();
        code.parse().map_err(|error| ExchangeError::Unreadable(format!("`dpv:hasRecipientLocation`: {error}")))
    };
    let durations = all("dpv:hasStorageCondition").filter(|one| one["@type"] == "dpv:StorageDuration");
    let retention = durations.map(|one| parsed(&one["dpv:hasDuration"], "dpv:hasDuration")).next().transpose()?;
    Ok(Provision {
        effect: Effect::Permit,
        recipients: all("dpv:hasRecipient").map(recipient).collect::<Result<_, _>>()?,
        recipient_countries: all("dpv:hasRecipientLocation").map(country).collect::<Result<_, _>>()?,
        purposes: all("dpv:hasPurpose").map(|one| parsed(one, "dpv:hasPurpose")).collect::<Result<_, _>>()?,
        actions: BTreeSet::new(),
        categories: categories(all("dpv:hasPersonalData"))?,
        valid: crate::grant::ValidTime::default(),
        from_stage: None,
        until_stage: None,
        retention,
        onward: None,
        exceptions: Vec::new(),
    })
}

/// A recipient as we name it: `partner acme`, `employer be-kbo:…`.
pub(super) fn recipient(value: &Value) -> Result<Recipient, ExchangeError> {
    let text = value.as_str().unwrap_or_default();
    let known = match text.split_once(' ') {
        Some(("partner", id)) => id.parse().ok().map(|id| Recipient::Partner { id }),
        Some(("employer", id)) => id.parse().ok().map(|id| Recipient::Employer { id }),
        _ => None,
    };
    known.ok_or_else(|| ExchangeError::Unreadable(format!("`{text}` is no recipient that we know")))
}

/// The categories whose data is there as a whole. Of none, nothing would be named, which means more: refused.
fn categories<'a>(data: impl Iterator<Item = &'a Value>) -> Result<BTreeSet<Category>, ExchangeError> {
    let named: BTreeSet<&str> = data
        .filter_map(|one| one.as_str().or_else(|| one["@id"].as_str()).or_else(|| one["skos:broader"].as_str()))
        .collect();
    let is_there = |category: &Category| {
        let terms = data_of(*category);
        named.contains(format!("gw:{category}").as_str())
            || (!terms.is_empty() && terms.iter().all(|term| named.contains(term)))
    };
    let found: BTreeSet<Category> = Category::ALL.iter().copied().filter(is_there).collect();
    if found.is_empty() {
        Err(ExchangeError::Unreadable("`dpv:hasPersonalData` holds no category as a whole".to_owned()))
    } else {
        Ok(found)
    }
}

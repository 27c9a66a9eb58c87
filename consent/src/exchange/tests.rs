use serde_json::json;

use super::*;

type Change = fn(&mut Value);

fn sample() -> Grant {
    serde_json::from_str(include_str!("../../../tests/consent/grant.json")).unwrap()
}

fn template() -> Template {
    // Another person's grant with permissions of its own: nothing of those may be taken over.
    let mut other = serde_json::to_value(sample()).unwrap();
    other["header"]["subject"] = "5d0c7a9e-3b1f-4f7e-8a64-1c2e9b7d0f99".into();
    other["processing"]["provisions"][0]["categories"] = json!(["restricted"]);
    other["processing"]["provisions"][0]["exceptions"] = json!([]);
    serde_json::from_value(other).unwrap()
}

fn withdrawn() -> Grant {
    let mut grant = serde_json::to_value(sample()).unwrap();
    let event =
        json!({"state": "dpv:ConsentWithdrawn", "at": "2026-05-01T00:00:00Z", "by": "subject", "method": "phone"});
    grant["events"].as_array_mut().unwrap().push(event);
    grant["header"]["replaces"] = "0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a00".into();
    serde_json::from_value(grant).unwrap()
}

/// A document of the project's library of facts, if it is there.
fn shared(name: &str) -> Option<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/morocco/consent");
    if !folder.is_dir() {
        eprintln!("skipped: there is no {}", folder.display());
        return None;
    }
    Some(std::fs::read_to_string(folder.join(name)).unwrap())
}

fn refused(format: Format, document: &Value) -> String {
    import(format, document, &template()).unwrap_err().to_string()
}

#[test]
fn a_record_in_dpv_terms_is_read_as_it_was_written() {
    for grant in [sample(), withdrawn()] {
        let document = export(Format::Iso27560, &grant).unwrap();
        assert_eq!(document["dpv:hasConsentStatus"][1]["@type"][0], "dpv:ConsentGiven");
        assert_eq!(document["dpv:hasProcess"][0]["dpv:hasPersonalData"][0]["@id"], "gw:profile");
        assert_eq!(import(Format::Iso27560, &document, &template()).unwrap(), grant);
    }
}

#[test]
fn a_record_of_others_permits_only_what_we_can_name() {
    let document = json!({
        "@type": "dpv:ConsentRecord",
        "dct:identifier": "a6f58318-72e6-46a2-bfd7-f36d795e30cd",
        "dpv:hasDataSubject": {"@id": "5d0c7a9e-3b1f-4f7e-8a64-1c2e9b7d0f11"},
        "dpv:hasProcess": {
            "dpv:hasRecipient": "partner acme", "dpv:hasRecipientLocation": "loc:BE",
            "dpv:hasPurpose": "dpv:PersonnelHiring",
            // Half of `contact`, and all of `identity`.
            "dpv:hasPersonalData": ["pd:EmailAddress", {"skos:broader": "pd:Name"}],
            "dpv:hasStorageCondition": [{"@type": "dpv:StorageDuration", "dpv:hasDuration": "P6M"}],
        },
        "dpv:hasConsentStatus": [
            {"@type": ["dpv:ConsentGiven", "dpv:ExpressedConsent"], "dpv:isIndicatedBy": "dpv:DataSubject",
             "dpv:hasIndicationMethod": "Interaction in App", "dpv:isIndicatedAtTime": "2026-01-01",
             "dpv:hasDuration": {"@type": "dpv:TemporalDuration", "rdf:value": "P12M"}},
            {"@type": "dpv:ConsentWithdrawn", "dpv:isIndicatedBy": "dpv:DataSubject",
             "dpv:hasIndicationMethod": "Interaction in App", "dpv:isIndicatedAtTime": "2026-04-20"},
        ],
    });
    let grant = import(Format::Iso27560, &document, &template()).unwrap();
    let provision = &grant.record().processing.provisions[0];
    assert_eq!(provision.categories.iter().map(|one| one.as_str()).collect::<Vec<_>>(), ["identity"]);
    let at: Vec<String> = grant.events().iter().map(|event| format!("{} {}", event.state, event.at)).collect();
    assert_eq!(
        at,
        [
            "dpv:ConsentRequested 2026-01-02T00:00:00Z",
            "dpv:ConsentGiven 2026-01-02T00:00:00Z",
            "dpv:ConsentWithdrawn 2026-04-20T00:00:00Z"
        ],
        "a day gives from its end and takes from its beginning"
    );
    let changed = |change: Change| {
        let mut document = document.clone();
        change(&mut document);
        refused(Format::Iso27560, &document)
    };
    assert!(
        changed(|one| one["dpv:hasProcess"]["dpv:hasPersonalData"] = "pd:EmailAddress".into()).contains("as a whole")
    );
    assert!(changed(|one| one["dpv:hasProcess"]["dpv:hasRecipient"] = "ex:Acme".into()).contains("ex:Acme"));
    assert!(changed(|one| one["dpv:hasProcess"]["dpv:hasPurpose"] = "dpv:Marketing".into()).contains("dpv:Marketing"));
    assert!(changed(|one| one["dpv:hasProcess"]["dpv:hasStorageCondition"] = json!([])).contains("retention"));
    assert!(changed(|one| one["dpv:hasConsentStatus"][0]["@type"] = "dpv:Else".into()).contains("no state"));
    assert!(
        changed(|one| one["dpv:hasDataSubject"]["@id"] = "0760c9ba".into()).contains("@id"),
        "that is no pseudonym"
    );
}

#[test]
fn a_receipt_is_read_as_it_was_written() {
    let document = export(Format::Kantara, &sample()).unwrap();
    let read = import(Format::Kantara, &document, &template()).unwrap();
    assert_eq!(read.record().processing.provisions, sample().record().processing.provisions);
    assert_eq!((read.id(), read.record().header.subject), (sample().id(), sample().record().header.subject));
    assert_eq!(read.events()[1].at, sample().events()[1].at);
    assert_eq!(read.events()[1].duration, sample().events()[1].duration);
    assert!(export(Format::Kantara, &withdrawn()).unwrap_err().to_string().contains("none now"));
}

#[test]
fn a_receipt_of_others_is_read_as_the_plain_permission_it_shows() {
    let mut document = export(Format::Kantara, &sample()).unwrap();
    document["services"][0]["purposes"][0].as_object_mut().unwrap().remove("gw:provision");
    document.as_object_mut().unwrap().remove("gw:duration");
    // Without our own words it does not say that the picture waits: such a receipt would not have named it.
    document["services"][0]["purposes"][0]["piiCategory"] = json!(["profile", "skills"]);
    let read = import(Format::Kantara, &document, &template()).unwrap();
    let provision = &read.record().processing.provisions[0];
    assert_eq!(provision.recipients, sample().record().processing.provisions[0].recipients);
    assert_eq!(provision.categories.len(), 2);
    assert_eq!(read.events()[1].duration.as_ref().unwrap().to_string(), "P6M", "no longer than it may be kept");
    document["services"][0]["purposes"][0]["consentType"] = "N/A".into();
    let read = import(Format::Kantara, &document, &template()).unwrap();
    assert_eq!(read.events()[1].consent_type.unwrap().as_str(), "dpv:ImpliedConsent");
    document["services"][0]["purposes"][0]["piiCategory"] = json!([]);
    assert!(refused(Format::Kantara, &document).contains("permit more"), "left out means every plain one to us");
    document["version"] = "KI-CR-v1.0.0".into();
    assert!(refused(Format::Kantara, &document).contains("KI-CR-v1.1.0"));
}

#[test]
fn a_receipt_is_valid_by_the_published_schema() {
    let Some(text) = shared("kantara-cr-v1_1-schema.json") else { return };
    // The published schema has comments.
    let text: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let schema = serde_json::from_str::<Value>(&text).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let document = export(Format::Kantara, &sample()).unwrap();
    let faults: Vec<String> = schema.iter_errors(&document).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    let example: Value = serde_json::from_str(&shared("kantara-cr-v1_1-example.json").unwrap()).unwrap();
    let said = refused(Format::Kantara, &example);
    assert!(said.contains("thirdParty") || said.contains("termination"), "what it permits we cannot name: {said}");
    for name in ["piiPrincipalId", "jurisdiction", "spiCat"] {
        let mut broken = document.clone();
        broken.as_object_mut().unwrap().remove(name);
        assert!(!schema.is_valid(&broken), "the schema judges at all: {name}");
    }
}

/// An invented Consent, after the resource's definition.
fn consent() -> Value {
    json!({
        "resourceType": "Consent", "id": "a6f58318-72e6-46a2-bfd7-f36d795e30cd", "status": "active", "decision": "deny",
        "subject": {"reference": "Patient/5d0c7a9e-3b1f-4f7e-8a64-1c2e9b7d0f11"},
        "date": "2026-03-02T09:05:00Z", "period": {"start": "2026-03-02T09:05:00Z", "end": "2027-03-02T00:00:00Z"},
        "grantee": [{"identifier": {"value": "be-kbo:0999999922"}}],
        "verification": [{"verified": true}],
        "provision": [{
            "purpose": [{"code": "dpv:RecruitmentApplicantSelection"}],
            "action": [{"coding": [{"code": "access"}]}, {"coding": [{"code": "collect"}]}],
            "code": [{"coding": [{"code": "profile"}]}, {"coding": [{"code": "picture"}]}],
            "provision": [{
                "code": [{"coding": [{"code": "picture"}]}], "period": {"end": "2026-06-01T00:00:00Z"},
                "documentType": [{"code": "photo"}],
            }],
        }],
    })
}

#[test]
fn each_level_of_a_fhir_consent_negates_the_one_above() {
    let grant = import(Format::Fhir, &consent(), &template()).unwrap();
    let root = &grant.record().processing.provisions[0];
    assert_eq!(
        serde_json::to_value(root).unwrap(),
        json!({
            "effect": "permit",
            "recipients": [{"kind": "employer", "id": "be-kbo:0999999922"}],
            "recipient_countries": ["BE"],
            "purposes": ["dpv:RecruitmentApplicantSelection"],
            "actions": ["read", "store"],
            "categories": ["profile", "picture"],
            "retention": "P6M",
            "exceptions": [{"effect": "deny", "categories": ["picture"], "valid": {"until": "2026-06-01T00:00:00Z"}}],
        })
    );
    assert_eq!(grant.state(), State::Given);
    assert_eq!(grant.events()[1].duration.as_ref().unwrap().to_string(), "2027-03-02T00:00:00Z");
}

#[test]
fn what_would_widen_a_fhir_consent_refuses_it() {
    let changed = |change: Change| {
        let mut document = consent();
        change(&mut document);
        import(Format::Fhir, &document, &template()).map(|grant| grant.state()).map_err(|error| error.to_string())
    };
    for name in
        ["securityLabel", "documentType", "resourceType", "dataPeriod", "data", "expression", "modifierExtension"]
    {
        let mut document = consent();
        document["provision"][0][name] = json!([]);
        assert!(refused(Format::Fhir, &document).contains(name));
    }
    let faults: [(Change, &str); 10] = [
        (|one| one["decision"] = "permit".into(), "permit"),
        (|one| one["status"] = "unknown".into(), "unknown"),
        (|one| one["period"] = json!({}), "endless"),
        (|one| one["grantee"] = json!([]), "recipients"),
        (|one| one["provision"][0]["purpose"] = json!([]), "purposes"),
        (|one| one["provision"][0]["action"][0]["coding"][0]["code"] = "correct".into(), "correct"),
        (|one| one["provision"][0]["code"][0]["coding"][0]["code"] = "34133-9".into(), "34133-9"),
        (|one| one["provision"][0]["actor"] = json!([{"role": {"coding": [{"code": "CST"}]}}]), "CST"),
        (
            |one| {
                let roles = ["IRCP", "CST"].map(|code| json!({"role": {"coding": [{"code": code}]}}));
                one["provision"][0]["actor"] = json!(roles);
            },
            "CST",
        ),
        (|one| one["modifierExtension"] = json!([{"url": "https://fhir.example/not"}]), "modifierExtension"),
    ];
    for (change, expected) in faults {
        let error = changed(change).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    for (status, state) in [
        ("inactive", State::Revoked),
        ("not-done", State::Refused),
        ("draft", State::Requested),
        ("entered-in-error", State::Invalidated),
    ] {
        let mut document = consent();
        document["status"] = status.into();
        assert_eq!(import(Format::Fhir, &document, &template()).unwrap().state(), state);
    }
}

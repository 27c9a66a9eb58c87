//! The order of the steps, and what it says where it ends.

use serde_json::{Value, json};

use super::*;

#[test]
fn nothing_goes_about_nobody_or_without_an_instrument() {
    step("permit", |_| {});
    step("subject_unknown", |case| case.request["subject_state"] = "unknown".into());
    step("subject_erased", |case| case.request["subject_state"] = "erased".into());
    step("subject_restricted", |case| case.request["subject_state"] = "restricted".into());
    step("nothing_asked", |case| case.request["purposes"] = json!([]));
    step("nothing_asked", |case| case.request["actions"] = json!([]));
    step("nothing_asked", |case| case.request["categories"] = json!([]));
    step("no_transfer_instrument", |case| case.transfers = "");
    step("no_transfer_instrument", |case| case.request["exporter"]["kind"] = "platform".into());
    step("no_grant", |case| case.grant = json!([]));
    step("no_grant", |case| case.grant["header"]["subject"] = "5d0c7a9e-3b1f-4f7e-8a64-1c2e9b7d0f12".into());
}

#[test]
fn only_a_consent_that_was_given_is_one() {
    let event_of =
        |state: &str, by: &str| json!({"state": state, "at": "2026-05-01T00:00:00Z", "by": by, "method": "web"});
    step("consent_not_given", |case| drop(case.grant["events"].as_array_mut().unwrap().pop()));
    step("consent_withdrawn", move |case| event(case, event_of("dpv:ConsentWithdrawn", "subject")));
    step("consent_revoked", move |case| event(case, event_of("dpv:ConsentRevoked", "gateway")));
    step("consent_invalidated", move |case| event(case, event_of("dpv:ConsentInvalidated", "gateway")));
    step("consent_expired", move |case| event(case, event_of("dpv:ConsentExpired", "gateway")));
    step("consent_refused", move |case| {
        case.grant["events"].as_array_mut().unwrap().pop();
        event(case, event_of("dpv:ConsentRefused", "subject"));
    });
}

#[test]
fn a_consent_and_its_permissions_have_their_time() {
    step("consent_not_yet", |case| case.now = "2026-03-02T09:04:59Z");
    step("permit", |case| case.now = "2026-03-02T09:05:00Z");
    step("permit", |case| case.now = "2027-03-02T09:04:59Z");
    step("consent_expired", |case| case.now = "2027-03-02T09:05:00Z");
    step("consent_expired", |case| {
        case.grant["events"][1]["duration"] = "event:training.ended".into();
        case.request["happened"] = json!(["training.ended"]);
    });
    step("consent_out_of_period", |case| case.request["happened"] = json!(["placement.closed"]));
    step("permit", |case| case.request["happened"] = json!(["placement.opened"]));
    step("consent_out_of_period", |case| root(case)["valid"] = json!({"from": "2026-06-01T12:00:01Z"}));
    step("permit", |case| root(case)["valid"] = json!({"from": "2026-06-01T12:00:00Z"}));
    step("consent_out_of_period", |case| root(case)["valid"] = json!({"until": "2026-06-01T12:00:00Z"}));
    step("consent_out_of_period", |case| root(case)["valid"] = json!({"until": "P2M"}));
    step("permit", |case| root(case)["valid"] = json!({"until": "P3M"}));
    step("permit", |case| root(case)["valid"] = json!({"from": "2026-04-02T00:00:00Z", "until": "P2M"}));
}

#[test]
fn consent_to_a_transfer_is_explicit_and_names_it() {
    step("transfer_not_consented", |case| case.grant["processing"]["transfer"] = json!({}));
    step("transfer_not_consented", |case| {
        case.grant["processing"]["transfer"] = json!({"BE->MA": "ma:09-08:art44-consent"});
    });
    step("transfer_not_consented", |case| {
        case.grant["processing"]["transfer"] = json!({"MA->BE": "eu-gdpr:A49-1-a"});
    });
    step("transfer_not_consented", |case| case.grant["events"][1]["type"] = "dpv:ExpressedConsent".into());
}

#[test]
fn recipient_and_country_are_named_together() {
    step("recipient_not_named", |case| case.request["recipient"]["legal_id"] = "be-kbo:0000000097".into());
    step("recipient_not_named", |case| case.request["recipient"]["legal_id"] = Value::Null);
    step("recipient_not_named", |case| root(case)["recipients"] = json!([{"kind": "partner", "id": "zenith"}]));
    step("permit", |case| root(case)["recipients"] = json!([{"kind": "partner", "id": "acme"}]));
    step("recipient_not_named", |case| root(case)["recipients"] = json!([{"kind": "class", "role": "public_service"}]));
    step("recipient_country_not_named", |case| root(case)["recipient_countries"] = json!(["FR"]));
    step("recipient_country_not_named", |case| {
        // The right recipient and the right country, but not in one permission.
        let mut other = root(case).clone();
        root(case)["recipient_countries"] = json!(["FR"]);
        other["recipients"] = json!([{"kind": "partner", "id": "zenith"}]);
        case.grant["processing"]["provisions"].as_array_mut().unwrap().push(other);
    });
}

#[test]
fn every_purpose_is_named() {
    step("purpose_not_permitted", |case| {
        case.request["purposes"] = json!(["dpv:RecruitmentApplicantSelection", "dpv:PersonnelHiring"]);
    });
    step("purpose_not_permitted", |case| {
        // Named, but for another country.
        let mut other = root(case).clone();
        other["recipient_countries"] = json!(["FR"]);
        other["purposes"] = json!(["dpv:PersonnelHiring"]);
        case.grant["processing"]["provisions"].as_array_mut().unwrap().push(other);
        case.request["purposes"] = json!(["dpv:PersonnelHiring"]);
    });
    step("purpose_not_permitted", |case| {
        // Named, but for another recipient.
        let mut other = root(case).clone();
        other["recipients"] = json!([{"kind": "partner", "id": "zenith"}]);
        other["purposes"] = json!(["dpv:PersonnelHiring"]);
        case.grant["processing"]["provisions"].as_array_mut().unwrap().push(other);
        case.request["purposes"] = json!(["dpv:PersonnelHiring"]);
    });
    step("nothing_permitted", |case| case.request["categories"] = json!(["restricted", "shoe_size"]));
    step("nothing_permitted", |case| case.request["actions"] = json!(["read", "disclose"]));
}

#[test]
fn the_reason_is_that_of_the_newest_grant() {
    let ended = |state: &str, at: &str, by: &str, number: u8| {
        let mut grant: Value = serde_json::from_str(RECORD).unwrap();
        grant["header"]["record_id"] = format!("0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a0{number}").into();
        grant["events"].as_array_mut().unwrap().push(json!({"state": state, "at": at, "by": by, "method": "web"}));
        grant
    };
    let older = ended("dpv:ConsentRevoked", "2026-04-01T00:00:00Z", "gateway", 3);
    let newer = ended("dpv:ConsentWithdrawn", "2026-05-01T00:00:00Z", "subject", 4);
    for grants in [json!([older, newer]), json!([newer, older])] {
        assert_eq!(reason(&case(|case| case.grant = grants)), "consent_withdrawn");
    }
    let at_once = ended("dpv:ConsentInvalidated", "2026-05-01T00:00:00Z", "gateway", 5);
    for grants in [json!([at_once, newer]), json!([newer, at_once])] {
        assert_eq!(reason(&case(|case| case.grant = grants)), "consent_invalidated", "whatever their order");
    }
}

#[test]
fn a_denial_says_what_would_help() {
    let help = |change: fn(&mut Case)| {
        let decision = case(change);
        let said = decision.steps.last().unwrap().said.clone();
        let Outcome::Deny { remedy, .. } = decision.outcome else { panic!("{said}") };
        assert_eq!(said, remedy);
        remedy
    };
    assert!(help(|case| case.transfers = "").contains("`[[transfers]]`"));
    assert!(help(|case| case.grant = json!([])).contains("ask the person"));
    assert!(help(|case| case.now = "2026-03-02T09:04:59Z").contains("wait for the time"));
    assert!(help(|case| case.request["actions"] = json!([])).contains("one action"));
}

#[test]
fn the_explanation_names_the_provision() {
    let decision = case(|_| {});
    let by = |name: &str| {
        let found = decision.categories.iter().find(|one| one.category == name).unwrap();
        found.decided_by.iter().cloned().collect::<Vec<_>>().join("; ")
    };
    assert_eq!(by("profile"), "0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a01 version 2 provision 1 permits");
    assert_eq!(by("picture"), "0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a01 version 2 provision 1.1 denies");
    assert_eq!(by("restricted"), "");
    let said: Vec<&str> = decision.steps.iter().map(|step| step.said.as_str()).collect();
    assert_eq!(said.len(), 8);
    assert!(said[1].contains("ma:09-08:art44-consent"), "{}", said[1]);
    assert!(said[2].contains("0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a01 version 2"), "{}", said[2]);
    assert_eq!(said[5], "1 of 4 categories are permitted");
}

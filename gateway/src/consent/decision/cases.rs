//! Cases by hand, out of the reference.

use serde_json::{Value, json};

use super::*;
use crate::consent::grant::Onward;

const RECORD: &str = include_str!("../../../../tests/consent/grant.json");
const REQUEST: &str = include_str!("../../../../tests/consent/request.json");

struct Case {
    grant: Value,
    request: Value,
    now: &'static str,
    transfers: &'static str,
}

/// A case in which everything is right, and what is to be changed in it.
fn case(change: impl FnOnce(&mut Case)) -> Decision {
    let mut case = Case {
        grant: serde_json::from_str(RECORD).unwrap(),
        request: serde_json::from_str(REQUEST).unwrap(),
        now: "2026-06-01T12:00:00Z",
        transfers: include_str!("../../../../tests/consent/passerelle.toml"),
    };
    change(&mut case);
    let grants = match case.grant {
        Value::Array(grants) => grants,
        one => vec![one],
    };
    decided_on(&grants, case.request, case.transfers, case.now)
}

fn decided_on(grants: &[Value], request: Value, transfers: &str, now: &str) -> Decision {
    #[derive(serde::Deserialize)]
    struct File {
        transfers: Vec<crate::consent::TransferSettings>,
    }
    let grants: Vec<Grant> = grants.iter().map(|one| serde_json::from_value(one.clone()).unwrap()).collect();
    let transfers =
        if transfers.is_empty() { Vec::new() } else { toml::from_str::<File>(transfers).unwrap().transfers };
    let transfers = Transfers::new(transfers).unwrap();
    let request: Request = serde_json::from_value(request).unwrap();
    decide(&request, &Evidence { grants: &grants, transfers: &transfers, now: now.parse().unwrap() })
}

fn reason(decision: &Decision) -> &'static str {
    match &decision.outcome {
        Outcome::Deny { reason, .. } => reason.code(),
        Outcome::Permit { .. } => "permit",
    }
}

fn root(case: &mut Case) -> &mut Value {
    &mut case.grant["processing"]["provisions"][0]
}

/// What becomes of one category.
fn of_category(name: &str, change: impl FnOnce(&mut Case)) -> &'static str {
    let decision = case(|case| {
        case.request["categories"] = json!([name]);
        change(case);
    });
    match decision.categories.as_slice() {
        [one] => one.withheld.map_or("goes", Withheld::code),
        _ => reason(&decision),
    }
}

fn event(case: &mut Case, event: Value) {
    case.grant["events"].as_array_mut().unwrap().push(event);
}

/// What the order comes to with one change, and that its steps say so.
fn step(expected: &str, change: impl FnOnce(&mut Case)) {
    let decision = case(change);
    assert_eq!(reason(&decision), expected, "{:?}", decision.steps);
    assert_eq!(decision.steps.last().unwrap().passed, expected == "permit");
    assert!(decision.steps.iter().zip(1..).all(|(step, number)| step.number == number));
}

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
fn each_category_goes_or_stays_for_its_reason() {
    let at = |stage: &'static str| move |case: &mut Case| case.request["stage"] = stage.into();
    assert_eq!(of_category("profile", |_| {}), "goes");
    assert_eq!(of_category("video", |_| {}), "category_not_permitted", "it is not among those that are named");
    assert_eq!(of_category("picture", at("presented")), "category_excepted");
    assert_eq!(of_category("picture", at("interview_scheduled")), "goes");
    assert_eq!(of_category("picture", |case| case.request["stage"] = Value::Null), "category_excepted");
    assert_eq!(of_category("contact", at("preselected")), "category_too_early");
    assert_eq!(of_category("contact", at("presented")), "goes");
    assert_eq!(of_category("contact", |case| case.request["stage"] = Value::Null), "category_too_early");
    assert_eq!(of_category("identity", at("applied")), "category_too_early");
    assert_eq!(of_category("shoe_size", |_| {}), "category_unclassified");
    assert_eq!(of_category("Profile", |_| {}), "category_unclassified", "a word is spelt in one way");
    assert_eq!(
        of_category("contact", |case| {
            root(case)["from_stage"] = "preselected".into();
            case.request["stage"] = "preselected".into();
        }),
        "goes",
        "the permission itself says from when"
    );
    assert_eq!(
        of_category("contact", |case| {
            root(case)["recipients"] = json!([{"kind": "class", "role": "public_service"}]);
            case.request["recipient"]["kind"] = "public_service".into();
            case.request["exporter"]["country"] = "BE".into();
            case.request["stage"] = "applied".into();
        }),
        "goes",
        "the stage is a rule for employers"
    );
    let born = |case: &mut Case| root(case)["categories"] = json!(["birth_date"]);
    assert_eq!(of_category("birth_date", born), "category_too_early");
    assert_eq!(
        of_category("birth_date", |case| {
            born(case);
            case.request["stage"] = "contract_signed".into();
        }),
        "goes"
    );
}

#[test]
fn what_may_say_anything_and_what_services_note_is_denied_unless_it_is_meant() {
    let named = |name: &'static str| {
        move |case: &mut Case| {
            root(case)["categories"] = json!([name]);
            root(case).as_object_mut().unwrap().remove("exceptions");
            case.request["stage"] = "contract_signed".into();
        }
    };
    assert_eq!(of_category("record", |_| {}), "category_unclassified", "nobody is asked about it");
    assert_eq!(of_category("attachments", named("attachments")), "goes");
    assert_eq!(
        of_category("attachments", |case| {
            named("attachments")(case);
            case.request["stage"] = "presented".into();
        }),
        "category_too_early",
        "a file may hold the birth date"
    );
    assert_eq!(
        of_category("attachments", |case| {
            named("attachments")(case);
            case.request["exporter"]["country"] = "BE".into();
            case.grant["events"][1]["type"] = "dpv:ExpressedConsent".into();
        }),
        "category_not_explicit",
        "a file may hold what wants explicit consent"
    );
    assert_eq!(of_category("service_file", named("service_file")), "category_not_permitted", "never to an employer");
    let to_a_service = |case: &mut Case| {
        named("service_file")(case);
        root(case)["recipients"] = json!([{"kind": "class", "role": "public_service"}]);
        case.request["recipient"]["kind"] = "public_service".into();
        case.request["exporter"]["country"] = "BE".into();
    };
    assert_eq!(of_category("service_file", to_a_service), "goes");
    let without = |case: &mut Case| {
        to_a_service(case);
        root(case).as_object_mut().unwrap().remove("categories");
    };
    assert_eq!(of_category("service_file", without), "category_not_permitted", "it wants a tick of its own");
    let mut grant: Value = serde_json::from_str(RECORD).unwrap();
    grant["processing"]["provisions"][0]["categories"] = json!(["record"]);
    assert!(serde_json::from_value::<Grant>(grant).unwrap_err().to_string().contains("leave it out"));
}

#[test]
fn leaving_categories_out_means_the_plain_ones_only() {
    let plain = ["profile", "skills", "languages", "education", "employment", "intro"];
    for category in schemas::Category::ALL {
        let outcome = of_category(category.as_str(), |case| {
            root(case).as_object_mut().unwrap().remove("categories");
            root(case).as_object_mut().unwrap().remove("exceptions");
            case.request["stage"] = "started".into();
        });
        let expected = match category {
            schemas::Category::Record => "category_unclassified",
            _ if plain.contains(&category.as_str()) => "goes",
            _ => "category_not_permitted",
        };
        assert_eq!(outcome, expected, "{category}");
    }
    // A denial that leaves them out means all.
    for category in ["profile", "picture"] {
        let outcome = of_category(category, |case| {
            case.request["stage"] = "started".into();
            root(case)["exceptions"] = json!([{"effect": "deny"}]);
        });
        assert_eq!(outcome, "category_excepted", "{category}");
    }
}

#[test]
fn restricted_goes_by_explicit_consent_to_it_alone() {
    let alone = |case: &mut Case| root(case)["categories"] = json!(["restricted"]);
    assert_eq!(of_category("restricted", alone), "goes");
    let bundled = |case: &mut Case| root(case)["categories"] = json!(["restricted", "profile"]);
    assert_eq!(of_category("restricted", bundled), "category_not_permitted");
    // Without a transfer by consent a consent need not be explicit.
    let inside = |case: &mut Case| {
        alone(case);
        case.request["exporter"]["country"] = "BE".into();
        case.grant["events"][1]["type"] = "dpv:ExpressedConsent".into();
    };
    assert_eq!(of_category("restricted", inside), "category_not_explicit");
    assert_eq!(
        of_category("profile", |case| {
            case.request["exporter"]["country"] = "BE".into();
            case.grant["events"][1]["type"] = "dpv:ExpressedConsent".into();
        }),
        "goes"
    );
}

#[test]
fn the_deepest_provision_wins_and_ties_deny() {
    let permit = json!({"effect": "permit", "categories": ["profile"]});
    let deny = json!({"effect": "deny", "categories": ["profile"]});
    let within = |outer: &Value, inner: Vec<Value>| {
        let mut outer = outer.clone();
        outer["exceptions"] = inner.into();
        outer
    };
    let elsewhere = json!({"effect": "deny", "recipient_countries": ["FR"], "exceptions": [permit.clone()]});
    let other_action = json!({"effect": "deny", "actions": ["store"]});
    let other_purpose = json!({"effect": "deny", "purposes": ["dpv:PersonnelHiring"]});
    let wrong_actor = json!({"effect": "deny", "recipients": [{"kind": "partner", "id": "zenith"}]});
    let employers = json!({"effect": "deny", "recipients": [{"kind": "class", "role": "employer"}]});
    for (exceptions, expected) in [
        (vec![], "goes"),
        (vec![deny.clone()], "category_excepted"),
        (vec![permit.clone()], "goes"),
        (vec![permit.clone(), deny.clone()], "category_excepted"),
        (vec![deny.clone(), permit.clone()], "category_excepted"),
        (vec![within(&deny, vec![permit.clone()])], "goes"),
        (vec![within(&deny, vec![permit.clone()]), deny.clone()], "goes"),
        (vec![within(&deny, vec![permit.clone(), deny.clone()])], "category_excepted"),
        (vec![within(&permit, vec![deny.clone()]), permit.clone()], "category_excepted"),
        (vec![elsewhere, deny.clone()], "category_excepted"),
        (vec![other_action], "category_excepted"),
        (vec![other_purpose], "goes"),
        (vec![wrong_actor], "goes"),
        (vec![employers], "category_excepted"),
        (vec![json!({"effect": "deny", "from_stage": "interviewed"})], "goes"),
        (vec![json!({"effect": "deny", "from_stage": "presented"})], "category_excepted"),
        (vec![json!({"effect": "deny", "until_stage": "presented"})], "goes"),
        (vec![json!({"effect": "deny", "valid": {"from": "2026-07-01T00:00:00Z"}})], "goes"),
        (vec![json!({"effect": "deny", "valid": {"until": "event:placement.closed"}})], "category_excepted"),
    ] {
        let outcome = of_category("profile", |case| root(case)["exceptions"] = exceptions.clone().into());
        assert_eq!(outcome, expected, "{exceptions:?}");
    }
}

#[test]
fn a_denial_in_any_grant_that_is_in_force_holds() {
    let second = |provision: Value| {
        move |case: &mut Case| {
            let mut other = case.grant.clone();
            other["header"]["record_id"] = "0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a02".into();
            other["processing"]["provisions"] = json!([provision]);
            case.grant = json!([case.grant, other]);
        }
    };
    let denial = json!({"effect": "deny", "categories": ["profile"]});
    assert_eq!(of_category("profile", second(denial.clone())), "category_excepted");
    let withdrawn = of_category("profile", |case| {
        second(denial)(case);
        let event =
            json!({"state": "dpv:ConsentWithdrawn", "at": "2026-05-01T00:00:00Z", "by": "subject", "method": "web"});
        case.grant[1]["events"].as_array_mut().unwrap().push(event);
    });
    assert_eq!(withdrawn, "goes", "what is withdrawn says nothing any more");
    let elsewhere = json!({"effect": "deny", "categories": ["profile"], "recipient_countries": ["FR"]});
    assert_eq!(of_category("profile", second(elsewhere)), "goes");
}

#[test]
fn several_grants_permit_together_what_each_permits_for_a_purpose() {
    let decision = case(|case| {
        let mut other = case.grant.clone();
        other["header"]["record_id"] = "0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a02".into();
        other["processing"]["provisions"][0]["purposes"] = json!(["dpv:PersonnelHiring"]);
        other["processing"]["provisions"][0]["categories"] = json!(["profile"]);
        other["processing"]["provisions"][0]["retention"] = "P1M".into();
        case.grant = json!([case.grant, other]);
        case.request["purposes"] = json!(["dpv:RecruitmentApplicantSelection", "dpv:PersonnelHiring"]);
        case.request["categories"] = json!(["profile", "skills"]);
    });
    let Outcome::Permit { mask, obligations, grants } = &decision.outcome else { panic!("{decision:?}") };
    assert_eq!(mask.permitted.iter().map(|one| one.as_str()).collect::<Vec<_>>(), ["profile"]);
    assert_eq!(mask.withheld["skills"], Withheld::NotPermitted, "only one of them permits it");
    assert_eq!(obligations.retention.to_string(), "P1M", "the shortest holds");
    assert_eq!(grants.iter().map(|grant| grant.version).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn the_strictest_obligation_holds() {
    let obliged = |change: &dyn Fn(&mut Case)| {
        let decision = case(|case| {
            case.request["categories"] = json!(["profile"]);
            change(case);
        });
        let Outcome::Permit { obligations, .. } = decision.outcome else { panic!("{decision:?}") };
        (obligations.retain_until.to_string(), obligations.onward, obligations.notify_on_change)
    };
    let (may, not) = (Onward::WithAuthorisation, Onward::Deny);
    assert_eq!(obliged(&|_| {}), ("2026-12-01T12:00:00Z".to_owned(), not, true));
    assert_eq!(obliged(&|case| root(case)["onward"] = "with_authorisation".into()).1, not, "the transfer denies it");
    let inside = |case: &mut Case| {
        case.request["exporter"]["country"] = "BE".into();
        root(case)["onward"] = "with_authorisation".into();
    };
    assert_eq!(obliged(&|case| case.request["exporter"]["country"] = "BE".into()).1, not);
    assert_eq!(obliged(&inside).1, may);
    let twice = |case: &mut Case| {
        inside(case);
        let mut other = root(case).clone();
        other["onward"] = "deny".into();
        other["retention"] = "P2M".into();
        case.grant["processing"]["provisions"].as_array_mut().unwrap().push(other);
    };
    assert_eq!(obliged(&twice), ("2026-08-01T12:00:00Z".to_owned(), not, true), "two that permit oblige together");
    let nested = |case: &mut Case| {
        inside(case);
        root(case)["exceptions"] = json!([{"effect": "permit", "categories": ["profile"], "retention": "P9M"}]);
    };
    assert_eq!(obliged(&nested), ("2026-12-01T12:00:00Z".to_owned(), may, true), "an exception prolongs nothing");
    let stricter = |case: &mut Case| {
        inside(case);
        root(case)["exceptions"] =
            json!([{"effect": "permit", "categories": ["profile"], "retention": "P1M", "onward": "deny"}]);
    };
    assert_eq!(obliged(&stricter), ("2026-07-01T12:00:00Z".to_owned(), not, true));
    let silent = |case: &mut Case| {
        inside(case);
        root(case).as_object_mut().unwrap().remove("onward");
    };
    assert_eq!(obliged(&silent).1, not, "what is not said is denied");
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

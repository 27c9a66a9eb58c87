//! Which provision wins, and to what several oblige.

use serde_json::json;

use super::*;

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

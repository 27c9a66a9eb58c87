//! What happened, told between services: by their task, and never against the person.

use schemas::Category;

use super::*;

/// What is told of a placement is asked for between two services in Belgium, and the only grant is for somebody else.
fn told(change: impl FnOnce(&mut Case)) -> Decision {
    case_for(decide_feedback, |case| {
        case.request["categories"] = json!(["status_feedback", "service_file"]);
        case.request["exporter"] = json!({"kind": "public_service", "country": "BE"});
        case.request["recipient"] = json!({"kind": "public_service", "country": "BE", "partner": "vdab"});
        change(case);
    })
}

#[test]
fn between_services_stages_go_without_a_consent_and_nothing_else() {
    for grant in [json!([]), serde_json::from_str(RECORD).unwrap()] {
        let decision = told(|case| case.grant = grant);
        let Outcome::Permit { mask, obligations, grants } = &decision.outcome else { panic!("{decision:?}") };
        assert_eq!(mask.permitted, [Category::StatusFeedback].into());
        assert_eq!(mask.withheld["service_file"].code(), "category_not_permitted");
        assert_eq!((obligations.retention.to_string().as_str(), obligations.onward), ("P6M", Onward::Deny));
        assert!(obligations.notify_on_change && grants.is_empty());
        let withheld: Vec<_> = decision.categories.iter().map(|one| one.withheld.map(Withheld::code)).collect();
        assert_eq!(withheld, [Some("category_not_permitted"), None]);
        assert!(decision.steps.iter().zip(1..).all(|(step, number)| step.number == number));
        assert!(decision.steps.last().unwrap().passed);
    }
}

#[test]
fn whoever_is_no_service_wants_a_permission() {
    for end in ["exporter", "recipient"] {
        let decision = told(|case| case.request[end]["kind"] = "platform".into());
        assert_eq!(reason(&decision), "recipient_not_named", "{end}");
    }
    let profile = told(|case| case.request["categories"] = json!(["profile"]));
    assert_eq!(reason(&profile), "recipient_not_named", "a profile is no status");
    let permitted = told(|case| {
        case.request["exporter"]["kind"] = "platform".into();
        root(case)["recipients"] = json!([{"kind": "partner", "id": "vdab"}]);
        root(case)["categories"] = json!(["status_feedback"]);
    });
    assert_eq!(reason(&permitted), "permit");
}

#[test]
fn the_task_of_services_is_no_way_past_the_person_or_the_border() {
    let to_morocco = |case: &mut Case| case.request["recipient"]["country"] = "MA".into();
    assert_eq!(reason(&told(|case| case.request["subject_state"] = "restricted".into())), "subject_restricted");
    assert_eq!(reason(&told(|case| case.request["subject_state"] = "erased".into())), "subject_erased");
    assert_eq!(reason(&told(to_morocco)), "no_transfer_instrument");
    assert_eq!(reason(&told(|case| case.request["purposes"] = json!([]))), "nothing_asked");
    let by = |instrument: &str| {
        format!(
            "[[transfers]]\nfrom = {{ kind = \"public_service\", country = \"MA\" }}\n\
             to = {{ kind = \"public_service\", country = \"BE\" }}\ninstrument = \"{instrument}\"\nreference = \"x\"\n\
             since = \"2026-01-01\"\n"
        )
    };
    for (instrument, expected) in
        [("ma:09-08:art44-consent", "recipient_not_named"), ("ma:09-08:art44-agreement", "permit")]
    {
        let decision = told(|case| {
            case.request["exporter"]["country"] = "MA".into();
            case.transfers = by(instrument).leak();
        });
        assert_eq!(reason(&decision), expected, "{instrument}: where it rests on consent, only consent will do");
    }
    let denied = told(|case| {
        let mut denial = root(case).clone();
        denial["effect"] = "deny".into();
        denial["recipients"] = json!([{"kind": "partner", "id": "vdab"}]);
        denial["categories"] = json!(["status_feedback"]);
        denial["exceptions"] = json!([]);
        case.grant["processing"]["provisions"].as_array_mut().unwrap().push(denial);
    });
    assert_eq!(reason(&denied), "recipient_not_named", "what the person has denied by name stays denied");
}

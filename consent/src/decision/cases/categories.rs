//! What each category wants.

use serde_json::{Value, json};

use super::*;

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
fn a_permission_for_some_stages_says_nothing_while_none_is_known() {
    for bound in ["from_stage", "until_stage"] {
        let bounded = |case: &mut Case| root(case)[bound] = "presented".into();
        let unknown = |case: &mut Case| {
            bounded(case);
            case.request["stage"] = Value::Null;
        };
        assert_eq!(of_category("profile", unknown), "category_not_permitted", "{bound}");
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

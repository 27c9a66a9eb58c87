//! The table of rules: one row a rule and case.

use schemas::Kind;
use serde_json::{Value, json};

use super::*;

fn partner(id: &str, country: &str, rest: &str) -> Partner {
    Partner::parse(id, &format!("name = \"X\"\ncountry = \"{country}\"\nrole = \"public_service\"\n{rest}")).unwrap()
}

const REST: &str =
    "[outgoing.vacancy]\ndialect = \"canonical\"\nconnector = { kind = \"rest\", base_url = \"http://x\" }\n";
const ONLY_ZENITH: &str = "[outgoing.vacancy]\ndialect = \"canonical\"\nfrom = [\"zenith\"]\nconnector = { kind = \"rest\", base_url = \"http://x\" }\n";
const EURES: &str = "[outgoing.vacancy]\ndialect = \"eures-xml\"\nconnector = { kind = \"eures-feed\", token = \"t\", source = \"VDAB\" }\n";

#[test]
fn a_table_of_partners() {
    let table = [
        ("acme", "", "agency", REST, None),
        ("agency", "", "agency", REST, Some(Obstacle::CameFromThere)),
        ("acme", "", "agency", ONLY_ZENITH, Some(Obstacle::NotSubscribed)),
        ("zenith", "", "agency", ONLY_ZENITH, None),
        ("eures-nl", EURES, "eures-be", EURES, Some(Obstacle::CameFromEures)),
        ("eures-nl", EURES, "agency", REST, None),
        ("acme", "", "eures-be", EURES, None),
    ];
    let record = Record::new(Kind::Vacancy);
    for (source, source_rest, receiver, receiver_rest, expected) in table {
        let (source, receiver) = (partner(source, "BE", source_rest), partner(receiver, "BE", receiver_rest));
        let found = obstacle(&record, &source, &receiver, &receiver.outgoing[&Kind::Vacancy]);
        assert_eq!(found, expected, "from {} to {}", source.id, receiver.id);
    }
}

#[test]
fn a_co_owner_hears_of_what_others_made_of_its_own() {
    let owner = partner("agency", "BE", &format!("co_owner = true\n{REST}"));
    let record = Record::new(Kind::Vacancy);
    assert_eq!(obstacle(&record, &owner, &owner, &owner.outgoing[&Kind::Vacancy]), None);
}

#[test]
fn a_partner_that_sent_the_person_itself_gets_nothing_of_it_and_is_not_told_why() {
    let standing = |sources: &[&str]| crate::store::Standing {
        version: crate::store::SubjectVersion { subject: uuid::Uuid::nil(), version: 1 },
        grants: Vec::new(),
        progress: None,
        restricted_since: None,
        linked: [uuid::Uuid::from_u128(1)].into(),
        other_sources: sources.iter().map(|source| source.parse().unwrap()).collect(),
    };
    let (agency, owner) = (partner("agency", "BE", REST), partner("agency", "BE", &format!("co_owner = true\n{REST}")));
    assert_eq!(linked(&standing(&["acme"]), &agency), None);
    assert_eq!(linked(&standing(&["acme", "agency"]), &owner), None);
    let obstacle = linked(&standing(&["acme", "agency"]), &agency).unwrap();
    assert_eq!((obstacle.code(), obstacle.code_for_partners()), ("linked_source", "not_entitled"));
    assert!(!obstacle.is_between_partners(), "it would stand in the journal for whoever sent it");
}

/// What the vacancy says, the rules of the receiver, its country; the source is in Belgium.
#[test]
fn a_table_of_rules() {
    let flag = |name: &str, value: bool| json!({"eligibility": {name: value}});
    let employer = |scheme: &str, value: &str| json!({"employer": {"name": "Bouw BV", "legal_ids": [{"scheme": scheme, "value": value}]}});
    let works_in = |countries: &[&str]| json!({"locations": countries.iter().map(|country| json!({"country": country})).collect::<Vec<_>>()});
    let table: Vec<(Value, &str, &str, Option<Obstacle>)> = vec![
        (json!({}), "", "BE", None),
        // For the employer's own people.
        (flag("internal_only", true), "", "BE", Some(Obstacle::Internal)),
        (flag("internal_only", false), "", "BE", None),
        // Employers that opted out: of everything, or of this partner.
        (flag("employer_opt_out", true), "", "BE", Some(Obstacle::EmployerOptOut)),
        (flag("employer_opt_out", false), "", "BE", None),
        (
            employer("be-kbo", "0000000097"),
            "opted_out_employers = [\"0000000097\"]",
            "BE",
            Some(Obstacle::EmployerOptOut),
        ),
        (
            employer("be-kbo", "0000000097"),
            "opted_out_employers = [\"BE 0000.000.097\"]",
            "BE",
            Some(Obstacle::EmployerOptOut),
        ),
        (employer("be-kbo", "0000000196"), "opted_out_employers = [\"0000000097\"]", "BE", None),
        (employer("be-kbo", "0000000196"), "opted_out_employers = [\"Bouw BV\"]", "BE", Some(Obstacle::EmployerOptOut)),
        (json!({}), "opted_out_employers = [\"Bouw BV\"]", "BE", None),
        // Nationals only.
        (flag("nationals_only", true), "", "BE", None),
        (flag("nationals_only", true), "", "MA", Some(Obstacle::NationalsOnly)),
        (flag("nationals_only", false), "", "MA", None),
        (flag("nationals_only", true), "nationals_only = \"allowed\"", "MA", None),
        (flag("nationals_only", true), "nationals_only = \"refused\"", "BE", Some(Obstacle::NationalsOnly)),
        (json!({}), "nationals_only = \"refused\"", "BE", None),
        // The employer's word on recruiting abroad.
        (flag("international", false), "", "MA", None),
        (flag("international", false), "international = \"not_refused\"", "MA", Some(Obstacle::NotInternational)),
        (json!({}), "international = \"not_refused\"", "MA", None),
        (flag("international", true), "international = \"required\"", "MA", None),
        (json!({}), "international = \"required\"", "MA", Some(Obstacle::NotInternational)),
        // The employer's country: that of the register, else that of the source.
        (employer("ma-ice", "000000000000097"), "employer_countries = [\"MA\"]", "BE", None),
        (employer("be-kbo", "0000000097"), "employer_countries = [\"MA\"]", "BE", Some(Obstacle::EmployerCountry)),
        (json!({}), "employer_countries = [\"BE\", \"NL\"]", "MA", None),
        (json!({}), "employer_countries = [\"NL\"]", "MA", Some(Obstacle::EmployerCountry)),
        // Where the work is done: one place is enough, and silence is none.
        (works_in(&["BE"]), "location_countries = [\"BE\"]", "BE", None),
        (works_in(&["FR", "BE"]), "location_countries = [\"BE\"]", "BE", None),
        (works_in(&["FR"]), "location_countries = [\"BE\", \"NL\"]", "BE", Some(Obstacle::LocationCountry)),
        (json!({}), "location_countries = [\"BE\"]", "BE", Some(Obstacle::LocationCountry)),
    ];
    let source = partner("acme", "BE", "");
    for (record, rules, country, expected) in table {
        let receiver = partner("agency", country, &format!("{REST}[outgoing.vacancy.rules]\n{rules}\n"));
        let vacancy = Record::from_json(Kind::Vacancy, &record).unwrap();
        let found = obstacle(&vacancy, &source, &receiver, &receiver.outgoing[&Kind::Vacancy]);
        assert_eq!(found, expected, "{record} to a partner in {country} under `{rules}`");
    }
}

#[test]
fn eures_gets_nothing_that_is_for_nationals_only() {
    let (source, eures) = (partner("acme", "BE", ""), partner("eures-be", "BE", EURES));
    let record = Record::from_json(Kind::Vacancy, &json!({"eligibility": {"nationals_only": true}})).unwrap();
    assert_eq!(obstacle(&record, &source, &eures, &eures.outgoing[&Kind::Vacancy]), Some(Obstacle::NationalsOnly));
}

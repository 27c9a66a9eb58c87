//! Persons for tests: invented documents, what they permit, and who sends and receives them.

use connectors::{
    platform::stub::{PlatformSettings, PlatformStub},
    rest::stub::{Received, RestStub, Verdict},
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use schemas::Operation;
use serde_json::{Value, json};

use super::{Gateway, PATIENCE, comes_true};

/// Says by what data may leave Morocco for employers in Belgium.
pub const TRANSFERS: &str = include_str!("../consent/passerelle.toml");
/// The number of the employer that persons permit here.
pub const PERMITTED: &str = "be-kbo:0999999922";
/// The number of the employer that nobody permits.
pub const STRANGER: &str = "be-kbo:0000000097";

/// What the file of a partner has that tells what becomes of profiles.
const EVENTS: &str = "[incoming.placement_status]\ndialect = \"placement-event\"\n";

/// An employment service that pushes talent profiles.
pub fn profile_source<'a>(id: &'a str, dialect: &str) -> (&'a str, String) {
    let file = format!(
        "name = \"Service (invented)\"\ncountry = \"MA\"\nrole = \"public_service\"\n\
         [incoming.talent_profile]\ndialect = \"{dialect}\"\n"
    );
    (id, file)
}

/// The same, which tells what becomes of the persons that it has sent in.
pub fn telling_source<'a>(id: &'a str, dialect: &str) -> (&'a str, String) {
    let (id, file) = profile_source(id, dialect);
    (id, format!("{file}{EVENTS}"))
}

/// The same, whose files are fetched from where they lie inside.
pub fn media_source<'a>(id: &'a str, dialect: &str, origin: &str) -> (&'a str, String) {
    let (id, file) = profile_source(id, dialect);
    let media = format!("[incoming.talent_profile.media]\nfrom = [\"public\"]\ninside = [\"{origin}\"]\n");
    (id, format!("{file}{media}"))
}

/// An employer that talent profiles are presented to.
pub fn employer<'a>(id: &'a str, legal_id: &str, dialect: &str, base_url: &str) -> (&'a str, String) {
    let file = format!(
        "name = \"Employer (invented)\"\ncountry = \"BE\"\nrole = \"employer\"\nlegal_id = \"{legal_id}\"\n\
         [outgoing.talent_profile]\ndialect = \"{dialect}\"\n\
         connector = {{ kind = \"rest\", base_url = \"{base_url}\", token = \"{id}-token\" }}\n\
         [outgoing.talent_profile.consent]\npurposes = [\"dpv:RecruitmentApplicantSelection\"]\npresents = true\n"
    );
    (id, file)
}

/// An employer that pulls talent profiles as a platform does.
pub fn pulling_employer<'a>(id: &'a str, legal_id: &str) -> (&'a str, String) {
    let (id, file) = employer(id, legal_id, "matching-platform", "");
    let pushed_to = format!("kind = \"rest\", base_url = \"\", token = \"{id}-token\"");
    (id, format!("{}{EVENTS}", file.replace(&pushed_to, "kind = \"feed\"")))
}

/// Whoever pulls the talent profiles of a partner, with a key of its own, so many items at a time.
pub async fn puller(gateway: &Gateway, partner: &str, limit: u16) -> PlatformStub {
    PlatformStub::new(PlatformSettings {
        feed: gateway.url(&format!("/v1/{partner}/feed/talent_profile")).parse().unwrap(),
        key: gateway.key(partner).await.into(),
        limit,
        time_out: PATIENCE,
    })
}

/// Pulls until a profile is shown, or is not any more.
pub async fn pull_until(stub: &mut PlatformStub, person: &str, is_shown: bool) {
    let is_so = comes_true(PATIENCE, async || {
        stub.pull().await.unwrap();
        stub.shown().contains_key(person) == is_shown
    });
    assert!(is_so.await, "waited in vain until {person} is shown: {is_shown}; {:?}", stub.violations());
}

/// A matching platform that pulls talent profiles, and tells what employers make of them.
pub fn platform<'a>(id: &'a str, country: &str) -> (&'a str, String) {
    let file = puller_of_persons("Platform", (country, "platform"), "matching-platform", "kind = \"feed\"");
    (id, format!("{file}{EVENTS}"))
}

/// EURES, which pulls CVs of a source with the token [`super::PULLER_TOKEN`].
pub fn eures_cvs<'a>(id: &'a str, source: &str) -> (&'a str, String) {
    let connector = format!("kind = \"eures-feed\", token = \"puller-token\", source = \"{source}\"");
    (id, puller_of_persons("EURES", ("BE", "public_service"), "eures-candidate-xml", &connector))
}

fn puller_of_persons(name: &str, (country, role): (&str, &str), dialect: &str, connector: &str) -> String {
    format!(
        "name = \"{name} (invented)\"\ncountry = \"{country}\"\nrole = \"{role}\"\n\
         [outgoing.talent_profile]\ndialect = \"{dialect}\"\nconnector = {{ {connector} }}\n\
         [outgoing.talent_profile.consent]\npurposes = [\"dpv:RecruitmentApplicantSelection\"]\npresents = true\n"
    )
}

/// A jobseeker as `anapec-rest` has it, with a marker in everything that names the person.
pub fn jobseeker(cin: &str, marker: &str, skills: &str) -> Value {
    json!({
        "chercheur": {
            "cin": cin, "nom_candidat": format!("EXEMPLE {marker}"), "prenom": "Fatima", "nationalite": 0,
            "sexe": "F", "date_naissance": "05-03-1997", "adresse": format!("12 rue {marker}"), "ville_id": 11,
            "e_mail": format!("{marker}@example.org"), "n_gsm": "0600000001", "situation_p_r_emploi": "Sans emploi",
            "competences_specifiques": skills,
        },
        "langues": [{"competence_linguistique_id": 1, "niveau": "Courant"}],
        "emplois_metiers": [{"emploi_metier_id": 55511}],
    })
}

/// What a person permits to the employer [`PERMITTED`]: much, but not the picture before there is an interview.
pub fn grant(subject: &str) -> Value {
    let mut grant: Value = serde_json::from_str(include_str!("../consent/grant.json")).unwrap();
    grant["header"]["record_id"] = uuid::Uuid::new_v4().to_string().into();
    grant["header"]["subject"] = subject.into();
    grant["processing"]["provisions"][0]["valid"] = json!({});
    let at = Timestamp::now() - SignedDuration::from_hours(1);
    for event in grant["events"].as_array_mut().unwrap() {
        event["at"] = at.to_string().into();
    }
    grant
}

/// Keeps a grant, and returns its record.
pub async fn keep(gateway: &Gateway, grant: &Value) -> String {
    gateway.ask(Method::POST, "/v1/consents", grant).await;
    grant["header"]["record_id"].as_str().unwrap().to_owned()
}

/// What a receiver has taken about somebody, oldest first.
pub fn taken(receiver: &RestStub, person: &str) -> Vec<Received> {
    let mut taken = receiver.history(person);
    taken.retain(|received| received.verdict == Verdict::Taken);
    taken
}

/// Waits until a receiver has taken just these about somebody, oldest first.
pub async fn until_taken(gateway: &Gateway, receiver: &RestStub, person: &str, wanted: &[Operation]) {
    let operations = || taken(receiver, person).iter().map(|received| received.operation).collect::<Vec<_>>();
    let is_so = comes_true(PATIENCE, async || operations() == wanted).await;
    assert!(is_so, "wanted {wanted:?}, taken {:?}\n{}", operations(), gateway.log());
}

/// The recalls that a query finds.
pub async fn recalls(gateway: &Gateway, query: &str) -> Vec<Value> {
    gateway.get(&format!("/v1/recalls?{query}")).await["recalls"].as_array().unwrap().clone()
}

/// Waits until the one recall about somebody has come to a state.
pub async fn until_recalled(gateway: &Gateway, person: &str, state: &str) -> Value {
    let (query, mut found) = (format!("subject={person}"), Vec::new());
    let is_so = comes_true(PATIENCE, async || {
        found = recalls(gateway, &query).await;
        found.len() == 1 && found[0]["state"] == state
    });
    assert!(is_so.await, "waited in vain for a recall that is {state}: {found:?}\n{}", gateway.log());
    found.remove(0)
}

/// What a person permits to one partner: those categories, but not the picture before there is an interview.
pub fn grant_to(subject: &str, partner: &str, country: &str, categories: &[&str]) -> Value {
    let mut grant = grant(subject);
    let processing = &mut grant["processing"];
    let provision = &mut processing["provisions"][0];
    provision["recipients"] = json!([{"kind": "partner", "id": partner}]);
    provision["recipient_countries"] = json!([country]);
    provision["categories"] = json!(categories);
    let is_excepted = categories.contains(&"picture") && country == "BE";
    if !is_excepted {
        provision["exceptions"] = json!([]);
    }
    grant
}

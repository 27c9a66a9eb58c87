//! `passerelle move`: an installation that goes over to Kafka and PostgreSQL goes on as if nothing had happened.
//!
//! `tests/engines/engines run --brokers 1 --registry --postgres -- cargo test --package gateway --test moving`

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::disallowed_methods, reason = "where the engines are is in the environment")]

mod support;

use std::{collections::BTreeSet, path::Path, time::Duration};

use connectors::{
    employer::stub::start as start_employer,
    rest::stub::{Injection, Received, RestStub, RestStubSettings},
};
use schemas::{EntityKey, Operation};
use serde_json::{Value, json};

use self::support::{
    Engines, Gateway, PERMITTED, Setup, TRANSFERS, database_at, employer, engines, grant, jobseeker, profile_source,
    pusher, rest_receiver, until,
};

/// Vacancies that are delivered before the move, and vacancies that wait meanwhile.
const DELIVERED: u64 = 20;
const WAITING: u64 = 20;

async fn push(gateway: &Gateway, key: &str, reference: &str, revision: u64) -> (u16, Value) {
    let title = format!("Lasser {}", connectors::revision::mark(revision));
    let document =
        json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": title}]});
    let request = gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(key).json(&document);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// What the receiver took of a vacancy.
fn history(receiver: &RestStub, reference: &str) -> Vec<Received> {
    let mut history = receiver.history(&EntityKey::of_vacancy(&"acme".parse().unwrap(), reference).to_string());
    history.retain(|received| (200..300).contains(&received.status));
    history
}

/// A service that has verified the identity cards of its persons.
fn verifying(id: &str) -> (&str, String) {
    let (id, file) = profile_source(id, "anapec-rest");
    (id, format!("{file}[incoming.talent_profile.identity]\nverifies = [\"ma-cin\"]\n"))
}

async fn move_to(gateway: &Gateway, config: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let arguments = [&["move", "--json", "--to", config.to_str().unwrap()], more].concat();
    let output = gateway.run(&arguments).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Begins to move and is killed after a while.
async fn break_off(gateway: &Gateway, config: &Path, after: Duration) {
    let mut moving = gateway.command(&["move", "--to", config.to_str().unwrap()]).kill_on_drop(true).spawn().unwrap();
    let ended = tokio::time::timeout(after, moving.wait()).await;
    assert!(ended.is_err(), "it was to be killed on its way");
    moving.kill().await.unwrap();
}

/// What `passerelle.toml` says after the move: Kafka and PostgreSQL, in topics and a database of their own.
async fn distributed(engines: &Engines) -> String {
    let server = std::env::var("PASSERELLE_TEST_POSTGRESQL").expect("PostgreSQL is started beside Kafka");
    let (database, prefix) = (database_at(&server).await, uuid::Uuid::new_v4().simple());
    let (kafka, registry) = (&engines.kafka, &engines.registry);
    format!(
        "[engines]\nbackbone = \"kafka\"\nstore = \"postgresql\"\n[postgresql]\nurl = \"{database}\"\n[kafka]\n\
         bootstrap_servers = \"{kafka}\"\nprefix = \"test-{prefix}.\"\npartitions = 3\nreplication_factor = 1\n\
         min_insync_replicas = 1\n[registry]\nurl = \"{registry}\"\n"
    )
}

#[tokio::test]
async fn an_installation_goes_on_elsewhere() {
    let Some(engines) = engines() else { return };
    let receiver_settings = RestStubSettings { token: Some("receiver".into()), ..RestStubSettings::default() };
    let receiver = RestStub::start(receiver_settings).await.unwrap();
    let mut gateway = Setup::new()
        .partner(pusher("acme", "canonical"))
        .partner(rest_receiver("agency", "canonical", receiver.base_url().as_str(), "by_key"))
        .secret("agency-token", "receiver")
        .setting("DELIVERY__RETRY_INITIAL_MS", "20")
        .setting("DELIVERY__RETRY_LONGEST_MS", "100")
        .setting("DELIVERY__SEND_TIMEOUT_MS", "2000")
        .setting("DELIVERY__CONNECT_TIMEOUT_MS", "500")
        .start()
        .await;
    let key = gateway.key("acme").await;

    let reference = |number: u64| format!("R{number}");
    let (_, first) = push(&gateway, &key, &reference(0), 1).await;
    for number in 1..DELIVERED {
        assert_eq!(push(&gateway, &key, &reference(number), 1).await.0, 202);
    }
    until("all are delivered", async || (0..DELIVERED).all(|number| history(&receiver, &reference(number)).len() == 1))
        .await;
    receiver.fail_now(Injection::Status { status: 503, retry_after: None });
    for number in 0..DELIVERED + WAITING {
        assert_eq!(push(&gateway, &key, &reference(number), 2).await.0, 202);
    }
    gateway.kill().await;

    let target = gateway.folder.path().join("cluster.toml");
    let text = distributed(&engines).await;
    std::fs::write(&target, &text).unwrap();
    let (code, planned, _) = move_to(&gateway, &target, &["--dry-run"]).await;
    assert_eq!((code, planned.lines().count() > 18), (Some(0), true), "{planned}");
    for milliseconds in [50, 150, 400] {
        break_off(&gateway, &target, Duration::from_millis(milliseconds)).await;
    }
    let (code, moved, complaint) = move_to(&gateway, &target, &[]).await;
    assert_eq!(code, Some(0), "{moved}{complaint}");
    let accepted = moved.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let accepted = accepted.into_iter().find(|one| one["name"] == "accepted").unwrap();
    assert_eq!(accepted["count"], 2 * DELIVERED + WAITING);
    let (code, _, complaint) = move_to(&gateway, &target, &[]).await;
    assert_eq!(code, Some(1), "once is enough");
    assert!(complaint.contains("moved there already"), "{complaint}");

    std::fs::write(gateway.folder.path().join("passerelle.toml"), text).unwrap();
    gateway.start().await;
    receiver.heal();
    let last = |number: u64| history(&receiver, &reference(number)).last().and_then(|received| received.revision);
    until("what waited is delivered", async || (0..DELIVERED + WAITING).all(|number| last(number) == Some(2))).await;
    for number in 0..DELIVERED + WAITING {
        let revisions: Vec<u64> =
            history(&receiver, &reference(number)).iter().filter_map(|received| received.revision).collect();
        let once: BTreeSet<u64> = revisions.iter().copied().collect();
        assert_eq!(revisions, once.into_iter().collect::<Vec<_>>(), "in order, and none again");
    }
    assert_eq!(receiver.violations(), []);
    assert_eq!(push(&gateway, &key, &reference(1), 2).await.0, 200, "the newest version is known");
    assert_eq!(push(&gateway, &key, &reference(1), 3).await.0, 202);
    until("the key and the partner are as before", async || last(1) == Some(3)).await;
    let explained = gateway.run(&["trace", first["message_id"].as_str().unwrap(), "--explain"]).await;
    assert!(explained.status.success(), "what was accepted before is found in the new log");
    assert!(gateway.stop().await);
}

/// Moves a gateway with two persons who are one, and returns the configuration that it runs under from then on.
async fn move_persons(gateway: &Gateway, engines: &Engines) -> String {
    let target = gateway.folder.path().join("cluster.toml");
    let without = format!("{}{TRANSFERS}", distributed(engines).await);
    std::fs::write(&target, &without).unwrap();
    for more in [&["--dry-run"][..], &[]] {
        let (code, _, complaint) = move_to(gateway, &target, more).await;
        assert!(code == Some(1) && complaint.contains("`vault.url` is empty"), "{complaint}");
    }
    let server = std::env::var("PASSERELLE_TEST_POSTGRESQL").unwrap();
    let text = format!("{without}\n[vault]\nurl = \"{}\"\n", database_at(&server).await);
    std::fs::write(&target, &text).unwrap();
    break_off(gateway, &target, Duration::from_millis(400)).await;
    let (code, moved, complaint) = move_to(gateway, &target, &[]).await;
    assert_eq!(code, Some(0), "{moved}{complaint}");
    let moved: Vec<Value> = moved.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let keys = moved.iter().find(|one| one["name"] == "keys.data_keys").unwrap();
    assert!(keys["count"].as_i64() >= Some(2), "the vault's own, the person's: {keys}");
    for (table, rows) in [("keys.verified_numbers", 2), ("identity_events", 1), ("identity_links", 2)] {
        assert_eq!(moved.iter().find(|one| one["name"] == table).unwrap()["count"], rows, "{table}");
    }
    text
}

#[tokio::test]
async fn persons_go_along_with_their_keys() {
    let Some(engines) = engines() else { return };
    let token = "employer";
    let acme = start_employer(RestStubSettings { token: Some(token.into()), ..RestStubSettings::default() }).await;
    let acme = acme.unwrap();
    let mut gateway = Setup::new()
        .settings(TRANSFERS)
        .partner(verifying("anapec"))
        .partner(verifying("regional"))
        .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
        .secret("acme-token", token)
        .with_vault()
        .await
        .start()
        .await;
    let key = gateway.key("anapec").await;
    let key_of_regional = gateway.key("regional").await;
    let push_by = async |gateway: &Gateway, partner: &str, key: &str, skills: &str| {
        let request = gateway.http.post(gateway.url(&format!("/v1/{partner}/talent_profile"))).bearer_auth(key);
        let response = request.json(&jobseeker("ZM739182", "Voorbeeld", skills)).send().await.unwrap();
        let (status, receipt): (_, Value) = (response.status().as_u16(), response.json().await.unwrap());
        (status, receipt["entity_key"].as_str().unwrap().to_owned())
    };
    let push = async |gateway: &Gateway, skills: &str| push_by(gateway, "anapec", &key, skills).await;
    let operate = async |gateway: &Gateway, path: &str, body: &Value| {
        let request = gateway.http.post(gateway.url(path)).bearer_auth(gateway.operator_token());
        assert!(request.json(body).send().await.unwrap().status().is_success(), "{path}");
    };
    let (_, person) = push(&gateway, "Java").await;
    let (_, same) = push_by(&gateway, "regional", &key_of_regional, "Java").await;
    let are_linked =
        async |gateway: &Gateway| gateway.get(&format!("/v1/subjects/{person}/links")).await["linked"] == json!([same]);
    until("the same number links them", async || are_linked(&gateway).await).await;
    let permission = grant(&person);
    operate(&gateway, "/v1/consents", &permission).await;
    let operations = || acme.history(&person).iter().map(|received| received.operation).collect::<Vec<_>>();
    until("the employer has it", async || operations() == [Operation::Upsert]).await;
    gateway.kill().await;

    let text = move_persons(&gateway, &engines).await;
    std::fs::write(gateway.folder.path().join("passerelle.toml"), text).unwrap();
    gateway.start().await;
    assert!(are_linked(&gateway).await, "who is the same person goes along");
    assert_eq!(push(&gateway, "Java").await, (200, person.clone()), "known again, and nothing new");
    assert_eq!(push(&gateway, "Java, Rust").await, (202, person.clone()));
    until("the next version is sent", async || operations() == [Operation::Upsert; 2]).await;
    assert!(are_linked(&gateway).await, "the number is known again");
    let record = permission["header"]["record_id"].as_str().unwrap();
    operate(&gateway, &format!("/v1/consents/{record}/withdraw"), &json!({"method": "web"})).await;
    until("it is recalled", async || operations().last() == Some(&Operation::Close)).await;
    assert_eq!(acme.violations(), []);
    assert!(gateway.stop().await);
}

#[tokio::test]
async fn what_was_moved_is_not_started_again() {
    let mut gateway = Setup::new().start().await;
    assert!(gateway.stop().await);
    std::fs::write(gateway.data().join("store.db.moved"), "").unwrap();
    let refused = gateway.run(&["serve"]).await;
    let complaint = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && complaint.contains("was moved to another engine"), "{complaint}");
}

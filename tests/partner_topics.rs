//! Partners that are reached through topics: they read what they are owed from one, and push into another.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::disallowed_methods, reason = "tests hold their own tasks")]

mod support;

use std::{collections::HashSet, sync::Mutex, time::Duration};

use rdkafka::{
    ClientConfig, Message,
    consumer::{Consumer, StreamConsumer},
    message::{Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use schemas::{EntityKey, Kind, Record, Subject};
use serde_json::{Value, json};

use self::support::{Engines, Gateway, PATIENCE, Setup, engines, pusher, until};

/// What stands in a partner's topic.
#[derive(Debug, Clone)]
struct Read {
    key: String,
    value: Option<Vec<u8>>,
    headers: Vec<(String, String)>,
}

impl Read {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(self.value.as_ref().unwrap()).unwrap()
    }
}

/// A partner at its topic.
struct Partner {
    consumer: StreamConsumer,
    producer: FutureProducer,
    /// What it has read, by idempotency key.
    seen: Mutex<HashSet<String>>,
}

impl Partner {
    fn new(engines: &Engines, topic: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &engines.kafka);
        let producer = config.clone().set("linger.ms", "0").create().unwrap();
        config.set("group.id", format!("{topic}-reader")).set("auto.offset.reset", "earliest");
        let consumer: StreamConsumer = config.set("enable.auto.commit", "false").create().unwrap();
        consumer.subscribe(&[topic]).unwrap();
        Self { consumer, producer, seen: Mutex::default() }
    }

    /// The next record that is no repeat: what was under way when a gateway died may come again, with its key.
    async fn next(&self) -> Read {
        loop {
            let read = self.next_of_all().await;
            let key = read.header("idempotency-key").unwrap().to_owned();
            if self.seen.lock().unwrap().insert(key) {
                return read;
            }
        }
    }

    async fn next_of_all(&self) -> Read {
        let message = tokio::time::timeout(PATIENCE, self.consumer.recv()).await.expect("something comes").unwrap();
        let headers = message.headers().unwrap().iter();
        let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
        Read {
            key: text(message.key()),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.map(|header| (header.key.to_owned(), text(header.value))).collect(),
        }
    }

    async fn push(&self, topic: &str, key: Option<&str>, value: Option<&[u8]>, headers: &[(&str, &str)]) {
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(*value) }));
        let mut record = FutureRecord::<str, [u8]>::to(topic).headers(headers);
        record.key = key;
        record.payload = value;
        self.producer.send(record, PATIENCE).await.unwrap();
    }
}

fn prefix() -> String {
    format!("topics-{}.", uuid::Uuid::new_v4().simple())
}

fn partner<'a>(id: &'a str, rest: &str) -> (&'a str, String) {
    (id, format!("name = \"Zenith (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n{rest}\n"))
}

fn reader<'a>(id: &'a str, connector: &str) -> (&'a str, String) {
    partner(
        id,
        &format!(
            "[outgoing.vacancy]\ndialect = \"canonical\"\nfrom = [\"acme\"]\nconnector = {{ kind = \"kafka\"{connector} }}"
        ),
    )
}

fn vacancy(reference: &str, title: &str) -> Value {
    json!({"reference": reference, "status": "published", "profiles": [{"language": "nl", "title": title}]})
}

async fn push(gateway: &Gateway, document: &Value) {
    let key = gateway.key("acme").await;
    let response =
        gateway.http.post(gateway.url("/v1/acme/vacancy")).bearer_auth(key).json(document).send().await.unwrap();
    assert_eq!(response.status(), 202, "{}", response.text().await.unwrap());
}

async fn close(gateway: &Gateway, reference: &str) {
    let request = gateway.http.delete(gateway.url(&format!("/v1/acme/vacancy/{reference}")));
    assert_eq!(request.bearer_auth(gateway.key("acme").await).send().await.unwrap().status(), 202);
}

fn entity(partner: &str, reference: &str) -> String {
    EntityKey::of_vacancy(&partner.parse().unwrap(), reference).to_string()
}

/// Whether the timeline of R1 says a code.
async fn is_told(gateway: &Gateway, code: &str) -> bool {
    let trace = gateway.run(&["trace", "--reference", "R1", "--json"]).await;
    String::from_utf8(trace.stdout).unwrap().contains(code)
}

#[tokio::test]
async fn a_partner_reads_what_it_is_owed_from_its_topic() {
    let Some(engines) = engines() else { return };
    let prefix = prefix();
    let topic = format!("{prefix}to.zenith.vacancy");
    engines.make_topics(&[&topic]).await;
    let gateway = Setup::new()
        .with_topics(&engines, &prefix)
        .partner(pusher("acme", "canonical"))
        .partner(reader("zenith", ""))
        .start()
        .await;
    let zenith = Partner::new(&engines, &topic);
    push(&gateway, &vacancy("R1", "Lasser")).await;
    let first = zenith.next().await;
    assert_eq!(first.key, entity("acme", "R1"), "the key is our reference");
    assert_eq!(
        (&first.json()["reference"], &first.json()["profiles"][0]["title"]),
        (&json!(first.key), &json!("Lasser"))
    );
    assert_eq!(first.header("operation"), Some("upsert"));
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert!(first.header("dispatch-id").is_some() && first.header("idempotency-key").is_some());

    push(&gateway, &vacancy("R1", "Lasser (m/v/x)")).await;
    let second = zenith.next().await;
    assert_eq!(
        (second.key.as_str(), &second.json()["profiles"][0]["title"]),
        (first.key.as_str(), &json!("Lasser (m/v/x)"))
    );
    assert_ne!(second.header("idempotency-key"), first.header("idempotency-key"));

    close(&gateway, "R1").await;
    let closing = zenith.next().await;
    assert_eq!((closing.key, &closing.value), (first.key, &None), "a compacted topic forgets it");
    assert_eq!(closing.headers.iter().find(|(name, _)| name == "operation").unwrap().1, "close");

    let topics = gateway.get("/asyncapi.json").await;
    assert_eq!(topics["channels"]["to"]["address"], format!("{prefix}to.{{partner}}.vacancy"));
    assert_eq!(topics["channels"]["to"]["parameters"]["partner"]["enum"], json!(["zenith"]));
}

#[tokio::test]
async fn a_partner_reads_canonical_records_in_avro_under_a_registered_schema() {
    let Some(engines) = engines() else { return };
    let prefix = prefix();
    let topic = format!("{prefix}zenith");
    engines.make_topics(&[&topic]).await;
    let gateway = Setup::new()
        .with_topics(&engines, &prefix)
        .partner(pusher("acme", "canonical"))
        .partner(reader("zenith", &format!(", topic = \"{topic}\", format = \"avro\"")))
        .start()
        .await;
    let zenith = Partner::new(&engines, &topic);
    push(&gateway, &vacancy("R1", "Lasser")).await;
    let read = zenith.next().await;
    let value = read.value.clone().unwrap();
    assert_eq!(value[0], 0);
    let id = u32::from_be_bytes(value[1..5].try_into().unwrap());
    let registry = |path: String| gateway.http.get(format!("{}{path}", engines.registry)).send();
    let schema: Value = registry(format!("/schemas/ids/{id}")).await.unwrap().json().await.unwrap();
    assert_eq!(schema["schema"], Subject::Vacancy.newest());
    let versions: Value = registry(format!("/subjects/{topic}-value/versions")).await.unwrap().json().await.unwrap();
    assert_eq!(versions, json!([1]), "registered under the subject of the topic");
    let single = [&[0xC3, 0x01][..], &Subject::Vacancy.newest_fingerprint(), &value[5..]].concat();
    let record = Record::from_avro(Kind::Vacancy, &single).unwrap();
    assert_eq!(record.text("reference"), Some(entity("acme", "R1").as_str()));
    assert_eq!(read.header("content-type"), Some("application/vnd.apache.avro"));
    close(&gateway, "R1").await;
    assert_eq!(zenith.next().await.value, None);
}

#[tokio::test]
async fn what_cannot_be_delivered_waits_or_is_parked_with_its_reason() {
    let Some(engines) = engines() else { return };
    let prefix = prefix();
    let topic = format!("{prefix}to.zenith.vacancy");
    // All of it in the partner's file: `check` knows nothing of the daemon's environment.
    let own = format!(", topic = \"{topic}\", brokers = {{ bootstrap_servers = \"{}\" }}", engines.kafka);
    let mut gateway = Setup::new()
        .with_topics(&engines, &prefix)
        .setting("DELIVERY__CONNECT_TIMEOUT_MS", "1000")
        .setting("DELIVERY__SEND_TIMEOUT_MS", "4000")
        .setting("DELIVERY__RETRY_LONGEST_MS", "1000")
        .partner(pusher("acme", "canonical"))
        .partner(reader("zenith", &own))
        .partner(reader("nobody", ", brokers = { bootstrap_servers = \"127.0.0.1:1\" }"))
        .start()
        .await;
    let check = gateway.run(&["check", "--connect"]).await;
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(said.contains(&format!("topic `{topic}`")) && said.contains("nobody: nobody answers"), "{said}");
    push(&gateway, &vacancy("R1", "Lasser")).await;
    let told = async |code: &str| is_told(&gateway, code).await;
    until("there is no topic", async || told("no_topic").await).await;
    until("nobody answers", async || told("time_out").await).await;

    engines.make_topics(&[&topic]).await;
    let zenith = Partner::new(&engines, &topic);
    assert_eq!(zenith.next().await.key, entity("acme", "R1"), "it went once the topic was there");
    // Words that no compression makes small enough.
    let long: Vec<String> = (0..80_000).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect();
    let long = long.join(" ");
    let document = json!({"reference": "R2", "status": "published", "profiles": [{"language": "nl", "title": "Lasser", "description": long}]});
    push(&gateway, &document).await;
    until("it is too large", async || gateway.get("/v1/parked").await.to_string().contains("too_large")).await;
    let stopping = std::time::Instant::now();
    assert!(gateway.stop().await);
    assert!(stopping.elapsed() < Duration::from_secs(20), "{:?}", stopping.elapsed());
}

/// What a listener that asks who comes is reached by; none where only plain ones were started.
fn guarded() -> Option<(String, String)> {
    let said = |name: &str| std::env::var(format!("PASSERELLE_TEST_KAFKA_{name}")).ok();
    let sasl = format!(
        "bootstrap_servers = \"{}\", protocol = \"sasl_plaintext\", mechanism = \"SCRAM-SHA-512\", user = \"{}\"",
        said("SASL")?,
        said("SASL_USER")?
    );
    let tls = format!("bootstrap_servers = \"{}\", protocol = \"ssl\", certificates = \"brokers-ca\"", said("TLS")?);
    Some((sasl, tls))
}

#[tokio::test]
async fn brokers_of_a_partner_are_shown_who_we_are_and_checked_who_they_are() {
    let (Some(engines), Some((sasl, tls))) = (engines(), guarded()) else { return };
    let prefix = prefix();
    let topics = ["right", "wrong", "checked", "unknown"].map(|partner| format!("{prefix}{partner}"));
    engines.make_topics(&topics.each_ref().map(String::as_str)).await;
    let connector = |topic: &str, brokers: &str| format!(", topic = \"{topic}\", brokers = {{ {brokers} }}");
    let password = std::env::var("PASSERELLE_TEST_KAFKA_SASL_PASSWORD").unwrap();
    let certificates = std::fs::read_to_string(std::env::var("PASSERELLE_TEST_KAFKA_CA").unwrap()).unwrap();
    let gateway = Setup::new()
        .setting("DELIVERY__SEND_TIMEOUT_MS", "8000")
        .partner(pusher("acme", "canonical"))
        .partner(reader("right", &connector(&topics[0], &format!("{sasl}, password = \"right\""))))
        .partner(reader("wrong", &connector(&topics[1], &format!("{sasl}, password = \"wrong\""))))
        .partner(reader("checked", &connector(&topics[2], &tls)))
        .partner(reader("unknown", &connector(&topics[3], &tls.replace(", certificates = \"brokers-ca\"", ""))))
        .secret("right", &password)
        .secret("wrong", "not-the-password")
        .secret("brokers-ca", &certificates)
        .start()
        .await;
    push(&gateway, &vacancy("R1", "Lasser")).await;
    for topic in [&topics[0], &topics[2]] {
        assert_eq!(Partner::new(&engines, topic).next().await.key, entity("acme", "R1"));
    }
    let told = async |code: &str| is_told(&gateway, code).await;
    until("the password is refused", async || told("unauthorised").await).await;
    until("the certificate is not trusted", async || told("time_out").await).await;
    let check = gateway.run(&["check", "--connect"]).await;
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(said.contains("right: answers") && said.contains("checked: answers"), "{said}");
    assert!(!said.contains("wrong: answers") && !said.contains("unknown: answers"), "{said}");
    assert!(!gateway.log().contains("not-the-password"));
}

#[tokio::test]
async fn what_a_partner_pushes_into_its_topic_is_taken_in() {
    let Some(engines) = engines() else { return };
    let prefix = prefix();
    let (from, to) = (format!("{prefix}from.acme.vacancy"), format!("{prefix}to.zenith.vacancy"));
    engines.make_topics(&[&from, &to]).await;
    let mut gateway = Setup::new()
        .with_topics(&engines, &prefix)
        .partner(partner("acme", "[incoming.vacancy]\ndialect = \"canonical\"\n[inbox]"))
        .partner(reader("zenith", ""))
        .start()
        .await;
    let (acme, zenith) = (Partner::new(&engines, &from), Partner::new(&engines, &to));
    let document = |reference: &str, title: &str| serde_json::to_vec(&vacancy(reference, title)).unwrap();
    acme.push(&from, Some("R1"), Some(&document("R1", "Lasser")), &[]).await;
    assert_eq!(zenith.next().await.key, entity("acme", "R1"));
    // The same once more is no news; the next version is.
    acme.push(&from, Some("R1"), Some(&document("R1", "Lasser")), &[]).await;
    acme.push(&from, Some("R1"), Some(&document("R1", "Lasser 2")), &[("content-type", "application/json")]).await;
    assert_eq!(zenith.next().await.json()["profiles"][0]["title"], "Lasser 2");

    acme.push(&from, Some("R9"), Some(b"{\"reference\": 7"), &[]).await;
    acme.push(&from, None, None, &[]).await;
    acme.push(&from, Some("R1"), None, &[("reason", "filled")]).await;
    assert_eq!(zenith.next().await.value, None, "what cannot be read holds up nothing");
    let parked = gateway.get("/v1/parked").await;
    let codes: Vec<&str> =
        parked["parked"].as_array().unwrap().iter().map(|parked| parked["code"].as_str().unwrap()).collect();
    assert!(codes.len() == 2 && codes.contains(&"unreadable") && codes.contains(&"no_reference"), "{parked}");

    // A gateway that died reads on where it was, and takes nothing in twice.
    gateway.kill().await;
    acme.push(&from, Some("R2"), Some(&document("R2", "Metser")), &[("idempotency-key", "k2")]).await;
    acme.push(&from, Some("R2"), Some(&document("R2", "Metser")), &[("idempotency-key", "k2")]).await;
    acme.push(&from, Some("R2"), Some(&document("R2", "Metselaar")), &[("operation", "upsert")]).await;
    gateway.start().await;
    assert_eq!(zenith.next().await.json()["profiles"][0]["title"], "Metser");
    assert_eq!(zenith.next().await.json()["profiles"][0]["title"], "Metselaar");
    assert_eq!(gateway.get("/v1/parked").await["parked"].as_array().unwrap().len(), 2);
    assert!(gateway.stop().await, "it stops cleanly");
}

#[tokio::test]
async fn a_partner_pushes_canonical_records_in_avro() {
    let Some(engines) = engines() else { return };
    let prefix = prefix();
    let (from, to) = (format!("{prefix}from.acme.vacancy"), format!("{prefix}to.zenith.vacancy"));
    engines.make_topics(&[&from, &to]).await;
    let gateway = Setup::new()
        .with_topics(&engines, &prefix)
        .partner(partner("acme", "[incoming.vacancy]\ndialect = \"canonical\"\n[inbox]\nformat = \"avro\""))
        .partner(reader("zenith", ""))
        .start()
        .await;
    let (acme, zenith) = (Partner::new(&engines, &from), Partner::new(&engines, &to));
    let schema = json!({"schema": Subject::Vacancy.newest(), "schemaType": "AVRO"});
    let registering = gateway.http.post(format!("{}/subjects/{from}-value/versions", engines.registry)).json(&schema);
    let registered: Value = registering.send().await.unwrap().json().await.unwrap();
    let id = u32::try_from(registered["id"].as_u64().unwrap()).unwrap();
    let record = Record::from_json(Kind::Vacancy, &vacancy("R1", "Lasser")).unwrap();
    let framed = |id: u32| [&[0][..], &id.to_be_bytes(), &record.to_avro().unwrap()[10..]].concat();
    acme.push(&from, Some("R0"), Some(&framed(999_999)), &[]).await;
    acme.push(&from, Some("R0"), Some(&framed(id)[..20]), &[]).await;
    acme.push(&from, Some("R1"), Some(&framed(id)), &[]).await;
    assert_eq!(zenith.next().await.key, entity("acme", "R1"));
    let parked = async || gateway.get("/v1/parked").await["parked"].as_array().unwrap().clone();
    until("the others are parked", async || parked().await.len() == 2).await;
    assert!(parked().await.iter().all(|parked| parked["code"] == "unreadable"), "{:?}", parked().await);
}

#[tokio::test]
async fn brokers_that_do_not_answer_are_named_and_hold_nothing_up() {
    let Some(engines) = engines() else { return };
    let prefix = prefix();
    let inbox =
        "[incoming.vacancy]\ndialect = \"canonical\"\n[inbox]\nbrokers = { bootstrap_servers = \"127.0.0.1:1\" }";
    let mut gateway = Setup::new().with_topics(&engines, &prefix).partner(partner("acme", inbox)).start().await;
    until("it is said", async || {
        let ready = gateway.http.get(gateway.url("/health/ready")).send().await.unwrap();
        assert_eq!(ready.status(), 200, "the gateway itself is ready");
        ready.json::<Value>().await.unwrap()["parts"]["inbox of acme"].as_str().unwrap().contains("nothing comes")
    })
    .await;
    let stopping = std::time::Instant::now();
    assert!(gateway.stop().await);
    assert!(stopping.elapsed() < Duration::from_secs(15), "{:?}", stopping.elapsed());
}

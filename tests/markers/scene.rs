//! What happens to persons in a gateway: everything from what cannot be read to what is withdrawn.

use std::{fs, path::PathBuf};

use axum::{Router, body::Bytes, http::StatusCode as Status};
use connectors::{
    employer::stub::start as start_employer,
    platform::stub::PlatformStub,
    rest::stub::{Injection, RestStub, RestStubSettings},
};
use futures::StreamExt;
use reqwest::{Method, StatusCode};
use schemas::Operation;
use serde_json::{Value, json};

use crate::{
    person::Person,
    support::{
        FileServer, Gateway, PERMITTED, STRANGER, Says, Setup, TRANSFERS, document_file, employer, grant, media_source,
        picture_file, pull_until, puller, pulling_employer, until, video_bytes,
    },
};

const TOKEN: &str = "employer";

/// A gateway, and employers of every kind.
pub struct Scene {
    pub gateway: Gateway,
    /// Takes what it gets.
    acme: RestStub,
    /// Where the files lie.
    files: FileServer,
    key: String,
}

/// An employer that refuses everything, and says in full what.
async fn repeating() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let repeat = async |document: Bytes| (Status::UNPROCESSABLE_ENTITY, document);
    let server = axum::serve(listener, Router::new().fallback(repeat));
    tokio::spawn(async move { server.await.unwrap() });
    format!("http://{address}/")
}

async fn play_employer() -> RestStub {
    start_employer(RestStubSettings { token: Some(TOKEN.into()), ..RestStubSettings::default() }).await.unwrap()
}

impl Scene {
    pub async fn start() -> Self {
        let (acme, down, zenith) = (play_employer().await, play_employer().await, play_employer().await);
        let files = FileServer::start().await;
        down.inject(usize::MAX, &Injection::Status { status: 503, retry_after: None });
        let setup = Setup::new().keeps_output();
        let temporary = setup.config().with_file_name("temporary");
        fs::create_dir(&temporary).unwrap();
        let gateway = setup
            .environment("TMPDIR", &temporary.to_string_lossy())
            .setting("TELEMETRY__LOG", "debug,gateway=trace,connectors=trace,mappings=trace,schemas=trace")
            .settings(TRANSFERS)
            .partner(media_source("anapec", "anapec-rest", &files.origin))
            .partner(employer("acme", PERMITTED, "hropen-json", acme.base_url().as_str()))
            .partner(employer("down", PERMITTED, "hropen-json", down.base_url().as_str()))
            .partner(employer("repeating", PERMITTED, "hropen-json", &repeating().await))
            .partner(employer("zenith", STRANGER, "hropen-json", zenith.base_url().as_str()))
            .partner(pulling_employer("platform", PERMITTED))
            .secret("acme-token", TOKEN)
            .secret("down-token", TOKEN)
            .secret("repeating-token", TOKEN)
            .secret("zenith-token", TOKEN)
            .setting("DELIVERY__RETRY_INITIAL_MS", "20")
            .setting("DELIVERY__RETRY_LONGEST_MS", "100")
            // What is compressed cannot be searched in the brokers' files.
            .setting("KAFKA__COMPRESSION", "none")
            .with_vault()
            .await
            .start()
            .await;
        let key = gateway.key("anapec").await;
        Self { gateway, acme, files, key }
    }

    /// The folder of all files of the gateway.
    pub fn folder(&self) -> PathBuf {
        self.gateway.folder.path().to_owned()
    }

    /// Keeps what the gateway has shown somebody, to be searched too.
    fn keep(&self, name: &str, shown: &str) {
        let folder = self.folder().join("shown");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), shown).unwrap();
    }

    /// Sends a document of a person; the status and what is said.
    async fn send(&self, address: &str, kind: &str, body: Vec<u8>) -> (StatusCode, String) {
        let request = self.gateway.http.post(self.gateway.url(address)).bearer_auth(&self.key);
        let response = request.header("content-type", kind).body(body).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Pushes what can be read; the message and the person's pseudonym.
    async fn push(&self, address: &str, document: &Value, key: Option<&str>) -> (String, String) {
        let request = self.gateway.http.post(self.gateway.url(address)).bearer_auth(&self.key).json(document);
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        let response = request.send().await.unwrap();
        let (status, receipt) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::ACCEPTED, "{receipt}\n{}", self.gateway.log());
        let receipt: Value = serde_json::from_str(&receipt).unwrap();
        (receipt["message_id"].as_str().unwrap().to_owned(), receipt["entity_key"].as_str().unwrap().to_owned())
    }

    /// Asks as an operator, whatever comes of it.
    async fn operate(&self, method: Method, address: &str, body: &Value) -> (StatusCode, String) {
        let request = self.gateway.http.request(method, self.gateway.url(address)).json(body);
        let response = request.bearer_auth(self.gateway.operator_token()).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    async fn permit(&self, person: &str) -> String {
        let grant = grant(person);
        let (status, said) = self.operate(Method::POST, "/v1/consents", &grant).await;
        assert_eq!(status, StatusCode::CREATED, "{said}");
        grant["header"]["record_id"].as_str().unwrap().to_owned()
    }

    /// Waits until the journal says a step of a partner.
    async fn until_step(&self, message: &str, step: &str, partner: &str) {
        until(&format!("{step} {partner}"), async || {
            let known = self.gateway.get(&format!("/v1/messages/{message}")).await;
            known["events"].as_array().unwrap().iter().any(|one| one["step"] == step && one["recipient"] == partner)
        })
        .await;
    }

    /// What cannot be read, or comes where it does not belong.
    async fn send_nonsense(&self, person: &Person) {
        let whole = person.jobseeker("Java").to_string();
        let mut wrong_types = person.jobseeker("Java");
        wrong_types["chercheur"]["date_naissance"] = person.family.as_str().into();
        wrong_types["chercheur"]["n_gsm"] = person.street.as_str().into();
        wrong_types["chercheur"]["nom_candidat"] = json!({"x": person.family});
        let mut nameless = person.jobseeker("Java");
        nameless["chercheur"]["cin"] = Value::Null;
        let profile = "/v1/anapec/talent_profile";
        for (address, kind, body) in [
            (profile, "application/json", whole.as_bytes()[..whole.len() - 40].to_vec()),
            (profile, "application/json", format!("\"{whole}\"").into_bytes()),
            (profile, "application/json", [whole.as_bytes(), b"\xff\xfe"].concat()),
            (profile, "application/json", wrong_types.to_string().into_bytes()),
            (profile, "application/json", nameless.to_string().into_bytes()),
            ("/v1/anapec/talent_profile?dialect=hropen-json", "application/json", format!("[{whole}").into_bytes()),
            ("/v1/anapec/vacancy", "application/json", whole.clone().into_bytes()),
            ("/v1/anapec/webhook", "application/json", whole.clone().into_bytes()),
            ("/v1/consents", "application/json", whole.clone().into_bytes()),
        ] {
            let body_is_lossy = body == wrong_types.to_string().into_bytes();
            let (status, said) = self.send(address, kind, body.clone()).await;
            // Values of the wrong type are told as losses; the rest is refused.
            let is_expected = status.is_client_error() || (status == StatusCode::ACCEPTED && body_is_lossy);
            assert!(is_expected, "{address}: {status} {said} {}", String::from_utf8_lossy(&body));
        }
        let lines = format!("{nameless}\n{{\"chercheur\": {}\n{}\n", person.family, person.jobseeker("C"));
        let (status, said) = self.send("/v1/anapec/talent_profile/batch", "application/x-ndjson", lines.into()).await;
        assert_eq!((status, said.contains("accepted")), (StatusCode::OK, true), "{said}");
        let mut grant = grant(&person.cin);
        grant["header"]["name"] = person.family.as_str().into();
        let (status, said) = self.operate(Method::POST, "/v1/consents", &grant).await;
        assert!(status.is_client_error(), "{said}");
        for (method, address) in [
            (Method::DELETE, format!("/v1/anapec/talent_profile/{}", person.cin)),
            (Method::DELETE, format!("/v1/anapec/vacancy/{}", person.cin)),
            (Method::GET, format!("/v1/anapec/{}/{}", person.family, person.arabic)),
            (Method::GET, format!("/v1/messages?reference={}", person.cin)),
            (Method::GET, format!("/v1/messages/{}", person.cin)),
            (Method::GET, format!("/v1/messages?{}={}", person.family, person.arabic)),
            (Method::GET, format!("/v1/parked/{}", person.cin)),
            (Method::GET, format!("/v1/consents/{}", person.cin)),
            (Method::GET, format!("/v1/consents?subject={}", person.cin)),
            (Method::PUT, format!("/v1/subjects/{}/restriction?method=web", person.cin)),
        ] {
            let request = self.gateway.http.request(method.clone(), self.gateway.url(&address)).bearer_auth(&self.key);
            let _ = request.send().await.unwrap().text().await.unwrap();
            self.operate(method, &address, &Value::Null).await;
        }
    }

    /// A person whose profile goes where it may, is refused and waits; operators look at all of it.
    pub async fn live(&self, person: &Person) {
        let tap = self.gateway.http.get(self.gateway.url("/v1/tap")).bearer_auth(self.gateway.operator_token());
        let mut tap = tap.send().await.unwrap().bytes_stream();
        self.send_nonsense(person).await;
        let profile = "/v1/anapec/talent_profile";
        let (message, pseudonym) = self.push(profile, &person.jobseeker("Java"), Some(&person.key)).await;
        self.until_step(&message, "not_entitled", "zenith").await;
        let record = self.permit(&pseudonym).await;
        let candidate = "/v1/anapec/talent_profile?dialect=hropen-json";
        self.offer_files(person);
        let (other, other_pseudonym) = self.push(candidate, &person.candidate(&self.files.origin), None).await;
        let mut more = grant(&other_pseudonym);
        more["processing"]["provisions"][0]["categories"].as_array_mut().unwrap().push("video".into());
        let (status, said) = self.operate(Method::POST, "/v1/consents", &more).await;
        assert_eq!(status, StatusCode::CREATED, "{said}");
        for message in [&message, &other] {
            self.until_step(message, "delivered", "acme").await;
            self.until_step(message, "rejected", "repeating").await;
            self.until_step(message, "deferred", "down").await;
        }
        let (next, _) = self.push(profile, &person.jobseeker("Java, Rust"), None).await;
        self.until_step(&next, "delivered", "acme").await;
        let mut platform = puller(&self.gateway, "platform", 100).await;
        for person in [&pseudonym, &other_pseudonym] {
            pull_until(&mut platform, person, true).await;
        }
        let told = platform.tell(&person.selected(&pseudonym)).await.unwrap();
        assert_eq!(told.status, StatusCode::ACCEPTED, "{:?}", told.body);
        until("what an employer made of the profile is known", async || {
            let (_, known) = self.operate(Method::GET, &format!("/v1/placements/{pseudonym}"), &Value::Null).await;
            known.contains("selected")
        })
        .await;
        let mut nobodys = person.selected(&person.cin);
        nobodys.id.push('2');
        let refused = platform.tell(&nobodys).await.unwrap();
        self.keep("refused-event", &refused.body.to_string());
        assert!(platform.shown()[&pseudonym].document.to_string().contains(&person.family), "the markers were pulled");
        self.read_files(person, &mut platform, (&other, &other_pseudonym)).await;
        let arrived = self.acme.history(&pseudonym).iter().any(|one| contains(&one.body, &person.family));
        assert!(arrived, "the markers went through");
        self.until_shown_by_tap(&mut tap).await;
        self.look_as_operator(person, &[&message, &other, &next], &record, &pseudonym).await;
    }

    /// Files with markers: one that is taken, one that is not, one that is still to come, each under a marker.
    fn offer_files(&self, person: &Person) {
        let name = &person.picture;
        self.files.says(&format!("/{name}.png"), picture_file(name));
        self.files.says(&format!("/{name}.pdf"), document_file(name));
        let video = [video_bytes(200_000), name.as_bytes().to_vec()].concat();
        self.files.says(&format!("/{name}.mp4"), Says::File("video/mp4", video));
        self.files.says(&format!("/{name}.html"), Says::File("text/html", format!("<html>{name}").into_bytes()));
        self.files.says(&format!("/{name}.slow"), Says::Status(503));
    }

    /// The platform reads a file of a person, once that is permitted.
    async fn read_files(&self, person: &Person, platform: &mut PlatformStub, (message, pseudonym): (&str, &str)) {
        for step in ["media_kept", "media_failed"] {
            until(step, async || {
                let known = self.gateway.get(&format!("/v1/messages/{message}")).await;
                known["events"].as_array().unwrap().iter().any(|one| one["step"] == step)
            })
            .await;
        }
        let mut address = None;
        until("the platform is told of a video", async || {
            platform.pull().await.unwrap();
            let shown = platform.shown();
            let attachments = shown.get(pseudonym).map(|shown| &shown.document["profiles"][0]["attachments"]);
            let mut found = attachments.and_then(Value::as_array).into_iter().flatten();
            address = found.find(|one| one["purpose"] == "video_cv").map(|one| one["url"].as_str().unwrap().to_owned());
            address.is_some()
        })
        .await;
        let key = self.gateway.key("platform").await;
        let mut read = Vec::new();
        until("the file was read", async || {
            let request = self.gateway.http.get(address.as_deref().unwrap()).bearer_auth(&key);
            let response = request.send().await.unwrap();
            let is_read = response.status() == StatusCode::OK;
            read = response.bytes().await.unwrap().to_vec();
            is_read
        })
        .await;
        assert!(contains(&read, &person.picture), "the markers were read");
    }

    async fn until_shown_by_tap(&self, tap: &mut (impl StreamExt<Item = reqwest::Result<axum::body::Bytes>> + Unpin)) {
        let mut seen = String::new();
        until("the tap tells of the delivery", async || {
            let next = tokio::time::timeout(std::time::Duration::from_millis(200), tap.next()).await;
            if let Ok(Some(Ok(bytes))) = next {
                seen.push_str(&String::from_utf8_lossy(&bytes));
            }
            seen.contains("delivered")
        })
        .await;
        self.keep("tap", &seen);
    }

    /// Asks everything that an operator may.
    async fn look_as_operator(&self, person: &Person, messages: &[&str], record: &str, pseudonym: &str) {
        let wanted = json!({"partner": "anapec", "foreign_ids": [person.cin]});
        let (status, said) = self.operate(Method::POST, "/v1/subjects/lookup", &wanted).await;
        assert_eq!((status, said.contains(pseudonym)), (StatusCode::OK, true), "{said}");
        let run = async |arguments: &[&str]| {
            let output = self.gateway.run(arguments).await;
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
        };
        // What is asked for is shown to who asks: it is the gateway that must not keep it.
        run(&["trace", "--reference", &person.cin]).await;
        for (number, message) in messages.iter().enumerate() {
            self.keep(&format!("trace-{number}"), &run(&["trace", message, "--explain"]).await);
            let (_, replayed) =
                self.operate(Method::POST, &format!("/v1/messages/{message}/replay?to=acme"), &json!({})).await;
            self.keep(&format!("replay-{number}"), &replayed);
        }
        self.keep("consent", &run(&["consent", "show", record]).await);
        let (_, parked) = self.operate(Method::GET, "/v1/parked", &Value::Null).await;
        self.keep("parked", &parked);
        let parked: Value = serde_json::from_str(&parked).unwrap();
        let waiting = parked["parked"].as_array().unwrap();
        assert!(waiting.len() >= 2, "what was rejected waits for a person: {parked}");
        for one in waiting {
            let (_, shown) =
                self.operate(Method::GET, &format!("/v1/parked/{}", one["id"].as_str().unwrap()), &Value::Null).await;
            self.keep(&format!("parked-{}", one["id"].as_str().unwrap()), &shown);
        }
        self.look_at_figures("before").await;
    }

    async fn look_at_figures(&self, when: &str) {
        for (name, path) in [
            ("messages", "/v1/messages"),
            ("metrics", "/metrics"),
            ("ready", "/health/ready"),
            ("backlog", "/v1/backlog"),
            ("recalls", "/v1/recalls"),
            ("configuration", "/v1/configuration"),
        ] {
            let (status, shown) = self.operate(Method::GET, path, &Value::Null).await;
            assert!(status == StatusCode::OK || status == StatusCode::SERVICE_UNAVAILABLE, "{path}: {status}");
            self.keep(&format!("{name}-{when}"), &shown);
        }
    }

    /// The person takes back what was permitted, and the profile changes once more.
    pub async fn withdraw(&self, person: &Person) {
        let wanted = json!({"partner": "anapec", "foreign_ids": [person.cin]});
        let (_, found) = self.operate(Method::POST, "/v1/subjects/lookup", &wanted).await;
        let found: Value = serde_json::from_str(&found).unwrap();
        let pseudonym = found["subjects"][0].as_str().unwrap();
        let grants = self.gateway.get(&format!("/v1/consents?subject={pseudonym}")).await;
        let record = find_record(&grants).unwrap_or_else(|| panic!("{grants}"));
        let address = format!("/v1/consents/{record}/withdraw");
        let (status, said) = self.operate(Method::POST, &address, &json!({"method": "web"})).await;
        assert_eq!(status, StatusCode::OK, "{said}");
        until("it is ended at the employer", async || {
            self.acme.history(pseudonym).last().is_some_and(|last| last.operation == Operation::Close)
        })
        .await;
        let mut platform = puller(&self.gateway, "platform", 100).await;
        until("it has gone from the feed", async || {
            platform.pull().await.unwrap();
            platform.removed().contains_key(pseudonym)
        })
        .await;
        self.keep("removed", &format!("{:?} {:?}", platform.removed(), platform.violations()));
        let (next, _) = self.push("/v1/anapec/talent_profile", &person.jobseeker("Kotlin"), None).await;
        self.until_step(&next, "not_entitled", "acme").await;
        self.look_at_figures("after").await;
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

/// The first record id in a list of grants.
fn find_record(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) => {
            members.get("record_id").and_then(Value::as_str).or_else(|| members.values().find_map(find_record))
        }
        Value::Array(items) => items.iter().find_map(find_record),
        _ => None,
    }
}

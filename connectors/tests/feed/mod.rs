//! A feed as a national service offers it: it obeys every rule, unless a test swaps an answer for a worse one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use connectors::eures::stub::{EuresSettings, EuresStub, Stamps, Status};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// 2026-11-21T12:00:00Z, and the times of the feeds lie around it.
pub const NOW: i64 = 1_795_262_400_000;

/// A vacancy as the feed of a test holds it.
#[derive(Clone)]
pub struct Entry {
    pub status: Status,
    pub stamps: Stamps,
    pub revision: u64,
}

type Answers = VecDeque<Option<Value>>;
type Entries = BTreeMap<String, Entry>;

/// The feed.
#[derive(Clone, Default)]
pub struct Feed {
    pub entries: Arc<Mutex<Entries>>,
    clock: Arc<Mutex<i64>>,
    /// What to answer instead to the next questions, by call: a document, a status, or `None` for the truth.
    instead: Arc<Mutex<BTreeMap<&'static str, Answers>>>,
    /// Whether `getChanges` tells of nothing.
    pub is_silent: Arc<AtomicBool>,
    /// What was called.
    pub calls: Arc<Mutex<Vec<String>>>,
}

pub fn document(reference: &str, revision: u64) -> String {
    format!(
        r#"<PositionOpening xmlns="http://www.hr-xml.org/3" xmlns:oa="http://www.openapplications.org/oagis/9" majorVersionID="3" minorVersionID="2"><DocumentID schemeID="P" schemeAgencyID="P" schemeAgencyName="P" schemeVersionID="1.3">{reference}</DocumentID><PositionOpeningStatusCode name="Active">Active</PositionOpeningStatusCode><PostingRequester><PartyID schemeID="P" schemeAgencyID="P" schemeAgencyName="P">1</PartyID></PostingRequester><PositionProfile languageCode="nl"><PostingInstruction><ApplicationMethod><Instructions>Bel ons</Instructions></ApplicationMethod></PostingInstruction><PositionTitle>Lasser (rev {revision})</PositionTitle><PositionLocation><Address><CountryCode>BE</CountryCode></Address></PositionLocation><PositionOrganization><OrganizationIdentifiers><OrganizationName>Voorbeeld NV</OrganizationName></OrganizationIdentifiers></PositionOrganization><PositionOpenQuantity>1</PositionOpenQuantity><JobCategoryCode listName="ISCO2008" listVersionID="2008" listURI="http://ec.europa.eu/esco/ConceptScheme/ISCO2008">7212</JobCategoryCode><PositionFormattedDescription><Content>Lassen</Content></PositionFormattedDescription><ImmediateStartIndicator>false</ImmediateStartIndicator><PositionScheduleTypeCode>Any</PositionScheduleTypeCode></PositionProfile></PositionOpening>"#
    )
}

impl Feed {
    fn tick(&self) -> i64 {
        let mut clock = self.clock.lock().unwrap();
        *clock += 1;
        NOW - 1_000_000 + *clock
    }

    pub fn create(&self, reference: &str) {
        let now = self.tick();
        let stamps = Stamps { created: now, modified: now, closed: None };
        let entry = Entry { status: Status::Active, stamps, revision: 1 };
        self.entries.lock().unwrap().insert(reference.to_owned(), entry);
    }

    pub fn change(&self, reference: &str, change: impl FnOnce(&mut Entry, i64)) {
        let now = self.tick();
        change(self.entries.lock().unwrap().get_mut(reference).unwrap(), now);
    }

    pub fn update(&self, reference: &str) {
        self.change(reference, |entry, now| {
            entry.revision += 1;
            entry.stamps.modified = now;
        });
    }

    pub fn close(&self, reference: &str) {
        self.change(reference, |entry, now| {
            entry.status = Status::Closed;
            entry.stamps.closed = Some(now);
        });
    }

    pub fn reopen(&self, reference: &str) {
        self.change(reference, |entry, now| {
            entry.revision += 1;
            *entry = Entry {
                status: Status::Active,
                stamps: Stamps { created: now, modified: now, closed: None },
                ..*entry
            };
        });
    }

    /// Answers the next question with something else.
    pub fn swap(&self, call: &'static str, answer: Value) {
        self.instead.lock().unwrap().entry(call).or_default().push_back(Some(answer));
    }

    /// Answers the next question with the truth.
    pub fn pass(&self, call: &'static str) {
        self.instead.lock().unwrap().entry(call).or_default().push_back(None);
    }

    fn answer(&self, call: &'static str, question: &str, honest: impl FnOnce(&Entries) -> Value) -> Response {
        self.calls.lock().unwrap().push(format!("{call} {question}").trim().to_owned());
        let swapped = self.instead.lock().unwrap().get_mut(call).and_then(VecDeque::pop_front).flatten();
        match swapped {
            Some(Value::Number(status)) => {
                StatusCode::from_u16(status.as_u64().unwrap().try_into().unwrap()).unwrap().into_response()
            }
            Some(answer) => Json(answer).into_response(),
            None => Json(honest(&self.entries.lock().unwrap())).into_response(),
        }
    }
}

pub fn listed(reference: &str, entry: &Entry) -> Value {
    let mut value = json!({
        "reference": reference,
        "source": "VDAB",
        "status": if entry.status == Status::Active { "ACTIVE" } else { "CLOSED" },
        "creationTimestamp": entry.stamps.created,
        "lastModificationTimestamp": entry.stamps.modified,
    });
    if let Some(closed) = entry.stamps.closed {
        value["closingTimestamp"] = json!(closed);
    }
    value
}

pub fn detailed(reference: &str, entry: &Entry) -> Value {
    let mut value = listed(reference, entry);
    value["contentFormatVersion"] = json!("1.3");
    if entry.status == Status::Active {
        value["content"] = json!(document(reference, entry.revision));
    }
    value
}

async fn all(State(feed): State<Feed>) -> Response {
    feed.answer("getAll", "", |entries| {
        let active = entries.iter().filter(|(_, entry)| entry.status == Status::Active);
        json!({ "allReferences": active.map(|(reference, entry)| listed(reference, entry)).collect::<Vec<_>>() })
    })
}

async fn changes(State(feed): State<Feed>, Path(since): Path<i64>) -> Response {
    let is_silent = feed.is_silent.load(Ordering::Relaxed);
    feed.answer("getChanges", "", |entries| {
        let entries = if is_silent { &Entries::new() } else { entries };
        let of = |is_in: &dyn Fn(&Entry) -> bool| -> Vec<Value> {
            entries.iter().filter(|(_, entry)| is_in(entry)).map(|(key, entry)| listed(key, entry)).collect()
        };
        let active = |entry: &Entry| entry.status == Status::Active;
        json!({
            "createdReferences": of(&|entry| active(entry) && entry.stamps.created >= since),
            "modifiedReferences": of(&|entry| active(entry) && entry.stamps.created < since && entry.stamps.modified >= since),
            "closedReferences": of(&|entry| entry.stamps.closed >= Some(since)),
        })
    })
}

async fn details(State(feed): State<Feed>, headers: HeaderMap, Json(references): Json<Vec<String>>) -> Response {
    assert_eq!(headers["content-type"], "application/json");
    feed.answer("getDetails", &references.join(","), |entries| {
        let known = references.iter().filter_map(|reference| Some((reference, entries.get(reference)?)));
        let details: serde_json::Map<_, _> =
            known.map(|(reference, entry)| (reference.clone(), detailed(reference, entry))).collect();
        json!({ "details": details })
    })
}

async fn ping(headers: HeaderMap) -> Response {
    if headers.get("authorization").is_some_and(|value| value == "Bearer t0ken") {
        return "Hello".into_response();
    }
    StatusCode::UNAUTHORIZED.into_response()
}

/// Runs a test against a feed that listens for as long as the test runs.
pub async fn with_feed(feed: &Feed, test: impl AsyncFnOnce(EuresStub)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/input/api/jv/v0.1", listener.local_addr().unwrap());
    let now = || Timestamp::from_millisecond(NOW).unwrap();
    let settings = EuresSettings {
        source: Some("VDAB".to_owned()),
        batch: 3,
        now,
        ..EuresSettings::new(base_url.parse().unwrap(), Some("t0ken".into()))
    };
    let calls = Router::new()
        .route("/ping", get(ping))
        .route("/getAll", get(all))
        .route("/getChanges/{since}", get(changes))
        .route("/getDetails", post(details));
    let router = Router::new().nest("/input/api/jv/v0.1", calls).with_state(feed.clone());
    tokio::select! {
        result = axum::serve(listener, router) => panic!("the feed ended: {result:?}"),
        () = test(EuresStub::new(settings)) => {}
    }
}

//! A schema registry for tests, which can be put out of order. What is compatible the real one knows better.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::supervisor::Supervisor;

/// A registry that a test can put out of order.
#[derive(Clone, Default)]
pub struct Stub(Arc<Mutex<Inside>>);

#[derive(Default)]
pub struct Inside {
    /// Every text; its id is its place, from 1.
    pub texts: Vec<String>,
    /// The ids of each subject's versions.
    pub subjects: BTreeMap<String, Vec<usize>>,
    pub levels: BTreeMap<String, String>,
    /// It answers nothing but 503.
    pub is_down: bool,
    /// It keeps no compatibility that is set.
    pub forgets_levels: bool,
    /// Why it takes no second version of any subject.
    pub refusal: Option<String>,
    /// What a caller has to show.
    pub authorization: Option<String>,
    /// How often it was asked.
    pub calls: usize,
}

impl Stub {
    /// Starts it, and returns its address.
    pub async fn start(&self, supervisor: &Supervisor) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/api/schemas/ids/{id}", get(schema))
            .route("/api/subjects/{subject}", post(look_up))
            .route("/api/subjects/{subject}/versions", get(versions).post(register))
            .route("/api/subjects/{subject}/versions/{version}", get(version))
            .route("/api/config/{subject}", get(level).put(set_level))
            .layer(axum::middleware::from_fn_with_state(self.clone(), admit))
            .with_state(self.clone());
        let stop = supervisor.stop_token();
        supervisor.spawn("registry stub", async move {
            Ok(axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?)
        });
        address
    }

    /// Changes it, or looks inside.
    pub fn with<T>(&self, change: impl FnOnce(&mut Inside) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }
}

impl Inside {
    /// Puts a schema under a subject without looking at it; returns its id.
    pub fn put(&mut self, subject: &str, text: &str) -> usize {
        let at = self.texts.iter().position(|known| known == text).unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        });
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        if !versions.contains(&(at + 1)) {
            versions.push(at + 1);
        }
        at + 1
    }
}

fn refusal(status: StatusCode, code: u32, message: &str) -> Response {
    (status, Json(json!({"error_code": code, "message": message}))).into_response()
}

async fn admit(
    State(stub): State<Stub>,
    headers: HeaderMap,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let refused = stub.with(|inside| {
        inside.calls += 1;
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match &inside.authorization {
            _ if inside.is_down => Some(StatusCode::SERVICE_UNAVAILABLE),
            Some(wanted) if shown != Some(wanted) => Some(StatusCode::UNAUTHORIZED),
            _ => None,
        }
    });
    match refused {
        Some(status) => refusal(status, status.as_u16().into(), "not now, or not you"),
        None => next.run(request).await,
    }
}

async fn schema(State(stub): State<Stub>, Path(id): Path<usize>) -> Response {
    match stub.with(|inside| inside.texts.get(id - 1).cloned()) {
        Some(text) => Json(json!({"schema": text})).into_response(),
        None => refusal(StatusCode::NOT_FOUND, 40_403, "schema not found"),
    }
}

async fn look_up(State(stub): State<Stub>, Path(subject): Path<String>, Json(asked): Json<Value>) -> Response {
    let found = stub.with(|inside| {
        let ids = inside.subjects.get(&subject)?;
        ids.iter().copied().find(|id| asked["schema"] == inside.texts[id - 1])
    });
    match found {
        Some(id) => Json(json!({"id": id, "subject": subject})).into_response(),
        None => refusal(StatusCode::NOT_FOUND, 40_403, "schema not found"),
    }
}

async fn versions(State(stub): State<Stub>, Path(subject): Path<String>) -> Response {
    match stub.with(|inside| inside.subjects.get(&subject).map(Vec::len)) {
        Some(count) => Json((1..=count).collect::<Vec<_>>()).into_response(),
        None => refusal(StatusCode::NOT_FOUND, 40_401, "subject not found"),
    }
}

async fn version(State(stub): State<Stub>, Path((subject, number)): Path<(String, usize)>) -> Response {
    let (id, text) = stub.with(|inside| {
        let id = inside.subjects[&subject][number - 1];
        (id, inside.texts[id - 1].clone())
    });
    Json(json!({"subject": subject, "version": number, "id": id, "schema": text})).into_response()
}

async fn register(State(stub): State<Stub>, Path(subject): Path<String>, Json(asked): Json<Value>) -> Response {
    let text = asked["schema"].as_str().unwrap_or_default();
    stub.with(|inside| match &inside.refusal {
        Some(reason) if inside.subjects.contains_key(&subject) => refusal(StatusCode::CONFLICT, 409, reason),
        _ => Json(json!({"id": inside.put(&subject, text)})).into_response(),
    })
}

async fn level(State(stub): State<Stub>, Path(subject): Path<String>) -> Response {
    let (is_known, level) =
        stub.with(|inside| (inside.subjects.contains_key(&subject), inside.levels.get(&subject).cloned()));
    match (is_known, level) {
        (false, _) => refusal(StatusCode::NOT_FOUND, 40_401, "subject not found"),
        (true, level) => Json(json!({"compatibilityLevel": level.as_deref().unwrap_or("NONE")})).into_response(),
    }
}

async fn set_level(State(stub): State<Stub>, Path(subject): Path<String>, Json(asked): Json<Value>) -> Response {
    stub.with(|inside| {
        // What it does not know yet it forgets, as Apicurio does.
        if inside.subjects.contains_key(&subject) && !inside.forgets_levels {
            inside.levels.insert(subject, asked["compatibility"].as_str().unwrap_or_default().to_owned());
        }
    });
    Json(asked).into_response()
}

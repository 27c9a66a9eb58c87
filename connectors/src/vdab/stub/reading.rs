//! Lists and vacancies: `initial`, `bulk`, `POST vacatures` and `vacatures/{interneReferentie}`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::{Timestamp, civil::Date, fmt::rfc2822::DateTimePrinter};
use serde_json::{Value, json};

use super::{
    Entrance,
    register::{Register, VdabRule, envelope},
};

/// `bulk` gives no longer window.
const LONGEST_WINDOW: Duration = Duration::from_hours(5 * 24);

type Parameters = BTreeMap<String, String>;
type Refused = (VdabRule, &'static str);

/// What the handlers share.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) entrance: Arc<Entrance>,
    pub(super) register: Arc<Mutex<Register>>,
    pub(super) part_limit: usize,
    pub(super) batch_limit: usize,
    pub(super) now: fn() -> Timestamp,
}

/// The handlers, below the path of the interface.
pub(super) fn router(desk: Desk) -> Router {
    Router::new()
        .route("/vacatures/initial", get(initial))
        .route("/vacatures/bulk", get(bulk))
        .route("/vacatures", axum::routing::post(several))
        .route("/vacatures/{reference}", get(one))
        .with_state(Arc::new(desk))
}

impl Desk {
    fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers with what the call gives, or notes the breach and refuses.
    fn answer(&self, headers: &HeaderMap, give: impl FnOnce(&Register) -> Result<Value, Refused>) -> Response {
        let mut register = self.register();
        let checked = self.entrance.check(headers).map_err(|detail| (VdabRule::Credentials, detail));
        let mut response = match checked.and_then(|()| give(&register)) {
            Ok(answer) => Json(answer).into_response(),
            Err((rule, detail)) => {
                register.violate(rule, detail);
                let credentials = rule == VdabRule::Credentials;
                let status = if credentials { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
                (status, Json(json!({ "httpCode": status.as_u16().to_string(), "moreInformation": detail })))
                    .into_response()
            }
        };
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&(self.now)()).ok();
        if let Some(date) = date.and_then(|date| HeaderValue::from_str(&date).ok()) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    }

    /// `vanaf` and `aantal`.
    fn part(&self, parameters: &Parameters) -> Result<(usize, usize), Refused> {
        let number = |name: &str, default| match parameters.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| (VdabRule::Parameters, "`vanaf` or `aantal` is no number")),
        };
        let (offset, length) = (number("vanaf", 0)?, number("aantal", self.part_limit)?);
        if length == 0 || length > self.part_limit {
            return Err((VdabRule::Part, "`aantal` is 0 or more than is given"));
        }
        Ok((offset, length))
    }
}

fn known(parameters: &Parameters, names: &[&str]) -> Result<(), Refused> {
    let is_known = parameters.keys().all(|name| names.contains(&name.as_str()));
    if is_known { Ok(()) } else { Err((VdabRule::Parameters, "the call has no such parameter")) }
}

async fn initial(State(desk): State<Arc<Desk>>, Query(parameters): Query<Parameters>, headers: HeaderMap) -> Response {
    desk.answer(&headers, |register| {
        known(&parameters, &["datum", "vanaf", "aantal"])?;
        let (offset, length) = desk.part(&parameters)?;
        let date: Option<Date> = parameters.get("datum").and_then(|text| text.parse().ok());
        let date = date.ok_or((VdabRule::Parameters, "`datum` is no day"))?;
        Ok(envelope(&register.published_on(date), offset, length))
    })
}

async fn bulk(State(desk): State<Arc<Desk>>, Query(parameters): Query<Parameters>, headers: HeaderMap) -> Response {
    desk.answer(&headers, |register| {
        known(&parameters, &["van", "tot", "vanaf", "aantal"])?;
        let (offset, length) = desk.part(&parameters)?;
        let instant = |name: &str| {
            let text = parameters.get(name).filter(|text| text.len() == 24 && text.ends_with('Z'));
            let instant: Option<Timestamp> = text.and_then(|text| text.parse().ok());
            instant.ok_or((VdabRule::Parameters, "`van` or `tot` is not like 2026-02-13T12:00:00.000Z"))
        };
        let (from, to) = (instant("van")?, instant("tot")?);
        if to < from || to.duration_since(from).unsigned_abs() > LONGEST_WINDOW {
            return Err((VdabRule::Window, "the window is longer than five days or ends before it begins"));
        }
        Ok(envelope(&register.changed_in(from, to), offset, length))
    })
}

/// **Our profile** of the body: `{"interneReferenties": […]}`.
async fn several(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    desk.answer(&headers, |register| {
        let asked: Option<Value> = serde_json::from_slice(&body).ok();
        let asked = asked.as_ref().and_then(|asked| asked.get("interneReferenties")?.as_array());
        let asked = asked.ok_or((VdabRule::Parameters, "the body is not `{\"interneReferenties\": […]}`"))?;
        if asked.is_empty() || asked.len() > desk.batch_limit {
            return Err((VdabRule::Batch, "there are no references, or more than vacancies are given"));
        }
        let references: Option<Vec<&str>> = asked.iter().map(Value::as_str).collect();
        let references = references.ok_or((VdabRule::Parameters, "a reference is no text"))?;
        let documents: Vec<Value> = references.iter().filter_map(|reference| register.document(reference)).collect();
        Ok(envelope(&documents, 0, documents.len()))
    })
}

async fn one(State(desk): State<Arc<Desk>>, Path(reference): Path<String>, headers: HeaderMap) -> Response {
    let mut found = true;
    let mut response = desk.answer(&headers, |register| {
        let document = register.document(&reference);
        found = document.is_some();
        let message = format!("{reference} is geen bestaande vacature");
        Ok(document.unwrap_or_else(|| json!({ "httpCode": "400", "moreInformation": message })))
    });
    if !found {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

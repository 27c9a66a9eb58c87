//! Takes a request, checks it by the vendor's rules, and answers.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json,
    extract::{Query, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::time;

use super::{
    play::{Asked, Parameters, Play, Refusal},
    roll::Roll,
};

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) play: Box<dyn Play>,
    roll: Mutex<Roll>,
    /// How many lists are being answered.
    lists_under_way: AtomicUsize,
}

impl Desk {
    pub(super) fn new(play: Box<dyn Play>, roll: Roll) -> Self {
        Self { play, roll: Mutex::new(roll), lists_under_way: AtomicUsize::new(0) }
    }

    pub(super) fn roll(&self) -> MutexGuard<'_, Roll> {
        self.roll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self, request: &Request) -> Result<Asked, Refusal> {
        if request.method() != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "only `GET` is allowed"));
        }
        self.play.check(request.headers())?;
        let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let path: Vec<String> = request.uri().path().split('/').skip(1).map(decoded).collect();
        self.play.asked(&path).ok_or((StatusCode::NOT_FOUND, "nothing lies at that path"))
    }

    async fn list(&self, parameters: &Parameters) -> Result<Response, Refusal> {
        let others = self.lists_under_way.fetch_add(1, Ordering::SeqCst);
        let delay = self.roll().list_delay;
        if !delay.is_zero() {
            time::sleep(delay).await;
        }
        self.lists_under_way.fetch_sub(1, Ordering::SeqCst);
        if others > 0 && self.play.gives_one_list_at_a_time() {
            return Err((StatusCode::TOO_MANY_REQUESTS, "lists are given one at a time"));
        }
        let mut roll = self.roll();
        let list = self.play.list(&roll, parameters)?;
        let mut response = Json(list).into_response();
        for (name, value) in self.play.list_headers(&roll, parameters) {
            let value = HeaderValue::from_str(&value).map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "no header"))?;
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        roll.lists += 1;
        Ok(response)
    }

    fn one(&self, id: &str) -> Response {
        let mut roll = self.roll();
        roll.details += 1;
        let id = match &roll.confused {
            Some((asked, shown)) if asked == id => shown.as_str(),
            _ => id,
        };
        let found = roll.present().find(|person| self.play.id(person) == id);
        match found {
            Some(person) => Json(self.play.one(&roll, person)).into_response(),
            None => (StatusCode::NOT_FOUND, Json(json!({ "message": "not found" }))).into_response(),
        }
    }
}

/// Every path.
pub(super) async fn serve(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let asked = desk.asked(&request);
    if asked.is_ok() && desk.roll().is_limited() {
        return desk.play.limit(StatusCode::TOO_MANY_REQUESTS.into_response());
    }
    let parameters: Parameters =
        Query::try_from_uri(request.uri()).map_or_else(|_| Parameters::new(), |Query(map)| map);
    let answer = match asked {
        Ok(Asked::List) => desk.list(&parameters).await,
        Ok(Asked::One(id)) => Ok(desk.one(&id)),
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|(status, detail)| {
        desk.roll().violations.push(detail);
        (status, Json(json!({ "message": detail }))).into_response()
    })
}

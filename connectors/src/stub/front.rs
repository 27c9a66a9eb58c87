//! What every request to a stub partner passes first: it is read, counted, and perhaps struck by a fault.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use http::{HeaderValue, StatusCode, header};
use tokio::{
    sync::watch,
    time::{self, Instant},
};

use super::{
    faults::Faults,
    injection::Injection,
    meter::{Counted, LimitBreach, Meter, Quota},
    server::Switch,
};

/// A request that is not complete after this long is given up.
const READ_TIME_OUT: Duration = Duration::from_secs(30);

/// How a front is set up.
#[derive(Debug, Clone)]
pub(crate) struct FrontSettings {
    /// The longest body, in bytes.
    pub(crate) body_limit: usize,
    /// The limits; above one of them a request is answered with 429.
    pub(crate) quotas: Vec<Quota>,
}

/// The front of one partner.
#[derive(Debug)]
pub(crate) struct Front {
    body_limit: usize,
    faults: Mutex<Faults>,
    meter: Mutex<Meter>,
    healed: watch::Sender<()>,
}

impl Front {
    pub(crate) fn new(settings: &FrontSettings) -> Self {
        let meter = Mutex::new(Meter::new(&settings.quotas));
        Self { body_limit: settings.body_limit, faults: Mutex::default(), meter, healed: watch::Sender::default() }
    }

    pub(crate) fn body_limit(&self) -> usize {
        self.body_limit
    }

    /// Counts a request.
    pub(crate) fn count(&self) -> Counted {
        self.meter().count(Instant::now())
    }

    /// How many requests there were, those above a limit included.
    pub(crate) fn requests(&self) -> u64 {
        self.meter().requests()
    }

    pub(crate) fn limit_breaches(&self) -> Vec<LimitBreach> {
        self.meter().breaches()
    }

    pub(crate) fn limit_breach_count(&self) -> u64 {
        self.meter().breach_count()
    }

    pub(crate) fn inject(&self, times: usize, injection: &Injection) {
        self.faults().add(times, injection);
    }

    pub(crate) fn fail_now(&self, injection: Injection) {
        self.faults().last(injection);
    }

    pub(crate) fn heal(&self) {
        self.faults().clear();
        self.healed.send_replace(());
    }

    /// Tells of the next healing.
    pub(crate) fn healing(&self) -> watch::Receiver<()> {
        self.healed.subscribe()
    }

    pub(crate) fn next_fault(&self) -> Option<Injection> {
        self.faults().next()
    }

    pub(crate) fn lasting_fault(&self) -> Option<Injection> {
        self.faults().lasting()
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a request pass to its handler: middleware for [`axum::middleware::from_fn_with_state`].
pub(crate) async fn pass(
    State(front): State<Arc<Front>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
    next: Next,
) -> Response {
    let counted = front.count();
    let mut response = if counted.is_over {
        StatusCode::TOO_MANY_REQUESTS.into_response()
    } else {
        answered(&front, &switch, request, next).await
    };
    counted.announce(response.headers_mut());
    response
}

async fn answered(front: &Front, switch: &Switch, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = match whole(body, front.body_limit).await {
        Ok(body) => body,
        Err(unread) => return unread.into_response(),
    };
    let (fault, healing) = (front.next_fault(), front.healing());
    let response = match &fault {
        Some(fault) if !fault.takes() => struck(fault),
        _ => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    misbehave(fault, switch, healing, response).await
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLong,
    /// The sender left in the middle, or took too long: nothing to answer.
    Broken,
}

impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        match self {
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Self::Broken => StatusCode::REQUEST_TIMEOUT.into_response(),
        }
    }
}

/// The whole body, if it arrives in time and is not longer than the limit.
pub(crate) async fn whole(body: Body, limit: usize) -> Result<Bytes, Unread> {
    time::timeout(READ_TIME_OUT, collect(body, limit)).await.unwrap_or(Err(Unread::Broken))
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Unread> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Unread::Broken)?;
        if bytes.len() + chunk.len() > limit {
            return Err(Unread::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// What is answered instead of what should be.
pub(crate) fn struck(injection: &Injection) -> Response {
    match injection {
        Injection::Status { status: code, retry_after } => {
            let mut response = status(*code).into_response();
            if let Some(value) = retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            response
        }
        Injection::Nonsense => {
            ([(header::CONTENT_TYPE, "application/json")], "<html>{ this is neither \u{0}").into_response()
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Spoils the answer as the fault says; a healing ends what is only slow.
pub(crate) async fn misbehave(
    injection: Option<Injection>,
    switch: &Switch,
    mut healing: watch::Receiver<()>,
    response: Response,
) -> Response {
    match injection {
        Some(Injection::Hang(_)) => return std::future::pending().await,
        Some(Injection::Slow(delay)) => drop(time::timeout(delay, healing.changed()).await),
        Some(Injection::Reset(_)) => switch.reset(),
        Some(Injection::Garbage(_)) => switch.babble(),
        Some(Injection::Status { .. } | Injection::Nonsense) | None => {}
    }
    response
}

/// The status, if HTTP has it.
pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

//! HTTP in: partners push, vendors call, EURES pulls, operators look.

mod admission;
mod api;
mod asyncapi;
mod backlog;
mod batch;
mod body;
mod configuration;
mod consents;
mod encoding;
mod errors;
mod eures;
mod explain;
mod feed;
mod framing;
mod identities;
mod identity;
mod keys;
mod limits;
mod media;
mod messages;
mod other_grants;
mod parked;
mod partners;
mod placements;
mod probes;
mod problem;
mod push;
mod recalls;
mod replay;
mod reports;
mod server;
mod subjects;
mod tap;
mod webhook;

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{Request, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use metrics_exporter_prometheus::PrometheusHandle;
use schemas::Hash;
use tokio::{net::TcpListener, sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::problem::Problem;
pub use self::{admission::Admission, identity::new_secret, limits::KeyLimits};
use crate::{
    attachments::{Addresses, Lending},
    backbone::Topic,
    code::{Code, code},
    delivery::{Teller, Wakes},
    health::Health,
    intake::Intake,
    poller::Candidates,
    pulls::Pulls,
    reload::Reloader,
    store::{EventRow, MessageRow},
};

/// How often a caller who waits for the journal looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long an answer waits for the journal.
const PATIENCE: Duration = Duration::from_secs(5);
/// When to ask the journal again, seconds.
const RETRY_AFTER: u64 = 1;

/// What every request may reach.
#[derive(Clone)]
pub struct Door {
    pub intake: Intake,
    pub health: Health,
    pub wakes: Wakes,
    pub teller: Teller,
    pub metrics: PrometheusHandle,
    pub operator_token: Arc<Hash>,
    pub reloader: Reloader,
    pub sync_wanted: Arc<watch::Sender<()>>,
    /// Reads candidates that events name.
    pub candidates: Candidates,
    /// Lends files of profiles; none where nothing about persons is kept.
    pub lending: Option<Lending>,
    /// What our addresses begin with.
    pub addresses: Addresses,
    /// How much is taken in at once.
    pub admission: Admission,
    /// How many requests a key may make.
    pub limits: KeyLimits,
    /// Cancelled when the gateway stops.
    pub stop: CancellationToken,
}

impl Door {
    /// Listens until it is asked to stop, and then ends what it has begun.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn serve(self, listener: TcpListener) -> Result<()> {
        let (rules, stop) = (self.intake.in_force.now(), self.stop.clone());
        server::serve(listener, self.router(), &rules.configuration.settings, stop).await
    }

    fn router(self) -> Router {
        let rules = self.intake.in_force.now();
        let settings = &rules.configuration.settings;
        let (max_body_bytes, request_timeout) = (settings.max_body_bytes, settings.request_timeout);
        let (router, api) = documented_routes().split_for_parts();
        let api = api::described(&api);
        router
            // The documented addresses of batches and closings meet here, where the router would see the closing only.
            .route("/v1/{partner}/vacancy/batch", post(batch::receive_vacancies).delete(push::close_batch))
            .route("/openapi.json", axum::routing::get(move || async move { Json(api) }))
            .fallback(|| async { Problem::not_found("address") })
            .method_not_allowed_fallback(|| async {
                Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    const { code("method_not_allowed") },
                    "this address does not know that method",
                )
            })
            .layer(middleware::from_fn_with_state(self.clone(), limits::enforce))
            .layer(middleware::from_fn(plain_errors_to_problems))
            .layer(DefaultBodyLimit::max(max_body_bytes))
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, request_timeout))
            .layer(CatchPanicLayer::custom(|_| {
                Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    const { code("defect") },
                    "a defect of the gateway; nothing is known to be accepted",
                )
                .into_response()
            }))
            .with_state(self)
    }

    /// Feeds, for those who pull them.
    fn pulls(&self) -> Pulls {
        let Intake { store, bodies, in_force, clock, .. } = &self.intake;
        Pulls { store: store.clone(), bodies: bodies.clone(), in_force: in_force.clone(), clock: clock.clone() }
    }

    /// A message with its events, also right after it was accepted.
    ///
    /// # Errors
    /// If there is none, or if the journal is so far behind that nobody can say: after a node was killed, its share of
    /// the journal waits for the session of its group to end.
    async fn message(&self, id: &str) -> Result<(MessageRow, Vec<EventRow>), Problem> {
        let id = id.parse().map_err(|_| Problem::not_found("message"))?;
        if let Some(found) = self.intake.store.message(id).await? {
            return Ok(found);
        }
        let is_told = self.journal_caught_up(PATIENCE).await?;
        match self.intake.store.message(id).await? {
            Some(found) => Ok(found),
            None if is_told => Err(Problem::not_found("message")),
            None => Err(Problem::unavailable(const { code("journal_behind") }, "the journal is behind", RETRY_AFTER)
                .detail("what was accepted last is not in it yet: ask again")),
        }
    }

    /// Waits, at most so long, until the journal has read everything that was accepted before now; says whether it has.
    async fn journal_caught_up(&self, patience: Duration) -> Result<bool> {
        let (backbone, accepted) = (&self.intake.backbone, Topic::accepted());
        let end = backbone.end(&accepted).await?;
        let give_up_at = Instant::now() + patience;
        while !backbone.has_passed("journal", &accepted, &end).await? {
            if Instant::now() >= give_up_at {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }
}

fn documented_routes() -> OpenApiRouter<Door> {
    OpenApiRouter::with_openapi(api::Api::openapi())
        .routes(routes!(push::push))
        .routes(routes!(push::close))
        .routes(routes!(batch::receive))
        .routes(routes!(webhook::receive))
        .routes(routes!(messages::show))
        .routes(routes!(messages::list))
        .routes(routes!(explain::show))
        .routes(routes!(replay::replay))
        .routes(routes!(tap::tap))
        .routes(routes!(backlog::show))
        .routes(routes!(parked::list))
        .routes(routes!(parked::show))
        .routes(routes!(parked::release))
        .routes(routes!(parked::give_up))
        .routes(routes!(configuration::show))
        .routes(routes!(configuration::reload))
        .routes(routes!(partners::sync))
        .routes(routes!(consents::create, consents::list))
        .routes(routes!(consents::show))
        .routes(routes!(consents::withdraw))
        .routes(routes!(recalls::list))
        .routes(routes!(placements::of))
        .routes(routes!(placements::list))
        .routes(routes!(reports::programme::show))
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(identities::link))
        .routes(routes!(identities::split))
        .routes(routes!(identities::links))
        .routes(routes!(subjects::look_up))
        .routes(routes!(subjects::destroy_keys))
        .routes(routes!(subjects::restrict, subjects::lift))
        .routes(routes!(feed::page))
        .routes(routes!(media::ask))
        .routes(routes!(media::read))
        .routes(routes!(eures::vacancies::ping))
        .routes(routes!(eures::vacancies::get_all))
        .routes(routes!(eures::vacancies::get_changes))
        .routes(routes!(eures::vacancies::get_details))
        .routes(routes!(eures::cvs::ping))
        .routes(routes!(eures::cvs::get_all))
        .routes(routes!(eures::cvs::get_changes))
        .routes(routes!(eures::cvs::get_details))
        .routes(routes!(errors::list))
        .routes(routes!(errors::show))
        .routes(routes!(probes::live))
        .routes(routes!(probes::ready))
        .routes(routes!(probes::metrics))
        .routes(routes!(asyncapi::show))
}

/// The longest text of a refusal that is passed on, in bytes.
const LONGEST_SAID: usize = 1_024;

/// Gives the framework's own refusals (body too large, wrong query, time-out) the form of a problem.
async fn plain_errors_to_problems(request: Request<axum::body::Body>, next: Next) -> Response {
    let response = next.run(request).await;
    let is_plain = response
        .headers()
        .get(axum::http::header::CONTENT_TYPE)
        .is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || !is_plain {
        return response;
    }
    let (code, title): (Code, _) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => (const { code("too_large") }, "the body is too large"),
        StatusCode::REQUEST_TIMEOUT => (const { code("timeout") }, "the request took too long"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (const { code("media_type") }, "the media type is not the one expected"),
        StatusCode::UNPROCESSABLE_ENTITY => (const { code("wrong_body") }, "the body is not what this address expects"),
        _ => (const { code("bad_request") }, "the request is not well-formed"),
    };
    let said = axum::body::to_bytes(response.into_body(), LONGEST_SAID).await.unwrap_or_default();
    let problem = Problem::new(status, code, title);
    match std::str::from_utf8(&said) {
        Ok(said) if !said.is_empty() => problem.detail(said).into_response(),
        _ => problem.into_response(),
    }
}

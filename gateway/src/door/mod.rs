//! HTTP in: partners push, vendors call, EURES pulls, operators look.

mod backlog;
mod body;
mod configuration;
mod eures;
mod explain;
mod feed;
mod identity;
mod keys;
mod messages;
mod parked;
mod partners;
mod probes;
mod problem;
mod push;
mod webhook;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{Request, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::PrometheusHandle;
use schemas::Hash;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tokio_util::sync::CancellationToken;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::identity::new_secret;
use self::problem::Problem;
use crate::{
    backbone::Topic,
    delivery::{Teller, Wakes},
    health::Health,
    intake::Intake,
    reload::Reloader,
};

/// What every request may reach.
#[derive(Clone)]
pub struct Door {
    pub intake: Intake,
    pub health: Health,
    pub wakes: Wakes,
    pub teller: Teller,
    pub metrics: PrometheusHandle,
    pub operator_token: Arc<Hash>,
    /// How far the journal has read what was accepted.
    pub journaled: watch::Receiver<i64>,
    pub reloader: Reloader,
    pub sync_wanted: Arc<Notify>,
}

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(title = "Passerelle", description = "The gateway between employment services.", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    modifiers(&Keys)
)]
struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        for name in ["partner key", "operator token", "puller token"] {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
    }
}

impl Door {
    /// Listens until it is asked to stop, and then ends what it has begun.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> Result<()> {
        let router = self.router();
        axum::serve(listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
            .context("cannot listen any more")
    }

    fn router(self) -> Router {
        let rules = self.intake.in_force.now();
        let settings = &rules.configuration.settings;
        let (max_body_bytes, request_timeout) = (settings.max_body_bytes, settings.request_timeout);
        let (router, api) = documented_routes().split_for_parts();
        router
            .route("/openapi.json", axum::routing::get(move || async move { Json(api) }))
            .fallback(|| async { Problem::not_found("address") })
            .method_not_allowed_fallback(|| async {
                Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    "this address does not know that method",
                )
            })
            .layer(middleware::from_fn(plain_errors_to_problems))
            .layer(DefaultBodyLimit::max(max_body_bytes))
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, request_timeout))
            .layer(CatchPanicLayer::custom(|_| {
                Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "defect",
                    "a defect of the gateway; nothing is known to be accepted",
                )
                .into_response()
            }))
            .with_state(self)
    }

    /// Waits, at most so long, until the journal has read everything that was accepted before now.
    async fn wait_for_journal(&self, patience: Duration) -> Result<()> {
        let end = self.intake.backbone.end(&Topic::accepted()).await?.offset;
        let mut journaled = self.journaled.clone();
        // Out of patience, the caller looks all the same.
        let _ = tokio::time::timeout(patience, journaled.wait_for(|read| *read >= end)).await;
        Ok(())
    }
}

fn documented_routes() -> OpenApiRouter<Door> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(push::push))
        .routes(routes!(push::close))
        .routes(routes!(webhook::receive))
        .routes(routes!(messages::show))
        .routes(routes!(messages::list))
        .routes(routes!(explain::show))
        .routes(routes!(backlog::show))
        .routes(routes!(parked::list))
        .routes(routes!(parked::show))
        .routes(routes!(parked::release))
        .routes(routes!(parked::give_up))
        .routes(routes!(configuration::show))
        .routes(routes!(configuration::reload))
        .routes(routes!(partners::sync))
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(feed::page))
        .routes(routes!(eures::ping))
        .routes(routes!(eures::get_all))
        .routes(routes!(eures::get_changes))
        .routes(routes!(eures::get_details))
        .routes(routes!(probes::live))
        .routes(routes!(probes::ready))
        .routes(routes!(probes::metrics))
}

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
    let (code, title) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is too large"),
        StatusCode::REQUEST_TIMEOUT => ("timeout", "the request took too long"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("media_type", "the media type is not the one expected"),
        StatusCode::UNPROCESSABLE_ENTITY => ("wrong_body", "the body is not what this address expects"),
        _ => ("bad_request", "the request is not well-formed"),
    };
    Problem::new(status, code, title).into_response()
}

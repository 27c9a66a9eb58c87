//! Whether the daemon lives, whether it is ready, and what it counts.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Door;
use crate::health::Condition;

/// Which part works and which does not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready` or `not_ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// Every part: `works`, perhaps without something, or what is wrong with it.
    parts: BTreeMap<String, String>,
}

/// Says that the process lives.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, description = "It lives.", body = String)))]
pub async fn live() -> &'static str {
    "live"
}

/// Says whether every part works, and which does not.
#[utoipa::path(get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "Every part works.", body = Readiness), (status = 503, description = "A part does not.", body = Readiness)))]
pub async fn ready(State(door): State<Door>) -> (StatusCode, Json<Readiness>) {
    let mut parts = door.health.parts();
    let mut probes = vec![("log", door.intake.backbone.probe().await), ("store", door.intake.store.probe().await)];
    if let Some(vault) = door.intake.bodies.vault() {
        probes.push(("vault", vault.probe().await));
    }
    for (name, probe) in probes {
        let condition = probe.map_or_else(|error| Condition::Fails(format!("{error:#}")), |()| Condition::Works);
        parts.insert(name.to_owned(), condition);
    }
    let is_ready = !parts.values().any(|condition| matches!(condition, Condition::Fails(_)));
    let parts = parts.into_iter().map(|(name, condition)| (name, condition.describe())).collect();
    let (code, status) =
        if is_ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    (code, Json(Readiness { status, parts }))
}

/// Counters and gauges in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "Metrics.", body = String, content_type = "text/plain")))]
pub async fn metrics(State(door): State<Door>) -> String {
    door.metrics.render()
}

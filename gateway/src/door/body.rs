//! The body of a request, bounded.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::StatusCode,
};
use futures::StreamExt;

use super::{Door, problem::Problem};

/// What is read and thrown away of a body that is too large, so that its sender hears why: so many times the limit.
const DRAINED: usize = 4;

/// A body no larger than `door.max_body_bytes`.
pub struct Bounded(pub Bytes);

impl FromRequest<Door> for Bounded {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let limit = door.intake.in_force.now().configuration.settings.max_body_bytes;
        read(request.into_body(), limit).await.map(Self)
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::bad_request("broken_body", "the body broke off"))?;
        length += chunk.len();
        if length <= limit {
            read.extend_from_slice(&chunk);
        } else if length > limit.saturating_mul(DRAINED) {
            break;
        }
    }
    if length <= limit {
        return Ok(read.into());
    }
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large")
        .detail(format!("send at most {limit} bytes; `door.max_body_bytes` sets the limit")))
}

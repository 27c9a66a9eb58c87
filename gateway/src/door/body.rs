//! The body of a request: bounded in size and time, and inflated if it came compressed.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use futures::StreamExt;

use super::{Door, admission::Room, encoding::Encoding, problem::Problem};
use crate::code::code;

/// What is read and thrown away of a body that is too large, so that its sender hears why: so many times the limit.
const DRAINED: usize = 4;

/// A body no larger than `door.max_body_bytes`, inflated; it has its room at the door until it is dropped.
pub struct Bounded {
    /// The body.
    pub bytes: Bytes,
    _room: Room,
}

/// A body as it came, for signatures; a compressed one is refused.
pub struct Unchanged {
    /// The body.
    pub bytes: Bytes,
    _room: Room,
}

impl FromRequest<Door> for Bounded {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let encoding = Encoding::of(request.headers())?;
        require_welcome(&request, door)?;
        let mut room = door.admission.room();
        let mut bytes = read(request.into_body(), door, &mut room).await?;
        if encoding != Encoding::Identity {
            let limit = door.intake.in_force.now().configuration.settings.max_inflated_bytes;
            let _turn = door.admission.turn_to_inflate().await;
            bytes = encoding.inflate(&bytes, limit, &mut room).await?;
        }
        Ok(Self { bytes, _room: room })
    }
}

impl FromRequest<Door> for Unchanged {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        if Encoding::of(request.headers())? != Encoding::Identity {
            return Err(Encoding::not_here());
        }
        require_welcome(&request, door)?;
        let mut room = door.admission.room();
        let bytes = read(request.into_body(), door, &mut room).await?;
        Ok(Self { bytes, _room: room })
    }
}

/// Tells whoever asks before sending (`Expect: 100-continue`) that the body will be too large (RFC 9110, 10.1.1).
fn require_welcome(request: &Request, door: &Door) -> Result<(), Problem> {
    let limit = door.intake.in_force.now().configuration.settings.max_body_bytes;
    let is_announced = u64::try_from(limit).is_ok_and(|limit| request.body().size_hint().lower() > limit);
    if is_announced && request.headers().contains_key(header::EXPECT) { Err(too_large(limit)) } else { Ok(()) }
}

async fn read(body: Body, door: &Door, room: &mut Room) -> Result<Bytes, Problem> {
    let rules = door.intake.in_force.now();
    let settings = &rules.configuration.settings;
    let limit = settings.max_body_bytes;
    let mut chunks = body.into_data_stream();
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(chunk) = next_chunk(&mut chunks, settings.read_timeout).await? {
        length += chunk.len();
        if length <= limit {
            room.grow(chunk.len())?;
            read.extend_from_slice(&chunk);
        } else if length > limit.saturating_mul(DRAINED) {
            break;
        } else {
            read = Vec::new();
        }
    }
    if length <= limit {
        return Ok(read.into());
    }
    Err(too_large(limit))
}

fn too_large(limit: usize) -> Problem {
    let code = const { code("too_large") };
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, code, "the body is too large")
        .detail(format!("send at most {limit} bytes; `door.max_body_bytes` sets the limit"))
        .fault(code, format!("the body is longer than {limit} bytes; nothing of it was taken"))
}

/// The next bytes of a body, if they come in time.
pub async fn next_chunk(chunks: &mut BodyDataStream, patience: Duration) -> Result<Option<Bytes>, Problem> {
    match tokio::time::timeout(patience, chunks.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
        Ok(Some(Err(_))) => Err(broken()),
        Err(_) => Err(slow(patience)),
    }
}

/// What to tell whoever sent less than announced.
pub fn broken() -> Problem {
    let code = const { code("broken_body") };
    Problem::bad_request(code, "the body broke off").fault(code, "the body ends before its length says so")
}

/// What to tell whoever sent nothing for so long.
pub fn slow(patience: Duration) -> Problem {
    let code = const { code("slow_body") };
    Problem::new(StatusCode::REQUEST_TIMEOUT, code, "the body does not come")
        .detail(format!("nothing came for {} ms; `door.read_timeout_ms` sets the limit", patience.as_millis()))
        .fault(code, "the body stopped before it was whole")
}

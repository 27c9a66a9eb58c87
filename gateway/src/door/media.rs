//! Files of profiles, for recipients that may read them: asked for with the partner's key, read by a token.
//!
//! **Invariant:** a token is in no log, and no answer says why a file is not for somebody who may not have it.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http_range_header::parse_range_header;
use rand::Rng;
use schemas::{Hash, PartnerId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Door, identity::Identity, problem::Problem};
use crate::{
    attachments::{Lending, MayRead, reading},
    code::code,
};

/// When a file may have come that is wanted, in seconds.
const RETRY_AFTER: u64 = 2;

/// Where a file can be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readable {
    /// The address; it is good for the bytes of the file, once, in as many ranges as the reader likes.
    #[schema(example = "https://gateway.example.org/v1/media/pS3Z1v2dQm0Y0i8o3yq1wQxZb8a4mS6a1c9r7T5uEfg")]
    url: String,
    /// Until when.
    #[schema(example = "2026-11-22T09:20:00Z")]
    expires_at: String,
}

/// Asks to read a file that a profile links to.
///
/// Whether the recipient may is decided now: the person permits it, the profile was sent to it, and is not asked back. The
/// answer leads to an address that needs no key and is over soon; ask again for another one, as long as it is permitted.
#[utoipa::path(
    get, path = "/v1/{partner}/media/{id}", tag = "media",
    params(("partner" = String, Path, example = "agency"), ("id" = String, Path, example = "7d0f9c1e-55aa-8d2c-9a41-0a5f4a1b9c77")),
    responses(
        (status = 303, description = "Where it can be read, in `Location` too.", body = Readable),
        (status = 401, description = "No valid key.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key of somebody else.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none, or none for this partner now; `media_failed` if it could not be fetched.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "It has not come yet.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("partner key" = []))
)]
pub async fn ask(
    State(door): State<Door>,
    identity: Identity,
    Path((partner, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let partner: PartnerId = partner.parse().map_err(|_| Problem::forbidden("this key belongs to another partner"))?;
    identity.require_puller(&partner)?;
    let lending = lending(&door)?;
    let id: Uuid = id.parse().map_err(|_| Problem::not_found("file"))?;
    let loan = match lending.may_read(&partner, id.into()).await? {
        MayRead::Now(loan) => loan,
        MayRead::NotYet => {
            let title = "the file has not come yet";
            return Err(Problem::unavailable(const { code("media_not_yet_here") }, title, RETRY_AFTER)
                .detail("it is being fetched; ask again"));
        }
        MayRead::Failed => {
            let title = "the file could not be fetched from where it lies";
            return Err(Problem::new(StatusCode::NOT_FOUND, const { code("media_failed") }, title)
                .detail("it comes with the next version of the profile, if its sender mends it"));
        }
        MayRead::No => return Err(Problem::not_found("file")),
    };
    let token = new_token();
    let expires_at = lending.lend(&partner, loan, Hash::of(token.as_bytes())).await?;
    let rules = door.intake.in_force.now();
    let base = door.addresses.base(&rules.configuration.settings.media);
    let url = format!("{base}/v1/media/{token}");
    let location = HeaderValue::from_str(&url).map_err(anyhow::Error::from)?;
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let expires_at = expires_at.to_string();
    Ok((StatusCode::SEE_OTHER, headers, Json(Readable { url, expires_at })).into_response())
}

/// Reads a file, whole or a range of it.
///
/// The address was given out by `/v1/{partner}/media/{id}`. It is good for as many bytes as the file has, for a while, and only as
/// long as nothing changes that the decision rested on: then it is as if it had never been.
#[utoipa::path(
    get, path = "/v1/media/{token}", tag = "media",
    params(("token" = String, Path, example = "pS3Z1v2dQm0Y0i8o3yq1wQxZb8a4mS6a1c9r7T5uEfg"),
        ("Range" = Option<String>, Header, description = "One range of bytes (RFC 9110, section 14); several are answered with the whole file.")),
    responses(
        (status = 200, description = "The file.", content_type = "application/octet-stream"),
        (status = 206, description = "The range of it.", content_type = "application/octet-stream"),
        (status = 404, description = "The token is over, used up or no token; ask for another one.", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "The file has no such range.", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn read(
    State(door): State<Door>,
    method: Method,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let lending = lending(&door)?;
    let hash = Hash::of(token.as_bytes());
    let file = lending.file(hash).await?.ok_or_else(over)?;
    let about = file.about().clone();
    let size = about.size_bytes;
    let Ok(range) = range_of(&headers, size) else {
        let problem = Problem::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            const { code("wrong_range") },
            "the file has no such range of bytes",
        );
        return Ok(([(header::CONTENT_RANGE, format!("bytes */{size}"))], problem).into_response());
    };
    let (status, stretch) = match range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range),
        None => (StatusCode::OK, 0..size),
    };
    let length = stretch.end - stretch.start;
    let content_range = format!("bytes {}-{}/{size}", stretch.start, stretch.end.saturating_sub(1));
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        let counted_off = lending.count_off(hash, length).await?.ok_or_else(over)?;
        Body::from_stream(reading(lending.clone(), (file, stretch), counted_off))
    };
    let mut response = (status, body).into_response();
    let said = [
        (header::CONTENT_TYPE, about.media_type),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_RANGE, if status == StatusCode::PARTIAL_CONTENT { content_range } else { String::new() }),
    ];
    for (name, value) in said.into_iter().filter(|(_, value)| !value.is_empty()) {
        response.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(anyhow::Error::from)?);
    }
    for (name, value) in SAFE {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// What is said of every file: kept by nobody on the way, taken for nothing else, and harmless where it is shown.
const SAFE: [(HeaderName, &str); 6] = [
    (header::ACCEPT_RANGES, "bytes"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_DISPOSITION, "inline"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// The one range that is asked for; none if it is the whole file. There is nothing to compare an `If-Range` with: then, too.
fn range_of(headers: &HeaderMap, size: u64) -> Result<Option<std::ops::Range<u64>>, ()> {
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some(asked) = asked.filter(|_| !headers.contains_key(header::IF_RANGE)) else { return Ok(None) };
    // What cannot be read is ignored (RFC 9110, section 14.2), and so are several at once, which nobody has to heed.
    if asked.contains(',') {
        return Ok(None);
    }
    let Ok(parsed) = parse_range_header(asked) else { return Ok(None) };
    let ranges = parsed.validate(size).map_err(drop)?;
    Ok(ranges.first().map(|range| *range.start()..range.end() + 1))
}

fn lending(door: &Door) -> Result<&Lending, Problem> {
    door.lending.as_ref().ok_or_else(|| Problem::not_found("file"))
}

/// The same whatever is the matter with a token.
fn over() -> Problem {
    let title = "the address is over, used up or none of ours";
    Problem::new(StatusCode::NOT_FOUND, const { code("media_token_over") }, title)
        .detail("ask `/v1/{partner}/media/{id}` for another one")
}

/// A token that nobody can guess: 256 bits, safe in addresses.
fn new_token() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_heeded_and_what_cannot_be_read_is_not() {
        let mut headers = HeaderMap::new();
        assert_eq!(range_of(&headers, 10), Ok(None));
        for (range, expected) in [
            ("bytes=0-0", Ok(Some(0..1))),
            ("bytes=3-", Ok(Some(3..10))),
            ("bytes=-4", Ok(Some(6..10))),
            ("bytes=8-100", Ok(Some(8..10))),
            ("bytes=-100", Ok(Some(0..10))),
            ("bytes=10-", Err(())),
            ("bytes=10-12", Err(())),
            ("bytes=0-1,3-4", Ok(None)),
            ("pages=1-2", Ok(None)),
            ("bytes=x", Ok(None)),
        ] {
            headers.insert(header::RANGE, HeaderValue::from_static(range));
            assert_eq!(range_of(&headers, 10), expected, "{range}");
        }
        headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-0"));
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"x\""));
        assert_eq!(range_of(&headers, 10), Ok(None));
    }
}

//! Errors as RFC 9457 problem details: what is wrong, where, and what to do.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use crate::code::{Code, code};

/// When to try again after log or store did not answer, in seconds.
const RETRY_AFTER: u64 = 5;

/// A problem (RFC 9457). `code` is stable; `detail` is for people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The address of the page about the code: cause and remedy. Relative to the gateway.
    #[serde(rename = "type")]
    #[schema(example = "/errors/unreadable")]
    kind: String,
    /// The problem in a few words.
    title: String,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The code of the problem.
    #[schema(example = "unreadable")]
    code: String,
    /// One entry per fault of the document.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemFault>,
    /// What stands in the way, as an address of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/v1/messages/01932c3e-7d5a-7c11-9a53-1f1c7f2b0a10")]
    see: Option<String>,
    /// When to come again, in seconds; goes out as a header.
    #[serde(skip)]
    retry_after: Option<u64>,
    /// Whether to say which content codings are understood.
    #[serde(skip)]
    says_encodings: bool,
}

/// A fault of a document.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProblemFault {
    /// Where: JSON Pointer, XPath or label.
    #[schema(example = "/aantalJobs")]
    pub pointer: String,
    /// Which fault, as a code.
    pub code: String,
    /// What is wrong, and the remedy.
    pub detail: String,
}

impl Problem {
    /// A problem with a status, a code and a title.
    pub fn new(status: StatusCode, code: Code, title: &str) -> Self {
        Self {
            kind: code.page(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: None,
            code: code.as_str().to_owned(),
            errors: Vec::new(),
            see: None,
            retry_after: None,
            says_encodings: false,
        }
    }

    /// The caller asks for more than it may; it may come again after so many seconds.
    pub fn too_many(code: Code, title: &str, retry_after: u64) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, title) }
    }

    /// The gateway cannot do it now; the caller may come again after so many seconds.
    pub fn unavailable(code: Code, title: &str, retry_after: u64) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title) }
    }

    /// Says what to do about it.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what is wrong with the document.
    pub fn faults(mut self, faults: Vec<mappings::Fault>) -> Self {
        let fault =
            |fault: mappings::Fault| ProblemFault { pointer: fault.pointer, code: fault.code, detail: fault.problem };
        self.errors = faults.into_iter().map(fault).collect();
        self
    }

    /// Says what is wrong with the body as a whole.
    pub fn fault(mut self, code: Code, problem: impl Into<String>) -> Self {
        let fault = ProblemFault { pointer: String::new(), code: code.as_str().to_owned(), detail: problem.into() };
        self.errors.push(fault);
        self
    }

    /// Says what stands in the way.
    pub fn see(mut self, address: String) -> Self {
        self.see = Some(address);
        self
    }

    /// Says which content codings are understood (RFC 9110 §15.5.16).
    pub fn accept_encoding(self) -> Self {
        Self { says_encodings: true, ..self }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// There is nothing at that address, or nothing that this key may see.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            const { code("not_found") },
            &format!("there is no such {what}, or this key may not see it"),
        )
    }

    /// The key is missing or not valid.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, const { code("unauthorized") }, "a valid key is needed")
            .detail("send `Authorization: Bearer KEY`; `passerelle keys create` makes one")
    }

    /// The key is valid, but not for this.
    pub fn forbidden(why: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, const { code("forbidden") }, why)
    }

    /// There is no such dialect.
    pub fn unknown_dialect(detail: &str) -> Self {
        Self::bad_request(const { code("unknown_dialect") }, "there is no such dialect").detail(detail)
    }

    /// The request is not well-formed.
    pub fn bad_request(code: Code, title: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, title)
    }
}

impl From<anyhow::Error> for Problem {
    /// Log or store did not answer. Nothing is known to be accepted; the caller may try again.
    fn from(error: anyhow::Error) -> Self {
        error!(error = format!("{error:#}"), "a request could not be served");
        Self::unavailable(const { code("unavailable") }, "the gateway cannot take this now", RETRY_AFTER)
            .detail("nothing was accepted; try again")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (retry_after, says_encodings) = (self.retry_after, self.says_encodings);
        let link = self.see.as_ref().map(|address| format!("<{address}>; rel=\"related\""));
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if says_encodings {
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(Ok(link)) = link.map(|link| HeaderValue::from_str(&link)) {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

//! Errors as RFC 9457 problem details: what is wrong, where, and what to do.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

/// A problem (RFC 9457). `code` is stable; `detail` is for people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A URI for the sort of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:passerelle:problem:unreadable")]
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
    pub fn new(status: StatusCode, code: &str, title: &str) -> Self {
        Self {
            kind: format!("urn:passerelle:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: None,
            code: code.to_owned(),
            errors: Vec::new(),
        }
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

    /// There is nothing at that address, or nothing that this key may see.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", &format!("there is no such {what}, or this key may not see it"))
    }

    /// The key is missing or not valid.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "a valid key is needed")
            .detail("send `Authorization: Bearer KEY`; `passerelle keys create` makes one")
    }

    /// The key is valid, but not for this.
    pub fn forbidden(why: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", why)
    }

    /// The request is not well-formed.
    pub fn bad_request(code: &str, title: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, title)
    }
}

impl From<anyhow::Error> for Problem {
    /// Log or store did not answer. Nothing is known to be accepted; the caller may try again.
    fn from(error: anyhow::Error) -> Self {
        error!(error = format!("{error:#}"), "a request could not be served");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the gateway cannot take this now")
            .detail("nothing was accepted; try again")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

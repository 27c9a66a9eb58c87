//! The bytes of an answer as they arrive: counted, and never waited for too long.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Response, StatusCode};
use tokio::time::{Instant, timeout, timeout_at};

use crate::FetchError;

/// An answer with a file. **Invariant:** it gives out no more bytes than the limit.
pub(crate) struct Body {
    response: Response,
    limit_bytes: u64,
    arrived_bytes: u64,
    silence: Duration,
    deadline: Instant,
}

impl Body {
    /// Takes an answer that is a file, and says it is no longer than the limit. It may lie, so the bytes are counted as well.
    pub(crate) fn of(
        response: Response,
        limit_bytes: u64,
        silence: Duration,
        deadline: Instant,
    ) -> Result<Self, FetchError> {
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let plain = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
        if !response.headers().get_all(CONTENT_ENCODING).iter().all(plain) {
            return Err(FetchError::Encoded);
        }
        if response.content_length().is_some_and(|length| length > limit_bytes) {
            return Err(FetchError::TooLarge { limit_bytes });
        }
        Ok(Self { response, limit_bytes, arrived_bytes: 0, silence, deadline })
    }

    /// What the server says the file is.
    pub(crate) fn claim(&self) -> Option<&str> {
        self.response.headers().get(CONTENT_TYPE)?.to_str().ok()
    }

    /// What arrives next; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        let silent = timeout(self.silence, self.response.chunk());
        let chunk = timeout_at(self.deadline, silent).await.map_err(|_| FetchError::TooSlow)?;
        let chunk = chunk.map_err(|_| FetchError::Silent)?.map_err(|_| FetchError::BrokenOff)?;
        let Some(chunk) = chunk else { return Ok(None) };
        self.arrived_bytes += chunk.len() as u64;
        if self.arrived_bytes > self.limit_bytes {
            return Err(FetchError::TooLarge { limit_bytes: self.limit_bytes });
        }
        Ok(Some(chunk))
    }

    /// What arrives until there are so many bytes, or no more come.
    pub(crate) async fn at_least(&mut self, bytes: usize) -> Result<Vec<u8>, FetchError> {
        let mut head = Vec::new();
        while head.len() < bytes {
            let Some(chunk) = self.next().await? else { break };
            head.extend_from_slice(&chunk);
        }
        Ok(head)
    }

    /// Everything, behind what has arrived already.
    pub(crate) async fn whole(&mut self, mut head: Vec<u8>) -> Result<Vec<u8>, FetchError> {
        while let Some(chunk) = self.next().await? {
            head.extend_from_slice(&chunk);
        }
        Ok(head)
    }
}

//! Follows a link to a file.

use std::sync::Arc;

use http::header::LOCATION;
use reqwest::StatusCode;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use crate::{
    AllowedOrigins, Arrival, FetchError, Limits, Medium, Names, Networks, SystemNames, body::Body, connection, content,
    hop::Hop,
};

/// What is to be fetched.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Where it lies, as a document says.
    pub link: &'a str,
    /// What it is for.
    pub medium: Medium,
    /// The media type that the document says it has, if it does.
    pub claim: Option<&'a str>,
}

/// Fetches files.
#[derive(Clone)]
pub struct Fetcher {
    limits: Limits,
    networks: Networks,
    tls: ClientConfig,
    names: Arc<dyn Names>,
}

impl Fetcher {
    /// A fetcher that trusts whom `tls` trusts, and resolves names as the system does.
    pub fn new(limits: Limits, networks: Networks, tls: ClientConfig) -> Self {
        Self { limits, networks, tls, names: Arc::new(SystemNames) }
    }

    /// The same, resolving names otherwise.
    pub fn with_names(self, names: Arc<dyn Names>) -> Self {
        Self { names, ..self }
    }

    /// Begins to fetch a file. Images and packed documents arrive whole before this ends, others while [`Arrival::next`] is
    /// asked.
    ///
    /// # Errors
    /// Any [`FetchError`]; [`FetchError::may_pass`] says whether to try again.
    pub async fn open(&self, wanted: Wanted<'_>, allowed: &AllowedOrigins) -> Result<Arrival, FetchError> {
        let deadline = Instant::now() + self.limits.time.in_all;
        let opened = timeout_at(deadline, self.open_until(deadline, wanted, allowed));
        opened.await.unwrap_or(Err(FetchError::TooSlow))
    }

    async fn open_until(
        &self,
        deadline: Instant,
        wanted: Wanted<'_>,
        allowed: &AllowedOrigins,
    ) -> Result<Arrival, FetchError> {
        let mut url: Url = wanted.link.parse().map_err(|_| FetchError::Link)?;
        for _ in 0..=self.limits.redirects {
            let hop = Hop::check(url, allowed, &self.networks, &*self.names).await?;
            let answer = timeout(self.waiting(), connection::ask(&hop, &self.tls, self.limits.time.connect));
            let response = answer.await.map_err(|_| FetchError::Silent)??;
            if is_redirect(response.status()) {
                url = next_link(&hop.url, &response)?;
                continue;
            }
            let limit_bytes = self.limits.content.bytes_of(wanted.medium);
            let body = Body::of(response, limit_bytes, self.limits.time.silence, deadline)?;
            return content::take(body, wanted, self.limits.content).await;
        }
        Err(FetchError::Redirects)
    }

    /// How long an answer may take: the connection, then silence.
    fn waiting(&self) -> std::time::Duration {
        self.limits.time.connect + self.limits.time.silence
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads, seen from where it stands.
fn next_link(from: &Url, response: &reqwest::Response) -> Result<Url, FetchError> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    from.join(location.ok_or(FetchError::Redirect)?).map_err(|_| FetchError::Redirect)
}

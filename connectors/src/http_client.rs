//! The HTTP client that senders and stubs share: HTTP/1.1, rustls with ring, no redirects, no proxy, no second tries.

use std::time::Duration;

use reqwest::{Client, Response, redirect, retry};
use rustls::crypto::ring;
use tokio::{sync::OnceCell, task};

use crate::{BaseUrl, foreign_text};

/// Shorter than the keep-alive of the servers we know (5 s and more), so that no request is
/// written into a connection that the partner is just closing.
const IDLE_TIME_OUT: Duration = Duration::from_secs(4);

/// Whether a connection may serve more than one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Yes, while it is fresh.
    WhileFresh,
    /// No: a request lost on an old connection could not be repeated.
    Never,
}

/// A client that is built when it is first used.
///
/// Building reads the CA certificates of the host and fails where there are none: that must cost one
/// send, not the start. For `http` addresses no certificates are read at all.
#[derive(Debug)]
pub(crate) struct HttpClient {
    reads_certificates: bool,
    connect_time_out: Duration,
    reuse: Reuse,
    built: OnceCell<Client>,
}

impl HttpClient {
    pub(crate) fn new(base_url: &BaseUrl, connect_time_out: Duration, reuse: Reuse) -> Self {
        Self { reads_certificates: base_url.is_https(), connect_time_out, reuse, built: OnceCell::new() }
    }

    /// The client, or why there is none.
    pub(crate) async fn get(&self) -> Result<&Client, String> {
        self.built.get_or_try_init(|| self.build()).await
    }

    async fn build(&self) -> Result<Client, String> {
        let mut builder = Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connect_timeout(self.connect_time_out)
            .pool_idle_timeout(IDLE_TIME_OUT)
            .user_agent(concat!("passerelle/", env!("CARGO_PKG_VERSION")));
        if self.reuse == Reuse::Never {
            builder = builder.pool_max_idle_per_host(0);
        }
        if !self.reads_certificates {
            builder = builder.tls_certs_only([]);
        }
        let built = task::spawn_blocking(move || {
            // An error says that the process has a provider already, which is as good.
            let _ = ring::default_provider().install_default();
            builder.build()
        });
        match built.await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => Err(foreign_text::chain(&error)),
            Err(error) => Err(foreign_text::chain(&error)),
        }
    }
}

/// The whole body of an answer, if it arrives and is not longer than the limit.
pub(crate) async fn body_up_to(limit: usize, mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > limit {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

//! The HTTP client that senders and stubs share: HTTP/1.1, rustls with ring, no redirects, no proxy, no second tries.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, Response, redirect, retry};
use rustls::crypto::ring;
use tokio::{sync::OnceCell, task};

use crate::{BaseUrl, foreign_text, tls::ExtraCertificates};

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
    extra: ExtraCertificates,
    connect_time_out: Duration,
    reuse: Reuse,
    built: OnceCell<Client>,
}

impl HttpClient {
    pub(crate) fn new(base_url: &BaseUrl, connect_time_out: Duration, reuse: Reuse) -> Self {
        Self {
            reads_certificates: base_url.is_https(),
            extra: ExtraCertificates::default(),
            connect_time_out,
            reuse,
            built: OnceCell::new(),
        }
    }

    /// The same client with more certificates to check servers with.
    pub(crate) fn with_certificates(self, extra: ExtraCertificates) -> Self {
        Self { extra, ..self }
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
        let extra = self.extra.clone();
        let adds_certificates = self.reads_certificates && !extra.is_empty();
        let built = task::spawn_blocking(move || {
            // An error says that the process has a provider already, which is as good.
            let _ = ring::default_provider().install_default();
            if adds_certificates {
                let config = extra.client_config().map_err(|error| foreign_text::chain(&error))?;
                builder = builder.tls_backend_preconfigured(config);
            }
            builder.build().map_err(|error| foreign_text::chain(&error))
        });
        built.await.unwrap_or_else(|error| Err(foreign_text::chain(&error)))
    }
}

/// Why there is no whole body.
#[derive(Debug)]
pub(crate) enum Unread {
    TooLong,
    BrokenOff(reqwest::Error),
}

/// The whole body of an answer, if it arrives and is not longer than the limit.
pub(crate) async fn body_up_to(limit: usize, mut response: Response) -> Result<Bytes, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::BrokenOff)? {
        if body.len() + chunk.len() > limit {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

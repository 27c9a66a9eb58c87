//! A connection to the addresses that were checked, and to no others.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::header::{ACCEPT, ACCEPT_ENCODING};
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect, retry,
};
use rustls::ClientConfig;

use crate::{FetchError, hop::Hop};

/// Asks for a file, over a connection of its own.
pub(crate) async fn ask(hop: &Hop, tls: &ClientConfig, connect: Duration) -> Result<Response, FetchError> {
    let host = hop.url.host_str().ok_or(FetchError::Link)?.to_owned();
    let client = Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .connect_timeout(connect)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("passerelle/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(Checked { host, addresses: hop.addresses.clone() }))
        .tls_backend_preconfigured(tls.clone())
        .build()
        .map_err(|_| FetchError::Connect)?;
    let request = client.get(hop.url.clone()).header(ACCEPT, "*/*").header(ACCEPT_ENCODING, "identity");
    request.send().await.map_err(|error| if error.is_connect() { FetchError::Connect } else { FetchError::BrokenOff })
}

/// Knows one name, by the addresses that were checked.
struct Checked {
    host: String,
    addresses: Vec<SocketAddr>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let found = if name.as_str() == self.host { self.addresses.clone() } else { Vec::new() };
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

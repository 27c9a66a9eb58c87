//! Who knows the addresses of names.

use std::{io, net::IpAddr};

use async_trait::async_trait;

/// Resolves names; asked once for every connection.
#[async_trait]
pub trait Names: Send + Sync {
    /// The addresses of a host.
    ///
    /// # Errors
    /// If there are none, or nobody answers.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// What the system knows: its files and its name servers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

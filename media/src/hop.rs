//! One step on the way to a file: a link that was checked, with the addresses that were.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::{AllowedOrigins, FetchError, Names, Networks, address::Reach, origin::Origin};

/// Addresses of one name that are tried; more are of no use to anybody.
const ADDRESSES: usize = 8;

/// Where to connect to. **Invariant:** made by [`Hop::check`] only, so whoever has one may connect to what is in it, and to
/// nothing else.
pub(crate) struct Hop {
    pub(crate) url: Url,
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Hop {
    pub(crate) async fn check(
        url: Url,
        allowed: &AllowedOrigins,
        networks: &Networks,
        names: &dyn Names,
    ) -> Result<Self, FetchError> {
        let Some(origin) = Origin::of(&url) else {
            return Err(FetchError::Scheme);
        };
        if allowed.leaves_out(&origin) {
            return Err(FetchError::Origin);
        }
        let is_allowed = allowed.is_inside(&origin);
        if url.scheme() != "https" && !is_allowed {
            return Err(FetchError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials);
        }
        let port = url.port_or_known_default().ok_or(FetchError::Port)?;
        if port != 443 && !is_allowed && !allowed.is_named(&origin) {
            return Err(FetchError::Port);
        }
        let known: Vec<IpAddr> = match url.host().ok_or(FetchError::Link)? {
            Host::Ipv4(address) => vec![address.into()],
            Host::Ipv6(address) => vec![address.into()],
            Host::Domain(name) => names.addresses(name).await.map_err(|_| FetchError::Unresolved)?,
        };
        if known.is_empty() {
            return Err(FetchError::Unresolved);
        }
        let may_connect = |address: &IpAddr| match networks.reach(*address) {
            Reach::Public => true,
            Reach::Inside => is_allowed,
            Reach::Never => false,
        };
        let addresses: Vec<_> = known
            .into_iter()
            .filter(may_connect)
            .take(ADDRESSES)
            .map(|address| SocketAddr::new(address, port))
            .collect();
        if addresses.is_empty() { Err(FetchError::Address) } else { Ok(Self { url, addresses }) }
    }
}

//! The public employment services, played: what they publish changes steadily, what they are sent is told.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use connectors::{
    actiris::stub::{ActirisStub, ActirisStubSettings},
    anapec::stub::{AnapecStub, AnapecStubSettings},
    employer,
    rest::stub::{Inbox, RestStubSettings},
    vdab::stub::{VdabStub, VdabStubSettings},
};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{HISTORY, each};
use crate::cli::output::say;

/// The client that the stub of VDAB knows.
pub const VDAB_CLIENT: &str = "passerelle";
/// Vacancies that a service has at most.
const MOST: usize = 200;

/// Plays VDAB: reading by OAuth2 and API key, and posting by our profile.
pub async fn vdab(
    listen: SocketAddr,
    (secret, api_key): (SecretString, SecretString),
    pace: Duration,
    stop: &CancellationToken,
) -> Result<()> {
    let settings = VdabStubSettings {
        address: listen,
        history_limit: HISTORY,
        ..VdabStubSettings::new(VDAB_CLIENT.to_owned(), secret, api_key)
    };
    let stub = VdabStub::start(settings).await.context("cannot play VDAB")?;
    say(&format!(
        "reading at {}, posting at {}, tokens at {}",
        stub.reading_url(),
        stub.posting_url(),
        stub.token_url()
    ));
    tokio::join!(stub.steady(pace, MOST, stop), tell(stub.inbox(), stop));
    for violation in stub.violations() {
        say(&format!("violation: {violation:?}"));
    }
    Ok(())
}

/// Plays Actiris, which takes our profile of HR-XML.
pub async fn actiris(listen: SocketAddr, token: Option<SecretString>, stop: &CancellationToken) -> Result<()> {
    let settings =
        ActirisStubSettings { address: listen, token, history_limit: HISTORY, ..ActirisStubSettings::default() };
    let stub = ActirisStub::start(settings).await.context("cannot play Actiris")?;
    say(&format!("listening on {}", stub.base_url()));
    tell(&stub, stop).await;
    Ok(())
}

/// Plays an employer, which takes talent profiles.
pub async fn employer(listen: SocketAddr, token: Option<SecretString>, stop: &CancellationToken) -> Result<()> {
    let settings = RestStubSettings { address: listen, token, history_limit: HISTORY, ..RestStubSettings::default() };
    let stub = employer::stub::start(settings).await.context("cannot play an employer")?;
    say(&format!("listening on {}", stub.base_url()));
    tell(&stub, stop).await;
    Ok(())
}

/// Plays ANAPEC: a site with offers, and a desk that takes vacancies by our profile.
pub async fn anapec(
    listen: SocketAddr,
    token: Option<SecretString>,
    pace: Duration,
    stop: &CancellationToken,
) -> Result<()> {
    let settings =
        AnapecStubSettings { address: listen, token, history_limit: HISTORY, ..AnapecStubSettings::default() };
    let stub = AnapecStub::start(settings).await.context("cannot play ANAPEC")?;
    say(&format!("the site at {}, the desk at {}", stub.site_url(), stub.desk_url()));
    tokio::join!(stub.steady(pace, MOST, stop), tell(stub.inbox(), stop));
    Ok(())
}

async fn tell(inbox: &Inbox, stop: &CancellationToken) {
    each(inbox.observe(), stop, |received| {
        say(&format!("{} {} {:?} -> {}", received.operation, received.reference, received.verdict, received.status));
    })
    .await;
    for violation in inbox.violations() {
        say(&format!("violation of {:?}: {}", violation.rule, violation.detail));
    }
}

//! Posts vacancies to VDAB as HR-XML.
//!
//! VDAB takes HR-XML files by its Vacature Posting API, with a contract; neither their form nor the way they go is
//! public. **Our profile**: the addresses and answers of [`crate::rest`], with a token of VDAB and its API key.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::account::{Credentials, VdabAccount, VdabAccountError};
use crate::{
    BaseUrl, ExtraCertificates,
    call::{CallSettings, probe_error},
    foreign_text,
    outcome::{Outcome, Sent, code},
    poller::PollError,
    rest::Exchange,
    sender::{Parcel, ProbeError, Repeats, Sender},
};

/// Tokens are small.
const TOKEN_LIMIT: usize = 64 * 1024;

/// How VDAB is posted to.
#[derive(Debug, Clone)]
pub struct VdabPostingSettings {
    /// What lies before `/vacancy/{reference}`.
    pub base_url: BaseUrl,
    /// Who we are.
    pub account: VdabAccount,
    /// Whether an unanswered send may be repeated.
    pub repeats: Repeats,
    /// How long connecting may take, name look-up and TLS included.
    pub connect_time_out: Duration,
    /// How long asking for a token may take.
    pub token_time_out: Duration,
    /// Certificates to check the servers with, besides those of the host.
    pub certificates: ExtraCertificates,
}

/// Posts to VDAB.
#[derive(Debug)]
pub struct VdabPosting {
    credentials: Credentials,
    exchange: Exchange,
}

impl VdabPosting {
    /// Checks the settings; connects to nobody.
    ///
    /// # Errors
    /// Any [`VdabAccountError`].
    pub fn new(settings: VdabPostingSettings) -> Result<Self, VdabAccountError> {
        let VdabPostingSettings { base_url, account, repeats, connect_time_out, token_time_out, certificates } =
            settings;
        let calls = CallSettings {
            connect_time_out,
            time_out: token_time_out,
            body_limit: TOKEN_LIMIT,
            certificates: certificates.clone(),
            now: Timestamp::now,
        };
        let credentials = Credentials::new(account, calls)?;
        Ok(Self { credentials, exchange: Exchange::new(base_url, repeats, connect_time_out, certificates) })
    }
}

#[async_trait]
impl Sender for VdabPosting {
    async fn send(&self, parcel: Parcel) -> Sent {
        let (headers, token) = match self.credentials.headers().await {
            Ok(headers) => headers,
            Err(error) => return without_token(&error).into(),
        };
        let sent = self.exchange.send(parcel, &headers).await;
        if matches!(sent.outcome, Outcome::Retry { code: code::UNAUTHORISED, .. }) {
            // The next attempt gets another token; this one was not heard.
            self.credentials.forget(&token);
        }
        sent
    }

    async fn probe(&self) -> Result<(), ProbeError> {
        let (headers, token) = self.credentials.headers().await.map_err(probe_error)?;
        let probed = self.exchange.probe(&headers).await;
        if probed == Err(ProbeError::Refused(401)) {
            self.credentials.forget(&token);
        }
        probed
    }

    fn repeats(&self) -> Repeats {
        self.exchange.repeats()
    }
}

/// Nothing of the document was sent: it may be sent again, whatever the reason.
fn without_token(error: &PollError) -> Outcome {
    let code = match error {
        PollError::Client(_) => code::CLIENT,
        PollError::Unauthorised { .. } => code::UNAUTHORISED,
        PollError::Limited { .. } => code::LATER,
        PollError::Unreachable { .. } => code::UNREACHABLE,
        PollError::Failing { .. } | PollError::Protocol { .. } | PollError::Cursor => code::PARTNER_FAILED,
    };
    Outcome::Retry { code, detail: foreign_text::chain(error), after: error.after() }
}

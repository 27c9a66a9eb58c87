//! Who we are to VDAB: a client with a secret, and a key beside it.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::{
    BaseUrl,
    call::CallSettings,
    oauth::{ClientAuthentication, OAuthSettings, Token, TokenSource},
    poller::PollError,
    rest::bearer,
};

/// How long a token of VDAB lives.
const TOKEN_LIFE: Duration = Duration::from_mins(15);
/// The API key stands here.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-ibm-client-id");

/// What VDAB knows us by.
#[derive(Debug, Clone)]
pub struct VdabAccount {
    /// How tokens are asked for.
    pub oauth: OAuthSettings,
    /// The key of the application: `X-IBM-Client-Id`.
    pub api_key: SecretString,
}

/// Why an account cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VdabAccountError {
    /// A key with a line break or the like; often the end of a file read as it is.
    #[error("the API key holds a character that no header can carry")]
    ApiKey,
}

impl VdabAccount {
    /// An account whose client is named in the form, for the scope `openid`, as VDAB's clients do.
    pub fn new(token_url: BaseUrl, client_id: String, client_secret: SecretString, api_key: SecretString) -> Self {
        let oauth = OAuthSettings {
            token_url,
            client_id,
            client_secret,
            authentication: ClientAuthentication::Form,
            scope: Some("openid".to_owned()),
            subject: None,
            default_life: TOKEN_LIFE,
        };
        Self { oauth, api_key }
    }
}

/// An account in use.
#[derive(Debug)]
pub(super) struct Credentials {
    api_key: HeaderValue,
    tokens: TokenSource,
}

impl Credentials {
    pub(super) fn new(account: VdabAccount, calls: CallSettings) -> Result<Self, VdabAccountError> {
        let mut api_key =
            HeaderValue::from_str(account.api_key.expose_secret()).map_err(|_| VdabAccountError::ApiKey)?;
        api_key.set_sensitive(true);
        Ok(Self { api_key, tokens: TokenSource::new(account.oauth, calls) })
    }

    /// The headers of a request, and the token that is in them.
    pub(super) async fn headers(&self) -> Result<(HeaderMap, Arc<Token>), PollError> {
        let token = self.tokens.token().await?;
        let shown = bearer(&token.secret).ok_or_else(|| PollError::Protocol {
            call: "token",
            pointer: "/access_token".to_owned(),
            problem: "no header can carry the token".to_owned(),
        })?;
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, shown), (API_KEY, self.api_key.clone())]);
        Ok((headers, token))
    }

    /// Gives up a token that was refused.
    pub(super) fn forget(&self, token: &Arc<Token>) {
        self.tokens.forget(token);
    }
}

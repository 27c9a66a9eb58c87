//! Access tokens by OAuth 2.0 client credentials (RFC 6749 §4.4), kept until shortly before they end.
//!
//! However many ask at once, one request is made. **Invariant:** a token is renewed before it ends by the monotonic
//! clock, so that a change of the host's time does no harm; and neither token nor secret is ever shown.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::header;
use jiff::Timestamp;
use reqwest::Request;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    BaseUrl,
    call::{Answer, CallSettings, Caller, protocol},
    poller::PollError,
    rest::described,
};

/// No partner lets a token live longer.
const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// A token is renewed so long before it ends, or in the last tenth of its life if that is shorter.
const MARGIN: Duration = Duration::from_mins(1);
/// A token endpoint that failed is left alone so long.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// The name of the call in errors.
const CALL: &str = "token";

/// Where the client says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientAuthentication {
    /// `client_id` and `client_secret` in the form (RFC 6749 §2.3.1, last part).
    Form,
    /// HTTP Basic (RFC 6749 §2.3.1).
    Basic,
}

/// Who asks whom for tokens.
#[derive(Debug, Clone)]
pub struct OAuthSettings {
    /// The token endpoint, whole.
    pub token_url: BaseUrl,
    /// Who we are.
    pub client_id: String,
    /// What proves it.
    pub client_secret: SecretString,
    /// Where both stand in the request.
    pub authentication: ClientAuthentication,
    /// What is asked for.
    pub scope: Option<String>,
    /// For whom we act: the parameter `sub`, where a partner asks for it.
    pub subject: Option<String>,
    /// How long a token lives if the answer does not say.
    pub default_life: Duration,
}

/// Gives tokens.
#[derive(Debug)]
pub(crate) struct TokenSource {
    settings: OAuthSettings,
    caller: Caller,
    held: Mutex<Held>,
}

/// The token in use, and the one that is being fetched to follow it.
#[derive(Debug, Default)]
struct Held {
    token: Option<Arc<Token>>,
    next: Arc<OnceCell<Arc<Token>>>,
    failure: Option<Failure>,
}

/// Why there is no token, and until when nobody asks again.
#[derive(Debug, Clone)]
struct Failure {
    error: PollError,
    until: Instant,
}

/// A token with the time until which it is used.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    fn new(secret: SecretString, asked_at: Instant, life: Duration) -> Self {
        let renew_at = asked_at + life.saturating_sub(MARGIN.min(life / 10));
        Self { secret, renew_at, ends_at: asked_at + life }
    }
}

/// RFC 6749 §5.1, what we need of it.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<Seconds>,
    /// What some say instead, as an instant.
    #[serde(default)]
    expires_at: Option<String>,
}

/// A number, though some write it as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl TokenSource {
    pub(crate) fn new(settings: OAuthSettings, calls: CallSettings) -> Self {
        let caller = Caller::new(&settings.token_url, CallSettings { body_limit: 64 * 1024, ..calls });
        Self { settings, caller, held: Mutex::default() }
    }

    /// A token that is good for a while.
    pub(crate) async fn token(&self) -> Result<Arc<Token>, PollError> {
        let (current, next) = {
            let held = self.held();
            (held.token.clone(), Arc::clone(&held.next))
        };
        if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(Arc::clone(token));
        }
        match next.get_or_try_init(|| self.fetch_unless_failed()).await {
            Ok(token) => {
                self.adopt(&next, token);
                Ok(Arc::clone(token))
            }
            Err(error) => current.filter(|token| Instant::now() < token.ends_at).ok_or(error),
        }
    }

    /// Those who waited for a fetch that failed share its failure.
    async fn fetch_unless_failed(&self) -> Result<Arc<Token>, PollError> {
        let failure = self.held().failure.clone();
        if let Some(failure) = failure.filter(|failure| Instant::now() < failure.until) {
            return Err(failure.error);
        }
        let fetched = self.fetch().await;
        self.held().failure = fetched.as_ref().err().map(|error| Failure {
            error: error.clone(),
            until: Instant::now() + error.after().unwrap_or(SHORTEST_PAUSE),
        });
        fetched
    }

    /// Gives up a token that the partner refuses, so that the next one to ask gets another.
    pub(crate) fn forget(&self, refused: &Arc<Token>) {
        let mut held = self.held();
        if held.token.as_ref().is_some_and(|token| Arc::ptr_eq(token, refused)) {
            held.token = None;
        }
    }

    /// Puts a fetched token into use, unless another task has done so.
    fn adopt(&self, next: &Arc<OnceCell<Arc<Token>>>, token: &Arc<Token>) {
        let mut held = self.held();
        if Arc::ptr_eq(&held.next, next) {
            *held = Held { token: Some(Arc::clone(token)), ..Held::default() };
        }
    }

    async fn fetch(&self) -> Result<Arc<Token>, PollError> {
        let asked_at = Instant::now();
        let answer = self.caller.call(CALL, self.request().await?).await?;
        if answer.status.is_client_error() {
            // RFC 6749 §5.2: 400 with `invalid_client` and others, all to be cured with other credentials.
            return Err(PollError::Unauthorised { call: CALL, status: answer.status.as_u16() });
        }
        let granted: Granted = answer.json()?;
        if granted.token_type.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(protocol(CALL, "/token_type", "the token is no bearer token"));
        }
        let life = self.life(&granted, &answer)?.min(LONGEST_LIFE);
        Ok(Arc::new(Token::new(granted.access_token, asked_at, life)))
    }

    /// How long the token lives: said in seconds, as an instant by the partner's clock, or agreed.
    fn life(&self, granted: &Granted, answer: &Answer) -> Result<Duration, PollError> {
        match (&granted.expires_in, &granted.expires_at) {
            (Some(Seconds::Number(seconds)), _) => Ok(Duration::from_secs(*seconds)),
            (Some(Seconds::Text(text)), _) => {
                let seconds = text.parse().map_err(|_| protocol(CALL, "/expires_in", "it is no number"))?;
                Ok(Duration::from_secs(seconds))
            }
            (None, Some(text)) => {
                let ends: Timestamp = text.parse().map_err(|_| protocol(CALL, "/expires_at", "it is no instant"))?;
                let now = answer.date().unwrap_or_else(Timestamp::now);
                Ok(Duration::try_from(ends.duration_since(now)).unwrap_or_default())
            }
            (None, None) => Ok(self.settings.default_life),
        }
    }

    /// The only place where the secret is exposed. reqwest marks the header as one never to be shown.
    async fn request(&self) -> Result<Request, PollError> {
        let OAuthSettings { token_url, client_id, client_secret, authentication, scope, subject, .. } = &self.settings;
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(subject.as_deref().map(|subject| ("sub", subject)));
        let mut request =
            self.caller.client().await?.post(token_url.join(&[])).header(header::ACCEPT, "application/json");
        match authentication {
            ClientAuthentication::Form => {
                form.extend([("client_id", client_id.as_str()), ("client_secret", client_secret.expose_secret())]);
            }
            ClientAuthentication::Basic => request = request.basic_auth(client_id, Some(client_secret.expose_secret())),
        }
        request.form(&form).build().map_err(|error| PollError::Client(described(error)))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExtraCertificates;

    /// A source whose endpoint nobody serves, with a token that lives so long from now.
    fn source(life: Duration) -> TokenSource {
        let settings = OAuthSettings {
            token_url: "http://127.0.0.1:1/token".parse().unwrap(),
            client_id: "client".to_owned(),
            client_secret: "s3cret".into(),
            authentication: ClientAuthentication::Basic,
            scope: None,
            subject: None,
            default_life: Duration::from_mins(15),
        };
        let calls = CallSettings {
            connect_time_out: Duration::from_secs(1),
            time_out: Duration::from_secs(1),
            body_limit: 1024,
            certificates: ExtraCertificates::default(),
            now: Timestamp::now,
        };
        let source = TokenSource::new(settings, calls);
        source.held().token = Some(Arc::new(Token::new("t0ken".into(), Instant::now(), life)));
        source
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_a_minute_before_its_end_and_serves_until_then_if_that_fails() {
        let source = source(Duration::from_mins(15));
        let token = source.token().await.unwrap();
        tokio::time::advance(Duration::from_secs(839)).await;
        assert!(Arc::ptr_eq(&source.token().await.unwrap(), &token));
        assert!(source.held().failure.is_none(), "nobody was asked");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(Arc::ptr_eq(&source.token().await.unwrap(), &token));
        assert!(source.held().failure.is_some(), "the endpoint was asked in vain");
        tokio::time::advance(Duration::from_mins(1)).await;
        let error = source.token().await.unwrap_err();
        assert_eq!(error.code(), "unreachable");
        assert!(!format!("{source:?}").contains("s3cret"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_life_keeps_its_last_tenth_for_renewal() {
        let source = source(Duration::from_mins(1));
        tokio::time::advance(Duration::from_secs(53)).await;
        source.token().await.unwrap();
        assert!(source.held().failure.is_none());
        tokio::time::advance(Duration::from_secs(2)).await;
        source.token().await.unwrap();
        assert!(source.held().failure.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_was_refused_is_given_up_once() {
        let source = source(Duration::from_mins(15));
        let token = source.token().await.unwrap();
        source.forget(&token);
        assert_eq!(source.token().await.unwrap_err().code(), "unreachable");
        let other = Arc::new(Token::new("other".into(), Instant::now(), Duration::from_mins(15)));
        source.held().token = Some(Arc::clone(&other));
        source.forget(&token);
        assert!(Arc::ptr_eq(&source.token().await.unwrap(), &other), "a late refusal of the old one");
    }
}

//! The Harvest API (v3) of the account: tokens, and its job posts in pages.
//!
//! As the vendor's papers say: HTTP Basic and a user for the token, `per_page` up to 500 in the first request, then the
//! address in `Link` with the cursor and nothing else. Posts are given by id, downwards, also those that are off line;
//! deleted ones are not.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{GreenhouseStub, account::Account, post::Post};
use crate::{
    BaseUrl,
    rest::stub::{RestStubError, listen},
    stub::{Client, Front, FrontSettings, Injection, LimitBreach, Quota, Server, Tokens, give_token, pass},
};

/// Where tokens are given.
const TOKEN_PATH: &str = "/token";
/// The root of the API.
const API_PATH: &str = "/v3";
/// No request is longer.
const BODY_LIMIT: usize = 64 * 1024;
/// The vendor gives no more posts at once.
const LONGEST_PAGE: usize = 500;

/// How the API is set up.
#[derive(Debug, Clone)]
pub struct HarvestStubSettings {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The client that may have tokens.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The user of the account for whom it acts.
    pub subject: String,
    /// How long a token lives.
    pub token_life: Duration,
    /// The limits.
    pub quotas: Vec<Quota>,
}

impl HarvestStubSettings {
    /// A free port of this host, tokens of an hour, no limits.
    pub fn new(client_id: String, client_secret: SecretString, subject: String) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { address, client_id, client_secret, subject, token_life: Duration::from_hours(1), quotas: Vec::new() }
    }
}

/// The API of an account; it closes when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct HarvestStub {
    desk: Arc<Desk>,
    front: Arc<Front>,
    server: Arc<Server>,
    base_url: BaseUrl,
}

#[derive(Debug)]
struct Desk {
    tokens: Arc<Tokens>,
    account: Arc<Mutex<Account>>,
    violations: Mutex<Vec<&'static str>>,
    /// Changes with every restart: cursors of before are not known any more.
    epoch: Mutex<u64>,
}

impl GreenhouseStub {
    /// Opens the API to the posts of this account.
    ///
    /// # Errors
    /// [`RestStubError`].
    pub async fn open_harvest(&self, settings: HarvestStubSettings) -> Result<HarvestStub, RestStubError> {
        let HarvestStubSettings { address, client_id, client_secret, subject, token_life, quotas } = settings;
        let client = Client { id: client_id, secret: client_secret, subject: Some(subject) };
        let tokens = Arc::new(Tokens::new(client, token_life));
        let desk = Arc::new(Desk {
            tokens: Arc::clone(&tokens),
            account: Arc::clone(&self.account),
            violations: Mutex::default(),
            epoch: Mutex::default(),
        });
        let front = Arc::new(Front::new(&FrontSettings { body_limit: BODY_LIMIT, quotas }));
        let posts = Router::new().route("/v3/job_posts", get(job_posts)).with_state(Arc::clone(&desk));
        let router = posts
            .layer(middleware::from_fn_with_state(Arc::clone(&front), pass))
            .route(TOKEN_PATH, post(give_token).with_state(tokens));
        let (server, base_url) = listen(address, None, None, router).await?;
        Ok(HarvestStub { desk, front, server: Arc::new(server), base_url })
    }
}

impl HarvestStub {
    /// Where tokens are given.
    pub fn token_url(&self) -> BaseUrl {
        self.base_url.below(&[&TOKEN_PATH[1..]])
    }

    /// What to read from.
    pub fn api_url(&self) -> BaseUrl {
        self.base_url.below(&[&API_PATH[1..]])
    }

    /// The breaches of its rules, oldest first.
    pub fn violations(&self) -> Vec<&'static str> {
        self.desk.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends every token that was given.
    pub fn expire_tokens(&self) {
        self.desk.tokens.expire();
    }

    /// Forgets every cursor that was given.
    pub fn forget_cursors(&self) {
        *self.desk.epoch.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    /// How many requests for posts there were, those above a limit included.
    pub fn requests(&self) -> u64 {
        self.front.requests()
    }

    /// The requests that exceeded a limit, oldest first; at most 10,000.
    pub fn limit_breaches(&self) -> Vec<LimitBreach> {
        self.front.limit_breaches()
    }

    /// Strikes the next requests for posts, after the faults ordered before.
    pub fn inject(&self, times: usize, injection: &Injection) {
        self.front.inject(times, injection);
    }

    /// Strikes every request for posts from now on, until it is healed.
    pub fn fail_now(&self, injection: Injection) {
        self.front.fail_now(injection);
    }

    /// Forgets the fault that lasts and those that have not struck yet.
    pub fn heal(&self) {
        self.front.heal();
    }

    /// Closes every connection and waits until nobody listens any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }
}

impl Desk {
    fn refuse(&self, status: StatusCode, detail: &'static str) -> Response {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(detail);
        (status, Json(json!({ "message": detail }))).into_response()
    }

    /// Where a page begins (below which id) and how long it is.
    fn place(&self, parameters: &BTreeMap<String, String>) -> Result<(u64, usize), &'static str> {
        let Some(cursor) = parameters.get("cursor") else {
            let length = parameters.get("per_page").map_or(Some(100), |text| text.parse().ok());
            let is_known = parameters.keys().all(|name| name == "per_page");
            let length = length.filter(|length| is_known && (1..=LONGEST_PAGE).contains(length));
            return length.map(|length| (u64::MAX, length)).ok_or("`per_page` is not from 1 to 500, or there is more");
        };
        if parameters.len() > 1 {
            return Err("a cursor is the only parameter");
        }
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let parts: Vec<u64> =
            decoded.iter().flat_map(|text| text.split('.')).filter_map(|part| part.parse().ok()).collect();
        match parts[..] {
            [epoch, below, length] if epoch == self.epoch() => Ok((below, usize::try_from(length).unwrap_or(1))),
            _ => Err("the cursor is not known"),
        }
    }

    fn epoch(&self) -> u64 {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn job_posts(
    State(desk): State<Arc<Desk>>,
    Query(parameters): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Err(detail) = desk.tokens.check(&headers) {
        return desk.refuse(StatusCode::UNAUTHORIZED, detail);
    }
    let (below, length) = match desk.place(&parameters) {
        Ok(place) => place,
        Err(detail) => return desk.refuse(StatusCode::UNPROCESSABLE_ENTITY, detail),
    };
    let posts = desk.account.lock().unwrap_or_else(PoisonError::into_inner).posts_below(below, length + 1);
    let body: Vec<Value> = posts.iter().take(length).map(job_post).collect();
    let mut response = Json(body).into_response();
    if let Some(last) = posts.get(length - 1).filter(|_| posts.len() > length) {
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
        let cursor = BASE64_URL_SAFE_NO_PAD.encode(format!("{}.{}.{length}", desk.epoch(), last.id));
        let link = format!("<http://{host}{API_PATH}/job_posts?cursor={cursor}>; rel=\"next\"");
        if let Ok(link) = link.parse() {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    response
}

/// A post as Harvest v3 gives it, as far as its clients tell.
fn job_post(post: &Post) -> Value {
    json!({
        "id": post.id,
        "title": post.title(),
        "language_code": "nl",
        "internal": false,
        "active": true,
        "live": post.live,
        "featured": false,
        "first_published_at": format!("{:.0}", post.created_at()),
        "job_id": post.job_id(),
        "job_board_id": 7,
        "content": post.content(),
        "internal_content": null,
        "public_url": format!("https://voorbeeld-metaal.example/jobs/{}", post.id),
        "demographic_question_set_id": null,
        "created_at": format!("{:.0}", post.created_at()),
        "updated_at": format!("{:.0}", post.updated_at()),
    })
}

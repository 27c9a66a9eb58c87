//! Posts webhooks, once.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Request;

use crate::{
    BaseUrl,
    http_client::{self, HttpClient, Reuse},
};

/// SmartRecruiters waits so long for an answer; the others say nothing.
const TIME_OUT: Duration = Duration::from_secs(20);
/// No vendor cares for longer answers.
const ANSWER_LIMIT: usize = 64 * 1024;

/// A webhook.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
}

/// The status of the answer; none if there was none.
pub(super) async fn post(target: &BaseUrl, message: Message) -> Option<u16> {
    ask(target, message).await.map(|answer| answer.status)
}

pub(super) async fn ask(target: &BaseUrl, message: Message) -> Option<Answer> {
    let mut request = Request::new(Method::POST, target.join(&[]));
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in message.headers {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?);
    }
    *request.body_mut() = Some(Bytes::from(message.body).into());
    *request.timeout_mut() = Some(TIME_OUT);
    let client = HttpClient::new(target, TIME_OUT, Reuse::Never);
    let response = client.get().await.ok()?.execute(request).await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    http_client::body_up_to(ANSWER_LIMIT, response).await.ok()?;
    Some(Answer { status, headers })
}

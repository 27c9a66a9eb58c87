//! One exchange of the REST profile, whatever the credentials are.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use jiff::Timestamp;
use reqwest::{Request, Url};
use schemas::Operation;

use super::{
    answer::{self, Question},
    closings::Closings,
    request::bare_request,
};
use crate::{
    BaseUrl, ExtraCertificates, foreign_text,
    http_client::{HttpClient, Reuse},
    outcome::{Fault, Outcome, Sent, code},
    sender::{Notice, Parcel, ProbeError, Repeats},
};

/// A probe takes no longer than this.
const PROBE_TIME_OUT: Duration = Duration::from_secs(10);

/// Sends parcels to one partner.
#[derive(Debug)]
pub(crate) struct Exchange {
    base_url: BaseUrl,
    repeats: Repeats,
    closings: Closings,
    client: HttpClient,
}

impl Exchange {
    pub(crate) fn new(
        base_url: BaseUrl,
        repeats: Repeats,
        connect_time_out: Duration,
        certificates: ExtraCertificates,
    ) -> Self {
        let reuse = if repeats == Repeats::Never { Reuse::Never } else { Reuse::WhileFresh };
        let client = HttpClient::new(&base_url, connect_time_out, reuse).with_certificates(certificates);
        Self { base_url, repeats, closings: Closings::default(), client }
    }

    /// The same, for a partner that is told of closings in another form.
    pub(super) fn closing_by(self, closings: Closings) -> Self {
        Self { closings, ..self }
    }

    pub(crate) fn repeats(&self) -> Repeats {
        self.repeats
    }

    /// Sends one parcel, once, with the headers that say who we are.
    pub(crate) async fn send(&self, parcel: Parcel, credentials: &HeaderMap) -> Sent {
        let is_closing = parcel.operation == Operation::Close;
        let question = Question { kind: parcel.kind, repeats: self.repeats };
        let client = match self.client.get().await {
            Ok(client) => client,
            Err(detail) => return Outcome::Retry { code: code::CLIENT, detail, after: None }.into(),
        };
        let request = match self.request(parcel, credentials) {
            Ok(request) => request,
            Err(fault) => return Outcome::Rejected { faults: vec![fault] }.into(),
        };
        match client.execute(request).await {
            Ok(response) if is_closing && self.closings.is_gone(response.status()) => {
                Outcome::Delivered { foreign_reference: None }.into()
            }
            Ok(response) => answer::sent(response, question).await,
            Err(error) => failure(error).into(),
        }
    }

    /// Asks for the root of the interface.
    pub(crate) async fn probe(&self, credentials: &HeaderMap) -> Result<(), ProbeError> {
        let client = self.client.get().await.map_err(ProbeError::Client)?;
        let mut request = bare_request(Method::GET, self.base_url.join(&[""]), credentials);
        *request.timeout_mut() = Some(PROBE_TIME_OUT);
        let answer = client.execute(request).await;
        let status = answer.map_err(|error| ProbeError::Unreachable(described(error)))?.status();
        match status.as_u16() {
            401 | 403 | 407 => Err(ProbeError::Refused(status.as_u16())),
            300..=399 => Err(ProbeError::Redirected(status.as_u16())),
            429 | 500.. => Err(ProbeError::Failing(status.as_u16())),
            _ => Ok(()),
        }
    }

    fn request(&self, parcel: Parcel, credentials: &HeaderMap) -> Result<Request, Fault> {
        let mut request = match parcel.operation {
            Operation::Upsert => bare_request(Method::PUT, self.place_of(&parcel), credentials),
            Operation::Event => bare_request(Method::POST, self.place_of(&parcel), credentials),
            Operation::Close => self.closings.request(&self.base_url, &parcel, credentials, Timestamp::now()),
        };
        let key = quoted(&parcel.idempotency_key).ok_or_else(|| unusable("idempotency_key"))?;
        request.headers_mut().insert("idempotency-key", key);
        if parcel.operation != Operation::Close {
            let media_type = HeaderValue::from_str(&parcel.media_type).map_err(|_| unusable("media_type"))?;
            request.headers_mut().insert(header::CONTENT_TYPE, media_type);
            *request.body_mut() = Some(parcel.body.into());
            for (name, value) in parcel.notice.iter().flat_map(headers_of) {
                let value = HeaderValue::from_str(value).map_err(|_| unusable(name))?;
                request.headers_mut().insert(name, value);
            }
        }
        *request.timeout_mut() = Some(parcel.time_out);
        Ok(request)
    }

    /// Where a document is put.
    fn place_of(&self, parcel: &Parcel) -> Url {
        self.base_url.join(&[parcel.kind.as_str(), &parcel.reference.to_string()])
    }
}

/// A notice as headers; a list of nothing has none (RFC 9651 §3.1).
fn headers_of(notice: &Notice) -> impl Iterator<Item = (&'static str, &str)> {
    let headers = [(Notice::WITHHELD, &*notice.withheld), (Notice::OBLIGATIONS, &*notice.obligations)];
    headers.into_iter().filter(|(_, value)| !value.is_empty())
}

/// A structured-field string (RFC 9651 §3.3.3), if the text can be one.
fn quoted(text: &str) -> Option<HeaderValue> {
    if text.is_empty() || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return None;
    }
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#);
    HeaderValue::from_str(&format!("\"{escaped}\"")).ok()
}

/// The request cannot be made, now or later: a person has to look at it.
fn unusable(what: &str) -> Fault {
    Fault { pointer: None, code: "request".to_owned(), problem: format!("the {what} cannot be a header") }
}

/// Sorts an exchange that ended before the head of an answer was read.
///
/// Only what failed while connecting surely never left us. hyper also hands back requests that it had not
/// begun to write, but says so in words only; they count as ambiguous.
fn failure(error: reqwest::Error) -> Outcome {
    let never_left = error.is_connect() || error.is_builder();
    let timed_out = error.is_timeout();
    let detail = described(error);
    match (never_left, timed_out) {
        (true, _) => Outcome::Retry { code: code::UNREACHABLE, detail, after: None },
        (false, true) => Outcome::Ambiguous { code: code::TIME_OUT, detail },
        (false, false) => Outcome::Ambiguous { code: code::NO_ANSWER, detail },
    }
}

/// The error with its causes, without the address.
pub(crate) fn described(error: reqwest::Error) -> String {
    foreign_text::chain(&error.without_url())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_quoted_string() {
        assert_eq!(quoted("a1-b2").unwrap(), "\"a1-b2\"");
        assert_eq!(quoted(r#"a"b\c"#).unwrap(), r#""a\"b\\c""#);
        assert_eq!(quoted("é"), None);
        assert_eq!(quoted("a\nb"), None);
        assert_eq!(quoted(""), None);
    }
}

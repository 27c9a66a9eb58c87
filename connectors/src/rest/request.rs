//! What every request of the profile begins with.

use http::{HeaderMap, HeaderValue, Method, header};
use reqwest::{Request, Url};

/// A request without a body, with the headers that say who we are.
pub(super) fn bare_request(method: Method, url: Url, credentials: &HeaderMap) -> Request {
    let mut request = Request::new(method, url);
    let accepted = HeaderValue::from_static("application/json, application/problem+json");
    request.headers_mut().insert(header::ACCEPT, accepted);
    request.headers_mut().extend(credentials.clone());
    request
}

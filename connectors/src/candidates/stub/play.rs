//! What differs between the vendors, as they see it.

use std::{collections::BTreeMap, fmt};

use axum::response::Response;
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde_json::Value;

use super::{
    courier::{Answer, Message},
    greenhouse::Greenhouse,
    lever::Lever,
    person::Person,
    recruitee::Recruitee,
    roll::Roll,
    smartrecruiters::SmartRecruiters,
    teamtailor::Teamtailor,
};
use crate::candidates::CandidateAccount;

/// The parameters of a request.
pub(super) type Parameters = BTreeMap<String, String>;

/// Why a request is refused.
pub(super) type Refusal = (StatusCode, &'static str);

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    List,
    One(String),
}

/// What is sent when a webhook is saved, and which answer is right.
pub(super) struct Trial {
    pub(super) message: Message,
    pub(super) is_right: Box<dyn Fn(&Answer) -> bool + Send>,
}

/// One vendor.
pub(super) trait Play: fmt::Debug + Send + Sync {
    /// The id that events and paths name.
    fn id(&self, person: &Person) -> String;

    /// What the dialect calls `reference`.
    fn reference(&self, person: &Person) -> String {
        self.id(person)
    }

    /// Whether the one who asks is known, and asks in the form that is agreed.
    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal>;

    /// What lies at a path: its segments, decoded.
    fn asked(&self, path: &[String]) -> Option<Asked>;

    /// Whether lists are given one at a time.
    fn gives_one_list_at_a_time(&self) -> bool {
        false
    }

    /// A page of the list.
    fn list(&self, roll: &Roll, parameters: &Parameters) -> Result<Value, Refusal>;

    /// What it says beside a page.
    fn list_headers(&self, _roll: &Roll, _parameters: &Parameters) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// One candidate, whole.
    fn one(&self, roll: &Roll, person: &Person) -> Value;

    /// Adds what it says of its limit to an answer that refuses more.
    fn limit(&self, response: Response) -> Response;

    /// A webhook, signed.
    fn message(&self, roll: &Roll, person: &Person, event: &str, secret: &SecretString) -> Message;

    /// What is sent when a webhook is saved, and what must come back.
    fn trial(&self) -> Option<Trial> {
        None
    }
}

/// The vendor of an account, and the first segment of its paths.
pub(super) fn of(account: &CandidateAccount) -> (Box<dyn Play>, &'static str) {
    match account.clone() {
        CandidateAccount::Teamtailor { api_key, api_version } => (Box::new(Teamtailor { api_key, api_version }), "v1"),
        CandidateAccount::SmartRecruiters { token } => (Box::new(SmartRecruiters { token }), ""),
        CandidateAccount::Recruitee { company, token } => (Box::new(Recruitee { company, token }), ""),
        CandidateAccount::Greenhouse { api_key } => (Box::new(Greenhouse { api_key }), "v1"),
        CandidateAccount::Lever { api_key } => (Box::new(Lever { api_key }), "v1"),
    }
}

/// A number from a range, or the default where there is none.
pub(super) fn number(
    parameters: &Parameters,
    name: &str,
    range: std::ops::RangeInclusive<usize>,
    default: usize,
) -> Option<usize> {
    let Some(text) = parameters.get(name) else { return Some(default) };
    text.parse().ok().filter(|number| range.contains(number))
}

/// That no parameter is unknown.
pub(super) fn only(parameters: &Parameters, known: &[&str]) -> Result<(), Refusal> {
    let is_known = parameters.keys().all(|name| known.contains(&name.as_str()));
    is_known.then_some(()).ok_or((StatusCode::BAD_REQUEST, "a parameter is not known"))
}

/// A header that is given once.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

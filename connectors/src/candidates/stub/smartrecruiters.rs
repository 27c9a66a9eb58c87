//! SmartRecruiters, as its papers say: see the reading for what is published and what was only seen.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    courier::{Answer, Message},
    person::Person,
    play::{Asked, Parameters, Play, Refusal, Trial, number, only, single},
    roll::Roll,
    sign,
};
use crate::stub::is_same;

/// The version of the events that the collected vector has.
const EVENT_VERSION: &str = "v201910";

#[derive(Debug)]
pub(super) struct SmartRecruiters {
    pub(super) token: SecretString,
}

impl Play for SmartRecruiters {
    fn id(&self, person: &Person) -> String {
        person.uuid(1)
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let is_known =
            single(headers, "x-smarttoken").is_some_and(|given| is_same(given.as_bytes(), self.token.expose_secret()));
        is_known.then_some(()).ok_or((StatusCode::UNAUTHORIZED, "`X-SmartToken` is not the token"))
    }

    fn asked(&self, path: &[String]) -> Option<Asked> {
        match path {
            [candidates] if candidates == "candidates" => Some(Asked::List),
            [candidates, id] if candidates == "candidates" => Some(Asked::One(id.clone())),
            _ => None,
        }
    }

    fn gives_one_list_at_a_time(&self) -> bool {
        true
    }

    fn list(&self, roll: &Roll, parameters: &Parameters) -> Result<Value, Refusal> {
        only(parameters, &["limit", "pageId"])?;
        let unfit = (StatusCode::BAD_REQUEST, "`limit` is not from 1 to 100");
        let limit = number(parameters, "limit", 1..=100, 10).ok_or(unfit)?;
        let after = parameters.get("pageId").map_or(Ok(0), |page| roll.number_of(page));
        let found = roll.after(after.map_err(|detail| (StatusCode::BAD_REQUEST, detail))?, limit);
        let next = (found.len() > limit).then(|| roll.cursor(found[limit - 1].number));
        let content: Vec<Value> = found.into_iter().take(limit).map(|person| self.summary(roll, person)).collect();
        Ok(json!({ "limit": limit, "nextPageId": next, "content": content }))
    }

    /// With what the list does not hold: telephone, links, studies and jobs.
    fn one(&self, roll: &Roll, person: &Person) -> Value {
        let mut details = self.summary(roll, person);
        details["phoneNumber"] = json!(person.telephone());
        details["web"] = json!({ "linkedin": null, "website": null });
        details["tags"] = json!(["shortlist"]);
        details["education"] = json!([{
            "institution": "Voorbeeldschool", "degree": "Bachelor", "major": "Mechanica", "current": false,
            "location": "Gent", "startDate": "2010-09", "endDate": "2013-06",
        }]);
        details["experience"] = json!([{
            "title": person.trade(), "company": "Proefbedrijf", "current": true, "location": person.city(),
            "startDate": "2017-01", "endDate": null, "description": "Toont de versie & de rest.",
        }]);
        details
    }

    fn limit(&self, mut response: Response) -> Response {
        for (name, value) in [("x-ratelimit-limit", "10"), ("x-ratelimit-remaining", "0")] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// `candidate.created`, `candidate.updated`, `candidate.deleted`: ids and nothing else.
    fn message(&self, roll: &Roll, person: &Person, event: &str, secret: &SecretString) -> Message {
        let id = self.id(person);
        let body = json!({ "candidate_id": id }).to_string().into_bytes();
        let link = format!("<{}/candidates/{id}>; rel=self", roll.base_url);
        let (event_id, timestamp) =
            (format!("{:032x}", rand::random::<u128>()), Timestamp::now().as_second().to_string());
        let signature = sign::smartrecruiters(secret, &timestamp, &body, &event_id, event, EVENT_VERSION, &link);
        let headers = vec![
            ("event-id", event_id),
            ("event-name", event.to_owned()),
            ("event-version", EVENT_VERSION.to_owned()),
            ("link", link),
            ("smartrecruiters-timestamp", timestamp),
            ("smartrecruiters-signature", signature),
        ];
        Message { headers, body }
    }

    /// The handshake of an activation: the secret must come back in the header.
    fn trial(&self) -> Option<Trial> {
        let secret = format!("{:032x}", rand::random::<u128>());
        let message = Message { headers: vec![("x-hook-secret", secret.clone())], body: Vec::new() };
        let is_echoed = move |answer: &Answer| {
            (200..300).contains(&answer.status) && single(&answer.headers, "x-hook-secret") == Some(&secret)
        };
        Some(Trial { message, is_right: Box::new(is_echoed) })
    }
}

impl SmartRecruiters {
    fn summary(&self, roll: &Roll, person: &Person) -> Value {
        let id = self.id(person);
        let own = format!("{}/candidates/{id}", roll.shown_root());
        json!({
            "id": if person.is_spoiled { Value::Null } else { json!(id) },
            "internal": false,
            "firstName": person.given(),
            "lastName": person.family(),
            "email": person.email(),
            "location": {
                "country": "Belgium", "countryCode": "BE", "regionCode": "BE", "region": "Vlaanderen",
                "city": person.city(), "lat": 51.05, "lng": 3.72,
            },
            "averageRating": 4,
            "createdOn": person.created_at().to_string(),
            "updatedOn": person.updated_at().to_string(),
            "primaryAssignment": {
                "job": { "id": "5f2b7a10-0000-4000-8000-000000000001", "title": "Lasser" },
                "status": "IN_REVIEW",
            },
            "actions": { "details": { "url": own, "method": "GET" } },
        })
    }
}

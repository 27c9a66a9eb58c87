//! Recruitee (Tellent), as its papers say: see the reading for what is published and what was only seen.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
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

#[derive(Debug)]
pub(super) struct Recruitee {
    pub(super) company: String,
    pub(super) token: SecretString,
}

impl Play for Recruitee {
    fn id(&self, person: &Person) -> String {
        (4_300_000 + person.number).to_string()
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let expected = format!("Bearer {}", self.token.expose_secret());
        let is_known = single(headers, "authorization").is_some_and(|given| is_same(given.as_bytes(), &expected));
        is_known.then_some(()).ok_or((StatusCode::UNAUTHORIZED, "`Authorization` is not `Bearer` with the token"))
    }

    fn asked(&self, path: &[String]) -> Option<Asked> {
        match path {
            [c, company, candidates] if c == "c" && *company == self.company && candidates == "candidates" => {
                Some(Asked::List)
            }
            [c, company, candidates, id] if c == "c" && *company == self.company && candidates == "candidates" => {
                Some(Asked::One(id.clone()))
            }
            _ => None,
        }
    }

    /// Newest first.
    fn list(&self, roll: &Roll, parameters: &Parameters) -> Result<Value, Refusal> {
        only(parameters, &["limit", "offset", "sort"])?;
        let unfit = (StatusCode::BAD_REQUEST, "`limit` is not from 1 to 1000, or `offset` or `sort` is not known");
        let limit = number(parameters, "limit", 1..=1_000, 100).ok_or(unfit)?;
        let offset = number(parameters, "offset", 0..=usize::MAX, 0).ok_or(unfit)?;
        if parameters.get("sort").is_some_and(|sort| sort != "by_date") {
            return Err(unfit);
        }
        let people = roll.present().rev().skip(offset).take(limit);
        let candidates: Vec<Value> = people.map(summary).collect();
        Ok(json!({ "candidates": candidates, "references": [] }))
    }

    /// With what the list does not hold: the letter and the links.
    fn one(&self, _: &Roll, person: &Person) -> Value {
        let mut candidate = summary(person);
        candidate["cover_letter"] = json!(person.trade());
        candidate["links"] = json!(["https://voorbeeld.example/portfolio"]);
        candidate["social_links"] = json!([]);
        candidate["custom_fields"] = json!([]);
        json!({ "candidate": candidate, "references": [{ "id": 7, "type": "Admin" }] })
    }

    fn limit(&self, mut response: Response) -> Response {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        response
    }

    /// `candidate_created`, `candidate_moved`, `candidate_deleted`.
    fn message(&self, _: &Roll, person: &Person, event: &str, secret: &SecretString) -> Message {
        let candidate = json!({
            "id": 4_300_000 + person.number,
            "name": person.full_name(),
            "emails": [person.email()],
            "phones": [person.telephone()],
            "created_at": person.created_at().to_string(),
            "source": null,
            "placements": [],
        });
        let mut body = json!({
            "event_type": event,
            "payload": { "candidate": candidate, "offer": { "id": 12_345, "title": "Lasser" } },
        });
        if event == "candidate_moved" {
            body["event_subtype"] = json!("stage_changed");
            body["payload"]["details"] =
                json!({ "from_stage": { "name": "Phone screen" }, "to_stage": { "name": "Interview" } });
        }
        let body = body.to_string().into_bytes();
        Message { headers: vec![("x-recruitee-signature", sign::recruitee(secret, &body))], body }
    }

    /// The test call when a webhook is saved: not signed, and only 200 counts.
    fn trial(&self) -> Option<Trial> {
        let message = Message { headers: Vec::new(), body: br#"{"test":true}"#.to_vec() };
        Some(Trial { message, is_right: Box::new(|answer: &Answer| answer.status == 200) })
    }
}

fn summary(person: &Person) -> Value {
    json!({
        "id": if person.is_spoiled { Value::Null } else { json!(4_300_000 + person.number) },
        "name": person.full_name(),
        "initials": "VB",
        "emails": [person.email()],
        "phones": [person.telephone()],
        "photo_url": null,
        "source": "career_site",
        "sources": ["career_site"],
        "tags": ["shortlist"],
        "placements": [],
        "followed": false,
        "created_at": person.created_at().to_string(),
        "updated_at": person.updated_at().to_string(),
    })
}

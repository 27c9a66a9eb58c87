//! Lever, as its papers say: see the reading for what is published and what was only seen.

use axum::response::Response;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    courier::Message,
    person::Person,
    play::{Asked, Parameters, Play, Refusal, number, only, single},
    roll::Roll,
    sign,
};
use crate::stub::is_same;

#[derive(Debug)]
pub(super) struct Lever {
    pub(super) api_key: SecretString,
}

impl Play for Lever {
    /// Of the opportunity.
    fn id(&self, person: &Person) -> String {
        person.uuid(2 ^ (person.number << 8))
    }

    /// The contact.
    fn reference(&self, person: &Person) -> String {
        person.uuid(3)
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let given = single(headers, "authorization").and_then(|text| text.strip_prefix("Basic "));
        let given = given.and_then(|text| BASE64_STANDARD.decode(text).ok()).unwrap_or_default();
        let is_known = is_same(&given, &format!("{}:", self.api_key.expose_secret()));
        is_known.then_some(()).ok_or((StatusCode::UNAUTHORIZED, "`Authorization` is not `Basic` with the key as user"))
    }

    fn asked(&self, path: &[String]) -> Option<Asked> {
        match path {
            [v1, opportunities] if v1 == "v1" && opportunities == "opportunities" => Some(Asked::List),
            [v1, opportunities, id] if v1 == "v1" && opportunities == "opportunities" => Some(Asked::One(id.clone())),
            _ => None,
        }
    }

    fn list(&self, roll: &Roll, parameters: &Parameters) -> Result<Value, Refusal> {
        only(parameters, &["limit", "offset"])?;
        let unfit = (StatusCode::BAD_REQUEST, "`limit` is not from 1 to 100");
        let limit = number(parameters, "limit", 1..=100, 100).ok_or(unfit)?;
        let after = parameters.get("offset").map_or(Ok(0), |offset| roll.number_of(offset));
        let found = roll.after(after.map_err(|detail| (StatusCode::BAD_REQUEST, detail))?, limit);
        let has_next = found.len() > limit;
        let next = has_next.then(|| roll.cursor(found[limit - 1].number));
        let data: Vec<Value> = found.into_iter().take(limit).map(|person| self.opportunity(person)).collect();
        let mut list = json!({ "data": data, "hasNext": has_next });
        if let Some(next) = next {
            list["next"] = json!(next);
        }
        Ok(list)
    }

    fn one(&self, _: &Roll, person: &Person) -> Value {
        json!({ "data": self.opportunity(person) })
    }

    /// It says nothing of its limit.
    fn limit(&self, response: Response) -> Response {
        response
    }

    /// `applicationCreated`, `candidateStageChange`, `candidateHired`, `candidateDeleted`: the signature is in the body.
    fn message(&self, _: &Roll, person: &Person, event: &str, secret: &SecretString) -> Message {
        let token = format!("{:048x}", rand::random::<u128>());
        let triggered_at = Timestamp::now().as_millisecond();
        let mut data = json!({
            "opportunityId": self.id(person),
            "candidateId": person.uuid(4),
            "contactId": self.reference(person),
        });
        if event == "candidateStageChange" {
            data["toStageId"] = json!(person.uuid(5));
            data["fromStageId"] = json!(person.uuid(6));
        }
        let body = json!({
            "triggeredAt": triggered_at,
            "event": event,
            "data": data,
            "signature": sign::lever(secret, &token, triggered_at),
            "token": token,
        });
        Message { headers: Vec::new(), body: body.to_string().into_bytes() }
    }
}

impl Lever {
    fn opportunity(&self, person: &Person) -> Value {
        json!({
            "id": self.id(person),
            "name": if person.is_anonymised { Value::Null } else { json!(person.full_name()) },
            "headline": person.trade(),
            "contact": if person.is_spoiled { Value::Null } else { json!(self.reference(person)) },
            "emails": [person.email()],
            "phones": [{ "type": "mobile", "value": person.telephone() }],
            "confidentiality": "non-confidential",
            "location": person.city(),
            "links": ["https://voorbeeld.example/portfolio"],
            "archived": null,
            "createdAt": person.created_at().as_millisecond(),
            "updatedAt": person.updated_at().as_millisecond(),
            "lastInteractionAt": person.updated_at().as_millisecond(),
            "lastAdvancedAt": null,
            "snoozedUntil": null,
            "stage": person.uuid(5),
            "stageChanges": [],
            "owner": null,
            "tags": ["shortlist"],
            "sources": ["Careers"],
            "origin": "applied",
            "sourcedBy": null,
            "applications": [person.uuid(7)],
            "resume": null,
            "followers": [],
            "urls": { "list": "https://hire.lever.example/candidates", "show": "https://hire.lever.example/candidates/1" },
            "dataProtection": null,
            "isAnonymized": person.is_anonymised,
        })
    }
}

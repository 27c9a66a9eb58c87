//! Greenhouse, as its papers say: see the reading for what is published and what was only seen.

use axum::response::Response;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
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

const UNFIT: Refusal = (StatusCode::UNPROCESSABLE_ENTITY, "`per_page` is not from 1 to 500, or `page` is no page");

#[derive(Debug)]
pub(super) struct Greenhouse {
    pub(super) api_key: SecretString,
}

impl Play for Greenhouse {
    fn id(&self, person: &Person) -> String {
        (53_883_394 + person.number).to_string()
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let given = single(headers, "authorization").and_then(|text| text.strip_prefix("Basic "));
        let given = given.and_then(|text| BASE64_STANDARD.decode(text).ok()).unwrap_or_default();
        let is_known = is_same(&given, &format!("{}:", self.api_key.expose_secret()));
        is_known.then_some(()).ok_or((StatusCode::UNAUTHORIZED, "`Authorization` is not `Basic` with the key as user"))
    }

    fn asked(&self, path: &[String]) -> Option<Asked> {
        match path {
            [v1, candidates] if v1 == "v1" && candidates == "candidates" => Some(Asked::List),
            [v1, candidates, id] if v1 == "v1" && candidates == "candidates" => Some(Asked::One(id.clone())),
            _ => None,
        }
    }

    fn list(&self, roll: &Roll, parameters: &Parameters) -> Result<Value, Refusal> {
        only(parameters, &["per_page", "page"])?;
        let (length, page) = place(parameters)?;
        let people = roll.present().skip((page - 1) * length).take(length);
        Ok(people.map(candidate).collect())
    }

    /// Where the next page is, and the last; both nowhere else.
    fn list_headers(&self, roll: &Roll, parameters: &Parameters) -> Vec<(&'static str, String)> {
        let mut headers = vec![("x-ratelimit-limit", "50".to_owned()), ("x-ratelimit-remaining", "49".to_owned())];
        let (Ok((length, page)), count) = (place(parameters), roll.present().count()) else { return headers };
        if page * length < count {
            let link = |page: usize, relation: &str| {
                format!("<{}/candidates?page={page}&per_page={length}>; rel=\"{relation}\"", roll.shown_root())
            };
            let value = format!("{},{}", link(page + 1, "next"), link(count.div_ceil(length), "last"));
            headers.push(("link", value));
        }
        headers
    }

    fn one(&self, _: &Roll, person: &Person) -> Value {
        candidate(person)
    }

    /// An answer that refuses more does not repeat the limit.
    fn limit(&self, mut response: Response) -> Response {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("6"));
        response
    }

    /// `new_candidate_application`, `update_candidate`, `delete_candidate`: with the candidate in it.
    fn message(&self, _: &Roll, person: &Person, event: &str, secret: &SecretString) -> Message {
        let payload = match event {
            "delete_candidate" => json!({ "person": {
                "id": 53_883_394 + person.number, "first_name": person.given(), "last_name": person.family(),
                "company": null, "title": person.trade(), "created_at": person.created_at().to_string(),
                "is_private": false, "can_email": true, "deleted_application_ids": [1],
            } }),
            "update_candidate" => json!({ "candidate": candidate(person) }),
            _ => json!({ "application": {
                "id": 69_102_626, "status": "active", "jobs": [{ "id": 149_995, "name": "Lasser" }],
                "candidate": candidate(person),
            } }),
        };
        let body = json!({ "action": event, "payload": payload }).to_string().into_bytes();
        let event_id = format!("{:032x}", rand::random::<u128>());
        let signature = sign::greenhouse(secret, &body);
        Message { headers: vec![("signature", signature), ("greenhouse-event-id", event_id)], body }
    }
}

/// How long a page is, and which one.
fn place(parameters: &Parameters) -> Result<(usize, usize), Refusal> {
    let length = number(parameters, "per_page", 1..=500, 100).ok_or(UNFIT)?;
    let page = number(parameters, "page", 1..=usize::MAX / 1_000, 1).ok_or(UNFIT)?;
    Ok((length, page))
}

fn candidate(person: &Person) -> Value {
    let id = 53_883_394 + person.number;
    let url = format!("https://files.voorbeeld.example/{id}/cv?signature={}", person.revision);
    json!({
        "id": if person.is_spoiled { Value::Null } else { json!(id) },
        "first_name": person.given(),
        "last_name": person.family(),
        "company": "Proefbedrijf",
        "title": person.trade(),
        "created_at": person.created_at().to_string(),
        "updated_at": person.updated_at().to_string(),
        "last_activity": person.updated_at().to_string(),
        "is_private": false,
        "photo_url": null,
        "attachments": [
            { "filename": "cv.pdf", "url": url, "type": "resume", "created_at": person.created_at().to_string() },
        ],
        "application_ids": [69_102_626],
        "phone_numbers": [{ "value": person.telephone(), "type": "mobile" }],
        "addresses": [{ "value": person.city(), "type": "home" }],
        "email_addresses": [{ "value": person.email(), "type": "personal" }],
        "website_addresses": [{ "value": "voorbeeld.example/portfolio", "type": "personal" }],
        "social_media_addresses": [],
        "recruiter": null,
        "coordinator": null,
        "can_email": true,
        "tags": ["shortlist"],
        "applications": [{
            "id": 69_102_626, "candidate_id": id, "status": "active", "jobs": [{ "id": 149_995, "name": "Lasser" }],
        }],
        "educations": [{
            "id": 561_227, "school_name": "Voorbeeldschool", "degree": "Bachelor's Degree", "discipline": "Mechanica",
            "start_date": "2010-09-15T00:00:00.000Z", "end_date": "2013-06-15T00:00:00.000Z",
        }],
        "employments": [{
            "id": 8_485_064, "company_name": "Proefbedrijf", "title": "Lasser",
            "start_date": "2017-01-15T00:00:00.000Z", "end_date": null,
        }],
        "linked_user_ids": [],
        "custom_fields": {},
        "keyed_custom_fields": {},
    })
}

//! Teamtailor, as its papers say: see the reading for what is published and what was only seen.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode};
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
pub(super) struct Teamtailor {
    pub(super) api_key: SecretString,
    pub(super) api_version: String,
}

impl Play for Teamtailor {
    fn id(&self, person: &Person) -> String {
        (1_336 + person.number).to_string()
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let expected = format!("Token token={}", self.api_key.expose_secret());
        if !single(headers, "authorization").is_some_and(|given| is_same(given.as_bytes(), &expected)) {
            return Err((StatusCode::UNAUTHORIZED, "`Authorization` is not `Token token=` with the key"));
        }
        if single(headers, "x-api-version") != Some(&self.api_version) {
            return Err((StatusCode::BAD_REQUEST, "`X-Api-Version` is not the one agreed"));
        }
        Ok(())
    }

    fn asked(&self, path: &[String]) -> Option<Asked> {
        match path {
            [v1, candidates] if v1 == "v1" && candidates == "candidates" => Some(Asked::List),
            [v1, candidates, id] if v1 == "v1" && candidates == "candidates" => Some(Asked::One(id.clone())),
            _ => None,
        }
    }

    fn list(&self, roll: &Roll, parameters: &Parameters) -> Result<Value, Refusal> {
        only(parameters, &["page[size]", "page[number]", "page[after]"])?;
        let unfit = (StatusCode::BAD_REQUEST, "`page[size]` is not from 1 to 30, or `page[number]` is no page");
        let size = number(parameters, "page[size]", 1..=30, 10).ok_or(unfit)?;
        let page = number(parameters, "page[number]", 1..=usize::MAX / 100, 1).ok_or(unfit)?;
        let count = roll.present().count();
        let (people, next) = if roll.pages_by_cursor {
            let after = parameters.get("page[after]").map_or(Ok(0), |cursor| roll.number_of(cursor));
            let found = roll.after(after.map_err(|detail| (StatusCode::BAD_REQUEST, detail))?, size);
            let next = (found.len() > size).then(|| format!("page%5Bafter%5D={}", roll.cursor(found[size - 1].number)));
            (found.into_iter().take(size).collect(), next)
        } else {
            let people: Vec<&Person> = roll.present().skip((page - 1) * size).take(size).collect();
            (people, (page * size < count).then(|| format!("page%5Bnumber%5D={}", page + 1)))
        };
        let root = roll.shown_root();
        let next = next.map(|place| format!("{root}/candidates?{place}&page%5Bsize%5D={size}"));
        let data: Vec<Value> = people.into_iter().map(|person| self.candidate(roll, person)).collect();
        Ok(json!({
            "data": data,
            "meta": { "record-count": count, "page-count": count.div_ceil(size) },
            "links": { "first": format!("{root}/candidates?page%5Bsize%5D={size}"), "next": next },
        }))
    }

    fn one(&self, roll: &Roll, person: &Person) -> Value {
        json!({ "data": self.candidate(roll, person) })
    }

    fn limit(&self, mut response: Response) -> Response {
        let said = [("x-rate-limit-limit", "50"), ("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "7")];
        for (name, value) in said {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }

    /// `candidate.create`, `candidate.update`, `candidate.destroy`.
    fn message(&self, roll: &Roll, person: &Person, event: &str, secret: &SecretString) -> Message {
        let mut data = self.candidate(roll, person);
        if let Some(data) = data.as_object_mut() {
            data.retain(|member, _| matches!(member.as_str(), "id" | "type" | "attributes"));
            if event == "candidate.destroy" {
                data.insert("attributes".to_owned(), json!({}));
            }
        }
        let body = json!({ "payload": { "event_name": event, "data": data } }).to_string().into_bytes();
        let signature = sign::teamtailor(secret, Timestamp::now().as_second(), &body);
        Message { headers: vec![("tt-signature", signature)], body }
    }
}

impl Teamtailor {
    fn candidate(&self, roll: &Roll, person: &Person) -> Value {
        let id = self.id(person);
        let own = format!("{}/candidates/{id}", roll.base_url);
        let mut candidate = json!({
            "id": id,
            "type": "candidates",
            "links": { "self": own },
            "attributes": {
                "connected": false,
                "created-at": person.created_at().to_string(),
                "email": person.email(),
                "facebook-id": null,
                "first-name": person.given(),
                "internal": false,
                "last-name": person.family(),
                "linkedin-uid": null,
                "linkedin-url": null,
                "phone": person.telephone(),
                "picture": null,
                "pitch": person.trade(),
                "referring-site": null,
                "referring-url": null,
                "referred": false,
                "resume": null,
                "set-consent-expiration": false,
                "sourced": false,
                "unsubscribed": false,
                "updated-at": person.updated_at().to_string(),
                "facebook-profile": null,
                "linkedin-profile": null,
                "tags": ["shortlist"],
            },
            "relationships": {
                "job-applications": { "links": {
                    "self": format!("{own}/relationships/job-applications"),
                    "related": format!("{own}/job-applications"),
                } },
            },
        });
        if person.is_spoiled {
            candidate["id"] = Value::Null;
        }
        candidate
    }
}

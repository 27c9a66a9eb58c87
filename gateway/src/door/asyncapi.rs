//! The description of the topics (AsyncAPI 3.0), made of the schemas that are written and of nothing else.
//!
//! **Invariant:** who is connected here is nobody's business but an operator's: others read of `{partner}` only.

use axum::{Extension, Json, extract::State, http::header, response::IntoResponse};
use schemas::{Kind, Subject};
use serde_json::{Value, json};

use super::{
    Door,
    identity::{Caller, Identity},
};
use crate::config::Configuration;

/// The media type of the description.
const ASYNCAPI: &str = "application/vnd.aai.asyncapi+json;version=3.0.0";
/// How AsyncAPI calls Avro schemas.
const AVRO: &str = "application/vnd.apache.avro;version=1.9.0";
/// The media type of a record.
const DATUM: &str = "application/vnd.apache.avro";
/// The version of the Kafka bindings.
const BINDING: &str = "0.5.0";
/// What stands before the name of every topic.
const PREFIX: &str = "passerelle.";

/// Describes the topics of a log in Kafka.
#[utoipa::path(get, path = "/asyncapi.json", tag = "health",
    responses((status = 200, description = "The topics and what stands in them (AsyncAPI 3.0); an operator sees the partners too.", body = Value, content_type = "application/vnd.aai.asyncapi+json")))]
pub async fn show(State(door): State<Door>, caller: Option<Extension<Caller>>) -> impl IntoResponse {
    let rules = door.intake.in_force.now();
    let is_operator = caller.is_some_and(|Extension(caller)| caller.identity == Identity::Operator);
    let description = described(PREFIX, is_operator.then(|| receivers(&rules.configuration)));
    ([(header::CONTENT_TYPE, ASYNCAPI)], Json(description))
}

fn receivers(configuration: &Configuration) -> Vec<String> {
    configuration.receivers(Kind::Vacancy).map(|(partner, _)| partner.id.to_string()).collect()
}

/// The description; with the partners that have a topic, if they may be named.
fn described(prefix: &str, partners: Option<Vec<String>>) -> Value {
    let mut partner = json!({"description": "The identifier of a partner."});
    if let Some(partners) = partners.filter(|partners| !partners.is_empty()) {
        partner["enum"] = partners.into();
    }
    let mut dispatch = channel(
        &format!("{prefix}dispatch.{{partner}}"),
        "What is owed to one partner, in one partition. Its body is the record as every dialect is made of it.",
    );
    dispatch["parameters"] = json!({"partner": partner});
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Passerelle",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The log of the gateway between employment services, as it stands in Apache Kafka. Read it with `isolation.level=read_committed`; nobody but the gateway writes it. The embedded engine keeps the same records in a file.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": DATUM,
        "channels": {
            "accepted": channel(&format!("{prefix}accepted"), "Every document that was taken in. Order holds per entity."),
            "journal": channel(&format!("{prefix}journal"), "What happened to every message, without bodies."),
            "dispatch": dispatch,
        },
        "operations": {
            "accept": writes("accepted", "Takes a document in."),
            "tell": writes("journal", "Tells what happened."),
            "owe": writes("dispatch", "Owes a record to a partner."),
        },
        "components": {
            "messages": {"envelope": envelope()},
            "schemas": {
                "envelope": avro(Subject::Envelope),
                "content": avro(Subject::Content),
                "vacancy": avro(Subject::Vacancy),
            },
        },
    })
}

fn channel(address: &str, description: &str) -> Value {
    json!({
        "address": address,
        "description": description,
        "messages": {"envelope": {"$ref": "#/components/messages/envelope"}},
        "bindings": {"kafka": {"bindingVersion": BINDING}},
    })
}

fn writes(channel: &str, summary: &str) -> Value {
    json!({
        "action": "send",
        "channel": {"$ref": format!("#/channels/{channel}")},
        "summary": summary,
        "messages": [{"$ref": format!("#/channels/{channel}/messages/envelope")}],
    })
}

fn envelope() -> Value {
    json!({
        "name": "Envelope",
        "title": "A record of the log",
        "contentType": DATUM,
        "description": format!(
            "The Confluent wire format: a zero byte, the id of the schema in the registry, a datum. A plain body holds \
             `{content}` behind the header of Avro's single-object encoding, and that holds `{vacancy}` in `canonical` \
             the same way: the fingerprint in the header tells which version of the subject of that name it is.",
            content = Subject::Content.record_name(),
            vacancy = Subject::Vacancy.record_name(),
        ),
        "payload": {"$ref": "#/components/schemas/envelope"},
        "bindings": {"kafka": {
            "key": {"type": "string", "format": "uuid", "description": "The entity."},
            "schemaIdLocation": "payload",
            "schemaIdPayloadEncoding": "confluent",
            "schemaLookupStrategy": "TopicNameStrategy",
            "bindingVersion": BINDING,
        }},
    })
}

fn avro(subject: Subject) -> Value {
    let schema: Value = serde_json::from_str(subject.newest()).expect("published schemas are JSON");
    json!({"schemaFormat": AVRO, "schema": schema})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_member_that_is_required_is_there() {
        let api = described("test.", None);
        assert_eq!(api["asyncapi"], "3.0.0");
        assert!(api["info"]["title"].is_string() && api["info"]["version"].is_string());
        assert_eq!(api["channels"]["accepted"]["address"], "test.accepted");
        assert_eq!(api["channels"]["dispatch"]["address"], "test.dispatch.{partner}");
        assert_eq!(api["components"]["schemas"]["envelope"]["schema"]["name"], "Envelope");
        for operation in api["operations"].as_object().unwrap().values() {
            assert_eq!(operation["action"], "send");
            assert!(operation["channel"]["$ref"].is_string());
        }
        let mut references = Vec::new();
        find_references(&api, &mut references);
        assert_eq!(references.len(), 10);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(api.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn only_who_may_know_reads_who_is_connected() {
        let of = |partners| described(PREFIX, partners)["channels"]["dispatch"]["parameters"]["partner"].clone();
        assert!(of(None).get("enum").is_none() && of(Some(Vec::new())).get("enum").is_none());
        assert_eq!(of(Some(vec!["acme".to_owned()]))["enum"], json!(["acme"]));
    }

    fn find_references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match (name.as_str(), member) {
                        ("$ref", Value::String(reference)) => found.push(reference.clone()),
                        _ => find_references(member, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| find_references(item, found)),
            _ => {}
        }
    }
}

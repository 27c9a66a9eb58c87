//! The description of the topics (AsyncAPI 3.0), made of the schemas that are written and of nothing else.
//!
//! **Invariant:** who is connected here is nobody's business but an operator's: others read of `{partner}` only.

use axum::{Extension, Json, extract::State, http::header, response::IntoResponse};
use connectors::kafka;
use schemas::{Kind, Subject};
use serde_json::{Value, json};

use super::{
    Door,
    identity::{Caller, Identity},
};
use crate::config::{Configuration, Connector};

/// The media type of the description.
const ASYNCAPI: &str = "application/vnd.aai.asyncapi+json;version=3.0.0";
/// How AsyncAPI calls Avro schemas.
const AVRO: &str = "application/vnd.apache.avro;version=1.9.0";
/// The media type of a record.
const DATUM: &str = "application/vnd.apache.avro";
/// The version of the Kafka bindings.
const BINDING: &str = "0.5.0";
/// Describes the topics of a log in Kafka.
#[utoipa::path(get, path = "/asyncapi.json", tag = "health",
    responses((status = 200, description = "The topics and what stands in them (AsyncAPI 3.0); an operator sees the partners too.", body = Value, content_type = "application/vnd.aai.asyncapi+json")))]
pub async fn show(State(door): State<Door>, caller: Option<Extension<Caller>>) -> impl IntoResponse {
    let rules = door.intake.in_force.now();
    let is_operator = caller.is_some_and(|Extension(caller)| caller.identity == Identity::Operator);
    let partners = if is_operator { Partners::of(&rules.configuration) } else { Partners::default() };
    let description = described(&rules.configuration.settings.kafka.prefix, &partners);
    ([(header::CONTENT_TYPE, ASYNCAPI)], Json(description))
}

/// The partners that have topics; none where they may not be named.
#[derive(Default)]
struct Partners {
    owed: Vec<String>,
    reading: Vec<String>,
    pushing: Vec<String>,
}

impl Partners {
    fn of(configuration: &Configuration) -> Self {
        let receivers = || configuration.receivers(Kind::Vacancy);
        let reading = receivers().filter(|(_, outgoing)| matches!(outgoing.connector, Connector::Kafka { .. }));
        let pushing = configuration.partners.values().filter(|partner| partner.inbox.is_some());
        Self {
            owed: receivers().map(|(partner, _)| partner.id.to_string()).collect(),
            reading: reading.map(|(partner, _)| partner.id.to_string()).collect(),
            pushing: pushing.map(|partner| partner.id.to_string()).collect(),
        }
    }
}

/// The description, naming these partners.
fn described(prefix: &str, partners: &Partners) -> Value {
    let address = |name: &str| format!("{prefix}{name}");
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Passerelle",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The gateway between employment services in Apache Kafka: its log, which nobody else writes (read it with `isolation.level=read_committed`; the embedded engine keeps the same records in a file), and topics that partners read and write.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": DATUM,
        "channels": {
            "accepted": channel(&address("accepted"), "envelope", "Every document that was taken in. Order holds per entity."),
            "journal": channel(&address("journal"), "envelope", "What happened to every message, without bodies."),
            "dispatch": of_partner(&partners.owed, channel(&address("dispatch.{partner}"), "envelope",
                "What is owed to one partner, in one partition. Its body is the record that every dialect is made of.")),
            "to": of_partner(&partners.reading, channel(&address("to.{partner}.vacancy"), "document",
                "What is delivered to one partner, where its file does not say another topic. It may be compacted.")),
            "from": of_partner(&partners.pushing, channel(&address("from.{partner}.vacancy"), "document",
                "What one partner pushes, where its file does not say another topic. Order holds per key.")),
        },
        "operations": {
            "accept": operation("send", "accepted", "envelope", "Takes a document in."),
            "tell": operation("send", "journal", "envelope", "Tells what happened."),
            "owe": operation("send", "dispatch", "envelope", "Owes a record to a partner."),
            "deliver": operation("send", "to", "document", "Delivers a vacancy, or closes one."),
            "receive": operation("receive", "from", "document", "Takes a vacancy from a partner, or closes one."),
        },
        "components": {
            "messages": {"envelope": envelope(), "document": document()},
            "schemas": {
                "envelope": avro(Subject::Envelope),
                "content": avro(Subject::Content),
                "vacancy": avro(Subject::Vacancy),
            },
        },
    })
}

fn of_partner(partners: &[String], mut channel: Value) -> Value {
    let mut partner = json!({"description": "The identifier of a partner."});
    if !partners.is_empty() {
        partner["enum"] = json!(partners);
    }
    channel["parameters"] = json!({"partner": partner});
    channel
}

fn channel(address: &str, message: &str, description: &str) -> Value {
    json!({
        "address": address,
        "description": description,
        "messages": {message: {"$ref": format!("#/components/messages/{message}")}},
        "bindings": {"kafka": {"bindingVersion": BINDING}},
    })
}

fn operation(action: &str, channel: &str, message: &str, summary: &str) -> Value {
    json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{channel}")},
        "summary": summary,
        "messages": [{"$ref": format!("#/channels/{channel}/messages/{message}")}],
    })
}

/// A document on its way to or from a partner.
fn document() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "name": "Document",
        "title": "A vacancy, or its closing",
        "description": "The value is the document in the partner's dialect, or, where its file says `format = \"avro\"`, the canonical record in the Confluent wire format. A closing has no value.",
        "headers": {"type": "object", "properties": {
            kafka::IDEMPOTENCY_KEY: text("The same key always goes with the same bytes: a repeat is known by it."),
            kafka::OPERATION: text("`upsert` or `close`. Where it is not said, a record without value closes."),
            kafka::CONTENT_TYPE: text("The media type of the value."),
            kafka::DISPATCH_ID: text("Which dispatch it is, for questions; in what the gateway writes."),
            kafka::REASON: text("Why it is closed."),
        }},
        "payload": {"$ref": "#/components/schemas/vacancy"},
        "bindings": {"kafka": {
            "key": text("The reference: ours in what the gateway writes, the partner's own in what it pushes."),
            "bindingVersion": BINDING,
        }},
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
        let api = described("test.", &Partners::default());
        assert_eq!(api["asyncapi"], "3.0.0");
        assert!(api["info"]["title"].is_string() && api["info"]["version"].is_string());
        assert_eq!(api["channels"]["accepted"]["address"], "test.accepted");
        assert_eq!(api["channels"]["dispatch"]["address"], "test.dispatch.{partner}");
        assert_eq!(api["channels"]["from"]["address"], "test.from.{partner}.vacancy");
        assert_eq!(api["components"]["schemas"]["envelope"]["schema"]["name"], "Envelope");
        for operation in api["operations"].as_object().unwrap().values() {
            assert!(["send", "receive"].contains(&operation["action"].as_str().unwrap()));
            assert!(operation["channel"]["$ref"].is_string());
        }
        let mut references = Vec::new();
        find_references(&api, &mut references);
        assert_eq!(references.len(), 17);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(api.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn only_who_may_know_reads_who_is_connected() {
        let of = |partners: &Partners| described("", partners)["channels"]["to"]["parameters"]["partner"].clone();
        assert!(of(&Partners::default()).get("enum").is_none());
        let partners = Partners { reading: vec!["acme".to_owned()], ..Partners::default() };
        assert_eq!(of(&partners)["enum"], json!(["acme"]));
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

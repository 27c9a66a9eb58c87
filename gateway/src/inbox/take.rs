//! What a record of a topic becomes: an accepted document, a closing, or a parked input with its bytes.

use anyhow::Result;
use connectors::kafka::Received;
use mappings::{Fault, write_canonical};
use metrics::counter;
use schemas::{Channel, Hash, Kind, Lane, Record};
use tracing::warn;
use uuid::Uuid;

use super::Reader;
use crate::{
    backbone::wire::Unframed,
    code::{Code, code},
    intake::{Document, Taken},
};

/// The operation that closes.
const CLOSE: &str = "close";

/// What a record asks for.
enum Asked {
    /// To take a document.
    Take(Vec<u8>, Option<String>),
    /// To close what its key names.
    Close(String),
    /// Nothing that can be done.
    Nothing(Code, Vec<Fault>),
    /// The schema of it cannot be had now.
    NotNow,
}

impl Reader {
    /// Takes a record in. Returns whether it is done: else it is to be tried again.
    ///
    /// # Errors
    /// If log or store do not answer.
    pub(super) async fn take(&self, record: &Received) -> Result<bool> {
        let (code, faults) = match self.asked(record).await {
            Asked::NotNow => return Ok(false),
            Asked::Nothing(code, faults) => (code, faults),
            Asked::Take(body, media_type) => {
                let key = self.key(record);
                let document = Document { media_type, ..self.document(&body, &key) };
                let Some(refused) = self.take_document(document, record.idempotency_key.is_none()).await? else {
                    return Ok(true);
                };
                refused
            }
            Asked::Close(reference) => {
                let key = self.key(record);
                let closing = self.intake.close(self.document(&[], &key), &reference, record.reason.clone());
                let Some(refused) = refusal(closing.await?) else { return Ok(true) };
                refused
            }
        };
        self.park(record, code, &faults).await?;
        Ok(true)
    }

    /// Takes a document; says why not if it cannot be taken.
    async fn take_document(&self, document: Document<'_>, is_compared: bool) -> Result<Option<(Code, Vec<Fault>)>> {
        let opened = match self.intake.open(&document).await {
            Ok(opened) => opened,
            Err(faults) => return Ok(Some((const { code("unreadable") }, faults))),
        };
        // The key of a place tells repeats of that place only; whether there is news is seen by what is said.
        if is_compared && self.intake.says_nothing_new(&document, &opened).await? {
            return Ok(None);
        }
        let taken = self.intake.accept(document, opened).await?;
        if matches!(taken, Taken::Echo(_)) {
            counter!("passerelle_echoes_total", "partner" => self.partner.id.to_string()).increment(1);
        }
        Ok(refusal(taken))
    }

    async fn asked(&self, record: &Received) -> Asked {
        let closes = match record.operation.as_deref() {
            Some(operation) => operation == CLOSE,
            None => record.value.is_none(),
        };
        match (&record.value, &record.key) {
            (_, Some(key)) if closes => Asked::Close(key.clone()),
            (_, None) if closes => nothing(const { code("no_reference") }, "a closing has its reference as its key"),
            (None, _) => nothing(const { code("unreadable") }, "a record that closes nothing has a value"),
            (Some(value), _) => self.document_in(value, record).await,
        }
    }

    async fn document_in(&self, value: &[u8], record: &Received) -> Asked {
        let limit = self.intake.in_force.now().configuration.settings.max_body_bytes;
        if value.len() > limit {
            return nothing(const { code("too_large") }, &format!("the document is longer than {limit} bytes"));
        }
        let Some(bodies) = &self.bodies else { return Asked::Take(value.to_vec(), record.content_type.clone()) };
        let avro = match bodies.unframe(value).await {
            Ok(avro) => avro,
            Err(Unframed::Wrong(problem)) => return nothing(const { code("unreadable") }, &problem),
            Err(Unframed::NotNow(error)) => {
                let partner = self.partner.id.to_string();
                warn!(partner.name = partner, error = %error, "a record waits for its schema");
                self.health.limps(&self.part, &format!("nothing comes: {error}"));
                return Asked::NotNow;
            }
        };
        match Record::from_avro(Kind::Vacancy, &avro) {
            // From here on it is what anybody else's canonical document is, and checked like it.
            Ok(record) => Asked::Take(write_canonical(&record).bytes, Some("application/json".to_owned())),
            Err(error) => nothing(const { code("unreadable") }, &error.to_string()),
        }
    }

    /// What a repeat of a record is known by: what the partner says, else its place.
    fn key(&self, record: &Received) -> String {
        let Received { partition, offset, timestamp, idempotency_key, .. } = record;
        let place = || format!("{}/{partition}/{offset}/{}", self.topic, timestamp.unwrap_or_default());
        idempotency_key.clone().unwrap_or_else(place)
    }

    fn document<'a>(&'a self, body: &'a [u8], key: &'a str) -> Document<'a> {
        Document {
            partner: &self.partner,
            kind: Kind::Vacancy,
            dialect: self.dialect.clone(),
            channel: Channel::Push,
            lane: Lane::Live,
            media_type: None,
            idempotency_key: Some(key),
            body,
        }
    }

    /// Parks a record with its bytes; met again it is the same one.
    async fn park(&self, record: &Received, code: Code, faults: &[Fault]) -> Result<()> {
        let body = record.value.as_deref().unwrap_or_default();
        let place = format!("{}/{}/{}/", self.topic, record.partition, record.offset);
        let name = [self.partner.id.as_str().as_bytes(), b"/", place.as_bytes(), Hash::of(body).as_bytes()].concat();
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &name);
        let document = Document { media_type: record.content_type.clone(), ..self.document(body, "") };
        self.intake.park(id, &document, code.as_str(), faults).await
    }
}

/// Why something was not taken; nothing if it was, or need not be.
fn refusal(taken: Taken) -> Option<(Code, Vec<Fault>)> {
    Some(match taken {
        Taken::Accepted { .. } | Taken::Unchanged { .. } | Taken::Echo(_) => return None,
        Taken::Unreadable(faults) => (const { code("unreadable") }, faults),
        Taken::KeyReused => (const { code("idempotency_key_reused") }, Vec::new()),
        Taken::Carried { .. } => (const { code("carried_elsewhere") }, Vec::new()),
    })
}

fn nothing(code: Code, problem: &str) -> Asked {
    let fault = Fault { pointer: String::new(), code: code.as_str().to_owned(), problem: problem.to_owned() };
    Asked::Nothing(code, vec![fault])
}

//! Reads a document before it is taken in: within bounds, and where it holds up nobody else.

use std::sync::Arc;

use mappings::Fault;
use tokio::sync::Semaphore;

use super::{Document, Intake};
use crate::{code::code, dialects::Read, in_force::Rules};

/// Bytes from which on reading takes so long that others would wait for it.
const LARGE_BYTES: usize = 64 * 1_024;
/// Signs of values that no honest document holds more of: in memory, each takes many times its length.
const MOST_VALUES: usize = 256 * 1_024;
/// Large documents that are read at once.
static READING: Semaphore = Semaphore::const_new(1);

/// A document that was read and not taken in yet.
pub struct Opened {
    pub(super) rules: Arc<Rules>,
    pub(super) read: Read,
    /// The source's reference.
    pub reference: String,
}

impl Intake {
    /// Reads a document; nothing is taken in yet. Large ones are read one at a time, where they hold up nobody else.
    ///
    /// # Errors
    /// One fault per place that cannot be read.
    pub async fn open(&self, document: &Document<'_>) -> Result<Opened, Vec<Fault>> {
        let rules = self.in_force.now();
        let (dialect, kind) = (document.dialect.clone(), document.kind);
        let read = if document.body.len() < LARGE_BYTES {
            rules.dialects.read(&dialect, kind, document.partner, document.body)?
        } else {
            require_few_values(document.body)?;
            let _turn = READING.acquire().await.expect("the semaphore is never closed");
            let (rules, partner, body) = (rules.clone(), document.partner.clone(), document.body.to_vec());
            let reading = tokio::task::spawn_blocking(move || rules.dialects.read(&dialect, kind, &partner, &body));
            reading.await.expect("reading does not panic and is not cancelled")?
        };
        let reference = read.record.text("reference").filter(|reference| !reference.is_empty()).map(str::to_owned);
        let reference = reference.ok_or_else(|| vec![no_reference()])?;
        Ok(Opened { rules, read, reference })
    }
}

/// Refuses a document that would grow out of all proportion when it is read.
fn require_few_values(body: &[u8]) -> Result<(), Vec<Fault>> {
    let values = memchr::memchr3_iter(b'{', b'[', b',', body).count() + memchr::memchr2_iter(b'<', b'\n', body).count();
    if values <= MOST_VALUES {
        return Ok(());
    }
    let problem = format!("the document holds more than {MOST_VALUES} values: send several documents instead");
    let code = const { code("too_many_values") };
    Err(vec![Fault { pointer: String::new(), code: code.as_str().to_owned(), problem }])
}

fn no_reference() -> Fault {
    Fault {
        pointer: String::new(),
        code: "no_reference".to_owned(),
        problem: "the document does not say by which reference it is known; without one a change could not be told from a new vacancy"
            .to_owned(),
    }
}

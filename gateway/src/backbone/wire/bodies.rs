//! Vacancies in the Confluent wire format, for topics of partners: each stands under the subject of its topic.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use schemas::{CodecError, Subject};
use tokio::sync::OnceCell;

use super::{
    HEADER_BYTES, MAGIC,
    registry::{Registry, RegistryError},
    subject,
};
use crate::config::Configuration;

/// The marker of Avro's single-object encoding.
const MARKER: [u8; 2] = [0xC3, 0x01];
/// The marker and the fingerprint.
const SINGLE_OBJECT_BYTES: usize = 10;

/// Changes the header of vacancies in Avro: from the one that names a schema by its fingerprint to the one that names
/// it by its id in the registry, and back.
pub struct Bodies {
    registry: Registry,
    subject: String,
    may_register: bool,
    own: OnceCell<u32>,
    known: Mutex<HashMap<u32, [u8; 8]>>,
}

/// Why bytes of a partner cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unframed {
    /// They are not as agreed: no other time makes them so.
    #[error("{0}")]
    Wrong(String),
    /// The registry does not tell the schema now.
    #[error("the schema of a record is not known yet")]
    NotNow(#[source] RegistryError),
}

impl Bodies {
    /// For one topic. No I/O.
    ///
    /// # Errors
    /// If there is no registry.
    pub fn of(configuration: &Configuration, topic: &str) -> Result<Self> {
        Ok(Self {
            registry: Registry::of(configuration)?,
            subject: format!("{topic}-value"),
            may_register: configuration.settings.registry.register,
            own: OnceCell::new(),
            known: Mutex::default(),
        })
    }

    /// A vacancy as it is sent. The first one brings the subject in order.
    ///
    /// # Errors
    /// If the registry does not answer, or refuses our schema.
    pub async fn frame(&self, body: &[u8]) -> Result<Vec<u8>> {
        let (header, datum) = body.split_at_checked(SINGLE_OBJECT_BYTES).context("no record in Avro")?;
        ensure!(header[2..] == Subject::Vacancy.newest_fingerprint(), "a record of another version");
        let settle = || subject::settle(&self.registry, &self.subject, Subject::Vacancy, self.may_register);
        let id = self.own.get_or_try_init(settle).await?;
        Ok([&[MAGIC][..], &id.to_be_bytes(), datum].concat())
    }

    /// A vacancy as it came, behind the header that tells its schema without a registry.
    ///
    /// # Errors
    /// [`Unframed`].
    pub async fn unframe(&self, bytes: &[u8]) -> Result<Vec<u8>, Unframed> {
        let wrong = |problem: &str| Unframed::Wrong(problem.to_owned());
        let (header, datum) = bytes.split_at_checked(HEADER_BYTES).ok_or_else(|| wrong("no Confluent header"))?;
        if header[0] != MAGIC {
            return Err(wrong("no Confluent header: the first byte is not 0"));
        }
        let id = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        let fingerprint = self.fingerprint(id).await?;
        Ok([&MARKER[..], &fingerprint, datum].concat())
    }

    async fn fingerprint(&self, id: u32) -> Result<[u8; 8], Unframed> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        if let Some(fingerprint) = known {
            return Ok(fingerprint);
        }
        let avsc = match self.registry.schema(id).await {
            Ok(Some(avsc)) => avsc,
            Ok(None) => return Err(Unframed::Wrong(format!("the schema registry knows no schema {id}"))),
            Err(error) => return Err(Unframed::NotNow(error)),
        };
        let learned = schemas::learn(&avsc).and_then(|learned| match learned.subject {
            Subject::Vacancy => Ok(learned),
            other => Err(CodecError::Schema(format!("it is of `{other}`"))),
        });
        let learned = learned.map_err(|error| Unframed::Wrong(format!("schema {id} of the registry: {error}")))?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id, learned.fingerprint);
        Ok(learned.fingerprint)
    }
}

/// The reason of a failure to frame, by whether the registry was out of reach.
pub fn is_out_of_reach(error: &anyhow::Error) -> bool {
    subject::is_unreachable(error)
}

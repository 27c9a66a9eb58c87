//! Under which names a run keeps what a source lists: vacancies under the source's references, persons under their
//! pseudonyms and keyed hashes, so that no table says what a source calls somebody.

use anyhow::{Context, Result};
use connectors::poller::Listed;
use schemas::{EntityKey, Kind, PartnerId};
use uuid::Uuid;

use crate::vault::{Bodies, Subject};

/// The names of one source's documents.
#[derive(Clone)]
pub struct Names {
    pub partner: PartnerId,
    pub kind: Kind,
    pub bodies: Bodies,
}

impl Names {
    /// The names of those references, each in its place; none for a person whom nobody has heard of.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn of(&self, references: Vec<String>) -> Result<Vec<Option<String>>> {
        if !self.kind.is_personal() {
            return Ok(references.into_iter().map(Some).collect());
        }
        let found = self.bodies.for_persons()?.find(&self.partner, &references).await?;
        let name = |subject: Subject| EntityKey::from(subject).to_string();
        Ok(found.into_iter().map(|subject| subject.map(name)).collect())
    }

    /// A mark as it may be kept: it may have been made from what somebody's document says.
    ///
    /// # Errors
    /// If there is no vault for persons.
    pub fn mark(&self, mark: &str) -> Result<String> {
        if !self.kind.is_personal() {
            return Ok(mark.to_owned());
        }
        Ok(self.bodies.for_persons()?.hash_of_mark(&self.partner, mark.as_bytes()).to_string())
    }

    /// The id under which bytes that cannot be read are parked: the same bytes once.
    ///
    /// # Errors
    /// If there is no vault for persons.
    pub fn parked_id(&self, bytes: &[u8]) -> Result<Uuid> {
        let hash;
        let told = if self.kind.is_personal() {
            hash = self.bodies.for_persons()?.hash_of_mark(&self.partner, bytes);
            hash.as_bytes()
        } else {
            bytes
        };
        Ok(Uuid::new_v5(&Uuid::NAMESPACE_OID, &[self.partner.as_str().as_bytes(), b"/", told].concat()))
    }

    /// What a page listed, by name and mark; who is not known is left out.
    ///
    /// # Errors
    /// If the keys' database does not answer.
    pub async fn listed(&self, listed: &[Listed]) -> Result<Vec<(Option<String>, Option<String>)>> {
        let names = self.of(listed.iter().map(|listed| listed.reference.clone()).collect()).await?;
        let marks = listed.iter().map(|listed| listed.mark.as_deref().map(|mark| self.mark(mark)).transpose());
        names.into_iter().zip(marks).map(|(name, mark)| Ok((name, mark?))).collect()
    }
}

/// The person that stands under a name.
///
/// # Errors
/// If it is no name of a person.
pub fn person_of(name: &str) -> Result<EntityKey> {
    let pseudonym: Uuid = name.parse().context("a run knows persons by their pseudonyms")?;
    Ok(pseudonym.into())
}

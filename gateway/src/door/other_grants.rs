//! Other grants of a person to the same recipients: a person is known to several sources, and permits for each alone.

use consent::{Grant, Receiver};
use schemas::Kind;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Door, problem::Problem};

/// A grant of the person, of what whichever source says.
#[derive(Debug, Serialize, ToSchema)]
pub struct OtherGrant {
    /// Its record.
    #[schema(value_type = String)]
    record_id: Uuid,
    /// The pseudonym that it is for.
    #[schema(value_type = String)]
    subject: Uuid,
}

impl OtherGrant {
    /// The grant by its numbers.
    pub fn of(grant: &Grant) -> Self {
        Self { record_id: grant.id(), subject: grant.record().header.subject }
    }
}

/// Grants in force of the same person, whatever source they are for, that permit something to a recipient of this one.
///
/// # Errors
/// If the store does not answer.
pub async fn to_same_recipients(door: &Door, grant: &Grant) -> Result<Vec<Grant>, Problem> {
    let rules = door.intake.in_force.now();
    let receivers: Vec<Receiver> = rules
        .configuration
        .receivers(Kind::TalentProfile)
        .map(|(partner, _)| Receiver {
            kind: partner.role,
            country: partner.country.clone(),
            partner: Some(partner.id.clone()),
            legal_id: partner.legal_id.clone(),
        })
        .filter(|receiver| receiver.is_named_by(grant))
        .collect();
    let mut others = Vec::new();
    for subject in door.intake.store.same_person(grant.record().header.subject).await? {
        let mut grants = door.intake.store.grants_of(subject).await?;
        grants.retain(|other| {
            let is_to_same = receivers.iter().any(|receiver| receiver.is_named_by(other));
            other.id() != grant.id() && other.state().permits() && is_to_same
        });
        others.append(&mut grants);
    }
    Ok(others)
}

//! Who may have a record, and what stands between it and the others.

use anyhow::Result;
use consent::SubjectState;
use jiff::Timestamp;
use schemas::{EntityKey, PartnerId, Record};

use crate::{
    disclosure::Disclosure,
    eligibility::{Obstacle, between, linked, obstacle},
    in_force::Rules,
    intake::is_open,
    progress::Progress,
    store::Store,
    vault::Bodies,
};

/// Partners that may have a record, and what stands between it and the others.
pub type Entitled = (Vec<PartnerId>, Vec<(PartnerId, Obstacle)>);

/// Every partner that an open record may go to. About persons this is decided in principle: a later grant or withdrawal
/// changes it, and delivery decides again. Whether the person's data is to be left alone is asked by delivery only: nothing
/// new is sent meanwhile, and nothing is ended.
///
/// # Errors
/// If the store does not answer.
pub async fn entitled(
    rules: &Rules,
    (store, bodies, now): (&dyn Store, &Bodies, Timestamp),
    (entity, source): (EntityKey, &PartnerId),
    record: &Record,
) -> Result<Entitled> {
    let (mut may, mut may_not) = (Vec::new(), Vec::new());
    let Some(source) = rules.configuration.partners.get(source) else { return Ok((may, may_not)) };
    if !is_open(record) {
        return Ok((may, may_not));
    }
    let kind = record.kind();
    let standing = if kind.is_personal() { Some(store.standing_of(entity.as_uuid()).await?) } else { None };
    let progress = match &standing {
        Some(standing) => Progress::open(bodies, standing).await?,
        None => Progress::default(),
    };
    for (receiver, outgoing) in rules.configuration.receivers(kind) {
        let found = if let Some(standing) = &standing {
            let decided = || {
                let disclosure = Disclosure { source, receiver, outgoing, progress: &progress };
                let known = (kind, entity, SubjectState::Known);
                disclosure.decide(known, &standing.grants, (&rules.configuration.settings, now)).err()
            };
            between(source, receiver, outgoing)
                .or_else(|| linked(standing, receiver))
                .or_else(|| decided().map(Obstacle::Consent))
        } else {
            obstacle(record, source, receiver, outgoing)
        };
        match found {
            None => may.push(receiver.id.clone()),
            Some(obstacle) => may_not.push((receiver.id.clone(), obstacle)),
        }
    }
    Ok((may, may_not))
}

//! Who may have a record, and what stands between it and the others.

use schemas::{PartnerId, Record};

use crate::{
    eligibility::{Obstacle, obstacle},
    in_force::Rules,
    intake::is_open,
};

/// Every partner that an open vacancy may go to, and what stands between it and the others.
pub fn entitled(rules: &Rules, source: &PartnerId, record: &Record) -> (Vec<PartnerId>, Vec<(PartnerId, Obstacle)>) {
    let (mut may, mut may_not) = (Vec::new(), Vec::new());
    let Some(source) = rules.configuration.partners.get(source) else { return (may, may_not) };
    if !is_open(record) {
        return (may, may_not);
    }
    for (receiver, outgoing) in rules.configuration.receivers(record.kind()) {
        match obstacle(record, source, receiver, outgoing) {
            None => may.push(receiver.id.clone()),
            Some(obstacle) => may_not.push((receiver.id.clone(), obstacle)),
        }
    }
    (may, may_not)
}

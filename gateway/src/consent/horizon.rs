//! When a decision may come out differently though nothing happens but that time passes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    grant::{Grant, Provision},
    transfer::Transfers,
};

/// Every moment at which something begins or ends that a decision looks at: between two of them it does not change.
pub fn moments(grants: &[Grant], transfers: &Transfers) -> BTreeSet<Timestamp> {
    let mut moments = transfers.moments();
    for grant in grants {
        for consent in grant.events().iter().filter(|event| event.state.permits()) {
            moments.insert(consent.at);
            moments.extend(consent.duration.as_ref().and_then(|until| until.end(consent.at)));
            for provision in &grant.record().processing.provisions {
                collect(provision, consent.at, &mut moments);
            }
        }
    }
    moments
}

fn collect(provision: &Provision, given: Timestamp, moments: &mut BTreeSet<Timestamp>) {
    let valid = &provision.valid;
    moments.extend(valid.from);
    moments.extend(valid.until.as_ref().and_then(|until| until.end(valid.from.unwrap_or(given))));
    for exception in &provision.exceptions {
        collect(exception, given, moments);
    }
}

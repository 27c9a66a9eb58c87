//! The limits of all partners: delivery and polling of one partner share one, and it outlives a reload.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use governor::clock::MonotonicClock;
use schemas::PartnerId;

use super::limit::Limit;
use crate::config::{self, Partner};

/// The limit of one partner.
pub type PartnerLimit = Limit<MonotonicClock>;

/// The limits of all partners.
#[derive(Clone, Default)]
pub struct Limits(Arc<Mutex<HashMap<PartnerId, Configured>>>);

/// A limit, and what it was made from.
type Configured = (config::Limits, Arc<PartnerLimit>);

impl Limits {
    /// The limit of a partner as it is configured now.
    pub fn of(&self, partner: &Partner) -> Arc<PartnerLimit> {
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((configured, limit)) = limits.get(&partner.id)
            && *configured == partner.limits
        {
            return limit.clone();
        }
        let limit = Arc::new(Limit::new(&partner.limits, MonotonicClock));
        limits.insert(partner.id.clone(), (partner.limits.clone(), limit.clone()));
        limit
    }
}

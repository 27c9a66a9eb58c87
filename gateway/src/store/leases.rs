//! Leases: who of several nodes does what only one may do; and epochs, which tell an old owner from a new one.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;

/// What one node does for all of them, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What.
    pub resource: String,
    /// The node.
    pub holder: String,
    /// How long it still lasts by the clock of the store; zero once it has run out.
    pub left: Duration,
}

impl Lease {
    /// Whether it has not run out.
    pub fn is_live(&self) -> bool {
        !self.left.is_zero()
    }
}

/// Leases and epochs.
///
/// A lease says who should act; it can run out while its holder sleeps. An epoch says who may: what is claimed under
/// an older one is refused by the store.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes a lease or prolongs it, by the clock of the store; whether that holder has it now.
    async fn lease(&self, resource: &str, holder: &str, lasting: Duration) -> Result<bool>;

    /// Gives a lease back before it runs out; nothing if another holder has it.
    async fn give_back(&self, resource: &str, holder: &str) -> Result<()>;

    /// Every lease that was ever taken and not given back, by resource.
    async fn leases(&self) -> Result<Vec<Lease>>;

    /// Takes a resource over and returns the new epoch; whoever held it before has the lower one. None if that holder
    /// has no live lease on this very resource; with one node (the embedded engine) nobody is asked for a lease.
    async fn take_over(&self, resource: &str, holder: &str) -> Result<Option<i64>>;
}

//! What is in force: configuration and dialects, replaced together or not at all.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::watch;

use crate::{config::Configuration, delivery::check_connections, dialects::Dialects};

/// The rules that decide about messages.
pub struct Rules {
    /// Settings, partners and secrets.
    pub configuration: Configuration,
    /// The mappings, with the hashes that the journal is told.
    pub dialects: Dialects,
}

impl Rules {
    /// Loads the dialects that a configuration asks for, and checks that they can do what it wants and that every
    /// connection can be made as it is described.
    ///
    /// # Errors
    /// If a mapping is wrong or missing, or an address is none.
    pub fn of(configuration: Configuration) -> Result<Self> {
        let dialects = Dialects::load(configuration.settings.mappings_dir.as_deref(), configuration.hash)?;
        dialects.check(&configuration)?;
        check_connections(&configuration)?;
        Ok(Self { configuration, dialects })
    }
}

/// The rules in force, for whoever needs them now.
#[derive(Clone)]
pub struct InForce(watch::Receiver<Arc<Rules>>);

impl InForce {
    /// Puts rules in force. Whoever holds the sender may replace them.
    pub fn begin(rules: Rules) -> (watch::Sender<Arc<Rules>>, Self) {
        let (sender, receiver) = watch::channel(Arc::new(rules));
        (sender, Self(receiver))
    }

    /// The rules in force now. One decision asks once, so that it is made under one set of rules.
    pub fn now(&self) -> Arc<Rules> {
        self.0.borrow().clone()
    }

    /// Waits until other rules are in force; for ever, if nobody can replace them any more.
    pub async fn changed(&mut self) -> Arc<Rules> {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().clone()
    }
}

//! What a partner wants data of persons for: `[outgoing.talent_profile.consent]` of its file.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use consent::{Action, Purpose};
use serde::Deserialize;

/// What must be permitted before anything about a person goes to a partner. Whether it is, the person's grants say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentSettings {
    /// What for: all of these must be permitted.
    pub purposes: BTreeSet<Purpose>,
    /// What the partner does with it: all of these must be permitted.
    #[serde(default = "read_and_store")]
    pub actions: BTreeSet<Action>,
    /// Whether the person is presented by what goes there, which is the stage from which an employer may have the name.
    /// Otherwise no stage is known, which fulfils no condition of a permission. Later stages are known of a placement
    /// only: nothing configures them.
    #[serde(default)]
    pub presents: bool,
}

impl ConsentSettings {
    /// Checks that something is asked for.
    ///
    /// # Errors
    /// Names the key.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.purposes.is_empty(), "`purposes` is empty: say what the partner wants it for");
        ensure!(!self.actions.is_empty(), "`actions` is empty: say what the partner does with it");
        Ok(())
    }
}

fn read_and_store() -> BTreeSet<Action> {
    [Action::Read, Action::Store].into()
}

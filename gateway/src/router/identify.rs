//! Who is the same person as whom, by the numbers that sources have verified: asked before anything is decided about a profile,
//! since whoever is linked may have to be left alone.

use anyhow::Result;
use schemas::{EntityKey, Header, Kind, PartnerId, Record};

use super::{Batch, Router};
use crate::{
    backbone::Stored,
    identities::{Identifier, Told},
    in_force::Rules,
    store::Version,
    vault::Subject,
};

impl Router {
    /// Links and splits a person by what a new version of the profile says.
    pub(super) async fn identify(&self, stored: &Stored, record: &Record, batch: &mut Batch) -> Result<()> {
        let Header { entity_key, origin, .. } = &stored.envelope.header;
        let whose = (*entity_key, &origin.partner);
        let mut told = self.by_numbers(&batch.rules, whose, record, origin.received_at).await?;
        let own = told.extract_if(.., |one| one.subject == entity_key.as_uuid());
        batch.outputs.extend(own.map(|one| Self::told_event(stored, one.event())));
        self.identifier().tell(&told).await
    }

    /// Links and splits a person whose profile is as it was: the source may verify other numbers now, and those of others may
    /// have changed.
    pub(super) async fn identify_again(&self, rules: &Rules, version: &Version, record: &Record) -> Result<()> {
        // What was kept before was told when it was.
        let told = self.by_numbers(rules, (version.entity_key, &version.partner), record, i64::MAX).await?;
        self.identifier().tell(&told).await
    }

    async fn by_numbers(
        &self,
        rules: &Rules,
        (entity, source): (EntityKey, &PartnerId),
        record: &Record,
        since: i64,
    ) -> Result<Vec<Told>> {
        let partner = rules.configuration.partners.get(source);
        let incoming = partner.and_then(|partner| partner.incoming.get(&Kind::TalentProfile));
        self.identifier().by_numbers((Subject::from(entity.as_uuid()), source), (incoming, record), since).await
    }

    fn identifier(&self) -> Identifier {
        Identifier {
            store: self.store.clone(),
            bodies: self.bodies.clone(),
            backbone: self.backbone.clone(),
            clock: self.clock.clone(),
            sync_wanted: self.sync_wanted.clone(),
        }
    }
}

//! What is different about what happened to persons: it is told as it was said, each event for itself and never in the place
//! of another, and not before the person has heard it.

use anyhow::Result;
use jiff::{Timestamp, tz::TimeZone};
use schemas::{Content, EntityKey, Kind, PartialDateTime, PlacementStatus, Record, Value};

use super::prepare::{Prepared, Preparer, Verdict};
use crate::{
    config::Outgoing,
    intake::{place_of_event, place_of_version},
    store::{DispatchState, Owed},
};

/// Events of one person that are searched for what one of them stands for.
const EVENTS: usize = 1_000;

impl Preparer {
    /// What to send of something that happened: whether it may go, when, and in which words.
    ///
    /// # Errors
    /// If store or keys' database do not answer, or the record is damaged.
    pub(super) async fn happened(&self, owed: &Owed, outgoing: &Outgoing, content: &Content) -> Result<Prepared> {
        let permitted = match self.permission(owed, outgoing).await? {
            Ok(permitted) => permitted,
            Err(obstacle) => {
                let remedy = Some(obstacle.reason().to_owned());
                return Ok(Prepared::Settle(self.verdict(DispatchState::Refused, obstacle.code(), remedy)));
            }
        };
        let mut record = Record::from_avro(owed.kind, &content.canonical)?;
        if let Some(at) = embargo(&record).filter(|at| *at > self.clock.now()) {
            let verdict = self.verdict(DispatchState::Deferred, "embargo", Some(format!("goes at {at}")));
            return Ok(Prepared::Settle(Verdict { due_at: Some(at.as_microsecond()), ..verdict }));
        }
        self.name_event(owed, &mut record).await?;
        let mask = Some(&permitted.permit.mask);
        let written = self.rules.dialects.write(outgoing, &record, &self.partner, None, mask);
        Ok(match written {
            Ok(written) => Prepared::Send(self.letter(owed.operation, written, Some(&permitted), None)),
            // In words a refusal may repeat what the record says.
            Err(refusal) => Prepared::Settle(self.verdict(DispatchState::Refused, &refusal.code, Some(refusal.path))),
        })
    }

    /// Gives an event the names that it goes out under: ours, since two sources may call different events the same; and
    /// towards the source of the profile what that calls the person.
    async fn name_event(&self, owed: &Owed, record: &mut Record) -> Result<()> {
        let person = owed.entity_key.person();
        let superseded = match record.text("supersedes").map(str::to_owned) {
            Some(reference) => self.event_called(owed, &reference).await?,
            None => None,
        };
        let candidate = self.candidate(person).await?;
        let model = record.model();
        let mut put = |path: &str, text: Option<String>| {
            let slot = schemas::Path::resolve(model, path).expect("the schema has the names of events");
            *slot.slot(record.root_mut()) = text.map_or(Value::Absent, Value::text);
        };
        put("reference", Some(owed.message_id.to_string()));
        put("supersedes", superseded);
        put("profile", Some(person.to_string()));
        put("candidate", candidate);
        Ok(())
    }

    /// What the recipient calls the person, if the profile is from there.
    async fn candidate(&self, person: EntityKey) -> Result<Option<String>> {
        let Some(newest) = self.store.newest_version(person).await? else { return Ok(None) };
        if newest.partner != self.partner.id {
            return Ok(None);
        }
        let place = place_of_version(person);
        let Some(canonical) = self.bodies.kept(newest.kind, &place, &newest.canonical).await? else { return Ok(None) };
        Ok(Record::from_avro(newest.kind, &canonical)?.text("reference").map(str::to_owned))
    }

    /// How we call an event that its source calls so.
    async fn event_called(&self, owed: &Owed, reference: &str) -> Result<Option<String>> {
        for event in self.store.placement_events(owed.entity_key.person(), EVENTS).await? {
            if event.partner != owed.origin.partner {
                continue;
            }
            let place = place_of_event(event.message_id);
            let Some(canonical) = self.bodies.kept(Kind::PlacementStatus, &place, &event.canonical).await? else {
                continue;
            };
            if Record::from_avro(Kind::PlacementStatus, &canonical)?.text("reference") == Some(reference) {
                return Ok(Some(event.message_id.to_string()));
            }
        }
        Ok(None)
    }
}

/// Until when nobody is told: the very end of a day that is named without a time.
fn embargo(record: &Record) -> Option<Timestamp> {
    let until: PartialDateTime = PlacementStatus::of(record)?.notify_not_before()?.parse().ok()?;
    until.end(&TimeZone::UTC)
}

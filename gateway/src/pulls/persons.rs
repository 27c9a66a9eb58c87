//! Feeds about persons: the pull is the disclosure, and decides.
//!
//! An item is shown if the decision that it rests on still holds in the very snapshot that it was read from. Else it is
//! decided anew, and read again: under the same permit it is shown, else it is left out until delivery brings what may be
//! shown now, or what takes it away, with a later stamp. What is asked back is never decided anew.
//!
//! **Invariant:** no item is passed over without a mark: it is recalled, or kept as left out and stamped anew before it is
//! shown. A page ends before one that could not be decided.

use anyhow::{Result, ensure};
use connectors::Notice;
use consent::SubjectState;
use futures::future::try_join_all;
use jiff::Timestamp;
use schemas::{EntityKey, Hash};

use super::{Document, Item, Pulls, Stretch};
use crate::{
    delivery::{hash_of_notice, notice_of},
    disclosure::Disclosure,
    eligibility::linked,
    progress::Progress,
    store::{FeedBound, FeedItem, PersonFeed, PersonItem, PersonItems, PullDecision, PulledPast, WhichPersons},
};

/// How often items are read again that somebody changes all the time.
const ROUNDS: usize = 4;
/// Items that were left out and are looked at again by one pull.
const RECONSIDERED: usize = 200;

/// Decisions that are made at the same time, and kept together.
const AT_ONCE: usize = 16;

/// A pull of one feed.
pub struct PersonPull<'a> {
    pub pulls: &'a Pulls,
    pub feed: PersonFeed,
}

/// Whether an item is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has gone, and that is told.
    Gone,
    /// Its decision holds, and permits it.
    Shown,
    /// It is left out.
    LeftOut,
    /// Nobody can say before it is decided anew.
    Open,
}

impl PersonPull<'_> {
    /// Notes how far the puller has come.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn note(&self, past: PulledPast) -> Result<()> {
        self.pulls.store.note_pulled(&self.feed, past, self.pulls.clock.now_micros()).await
    }

    /// What changed at or after a stamp, as far as the bound goes.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn stretch(&self, from: i64, bound: FeedBound) -> Result<Stretch> {
        self.reconsider().await?;
        let read = self.decided(&WhichPersons::From(from, bound)).await?;
        let mut stretch = Stretch { items: Vec::new(), next: from, has_more: read.has_more };
        for (standing, item) in read.items {
            if standing == Standing::Open {
                stretch.has_more = true;
                break;
            }
            stretch.next = item.modified_at + 1;
            stretch.items.extend(self.whole(standing, item).await?);
        }
        Ok(stretch)
    }

    /// Items without their documents; those that are left out are not among them.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn overview(&self, which: WhichPersons) -> Result<Vec<FeedItem>> {
        self.reconsider().await?;
        // Until there it hears of everything; read before, so that nothing counts as heard that goes meanwhile.
        let end = self.pulls.store.feed_end(&self.feed.partner).await?;
        let read = self.all_decided(&which).await?;
        self.note(PulledPast::Stamp(end + 1)).await?;
        let told = read.into_iter().filter(|(standing, _)| matches!(standing, Standing::Gone | Standing::Shown));
        Ok(told.map(|(_, item)| shown(item, None)).collect())
    }

    /// Those items, with the documents.
    ///
    /// # Errors
    /// If store or vault do not answer.
    pub async fn details(&self, entities: Vec<EntityKey>) -> Result<Vec<FeedItem>> {
        let mut details = Vec::new();
        for (standing, item) in self.all_decided(&WhichPersons::These(entities)).await? {
            details.extend(self.whole(standing, item).await?.map(|item| item.item));
        }
        Ok(details)
    }

    /// Looks again at what was left out: what may be shown now is stamped anew.
    async fn reconsider(&self) -> Result<()> {
        let now = self.pulls.clock.now_micros();
        let which = WhichPersons::ToReconsider(now, self.rules(), RECONSIDERED);
        let mut left_out = self.pulls.store.persons(&self.feed, which).await?.items;
        left_out.retain(|item| !item.is_recalled);
        self.decide(left_out).await
    }

    /// Items, each with how it stands; what has no decision any more is decided first, as far as that is possible.
    async fn decided(&self, which: &WhichPersons) -> Result<Read> {
        let mut round = 1;
        loop {
            let PersonItems { items, has_more } = self.pulls.store.persons(&self.feed, which.clone()).await?;
            // Asked for after they were read: later, never earlier.
            let (rules, now) = (self.rules(), self.pulls.clock.now_micros());
            let mut read = Read { items: Vec::with_capacity(items.len()), has_more };
            let mut open = Vec::new();
            for item in items {
                let standing = standing(&item, rules, now);
                if standing == Standing::Open {
                    open.push(PersonItem { sealed: None, ..item.clone() });
                }
                read.items.push((standing, item));
            }
            if round >= ROUNDS || open.is_empty() {
                return Ok(read);
            }
            self.decide(open).await?;
            round += 1;
        }
    }

    /// Items of which each has a decision: whoever reads them so would pass over one that has none.
    async fn all_decided(&self, which: &WhichPersons) -> Result<Vec<(Standing, PersonItem)>> {
        let items = self.decided(which).await?.items;
        let is_decided = items.iter().all(|(standing, _)| *standing != Standing::Open);
        ensure!(is_decided, "persons of the feed change all the time");
        Ok(items)
    }

    /// Decides anew, and keeps that for those of whom nothing has changed since.
    async fn decide(&self, items: Vec<PersonItem>) -> Result<()> {
        for items in items.chunks(AT_ONCE) {
            let mut decisions = Vec::with_capacity(items.len());
            for item in items {
                decisions.push(self.decision(item));
            }
            let decisions = try_join_all(decisions).await?;
            // What is kept is not decided again, should the puller give up meanwhile.
            let now_ms = self.pulls.clock.now().as_millisecond();
            self.pulls.store.decide_persons(&self.feed, decisions, now_ms).await?;
        }
        Ok(())
    }

    /// Whether an item may be shown as it stands there: if what is permitted now is what it was written under.
    async fn decision(&self, item: &PersonItem) -> Result<PullDecision> {
        let standing = self.pulls.store.standing_of(item.decided.person.subject).await?;
        let progress = Progress::open(&self.pulls.bodies, &standing).await?;
        // Only now, as for a send: see `delivery/person.rs`.
        let in_force = self.pulls.in_force.now();
        let configuration = &in_force.configuration;
        let now = (&configuration.settings, self.pulls.clock.now());
        let state = standing.restricted_since.map_or(SubjectState::Known, |_| SubjectState::Restricted);
        let about = (self.feed.kind, item.entity_key, state);
        let partner = |id| configuration.partners.get(id);
        let receiver = partner(&self.feed.partner);
        let outgoing = receiver.and_then(|receiver| receiver.outgoing.get(&self.feed.kind));
        let (permit, valid_until) = match (partner(&item.source), receiver, outgoing) {
            (Some(source), Some(receiver), Some(outgoing)) => {
                let disclosure = Disclosure { source, receiver, outgoing, progress: &progress };
                let permit = disclosure.decide(about, &standing.grants, now).ok();
                let valid_until = disclosure.valid_until(about, &standing.grants, now, permit.as_ref());
                (permit.filter(|_| linked(&standing, receiver).is_none()), valid_until)
            }
            // Who is no partner any more is nowhere.
            _ => (None, None),
        };
        let permit = permit.map(|permit| hash_of_notice(&notice_of(&permit)));
        Ok(PullDecision {
            entity_key: item.entity_key,
            seen: item.modified_at,
            person: standing.version,
            valid_until: valid_until.map(Timestamp::as_microsecond),
            rules: configuration.hash,
            is_withheld: permit != Some(item.decided.permit),
        })
    }

    /// An item as it is shown; none if it is left out, or its keys were destroyed: then it is asked back, too.
    async fn whole(&self, standing: Standing, item: PersonItem) -> Result<Option<Item>> {
        match standing {
            Standing::LeftOut | Standing::Open => Ok(None),
            Standing::Gone => Ok(Some(shown(item, None).into())),
            Standing::Shown => {
                let sealed = item.sealed.as_deref().unwrap_or_default();
                let document = Document::open(&self.pulls.bodies, &self.feed, (item.entity_key, sealed)).await?;
                Ok(document.map(|document| {
                    let (withheld, obligations) = (document.withheld.clone(), document.obligations.clone());
                    Item { item: shown(item, Some(document)), notice: Some(Notice { withheld, obligations }) }
                }))
            }
        }
    }

    fn rules(&self) -> Hash {
        self.pulls.in_force.now().configuration.hash
    }
}

/// Items, each with how it stands.
struct Read {
    items: Vec<(Standing, PersonItem)>,
    has_more: bool,
}

/// How an item stands, by the person as of the snapshot that it was read from.
fn standing(item: &PersonItem, rules: Hash, now: i64) -> Standing {
    let is_over = item.decided.valid_until.is_some_and(|end| end <= now);
    if !item.is_active {
        Standing::Gone
    } else if item.is_recalled {
        Standing::LeftOut
    } else if is_over || item.person_version != item.decided.person.version || item.rules != rules {
        Standing::Open
    } else if item.is_withheld {
        Standing::LeftOut
    } else {
        Standing::Shown
    }
}

/// An item of a feed, with its document or without one.
fn shown(item: PersonItem, document: Option<Document>) -> FeedItem {
    let (content, media_type) = document.map(|document| (document.content, document.media_type)).unwrap_or_default();
    FeedItem {
        reference: item.entity_key.to_string(),
        is_active: item.is_active,
        content,
        media_type,
        created_at: item.created_at,
        modified_at: item.modified_at,
        closed_at: item.closed_at,
        reason: item.reason,
        source_reason: None,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::{Decided, SubjectVersion};

    const NOW: i64 = 1_000;

    fn rules() -> Hash {
        Hash::of(b"rules")
    }

    /// An item that may be shown.
    fn item() -> PersonItem {
        PersonItem {
            entity_key: Uuid::from_u128(1).into(),
            source: "anapec".parse().unwrap(),
            is_active: true,
            sealed: None,
            decided: Decided {
                person: SubjectVersion { subject: Uuid::from_u128(1), version: 3 },
                permit: Hash::of(b"permit"),
                valid_until: Some(NOW + 1),
            },
            rules: rules(),
            is_withheld: false,
            person_version: 3,
            is_recalled: false,
            created_at: 1,
            modified_at: 1,
            closed_at: None,
            reason: None,
        }
    }

    #[test]
    fn an_item_is_shown_only_while_its_decision_holds() {
        let decided = item().decided;
        for (item, expected) in [
            (item(), Standing::Shown),
            (PersonItem { is_withheld: true, ..item() }, Standing::LeftOut),
            (PersonItem { person_version: 4, ..item() }, Standing::Open),
            (PersonItem { person_version: 4, is_withheld: true, ..item() }, Standing::Open),
            (PersonItem { rules: Hash::of(b"others"), ..item() }, Standing::Open),
            (PersonItem { decided: Decided { valid_until: Some(NOW), ..decided }, ..item() }, Standing::Open),
            (PersonItem { decided: Decided { valid_until: None, ..decided }, ..item() }, Standing::Shown),
            (PersonItem { person_version: 4, is_recalled: true, ..item() }, Standing::LeftOut),
            (PersonItem { is_active: false, person_version: 4, is_recalled: true, ..item() }, Standing::Gone),
        ] {
            assert_eq!(standing(&item, rules(), NOW), expected, "{item:?}");
        }
    }
}

//! The same person, known to several sources: linked by numbers that two partners have verified, by a person's own word, or by
//! a source that says that two of its persons are one; by nothing else, and never by a name.
//!
//! A link re-keys nothing and permits nothing. What is said of one person holds for all that are linked where less leaves by
//! it: whom to leave alone, and that nobody is sent what it brought itself.

mod numbers;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, bail};
use jiff::Timestamp;
use metrics::counter;
use schemas::{
    Cause, Channel, EntityKey, Event, Header, Kind, LossCounts, Operation, Origin, PartnerId, Payload, Record, Versions,
};
use tokio::sync::watch;
use tracing::{info, warn};
use uuid::Uuid;

use self::numbers::{Concluded, Holders, Known, conclude};
use crate::{
    backbone::{Backbone, Output, Topic},
    clock::Clock,
    code::code,
    config::Incoming,
    store::{Evidence, Identified, IdentityEvent, Pair, Said, Shares, Store, Version},
    vault::{Bodies, Subject, VerifiedNumber},
};

/// How often numbers are looked at again that others change at the same time.
const TRIES: usize = 8;

/// How every step of the journal begins that says something about who is the same person; operators see them, partners do not.
pub const STEP: &str = "identity_";

/// Links and splits persons, and says so in the journal.
#[derive(Clone)]
pub struct Identifier {
    pub store: Arc<dyn Store>,
    pub bodies: Bodies,
    pub backbone: Arc<dyn Backbone>,
    pub clock: Clock,
    /// Told when something is to be dispatched again.
    pub sync_wanted: Arc<watch::Sender<()>>,
}

/// What the journal is told of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Of whom.
    pub subject: Uuid,
    /// What.
    pub step: &'static str,
    /// Why, as a code.
    pub code: Option<String>,
    /// More, in words: by what evidence, with whom.
    pub detail: String,
    /// When, microseconds since 1970 UTC.
    pub at: i64,
}

impl Identifier {
    /// Keeps what was said of two persons. Whatever follows is decided anew.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn say(&self, event: IdentityEvent) -> Result<Identified> {
        let backbone = self.backbone.clone();
        let shares = Shares(Arc::new(move |person| backbone.share_of(person)));
        let found = self.store.identify(event.clone(), shares).await?;
        if let Identified::New(concerned) = &found {
            let (said, evidence) = (event.said.as_str(), event.evidence.as_str());
            counter!("passerelle_identities_total", "said" => said, "evidence" => evidence).increment(1);
            info!(identity.said = said, evidence, persons.len = concerned.len(), "who is the same person has changed");
            self.sync_wanted.send_replace(());
        }
        Ok(found)
    }

    /// Links and splits a person by the numbers that its partner has verified. Returns what the journal is to be told; what was
    /// done since `since` is told again.
    ///
    /// # Errors
    /// If the store or the keys' database do not answer, or the numbers of other persons change all the time.
    pub async fn by_numbers(
        &self,
        (subject, partner): (Subject, &PartnerId),
        (incoming, record): (Option<&Incoming>, &Record),
        since: i64,
    ) -> Result<Vec<Told>> {
        let vault = self.bodies.for_persons()?;
        let said = incoming.map(|incoming| numbers::numbers(record, incoming.verifies())).unwrap_or_default();
        let has: Vec<VerifiedNumber> =
            said.into_iter().map(|(scheme, number)| vault.verified_number(scheme, number)).collect();
        let had = vault.keep_numbers(subject, partner, has.clone()).await?;
        let mut told = Vec::new();
        let mut before = None;
        for _ in 0..TRIES {
            // Read after ours are kept: of two who come at the same time at least one sees the other.
            let holders = (self.holders(&has).await?, self.holders(&had).await?);
            if before.as_ref() == Some(&holders) {
                return Ok(told);
            }
            for one in self.settle((subject.as_uuid(), partner), (&holders.0, &holders.1), since).await? {
                if !told.contains(&one) {
                    told.push(one);
                }
            }
            before = Some(holders);
        }
        bail!("the numbers of the persons who share one with `{subject}` change all the time")
    }

    async fn holders(&self, numbers: &[VerifiedNumber]) -> Result<Vec<Holders>> {
        let vault = self.bodies.for_persons()?;
        let mut found = Vec::with_capacity(numbers.len());
        for number in numbers {
            let persons = vault.holders(number).await?.into_iter();
            let persons = persons.map(|(subject, partner)| (subject.as_uuid(), partner)).collect();
            found.push(Holders { scheme: number.scheme.clone(), persons });
        }
        Ok(found)
    }

    /// Says what follows from whose numbers are the same.
    async fn settle(
        &self,
        (subject, partner): (Uuid, &PartnerId),
        (has, had): (&[Holders], &[Holders]),
        since: i64,
    ) -> Result<Vec<Told>> {
        let mut sources: BTreeMap<Uuid, PartnerId> =
            has.iter().chain(had).flat_map(|holders| holders.persons.clone()).collect();
        sources.insert(subject, partner.clone());
        let links = self.store.links_of(&sources.keys().copied().collect()).await?;
        for link in &links {
            sources.extend(link.pair.both().into_iter().zip(link.sources.clone()));
        }
        let mut together = BTreeMap::new();
        for person in sources.keys() {
            together.insert(*person, self.store.same_person(*person).await?);
        }
        let Concluded { linked, split, shared } =
            conclude(subject, has, had, Known { links: &links, together: &together });
        let now = self.clock.now_micros();
        let not_linked = |why: crate::code::Code, scheme: &str| Told {
            subject,
            step: "identity_not_linked",
            code: Some(why.as_str().to_owned()),
            detail: format!("verified_id {scheme}"),
            at: now,
        };
        let mut told: Vec<Told> =
            shared.iter().map(|scheme| not_linked(const { code("identity_number_shared") }, scheme)).collect();
        let splits = split.into_iter().map(|(pair, (scheme, why))| (pair, Said::Split, scheme, Some(why.to_owned())));
        let links = linked.into_iter().map(|(pair, scheme)| (pair, Said::Linked, scheme, None));
        for (at, (pair, said, scheme, why)) in (now..).zip(splits.chain(links)) {
            let [one, other] = pair.both().map(|person| sources.get(&person).unwrap_or(partner).clone());
            let event = IdentityEvent {
                event_id: Uuid::now_v7(),
                pair,
                sources: [one, other],
                said,
                evidence: Evidence::VerifiedId { scheme: scheme.clone() },
                said_by: Some(partner.clone()),
                code: why,
                effective_at: at,
                recorded_at: at,
            };
            match self.say(event.clone()).await? {
                Identified::New(_) => told.extend(tellings(&event)),
                // Kept by us already, and perhaps not told.
                Identified::Known(known) if known.recorded_at >= since => told.extend(tellings(&known)),
                Identified::SplitBefore(_) => {
                    told.push(not_linked(const { code("identity_split_before") }, &scheme));
                }
                Identified::TwoOfOneSource(_) => {
                    told.push(not_linked(const { code("identity_number_shared") }, &scheme));
                }
                Identified::Known(_) | Identified::Nothing | Identified::LinkedThrough(_) => {}
            }
        }
        for one in told.iter().filter(|one| one.step == "identity_not_linked") {
            let code = one.code.clone().unwrap_or_default();
            counter!("passerelle_identities_not_linked_total", "code" => code).increment(1);
            warn!(subject = %subject, "a person was not linked by a number: see `passerelle trace`");
        }
        Ok(told)
    }

    /// Tells the journal of what was said of two, on the newest message of each.
    ///
    /// # Errors
    /// If log or store do not answer.
    pub async fn tell(&self, told: &[Told]) -> Result<()> {
        let mut outputs = Vec::new();
        for one in told {
            // Of whoever is known by name only there is no message yet.
            if let Some(version) = self.store.newest_version(EntityKey::from(one.subject)).await? {
                outputs.push(output_of(&version, one));
            }
        }
        if !outputs.is_empty() {
            self.backbone.append(outputs).await?;
        }
        Ok(())
    }
}

/// What the journal is told of both of whom something was said.
pub fn tellings(event: &IdentityEvent) -> [Told; 2] {
    let step = match event.said {
        Said::Linked => "identity_linked",
        Said::Split => "identity_split",
    };
    let evidence = match &event.evidence {
        Evidence::VerifiedId { scheme } => format!("verified_id {scheme}"),
        evidence => evidence.as_str().to_owned(),
    };
    event.pair.both().map(|subject| Told {
        subject,
        step,
        code: event.code.clone(),
        detail: format!("{evidence}, with {}", event.pair.beside(subject)),
        at: event.recorded_at,
    })
}

impl Told {
    /// As the journal has it.
    pub fn event(&self) -> Event {
        Event {
            step: self.step.to_owned(),
            code: self.code.clone(),
            detail: Some(self.detail.clone()),
            at: self.at,
            // Persons may be linked and split again and again: each counts.
            attempt: 1,
            losses: LossCounts::default(),
        }
    }
}

fn output_of(version: &Version, told: &Told) -> Output {
    let header = Header {
        message_id: version.message_id,
        operation: Operation::Event,
        entity_key: version.entity_key,
        origin: Origin {
            partner: version.partner.clone(),
            dialect: mappings::CANONICAL.parse().expect("it is the name of a dialect"),
            channel: Channel::Operator,
            reference: None,
            idempotency: None,
            received_at: told.at,
            modified_at: None,
        },
        hops: Vec::new(),
        versions: Versions::default(),
        cause: Some(Cause { message_id: version.message_id, position: version.position }),
        recipient: None,
        lane: None,
        event: Some(told.event()),
    };
    debug_assert_eq!(version.kind, Kind::TalentProfile, "only of persons anything is said here");
    Output { topic: Topic::journal(), envelope: schemas::Envelope { header, payload: Payload::TalentProfile(None) } }
}

/// Two persons of whom something is said, and the partners that know them; none if they are one.
pub fn two(one: (Subject, &PartnerId), other: (Subject, &PartnerId)) -> Option<(Pair, [PartnerId; 2])> {
    let of = |(subject, partner): (Subject, &PartnerId)| (subject.as_uuid(), partner.clone());
    Pair::with(of(one), of(other))
}

/// A merge that a source has told of.
pub fn merged(pair: Pair, sources: [PartnerId; 2], by: &PartnerId, now: Timestamp) -> IdentityEvent {
    let now = now.as_microsecond();
    IdentityEvent {
        event_id: Uuid::now_v7(),
        pair,
        sources,
        said: Said::Linked,
        evidence: Evidence::SourceMerge,
        said_by: Some(by.clone()),
        code: None,
        effective_at: now,
        recorded_at: now,
    }
}

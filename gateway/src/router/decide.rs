//! What a record means, seen in log order: news, a repeat, or nothing new. Pure, so that it can be proven.
//!
//! The router alone sees an entity's records in the order of the log. It compares a record only with what
//! stands at a lower position, so that a record met again at its own position is decided alike.

use schemas::{Channel, Hash, Header, PartialDateTime, Position};

use crate::store::{KeyUse, Version};

/// What a record means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A new version of its entity.
    News,
    /// The same key with the same body, within its validity.
    Duplicate,
    /// The same key with another body: its `202` was given, so it is parked.
    KeyConflict,
    /// What the version before it says.
    Unchanged,
    /// Older than the version before it, as the source itself says.
    Stale,
    /// A closing of something that was never heard of.
    CloseOfUnknown,
    /// The keys of whom it is about were destroyed: nobody can read it any more.
    KeysDestroyed,
}

/// What is known of the record's past, all of it at lower positions.
#[derive(Debug, Default)]
pub struct Past<'a> {
    /// The version just before it in the log.
    pub previous: Option<&'a Version>,
    /// Uses of its idempotency key.
    pub key_uses: &'a [KeyUse],
}

/// Whether the record's key was used before it, and how.
pub fn repeated_key(header: &Header, position: Position, key_uses: &[KeyUse]) -> Option<Meaning> {
    let idempotency = header.origin.idempotency.as_ref()?;
    let earlier =
        key_uses.iter().filter(|key_use| key_use.position < position && key_use.expires_at > header.origin.received_at);
    let first = earlier.min_by_key(|key_use| key_use.position)?;
    Some(if first.body_hash == idempotency.body_hash { Meaning::Duplicate } else { Meaning::KeyConflict })
}

/// Decides what a record means, by the hash of what it says over what its shape does not speak of.
///
/// Without a hash it is a closing that found nothing to close.
pub fn decide(header: &Header, position: Position, past: &Past<'_>, content_hash: Option<Hash>) -> Meaning {
    if let Some(meaning) = repeated_key(header, position, past.key_uses) {
        return meaning;
    }
    let Some(content_hash) = content_hash else { return Meaning::CloseOfUnknown };
    let Some(previous) = past.previous else { return Meaning::News };
    // A vendor numbers its deliveries: another number says nothing about what it delivers.
    if header.origin.idempotency.is_some() && header.origin.channel != Channel::Webhook {
        return Meaning::News;
    }
    if previous.content_hash == content_hash {
        return Meaning::Unchanged;
    }
    if is_older(header.origin.modified_at.as_deref(), previous.modified_at.as_deref()) {
        return Meaning::Stale;
    }
    Meaning::News
}

/// Whether the source says of both when they were changed, and this one was first.
fn is_older(this: Option<&str>, previous: Option<&str>) -> bool {
    let parse = |text: Option<&str>| text.and_then(|text| text.parse::<PartialDateTime>().ok());
    let (Some(this), Some(previous)) = (parse(this), parse(previous)) else { return false };
    let zone = jiff::tz::TimeZone::UTC;
    // A time given to the day is older only if its whole day is.
    match (this.end(&zone), previous.start(&zone)) {
        (Some(this), Some(previous)) => this < previous,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use schemas::{EntityKey, Idempotency, Kind, MessageId, Operation, Origin, PartnerId, Versions};

    use super::*;

    fn at(offset: i64) -> Position {
        Position { generation: 1, offset }
    }

    fn acme() -> PartnerId {
        "acme".parse().unwrap()
    }

    fn header(key: Option<(&str, &str)>, modified_at: Option<&str>) -> Header {
        Header {
            message_id: MessageId::mint(),
            operation: Operation::Upsert,
            entity_key: EntityKey::of_vacancy(&acme(), "R1"),
            origin: Origin {
                partner: acme(),
                dialect: "canonical".parse().unwrap(),
                channel: Channel::Push,
                reference: Some("R1".to_owned()),
                idempotency: key.map(|(key, body)| Idempotency {
                    key_hash: Hash::of(key.as_bytes()),
                    body_hash: Hash::of(body.as_bytes()),
                    expires_at: 100,
                }),
                received_at: 50,
                modified_at: modified_at.map(str::to_owned),
            },
            hops: vec![],
            versions: Versions::default(),
            cause: None,
            recipient: None,
            lane: None,
            event: None,
        }
    }

    fn version(content: &str, modified_at: Option<&str>) -> Version {
        Version {
            entity_key: EntityKey::of_vacancy(&acme(), "R1"),
            position: at(1),
            message_id: MessageId::mint(),
            partner: acme(),
            kind: Kind::Vacancy,
            reference: Some("R1".to_owned()),
            content_hash: Hash::of(content.as_bytes()),
            is_open: true,
            modified_at: modified_at.map(str::to_owned),
            recipients: vec![],
            canonical: vec![],
        }
    }

    fn key_use(key: &str, body: &str, offset: i64, expires_at: i64) -> KeyUse {
        KeyUse {
            partner: acme(),
            kind: Kind::Vacancy,
            key_hash: Hash::of(key.as_bytes()),
            position: at(offset),
            body_hash: Hash::of(body.as_bytes()),
            message_id: MessageId::mint(),
            expires_at,
        }
    }

    fn fresh(content: &str) -> Hash {
        Hash::of(content.as_bytes())
    }

    #[test]
    fn keyless_records_are_compared_with_the_version_just_before() {
        let (a, b) = (version("A", None), version("B", None));
        for (previous, content, meaning) in [
            (None, "A", Meaning::News),
            (Some(&a), "A", Meaning::Unchanged),
            (Some(&a), "B", Meaning::News),
            (Some(&b), "A", Meaning::News), // A → B → A is news
        ] {
            let past = Past { previous, key_uses: &[] };
            assert_eq!(decide(&header(None, None), at(9), &past, Some(fresh(content))), meaning);
        }
    }

    #[test]
    fn only_the_source_can_say_that_a_record_is_old() {
        for (this, previous, meaning) in [
            (None, None, Meaning::News),
            (Some("2026-11-21T10:00:00Z"), None, Meaning::News),
            (None, Some("2026-11-21T10:00:00Z"), Meaning::News),
            (Some("2026-11-21T10:00:00Z"), Some("2026-11-21T10:00:01Z"), Meaning::Stale),
            (Some("2026-11-21T10:00:01Z"), Some("2026-11-21T10:00:00Z"), Meaning::News),
            (Some("2026-11-21T10:00:00Z"), Some("2026-11-21T10:00:00Z"), Meaning::News),
            (Some("2026-11-21"), Some("2026-11-21T10:00:00Z"), Meaning::News),
            (Some("2026-11-20"), Some("2026-11-21T10:00:00Z"), Meaning::Stale),
        ] {
            let previous = version("A", previous);
            let past = Past { previous: Some(&previous), key_uses: &[] };
            assert_eq!(
                decide(&header(None, this), at(9), &past, Some(fresh("B"))),
                meaning,
                "{this:?} after {:?}",
                previous.modified_at
            );
        }
    }

    #[test]
    fn a_key_is_good_for_one_body_while_it_lasts() {
        let header = header(Some(("k", "body")), None);
        let previous = version("A", None);
        for (key_use, meaning) in [
            (key_use("k", "body", 5, 100), Meaning::Duplicate),
            (key_use("k", "other", 5, 100), Meaning::KeyConflict),
            (key_use("k", "other", 5, 50), Meaning::News),   // expired
            (key_use("k", "body", 9, 100), Meaning::News),   // this very record, met again
            (key_use("k", "other", 12, 100), Meaning::News), // comes later in the log
        ] {
            let past = Past { previous: Some(&previous), key_uses: std::slice::from_ref(&key_use) };
            assert_eq!(decide(&header, at(9), &past, Some(fresh("A"))), meaning, "{key_use:?}");
        }
    }

    #[test]
    fn the_number_of_a_delivery_does_not_make_it_news() {
        let previous = version("A", Some("2026-03-01T10:00:00Z"));
        let past = Past { previous: Some(&previous), key_uses: &[] };
        for (channel, content, modified_at, meaning) in [
            (Channel::Push, "A", "2026-03-01T09:00:00Z", Meaning::News),
            (Channel::Webhook, "A", "2026-03-01T10:00:00Z", Meaning::Unchanged),
            (Channel::Webhook, "B", "2026-03-01T09:00:00Z", Meaning::Stale),
            (Channel::Webhook, "B", "2026-03-01T11:00:00Z", Meaning::News),
        ] {
            let mut header = header(Some(("k", "body")), Some(modified_at));
            header.origin.channel = channel;
            assert_eq!(decide(&header, at(9), &past, Some(fresh(content))), meaning, "{channel} {content}");
        }
    }

    #[test]
    fn a_closing_of_the_unknown_is_only_journaled() {
        assert_eq!(decide(&header(None, None), at(9), &Past::default(), None), Meaning::CloseOfUnknown);
    }
}

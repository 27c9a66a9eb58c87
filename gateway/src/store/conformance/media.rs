//! Media: wanted once, settled by the last attempt, dropped with their version; tokens good for so many bytes.

use std::collections::HashSet;

use jiff::Timestamp;
use schemas::{Category, Hash, Position};
use uuid::Uuid;

use super::{
    dispatches::owed,
    grants::{grant, withdrawal},
};
use crate::store::{
    BlobId, FetchOutcome, MediaToken, MediumId, MediumState, Referred, Showing, Store, SubjectVersion, WantedMedium,
};

/// Far above the times of other suites.
const NOW: i64 = 9_000_000_000_000_000;

pub async fn run(store: &dyn Store) {
    what_is_wanted_is_taken_once(store).await;
    the_last_attempt_counts(store).await;
    a_newer_version_decides_what_is_linked(store).await;
    a_token_is_good_for_so_many_bytes(store).await;
    a_token_holds_as_long_as_its_person_stands(store).await;
}

fn ids<const N: usize>() -> [MediumId; N] {
    std::array::from_fn(|_| MediumId::from(Uuid::new_v4()))
}

fn referred(entity: Uuid, offset: i64, ids: &[MediumId]) -> Referred {
    let media = ids.iter().map(|id| WantedMedium { id: *id, category: Category::Picture, sealed: vec![7; 40] });
    let owed = owed("anapec", "a person", offset);
    Referred {
        entity_key: entity.into(),
        position: Position { generation: 1, offset },
        message_id: owed.message_id,
        origin: owed.origin,
        media: media.collect(),
        at: NOW,
    }
}

async fn state(store: &dyn Store, id: MediumId) -> MediumState {
    store.medium(id).await.unwrap().unwrap().state
}

/// Takes one file, and says which attempt that is.
async fn take(store: &dyn Store, id: MediumId, now: i64) -> Option<i64> {
    let taken = store.take_media(now, now + 10, 100).await.unwrap();
    taken.iter().find(|medium| medium.id == id).map(|medium| medium.attempt)
}

async fn what_is_wanted_is_taken_once(store: &dyn Store) {
    let (entity, [one, other]) = (Uuid::new_v4(), ids());
    assert_eq!(store.medium(one).await.unwrap(), None);
    for _ in 0..2 {
        store.refer_to_media(referred(entity, 1, &[one, other])).await.unwrap();
    }
    assert_eq!(store.known_media(&[one, other, ids::<1>()[0]]).await.unwrap(), HashSet::from([one, other]));
    assert_eq!(store.take_media(NOW - 1, NOW + 10, 100).await.unwrap(), [], "it is not due");
    assert_eq!(store.next_medium_at().await.unwrap(), Some(NOW));
    let first = store.take_media(NOW, NOW + 10, 1).await.unwrap();
    let second = store.take_media(NOW, NOW + 10, 100).await.unwrap();
    let taken: HashSet<_> = [&first, &second].into_iter().flatten().map(|medium| medium.id).collect();
    assert_eq!((first.len(), second.len(), taken), (1, 1, HashSet::from([one, other])));
    assert_eq!(first[0].sealed, vec![7; 40]);
    assert_eq!(store.next_medium_at().await.unwrap(), Some(NOW + 10));
    assert!(store.hold_medium(one, 1, NOW + 30).await.unwrap());
    assert!(!store.hold_medium(one, 2, NOW + 30).await.unwrap());
    assert_eq!(take(store, one, NOW + 20).await, None, "it is held");
    assert_eq!(take(store, one, NOW + 30).await, Some(2), "nobody has held it any longer");
    store.release_media().await.unwrap();
    assert_eq!(take(store, one, NOW + 30).await, Some(3), "whoever had it has ended");
    store.settle_medium(one, 3, FetchOutcome::Failed("media_link"), NOW).await.unwrap();
    let last = store.medium(other).await.unwrap().unwrap().attempt;
    store.settle_medium(other, last, FetchOutcome::Failed("media_link"), NOW).await.unwrap();
}

async fn the_last_attempt_counts(store: &dyn Store) {
    let (entity, [id]) = (Uuid::new_v4(), ids());
    let (early, late) = (BlobId::mint(Timestamp::UNIX_EPOCH), BlobId::mint(Timestamp::UNIX_EPOCH));
    store.refer_to_media(referred(entity, 1, &[id])).await.unwrap();
    assert_eq!(take(store, id, NOW).await, Some(1));
    let later = FetchOutcome::Later("media_unreachable", NOW + 5);
    assert!(store.settle_medium(id, 1, later, NOW).await.unwrap());
    assert_eq!(take(store, id, NOW).await, None, "it is tried again later");
    assert_eq!(take(store, id, NOW + 5).await, Some(2));
    assert_eq!(take(store, id, NOW + 15).await, Some(3));
    assert!(!store.settle_medium(id, 2, FetchOutcome::Kept(early), NOW).await.unwrap());
    assert!(store.settle_medium(id, 3, FetchOutcome::Kept(late), NOW + 16).await.unwrap());
    assert!(!store.settle_medium(id, 3, FetchOutcome::Failed("media_link"), NOW).await.unwrap());
    let kept = store.medium(id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.blob, kept.settled_at), (MediumState::Kept, Some(late), Some(NOW + 16)));
    assert_eq!(kept.code, None);
    assert_eq!(store.blobs_of_media(&[early, late]).await.unwrap(), HashSet::from([late]));
    let untold = async || store.untold_media(100).await.unwrap().iter().any(|medium| medium.id == id);
    assert!(untold().await);
    store.mark_medium_told(id, 3).await.unwrap();
    assert!(!untold().await);
}

async fn a_newer_version_decides_what_is_linked(store: &dyn Store) {
    let (entity, [stays, goes, fails]) = (Uuid::new_v4(), ids());
    store.refer_to_media(referred(entity, 5, &[stays, goes, fails])).await.unwrap();
    let taken = store.take_media(NOW, NOW + 10, 100).await.unwrap();
    assert_eq!(taken.len(), 3);
    let blob = BlobId::mint(Timestamp::UNIX_EPOCH);
    store.settle_medium(stays, 1, FetchOutcome::Kept(blob), NOW).await.unwrap();
    store.settle_medium(fails, 1, FetchOutcome::Failed("media_status"), NOW).await.unwrap();
    store.refer_to_media(referred(entity, 4, &[])).await.unwrap();
    store.refer_to_media(referred(entity, 5, &[stays, goes, fails])).await.unwrap();
    assert_eq!(store.medium(goes).await.unwrap().unwrap().dropped_at, None, "an older version changes nothing");
    assert_eq!(state(store, fails).await, MediumState::Failed, "nor does the same");

    store.refer_to_media(referred(entity, 6, &[stays, fails])).await.unwrap();
    assert_eq!(store.medium(goes).await.unwrap().unwrap().dropped_at, Some(NOW));
    assert_eq!(state(store, stays).await, MediumState::Kept, "what is here is not fetched again");
    assert_eq!(state(store, fails).await, MediumState::Wanted, "what had failed is");
    assert_eq!(take(store, goes, NOW + 20).await, None, "nobody links to it");
    assert_eq!(store.forget_media(NOW).await.unwrap(), 0, "it was dropped just now");
    assert_eq!(store.forget_media(NOW + 1).await.unwrap(), 1);
    assert_eq!(store.medium(goes).await.unwrap(), None);
    let attempt = store.medium(fails).await.unwrap().unwrap().attempt;
    assert!(store.settle_medium(fails, attempt, FetchOutcome::Failed("media_status"), NOW).await.unwrap());
}

fn rules() -> Hash {
    Hash::of(b"rules")
}

fn showing(hash: Hash, now: i64) -> Showing {
    Showing { hash, rules: rules(), now }
}

/// A token for ten bytes of a file of a person, and the file.
async fn lend(store: &dyn Store, person: SubjectVersion, name: &str) -> (Hash, MediumId, BlobId) {
    let ([id], hash) = (ids(), Hash::of(format!("{name} {}", person.subject).as_bytes()));
    store.refer_to_media(referred(person.subject, 1, &[id])).await.unwrap();
    let attempt = take(store, id, NOW).await.unwrap();
    let blob = BlobId::mint(Timestamp::UNIX_EPOCH);
    assert!(store.settle_medium(id, attempt, FetchOutcome::Kept(blob), NOW).await.unwrap());
    let token = MediaToken {
        hash,
        medium: id,
        recipient: "acme".parse().unwrap(),
        person,
        valid_until: Some(NOW + 50),
        rules: rules(),
        expires_at: NOW + 20,
        size_bytes: 10,
    };
    store.keep_media_token(token).await.unwrap();
    (hash, id, blob)
}

async fn a_token_is_good_for_so_many_bytes(store: &dyn Store) {
    let person = SubjectVersion { subject: Uuid::new_v4(), version: 0 };
    let (hash, id, blob) = lend(store, person, "bytes").await;
    let lent = store.media_token(showing(hash, NOW)).await.unwrap().unwrap();
    assert_eq!((lent.person, lent.blob), (person, blob));
    assert_eq!(store.media_token(showing(Hash::of(b"no token"), NOW)).await.unwrap(), None);
    let used = async |bytes, now| store.use_media_token(showing(hash, now), bytes).await.unwrap();
    assert!(!used(11, NOW).await && used(6, NOW).await && !used(5, NOW).await && used(4, NOW).await);
    assert_eq!(store.media_token(showing(hash, NOW)).await.unwrap(), None, "it is used up");
    assert!(store.media_token_holds(showing(hash, NOW + 30)).await.unwrap(), "what was begun is ended");
    store.give_back_media_bytes(hash, 3).await.unwrap();
    assert!(!used(3, NOW + 20).await, "it is over");
    assert!(used(3, NOW + 19).await);
    store.give_back_media_bytes(hash, 1).await.unwrap();
    assert!(!store.media_token_holds(showing(hash, NOW + 50)).await.unwrap(), "another decision is due");
    let other_rules = Showing { rules: Hash::of(b"others"), ..showing(hash, NOW) };
    assert!(!store.media_token_holds(other_rules).await.unwrap());
    assert_eq!(store.media_token(other_rules).await.unwrap(), None);
    assert!(!store.use_media_token(other_rules, 1).await.unwrap());
    store.refer_to_media(referred(person.subject, 2, &[])).await.unwrap();
    assert!(!used(1, NOW).await, "no profile links to {id:?} any more");
    assert_eq!(store.forget_media_tokens(NOW + 20).await.unwrap(), 0);
    assert_eq!(store.forget_media_tokens(NOW + 21).await.unwrap(), 1);
}

async fn a_token_holds_as_long_as_its_person_stands(store: &dyn Store) {
    let subject = Uuid::new_v4();
    let given = grant(subject);
    store.put_grant(given.clone(), 1).await.unwrap();
    let person = store.standing_of(subject).await.unwrap().version;
    let (hash, ..) = lend(store, person, "person").await;
    assert!(store.use_media_token(showing(hash, NOW), 1).await.unwrap());
    store.add_grant_event(given.id(), 2, withdrawal("web"), 3).await.unwrap();
    assert!(!store.use_media_token(showing(hash, NOW), 1).await.unwrap());
    assert!(!store.media_token_holds(showing(hash, NOW)).await.unwrap());
    assert_eq!(store.media_token(showing(hash, NOW)).await.unwrap(), None);
}

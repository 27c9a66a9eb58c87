//! What every keys' database must do; each engine's tests call [`run`] with a way to open it again and again.

use std::time::Duration;

use schemas::{Hash, PartnerId};
use uuid::Uuid;

use super::{KeptKey, KeyDatabase, VerifiedNumber};
use crate::{
    left_alone::holds_nobody_up,
    supervisor::Supervisor,
    vault::{Subject, Wrapped},
};

/// A key of a subject of its own.
pub fn offered(of: &str) -> KeptKey {
    KeptKey {
        key_id: Uuid::new_v4(),
        subject: Subject::from(Uuid::new_v4()),
        recipient: None,
        wrapped: Some(wrapped("old", &format!("the wrapped key of {of}"))),
        created_at: 1,
    }
}

fn wrapped(version: &str, bytes: &str) -> Wrapped {
    Wrapped { version: version.to_owned(), bytes: bytes.as_bytes().to_vec() }
}

/// Runs the suite. `open` opens the same database each time; the one before is closed by then.
pub async fn run(open: impl AsyncFn() -> (Box<dyn KeyDatabase>, Supervisor)) {
    let (keys, supervisor) = open().await;
    keys.probe().await.unwrap();
    subjects(&*keys).await;
    of_recipients(&*keys).await;
    numbers(&*keys).await;
    rotation(&*keys).await;
    let destroyed = destruction(&*keys).await;
    race(&*keys, &*keys).await;
    holds_nobody_up("reading", async || keys.key(destroyed.key_id).await.unwrap()).await;
    let subject = async || keys.make_subject(Hash::of(b"left alone"), offered("left alone")).await.unwrap();
    holds_nobody_up("writing", subject).await;
    drop(keys);
    assert!(supervisor.stop(Duration::from_secs(10)).await, "the engine closes cleanly");

    let (keys, supervisor) = open().await;
    let kept = keys.key(destroyed.key_id).await.unwrap().expect("its place is kept");
    assert_eq!(kept, KeptKey { wrapped: None, ..destroyed.clone() }, "destroyed stays destroyed");
    assert_eq!(keys.add_key(KeptKey { key_id: Uuid::new_v4(), ..destroyed }).await.unwrap(), None);
    drop(keys);
    assert!(supervisor.stop(Duration::from_secs(10)).await);
}

async fn subjects(keys: &dyn KeyDatabase) {
    let (known, unknown) = (Hash::of(b"known"), Hash::of(b"unknown"));
    let first = offered("first");
    assert_eq!(keys.make_subject(known, first.clone()).await.unwrap(), first.subject);
    assert_eq!(keys.make_subject(known, offered("late")).await.unwrap(), first.subject, "the first one stays");
    let other = offered("other");
    assert_eq!(keys.make_subject(Hash::of(b"other"), other.clone()).await.unwrap(), other.subject);
    let found = keys.subjects(vec![unknown, known, Hash::of(b"other"), known]).await.unwrap();
    assert_eq!(found, [None, Some(first.subject), Some(other.subject), Some(first.subject)]);
    assert_eq!(keys.subjects(vec![]).await.unwrap(), []);
    assert_eq!(keys.key(first.key_id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(keys.key_of(first.subject, None).await.unwrap(), Some(first));
    assert_eq!(keys.key(Uuid::new_v4()).await.unwrap(), None);
}

async fn of_recipients(keys: &dyn KeyDatabase) {
    let (own, acme): (KeptKey, PartnerId) = (offered("own"), "acme".parse().unwrap());
    keys.make_subject(Hash::of(b"with recipients"), own.clone()).await.unwrap();
    assert_eq!(keys.key_of(own.subject, Some(&acme)).await.unwrap(), None);
    let for_acme = KeptKey { key_id: Uuid::new_v4(), recipient: Some(acme.clone()), ..own.clone() };
    assert_eq!(keys.add_key(for_acme.clone()).await.unwrap().as_ref(), Some(&for_acme));
    let late = KeptKey { key_id: Uuid::new_v4(), ..for_acme.clone() };
    assert_eq!(keys.add_key(late).await.unwrap().as_ref(), Some(&for_acme), "the first one stays");
    assert_eq!(keys.key_of(own.subject, Some(&acme)).await.unwrap(), Some(for_acme));
    assert_eq!(keys.key_of(own.subject, None).await.unwrap(), Some(own));
    assert_eq!(keys.add_key(offered("of a subject that nobody knows")).await.unwrap(), None);
}

async fn numbers(keys: &dyn KeyDatabase) {
    let (anapec, forem): (PartnerId, PartnerId) = ("anapec".parse().unwrap(), "forem".parse().unwrap());
    let (one, other) = (offered("one verified"), offered("another verified"));
    for (key, name) in [(&one, "one verified"), (&other, "another verified")] {
        keys.make_subject(Hash::of(name.as_bytes()), key.clone()).await.unwrap();
    }
    let number =
        |scheme: &str, number: &str| VerifiedNumber { scheme: scheme.to_owned(), number: Hash::of(number.as_bytes()) };
    let (shared, own) = (number("ma-cin", "shared"), number("sigec", "own"));
    keys.keep_numbers(one.subject, &anapec, vec![shared.clone(), own.clone()]).await.unwrap();
    keys.keep_numbers(other.subject, &forem, vec![shared.clone()]).await.unwrap();
    let mut both = vec![(one.subject, anapec.clone()), (other.subject, forem.clone())];
    both.sort_unstable();
    assert_eq!(keys.holders(shared.number).await.unwrap(), both);
    assert_eq!(keys.numbers_of(one.subject).await.unwrap(), [shared.clone(), own.clone()]);
    keys.keep_numbers(one.subject, &anapec, vec![own.clone()]).await.unwrap();
    assert_eq!(keys.holders(shared.number).await.unwrap(), [(other.subject, forem.clone())], "those before are gone");
    keys.destroy(other.subject, 2).await.unwrap();
    assert_eq!(keys.holders(shared.number).await.unwrap(), [], "what it is known by is destroyed with the keys");
    keys.keep_numbers(other.subject, &forem, vec![shared.clone()]).await.unwrap();
    assert_eq!(keys.holders(shared.number).await.unwrap(), [], "and does not come back");
    assert_eq!(keys.holders(own.number).await.unwrap(), [(one.subject, anapec)]);
}

async fn rotation(keys: &dyn KeyDatabase) {
    let under = async |version: &str| {
        let counts = keys.counts().await.unwrap();
        counts.iter().find(|(found, _)| found.as_deref() == Some(version)).map_or(0, |(_, keys)| *keys)
    };
    let old = under("old").await;
    assert!(old > 2, "there is something to rotate");
    let page = keys.keys_not_under("new", 2).await.unwrap();
    assert_eq!(page.len(), 2);
    let anew: Vec<_> = page.iter().cloned().map(|key| (key, wrapped("new", "wrapped anew"))).collect();
    assert_eq!(keys.rewrap(anew.clone()).await.unwrap(), 2);
    assert_eq!((under("old").await, under("new").await), (old - 2, 2));
    assert_eq!(keys.rewrap(anew).await.unwrap(), 0, "what has changed meanwhile is left alone");
    assert_eq!(keys.key(page[0].key_id).await.unwrap().unwrap().wrapped, Some(wrapped("new", "wrapped anew")));
    let rest = keys.keys_not_under("new", 1_000).await.unwrap();
    assert!(rest.iter().all(|key| page.iter().all(|done| done.key_id != key.key_id)));
    let anew = rest.into_iter().map(|key| (key, wrapped("new", "wrapped anew"))).collect();
    keys.rewrap(anew).await.unwrap();
    assert_eq!(keys.keys_not_under("new", 1).await.unwrap(), []);
}

async fn destruction(keys: &dyn KeyDatabase) -> KeptKey {
    let (own, spared) = (offered("doomed"), offered("spared"));
    let id_hash = Hash::of(b"doomed");
    keys.make_subject(id_hash, own.clone()).await.unwrap();
    keys.make_subject(Hash::of(b"spared"), spared.clone()).await.unwrap();
    let for_acme = KeptKey { key_id: Uuid::new_v4(), recipient: Some("acme".parse().unwrap()), ..own.clone() };
    keys.add_key(for_acme.clone()).await.unwrap();
    assert_eq!(keys.destroy(Subject::from(Uuid::new_v4()), 2).await.unwrap(), None);
    assert_eq!(keys.destroy(own.subject, 2).await.unwrap(), Some(2));
    assert_eq!(keys.destroy(own.subject, 3).await.unwrap(), Some(0), "once is enough");
    for key in [&own, &for_acme] {
        let kept = keys.key(key.key_id).await.unwrap().unwrap();
        assert_eq!(kept.wrapped, None, "its place is known, the key is not");
    }
    assert_eq!(keys.subjects(vec![id_hash]).await.unwrap(), [None]);
    assert_eq!(keys.add_key(KeptKey { key_id: Uuid::new_v4(), ..for_acme }).await.unwrap(), None);
    assert!(keys.keys_not_under("no version", 1_000).await.unwrap().iter().all(|key| key.subject != own.subject));
    assert_eq!(keys.key(spared.key_id).await.unwrap(), Some(spared), "others keep theirs");
    let before = KeptKey { key_id: own.key_id, ..own.clone() };
    assert_eq!(keys.rewrap(vec![(before, wrapped("new", "revived"))]).await.unwrap(), 0, "nothing revives it");
    let anew = offered("somebody under the same name");
    assert_eq!(keys.make_subject(id_hash, anew.clone()).await.unwrap(), anew.subject);
    own
}

/// Many make the same subject and its keys at once, on two connections, while one destroys it.
pub async fn race(one: &dyn KeyDatabase, other: &dyn KeyDatabase) {
    for round in 0..10 {
        let id_hash = Hash::of(format!("raced for {round}").as_bytes());
        let made = (0..8).map(|number| {
            let keys = if number % 2 == 0 { one } else { other };
            async move { keys.make_subject(id_hash, offered("raced for")).await.unwrap() }
        });
        let made = futures::future::join_all(made).await;
        assert!(made.iter().all(|subject| *subject == made[0]), "{made:?}");
        let added = (0..8).map(|number| {
            let keys = if number % 2 == 0 { one } else { other };
            let recipient = format!("partner-{number}").parse().ok();
            let key = KeptKey { subject: made[0], recipient, ..offered("raced for") };
            async move { keys.add_key(key).await.unwrap() }
        });
        let (added, destroyed) = tokio::join!(futures::future::join_all(added), one.destroy(made[0], 2));
        let (added, destroyed) = (added.into_iter().flatten().collect::<Vec<_>>(), destroyed.unwrap().unwrap());
        assert_eq!(usize::try_from(destroyed).unwrap(), added.len() + 1, "whatever was added was destroyed");
        for key in added {
            assert_eq!(one.key(key.key_id).await.unwrap().unwrap().wrapped, None);
        }
    }
}

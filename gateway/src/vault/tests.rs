//! Sealing and opening, with what must not open; rotation; and that nothing lies about in the open.

use std::{
    path::Path,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use schemas::{Channel, Header, Hop, MessageId, Operation, Origin, Versions};

use super::{database::SqliteKeys, *};

/// Changes one thing about an envelope.
type Tamper = fn(&mut Envelope);

const LIFE: Duration = Duration::from_mins(1);

fn ring(lines: &[&str]) -> Arc<KeyRing> {
    Arc::new(KeyRing::parse(&lines.join("\n")).unwrap())
}

async fn vault(folder: &Path, wrapping: Arc<dyn KeyEncryptionKeys>) -> Result<Vault> {
    let keys = SqliteKeys::open(&folder.join("keys.db"), &Supervisor::default()).await?;
    Vault::of(wrapping, Arc::new(keys), Cache::new(LIFE), Clock::fixed("2026-11-22T10:00:00Z")).await
}

async fn new_vault() -> (tempfile::TempDir, Vault) {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path(), ring(&[&KeyRing::new_line().0])).await.unwrap();
    (folder, vault)
}

fn anapec() -> PartnerId {
    "anapec".parse().unwrap()
}

fn envelope(subject: Subject, recipient: Option<&str>) -> Envelope {
    let header = Header {
        message_id: MessageId::mint(),
        operation: Operation::Upsert,
        entity_key: subject.into(),
        origin: Origin {
            partner: anapec(),
            dialect: "anapec-rest".parse().unwrap(),
            channel: Channel::Push,
            reference: None,
            idempotency: None,
            received_at: 7,
            modified_at: None,
        },
        hops: vec![Hop { gateway: "passerelle".to_owned(), received_at: 7 }],
        versions: Versions::default(),
        cause: None,
        recipient: recipient.map(|recipient| recipient.parse().unwrap()),
        lane: None,
        event: None,
    };
    Envelope { header, payload: Payload::TalentProfile(None) }
}

fn content() -> Content {
    Content { raw: b"Amina Testouri".to_vec(), ..Content::default() }
}

fn sealed_of(envelope: &mut Envelope) -> &mut Sealed {
    let Payload::TalentProfile(Some(sealed)) = &mut envelope.payload else { panic!("it is sealed") };
    sealed
}

#[tokio::test]
async fn what_is_sealed_opens_with_its_own_header_and_key_only() {
    let (_folder, vault) = new_vault().await;
    let subject = vault.subject(&anapec(), "AB123456").await.unwrap();
    let sealed = vault.seal(subject, envelope(subject, None), &content()).await.unwrap().unwrap();
    assert_eq!(vault.open_body(&sealed).await.unwrap(), Some(content()));
    let wire = sealed.to_avro().unwrap();
    assert!(memchr::memmem::find(&wire, b"Testouri").is_none());
    assert_eq!(vault.open_body(&Envelope::from_avro(&wire).unwrap()).await.unwrap(), Some(content()));

    let for_acme = vault.seal(subject, envelope(subject, Some("acme")), &content()).await.unwrap().unwrap();
    let other = vault.subject(&anapec(), "CD789").await.unwrap();
    let of_other = vault.seal(other, envelope(other, None), &content()).await.unwrap().unwrap();
    let tampered: [(&str, Tamper); 9] = [
        ("the message", |envelope| envelope.header.message_id = MessageId::mint()),
        ("the operation", |envelope| envelope.header.operation = Operation::Close),
        ("the entity", |envelope| envelope.header.entity_key = Uuid::new_v4().into()),
        ("the recipient", |envelope| envelope.header.recipient = "zenith".parse().ok()),
        ("the source", |envelope| envelope.header.origin.partner = "zenith".parse().unwrap()),
        ("the time", |envelope| envelope.header.hops[0].received_at += 1),
        ("the bytes", |envelope| sealed_of(envelope).bytes[0] ^= 1),
        ("the nonce", |envelope| sealed_of(envelope).nonce[0] ^= 1),
        ("the algorithm", |envelope| sealed_of(envelope).algorithm = "none".to_owned()),
    ];
    for (what, tamper) in tampered {
        for genuine in [&sealed, &for_acme] {
            let mut changed = genuine.clone();
            tamper(&mut changed);
            assert!(vault.open_body(&changed).await.is_err(), "{what} was changed");
        }
    }
    for foreign in [for_acme, of_other] {
        let mut changed = sealed.clone();
        sealed_of(&mut changed).key_id = sealed_of(&mut foreign.clone()).key_id.clone();
        assert!(vault.open_body(&changed).await.is_err(), "another key of ours");
    }
    let mut kind = sealed.clone();
    kind.payload = Payload::PlacementStatus(Some(sealed_of(&mut kind).clone()));
    assert!(vault.open_body(&kind).await.is_err(), "the kind was changed");
    assert_eq!(vault.open_body(&sealed).await.unwrap(), Some(content()), "it was the change that did it");
}

#[tokio::test]
async fn another_vault_opens_nothing_and_a_lost_key_is_not_taken_for_a_destroyed_one() {
    let ((_one, vault), (_other, stranger)) = (new_vault().await, new_vault().await);
    let subject = vault.subject(&anapec(), "AB123456").await.unwrap();
    let sealed = vault.seal(subject, envelope(subject, None), &content()).await.unwrap().unwrap();
    let refusal = stranger.open_body(&sealed).await.unwrap_err().to_string();
    assert!(refusal.contains("does not know the key"), "{refusal}");
    assert!(stranger.seal(subject, envelope(subject, None), &content()).await.is_err(), "a subject it does not know");
}

#[tokio::test]
async fn a_subject_is_one_person_of_one_partner() {
    let (folder, vault) = new_vault().await;
    let subject = vault.subject(&anapec(), "AB123456").await.unwrap();
    assert_eq!(vault.subject(&anapec(), "AB123456").await.unwrap(), subject);
    assert_ne!(vault.subject(&anapec(), "ab123456").await.unwrap(), subject, "identifiers are opaque");
    assert_ne!(vault.subject(&"vdab".parse().unwrap(), "AB123456").await.unwrap(), subject);
    let found = vault.find(&anapec(), &["X".to_owned(), "AB123456".to_owned()]).await.unwrap();
    assert_eq!(found, [None, Some(subject)]);
    assert_eq!(subject.as_uuid().get_version_num(), 4, "a random UUID");
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(memchr::memmem::find(&bytes, b"AB123456").is_none());
    }
}

#[tokio::test]
async fn hashes_say_nothing_without_the_key() {
    let (_folder, vault) = new_vault().await;
    let (one, other) = (vault.subject(&anapec(), "1").await.unwrap(), vault.subject(&anapec(), "2").await.unwrap());
    let hash = async |subject, purpose, bytes: &[u8]| vault.hash(subject, purpose, bytes).await.unwrap().unwrap();
    let of_one = hash(one, "body", b"x").await;
    assert_eq!(of_one, hash(one, "body", b"x").await);
    for different in [hash(other, "body", b"x").await, hash(one, "content", b"x").await, hash(one, "body", b"y").await]
    {
        assert_ne!(of_one, different);
    }
    assert_ne!(of_one, Hash::of(b"x"));
}

#[tokio::test]
async fn a_destroyed_subject_opens_nowhere_any_more() {
    let (folder, vault) = new_vault().await;
    let subject = vault.subject(&anapec(), "AB123456").await.unwrap();
    let own = vault.seal(subject, envelope(subject, None), &content()).await.unwrap().unwrap();
    let for_acme = vault.seal(subject, envelope(subject, Some("acme")), &content()).await.unwrap().unwrap();
    let spared = vault.subject(&anapec(), "CD789").await.unwrap();
    let of_spared = vault.seal(spared, envelope(spared, None), &content()).await.unwrap().unwrap();

    assert_eq!(vault.destroy(subject).await.unwrap(), Some(2));
    for sealed in [&own, &for_acme] {
        assert_eq!(vault.open_body(sealed).await.unwrap(), None);
    }
    for recipient in [None, Some("acme"), Some("zenith")] {
        assert_eq!(vault.seal(subject, envelope(subject, recipient), &content()).await.unwrap(), None);
    }
    assert_eq!(vault.hash(subject, "body", b"x").await.unwrap(), None);
    assert_eq!(vault.open_body(&of_spared).await.unwrap(), Some(content()));
    assert_ne!(vault.subject(&anapec(), "AB123456").await.unwrap(), subject, "whoever comes again is somebody new");
    assert_eq!(vault.destroy(Subject::from(Uuid::nil())).await.unwrap(), None, "the vault's own key stays");
    assert_eq!(vault.destroy(Subject::from(Uuid::new_v4())).await.unwrap(), None);
    drop(folder);
}

#[tokio::test(start_paused = true)]
async fn unwrapped_keys_are_forgotten() {
    let supervisor = Supervisor::default();
    let cache = Cache::new(LIFE);
    supervisor.spawn("vault cache", cache.clone().sweep(supervisor.stop_token()));
    let key = |subject| DataKey {
        key_id: Uuid::new_v4(),
        subject,
        recipient: None,
        sealing: Key::generate(),
        hashing: Key::generate(),
    };
    let (one, other) = (Subject::from(Uuid::new_v4()), Subject::from(Uuid::new_v4()));
    cache.put(Arc::new(key(one)));
    cache.put(Arc::new(key(other)));
    assert!(cache.get_for(one, None).is_some() && cache.get_for(one, Some(&anapec())).is_none());
    cache.forget(one);
    assert!(cache.get_for(one, None).is_none() && cache.get_for(other, None).is_some());
    tokio::time::sleep(LIFE * 2).await;
    assert_eq!(cache.len(), 0, "nobody asked, and it is gone all the same");
    for _ in 0..5_000 {
        cache.put(Arc::new(key(Subject::from(Uuid::new_v4()))));
    }
    assert!(cache.len() <= 4_096, "{}", cache.len());
}

/// A service that wraps until it has had enough, as one across a network may.
struct Tiring {
    ring: Arc<KeyRing>,
    strength: AtomicI64,
}

#[async_trait]
impl KeyEncryptionKeys for Tiring {
    async fn current(&self) -> Result<String> {
        KeyEncryptionKeys::current(&*self.ring).await
    }

    async fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Wrapped> {
        ensure!(self.strength.fetch_sub(1, Ordering::SeqCst) > 0, "the service is gone");
        self.ring.wrap(associated, key).await
    }

    async fn unwrap(&self, associated: &[u8], wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        self.ring.unwrap(associated, wrapped).await
    }
}

#[tokio::test]
async fn a_rotation_that_was_broken_off_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (KeyRing::new_line().0, KeyRing::new_line().0);
    let before = vault(folder.path(), ring(&[&old])).await.unwrap();
    let first = before.subject(&anapec(), "0").await.unwrap();
    let sealed = before.seal(first, envelope(first, None), &content()).await.unwrap().unwrap();
    for number in 1..700 {
        before.subject(&anapec(), &number.to_string()).await.unwrap();
    }
    let all = 701; // The vault's own key is one of them.
    drop(before);

    let tiring = Tiring { ring: ring(&[&new, &old]), strength: AtomicI64::new(300) };
    let broken = vault(folder.path(), Arc::new(tiring)).await.unwrap();
    let told = AtomicI64::new(0);
    let progress = |done, total| told.store(i64::try_from(done * 10_000 + total).unwrap(), Ordering::SeqCst);
    let refusal = broken.rotate(progress).await.unwrap_err();
    assert!(format!("{refusal:#}").contains("the service is gone"));
    assert_eq!(told.load(Ordering::SeqCst), 256 * 10_000 + all, "one page was done, and it is kept");
    let counts: Vec<i64> = broken.counts().await.unwrap().into_iter().map(|(_, keys)| keys).collect();
    assert!(counts == [256, all - 256] || counts == [all - 256, 256], "{counts:?}");
    assert_eq!(broken.open_body(&sealed).await.unwrap(), Some(content()), "half-way, everything opens");
    drop(broken);

    let both = vault(folder.path(), ring(&[&new, &old])).await.unwrap();
    let version = both.rotate(progress).await.unwrap();
    assert_eq!(told.load(Ordering::SeqCst), (all - 256) * 10_000 + (all - 256), "the others, and none of them twice");
    assert_eq!(both.counts().await.unwrap(), [(Some(version), all)]);
    drop(both);

    let after = vault(folder.path(), ring(&[&new])).await.unwrap();
    assert_eq!(after.open_body(&sealed).await.unwrap(), Some(content()), "without the old one");
    assert_eq!(after.subject(&anapec(), "0").await.unwrap(), first);
    drop(after);
    let refusal = format!("{:#}", vault(folder.path(), ring(&[&old])).await.err().expect("it wraps nothing any more"));
    assert!(refusal.contains("is missing"), "{refusal}");
}

//! Feeds about persons: what a pull reads, what it may keep of what it has decided, and what counts as heard.

use consent::Grant;
use schemas::{Hash, Kind, PartnerId};
use uuid::Uuid;

use super::{
    dispatches::{claim_of, outcome, own},
    grants::{grant, withdrawal},
    subjects::{decided, profile},
};
use crate::store::{
    Claim, Claimed, Decided, DispatchState, FeedBound, Permission, PersonDocument, PersonFeed, PersonItem,
    PullDecision, PulledPast, RecallFilter, Settlement, Store, WhichPersons,
};

pub async fn run(store: &dyn Store) {
    an_item_comes_with_its_person_as_of_now(store).await;
    what_was_decided_before_a_change_is_not_put(store).await;
    what_was_left_out_is_stamped_anew_before_it_is_shown(store).await;
    what_is_asked_back_is_not_decided_again(store).await;
    a_removal_is_heard_of_by_pulling_past_it(store).await;
    a_removal_says_nothing_of_a_send_that_came_after(store).await;
    stretches_are_bounded(store).await;
}

/// A feed with one person in it, who has permitted that.
struct Scene<'s> {
    store: &'s dyn Store,
    feed: PersonFeed,
    subject: Uuid,
    grant: Grant,
    sends: i64,
}

fn feed(partner: &str) -> PersonFeed {
    PersonFeed { partner: partner.parse::<PartnerId>().unwrap(), kind: Kind::TalentProfile }
}

fn rules() -> Hash {
    Hash::of(b"rules")
}

impl<'s> Scene<'s> {
    async fn begin(store: &'s dyn Store, partner: &str) -> Self {
        let subject = Uuid::new_v4();
        let grant = grant(subject);
        store.put_grant(grant.clone(), 1).await.unwrap();
        Self { store, feed: feed(partner), subject, grant, sends: 0 }
    }

    async fn decided(&self) -> Decided {
        let person = self.store.standing_of(self.subject).await.unwrap().version;
        Decided { person, permit: Hash::of(b"permit"), valid_until: None }
    }

    fn document(&self, content: &str, decided: Decided) -> PersonDocument {
        PersonDocument {
            entity_key: self.subject.into(),
            source: "anapec".parse().unwrap(),
            sealed: content.as_bytes().to_vec(),
            content_hash: Hash::of(content.as_bytes()),
            decided,
            rules: rules(),
        }
    }

    async fn put(&self, content: &str, decided: Decided, now_ms: i64) -> bool {
        let document = self.document(content, decided);
        self.store.show_person(&self.feed, document, (now_ms * 1_000, now_ms)).await.unwrap()
    }

    /// Claims a send of the profile.
    async fn claim(&mut self) {
        self.sends += 1;
        let epoch = own(self.store, self.feed.partner.as_str()).await;
        let owed = profile(self.feed.partner.as_str(), self.subject, self.sends);
        let standing = self.store.standing_of(self.subject).await.unwrap();
        let claim = Claim { at: self.sends, ..decided(&owed, epoch, &standing) };
        assert_eq!(self.store.claim(claim).await.unwrap(), Claimed::Yes);
    }

    /// Claims a send, and puts the document there.
    async fn show(&mut self, content: &str, now_ms: i64) {
        self.claim().await;
        assert!(self.put(content, self.decided().await, now_ms).await);
    }

    /// Takes it away by a closing, which is settled as one that has yet to be pulled, if it has.
    async fn close(&mut self, reason: &str, now_ms: i64) -> bool {
        self.sends += 1;
        let epoch = own(self.store, self.feed.partner.as_str()).await;
        let owed = profile(self.feed.partner.as_str(), self.subject, self.sends);
        let takes_back = Claim { permission: Permission::TakesBack, at: self.sends, ..claim_of(&owed, epoch) };
        assert_eq!(self.store.claim(takes_back).await.unwrap(), Claimed::Yes);
        let reason = Some(reason.to_owned());
        let awaits_pull = self.store.close_person(&self.feed, self.subject.into(), reason, now_ms).await.unwrap();
        let settled = Settlement { is_active: Some(false), awaits_pull, ..outcome(&owed, DispatchState::Delivered) };
        self.store.settle(settled, true).await.unwrap();
        awaits_pull
    }

    async fn withdraw(&self) {
        self.store.add_grant_event(self.grant.id(), 2, withdrawal("web"), 50).await.unwrap();
    }

    async fn item(&self) -> PersonItem {
        let which = WhichPersons::These(vec![self.subject.into()]);
        self.store.persons(&self.feed, which).await.unwrap().items.remove(0)
    }

    async fn keep(&self, item: &PersonItem, decided: Decided, is_withheld: bool) {
        let decision = PullDecision {
            entity_key: item.entity_key,
            seen: item.modified_at,
            person: decided.person,
            valid_until: decided.valid_until,
            rules: rules(),
            is_withheld,
        };
        self.store.decide_persons(&self.feed, vec![decision], 1).await.unwrap();
    }

    async fn pulled(&self, past: PulledPast) {
        self.store.note_pulled(&self.feed, past, 77).await.unwrap();
    }

    async fn recalls(&self) -> Vec<&'static str> {
        let filter = RecallFilter { subject: Some(self.subject), ..RecallFilter::default() };
        self.store.recalls(&filter, 100).await.unwrap().iter().map(|recall| recall.state.as_str()).collect()
    }
}

async fn an_item_comes_with_its_person_as_of_now(store: &dyn Store) {
    let mut scene = Scene::begin(store, "pull-1").await;
    scene.show("one", 1_000).await;
    let decided = scene.decided().await;
    let item = scene.item().await;
    assert_eq!((item.decided, item.person_version, item.is_withheld), (decided, decided.person.version, false));
    assert_eq!((item.sealed.as_deref(), item.created_at, item.modified_at), (Some(&b"one"[..]), 1_000, 1_000));
    assert!(scene.put("one", decided, 2_000).await);
    assert_eq!(scene.item().await.modified_at, 1_000, "the same again is no change");
    scene.show("two", 2_000).await;
    let item = scene.item().await;
    assert_eq!((item.created_at, item.modified_at, item.is_recalled), (1_000, 2_000, false));
    scene.withdraw().await;
    let item = scene.item().await;
    assert!(item.person_version > item.decided.person.version && item.is_recalled && item.is_active);
    let overview = store.persons(&scene.feed, WhichPersons::Active).await.unwrap().items;
    assert_eq!(overview, [PersonItem { sealed: None, ..item }]);
    assert_eq!(store.persons(&feed("nobody"), WhichPersons::Active).await.unwrap().items, []);
}

async fn what_was_decided_before_a_change_is_not_put(store: &dyn Store) {
    let mut scene = Scene::begin(store, "pull-2").await;
    let before = scene.decided().await;
    scene.claim().await;
    scene.withdraw().await;
    assert!(!scene.put("one", before, 1_000).await);
    let over = Decided { valid_until: Some(1_000_000), ..scene.decided().await };
    assert!(!scene.put("one", over, 1_000).await, "the very moment is over");
    assert!(scene.put("one", over, 999).await);
}

async fn what_was_left_out_is_stamped_anew_before_it_is_shown(store: &dyn Store) {
    let mut scene = Scene::begin(store, "pull-3").await;
    scene.show("one", 1_000).await;
    let (item, decided) = (scene.item().await, scene.decided().await);
    scene.keep(&item, Decided { valid_until: Some(5), ..decided }, true).await;
    let left_out = scene.item().await;
    assert_eq!((left_out.is_withheld, left_out.modified_at), (true, 1_000));
    let to_reconsider = async |now, rules| {
        let which = WhichPersons::ToReconsider(now, rules, 10);
        store.persons(&scene.feed, which).await.unwrap().items.len()
    };
    assert_eq!(to_reconsider(4, rules()).await, 0, "nothing has changed");
    assert_eq!(to_reconsider(5, rules()).await, 1, "its time is over");
    assert_eq!(to_reconsider(4, Hash::of(b"other rules")).await, 1);
    scene.keep(&PersonItem { modified_at: 1, ..left_out.clone() }, decided, false).await;
    assert!(scene.item().await.is_withheld, "it was not read so");
    scene.keep(&left_out, decided, false).await;
    let shown = scene.item().await;
    assert_eq!((shown.is_withheld, shown.created_at, shown.modified_at), (false, 1_001, 1_001));
    scene.keep(&shown, decided, true).await;
    assert!(scene.put("one", decided, 3_000).await);
    let again = scene.item().await;
    assert_eq!((again.is_withheld, again.created_at, again.modified_at), (false, 3_000, 3_000), "no change, but news");
}

async fn what_is_asked_back_is_not_decided_again(store: &dyn Store) {
    let mut scene = Scene::begin(store, "pull-4").await;
    scene.show("one", 1_000).await;
    let (item, before) = (scene.item().await, scene.decided().await);
    scene.withdraw().await;
    scene.keep(&item, before, false).await;
    scene.keep(&item, scene.decided().await, false).await;
    let item = scene.item().await;
    assert_eq!((item.decided, item.is_recalled), (before, true));

    let mut scene = Scene::begin(store, "pull-4").await;
    scene.show("one", 1_000).await;
    let (item, before) = (scene.item().await, scene.decided().await);
    store.restrict(scene.subject, true, consent::Method::Web, 2).await.unwrap();
    scene.keep(&item, before, true).await;
    assert_eq!(scene.item().await.decided, before, "who has changed since is decided about anew");
    scene.keep(&item, scene.decided().await, true).await;
    assert!(scene.item().await.is_withheld);
}

async fn a_removal_is_heard_of_by_pulling_past_it(store: &dyn Store) {
    let mut scene = Scene::begin(store, "pull-5").await;
    scene.show("one", 1_000).await;
    scene.withdraw().await;
    assert_eq!(scene.recalls().await, ["owed"]);
    assert!(scene.close("consent_withdrawn", 2_000).await);
    let item = scene.item().await;
    assert_eq!((item.is_active, item.sealed, item.closed_at), (false, None, Some(2_000)));
    assert_eq!(item.reason.as_deref(), Some("consent_withdrawn"));
    scene.pulled(PulledPast::Stamp(2_000)).await;
    scene.pulled(PulledPast::These(vec![Uuid::new_v4().into()])).await;
    assert_eq!(scene.recalls().await, ["sent"]);
    scene.pulled(PulledPast::Stamp(2_001)).await;
    assert_eq!(scene.recalls().await, ["acknowledged"]);
    assert!(!scene.close("consent_withdrawn", 3_000).await, "it was heard of");
    assert_eq!(scene.item().await.modified_at, 2_000);
    assert_eq!(store.shown_of(scene.subject).await.unwrap(), []);

    let mut scene = Scene::begin(store, "pull-5").await;
    scene.show("one", 4_000).await;
    scene.withdraw().await;
    assert!(scene.close("consent_withdrawn", 5_000).await);
    scene.pulled(PulledPast::These(vec![scene.subject.into()])).await;
    assert_eq!(scene.recalls().await, ["acknowledged"]);

    let mut never = Scene::begin(store, "pull-5").await;
    never.claim().await;
    never.withdraw().await;
    assert!(!never.close("consent_withdrawn", 6_000).await, "it never stood there");
    assert_eq!(never.recalls().await, ["acknowledged"]);
}

async fn a_removal_says_nothing_of_a_send_that_came_after(store: &dyn Store) {
    let mut scene = Scene::begin(store, "pull-6").await;
    scene.show("one", 1_000).await;
    assert!(scene.close("closed", 2_000).await);
    scene.claim().await;
    scene.pulled(PulledPast::Stamp(2_001)).await;
    assert!(scene.put("two", scene.decided().await, 3_000).await);
    assert_eq!(store.shown_of(scene.subject).await.unwrap().len(), 1, "the second send is not taken back");
    scene.withdraw().await;
    assert_eq!(scene.recalls().await, ["owed"]);
    scene.pulled(PulledPast::Stamp(3_001)).await;
    assert_eq!(scene.recalls().await, ["owed"], "what it heard of was before");

    // What was asked back, and may be shown again before anybody has pulled: the puller holds what it may.
    let mut scene = Scene::begin(store, "pull-6").await;
    scene.show("one", 4_000).await;
    scene.withdraw().await;
    assert!(scene.close("consent_withdrawn", 5_000).await);
    scene.show("two", 6_000).await;
    assert_eq!(scene.recalls().await, ["sent"]);
    scene.pulled(PulledPast::Stamp(6_001)).await;
    assert_eq!(scene.recalls().await, ["acknowledged"]);
    assert_eq!(store.shown_of(scene.subject).await.unwrap().len(), 1);
}

async fn stretches_are_bounded(store: &dyn Store) {
    let mut scenes = Vec::new();
    for stamp in [10, 20, 30] {
        let mut scene = Scene::begin(store, "pull-7").await;
        scene.show("document", stamp).await;
        scenes.push(scene);
    }
    let read = async |from, items, size_bytes| {
        let which = WhichPersons::From(from, FeedBound { items, size_bytes });
        let read = store.persons(&feed("pull-7"), which).await.unwrap();
        (read.items.iter().map(|item| item.modified_at).collect::<Vec<_>>(), read.has_more)
    };
    assert_eq!(read(0, 10, 1_000).await, (vec![10, 20, 30], false));
    assert_eq!(read(0, 2, 1_000).await, (vec![10, 20], true));
    assert_eq!(read(11, 2, 1_000).await, (vec![20, 30], false));
    assert_eq!(read(0, 10, 10).await, (vec![10], true), "a stretch holds one item at least");
    assert_eq!(store.persons(&feed("pull-7"), WhichPersons::Since(20)).await.unwrap().items.len(), 2);
}

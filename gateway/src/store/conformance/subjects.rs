//! Claims about persons against changes of what they allowed: one or the other comes first, and both know which.

use std::collections::BTreeSet;

use futures::future::join_all;
use schemas::{Hash, Kind};
use uuid::Uuid;

use super::{
    dispatches::{claim_of, owed, own},
    grants::{grant, withdrawal},
};
use crate::store::{Claim, Claimed, Decided, DispatchState, Kept, Owed, Permission, Standing, Store, SubjectVersion};

pub async fn run(store: &dyn Store) {
    a_claim_holds_as_long_as_nothing_of_the_person_changes(store).await;
    nothing_of_a_person_is_claimed_without_a_decision_about_the_person(store).await;
    no_claim_commits_after_a_withdrawal(store).await;
    a_first_grant_and_one_more_serialise_too(store).await;
}

/// A profile's dispatch.
pub(super) fn profile(to: &str, subject: Uuid, offset: i64) -> Owed {
    Owed { kind: Kind::TalentProfile, entity_key: subject.into(), ..owed(to, "a person", offset) }
}

/// What a decision permits on that standing, for ever.
fn permission(standing: &Standing) -> Permission {
    Permission::Decided(Decided { person: standing.version, permit: Hash::of(b"permit"), valid_until: None })
}

pub(super) fn decided(owed: &Owed, epoch: i64, standing: &Standing) -> Claim {
    Claim { permission: permission(standing), ..claim_of(owed, epoch) }
}

async fn a_claim_holds_as_long_as_nothing_of_the_person_changes(store: &dyn Store) {
    let (epoch, subject) = (own(store, "persons").await, Uuid::new_v4());
    let claimed = async |offset, standing: &Standing| {
        store.claim(decided(&profile("persons", subject, offset), epoch, standing)).await.unwrap()
    };
    let unknown = store.standing_of(subject).await.unwrap();
    assert_eq!(
        unknown,
        Standing {
            version: SubjectVersion { subject, version: 0 },
            grants: Vec::new(),
            progress: None,
            restricted_since: None,
            linked: BTreeSet::new(),
            other_sources: BTreeSet::new(),
        }
    );
    assert_eq!(claimed(1, &unknown).await, Claimed::Undecided, "nobody decides in favour on nothing");

    let grant = grant(subject);
    store.put_grant(grant.clone(), 1).await.unwrap();
    let given = store.standing_of(subject).await.unwrap();
    assert_eq!(given.grants, std::slice::from_ref(&grant));
    assert_eq!(claimed(1, &given).await, Claimed::Yes);
    store.put_grant(grant.clone(), 2).await.unwrap();
    assert_eq!(claimed(2, &given).await, Claimed::Yes, "a repeat changes nothing");

    store.add_grant_event(grant.id(), 2, withdrawal("web"), 3).await.unwrap();
    let refused = profile("persons", subject, 3);
    assert_eq!(store.claim(decided(&refused, epoch, &given)).await.unwrap(), Claimed::Undecided);
    assert_eq!(store.dispatch_rows(&[refused.dispatch_id]).await.unwrap().len(), 0, "nothing has begun");
    assert_eq!(store.sent(&refused.partner, refused.entity_key).await.unwrap().unwrap().position.offset, 2);
    let takes_back = Claim { permission: Permission::TakesBack, ..claim_of(&refused, epoch) };
    assert_eq!(store.claim(takes_back).await.unwrap(), Claimed::Yes, "what was sent is taken back all the same");
    let others = own(store, "others").await;
    let elsewhere = Claim { epoch: others - 1, ..decided(&profile("others", subject, 1), others, &given) };
    assert_eq!(store.claim(elsewhere).await.unwrap(), Claimed::Lost, "who was replaced has nothing to decide");
}

async fn nothing_of_a_person_is_claimed_without_a_decision_about_the_person(store: &dyn Store) {
    let (epoch, subject, other) = (own(store, "bypass").await, Uuid::new_v4(), Uuid::new_v4());
    for subject in [subject, other] {
        store.put_grant(grant(subject), 1).await.unwrap();
    }
    let (person, vacancy) = (profile("bypass", subject, 1), owed("bypass", "R1", 2));
    let of_other = permission(&store.standing_of(other).await.unwrap());
    for (owed, permission) in [
        (&person, Permission::NotPersonal),
        (&person, of_other),
        (&vacancy, Permission::TakesBack),
        (&vacancy, of_other),
    ] {
        let refused = store.claim(Claim { permission, ..claim_of(owed, epoch) }).await;
        assert!(refused.is_err(), "{permission:?}: {refused:?}");
        assert_eq!(store.sent(&owed.partner, owed.entity_key).await.unwrap(), None);
    }
}

/// Whatever the order in which they come: a claim that says yes is there when the withdrawal returns, and none comes later.
async fn no_claim_commits_after_a_withdrawal(store: &dyn Store) {
    let epoch = own(store, "withdrawn").await;
    let partner = super::dispatches::partner("withdrawn");
    for round in 0..20 {
        let subject = Uuid::new_v4();
        let grant = grant(subject);
        store.put_grant(grant.clone(), 1).await.unwrap();
        let standing = store.standing_of(subject).await.unwrap();
        let dispatches: Vec<Owed> =
            (0..20).map(|number| profile("withdrawn", subject, round * 20 + number + 1)).collect();
        let claims = dispatches.iter().map(|owed| store.claim(decided(owed, epoch, &standing)));
        let ids: Vec<_> = dispatches.iter().map(|owed| owed.dispatch_id).collect();
        let withdrawn = async {
            for _ in 0..round {
                // In another place of the same queue each time.
                tokio::task::yield_now().await;
            }
            assert_eq!(store.add_grant_event(grant.id(), 2, withdrawal("web"), 2).await.unwrap(), Kept::New);
            store.dispatch_rows(&ids).await.unwrap().len()
        };
        let (claims, there) = tokio::join!(join_all(claims), withdrawn);
        let yes = claims.into_iter().filter(|claimed| *claimed.as_ref().unwrap() == Claimed::Yes).count();
        assert_eq!(yes, there, "every claim that said yes was there when the withdrawal returned");
        assert_eq!(store.dispatch_rows(&ids).await.unwrap().len(), there, "and none came later");
        let late = store.claim(decided(&dispatches[0], epoch, &standing)).await.unwrap();
        assert_eq!(late, Claimed::Undecided);
    }
    let open = store.open_counts(&partner).await.unwrap();
    assert!(open.keys().all(|state| *state == DispatchState::Claimed), "{open:?}");
}

async fn a_first_grant_and_one_more_serialise_too(store: &dyn Store) {
    let (epoch, subject) = (own(store, "first").await, Uuid::new_v4());
    let grants = [grant(subject), grant(subject), grant(subject)];
    for (number, grant) in grants.iter().enumerate() {
        let before = store.standing_of(subject).await.unwrap();
        assert_eq!(before.grants.len(), number);
        store.put_grant(grant.clone(), 1).await.unwrap();
        let owed = profile("first", subject, 1);
        let stale = store.claim(decided(&owed, epoch, &before)).await.unwrap();
        assert_eq!(stale, Claimed::Undecided, "it may hold a denial");
    }
    // All at once: no change of the same person is lost.
    let before = store.standing_of(subject).await.unwrap().version.version;
    let withdrawn =
        join_all(grants.iter().map(|grant| store.add_grant_event(grant.id(), 2, withdrawal("web"), 2))).await;
    assert!(withdrawn.into_iter().all(|kept| kept.unwrap() == Kept::New));
    assert_eq!(store.standing_of(subject).await.unwrap().version.version, before + 3);
}

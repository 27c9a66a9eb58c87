//! Pollers and syncs: where they are outlives the process, and absence is told for a run alone.

use schemas::{EntityKey, Kind, PartnerId};

use super::records::{acme, record, version};
use crate::{
    backbone::Frontier,
    store::{Poll, Polled, Store, Sync},
};

fn poll(cursor: &str, run: Option<&str>, before: Frontier) -> Poll {
    Poll { cursor: cursor.to_owned(), run: run.map(str::to_owned), before, is_doubted: false }
}

fn polled(poll: Poll, seen: &[&str], marks: &[(&str, &str)]) -> Polled {
    Polled {
        partner: "polled".parse().unwrap(),
        poll,
        seen: seen.iter().map(|reference| (*reference).to_owned()).collect(),
        marks: marks.iter().map(|(reference, mark)| ((*reference).to_owned(), (*mark).to_owned())).collect(),
    }
}

fn up_to(offset: i64) -> Frontier {
    Frontier { generation: 1, ends: vec![offset] }
}

pub async fn run(store: &dyn Store) {
    let partner = "polled".parse().unwrap();
    assert_eq!(store.poll(&partner).await.unwrap(), None);
    let versions = [("a", 1_001), ("b", 1_002), ("c", 1_003), ("late", 1_050)].map(|(reference, offset)| {
        crate::store::Version { partner: "polled".parse().unwrap(), ..version(&format!("polled {reference}"), offset) }
    });
    record(store, versions.to_vec(), 0).await;

    let first = polled(poll("1", Some("run"), up_to(1_010)), &["polled a"], &[("polled a", "m1")]);
    for _ in 0..2 {
        store.record_polled(first.clone()).await.unwrap();
    }
    store.record_polled(polled(poll("2", Some("run"), up_to(1_010)), &["polled b"], &[])).await.unwrap();
    let (absent, open) = store.absent(&partner, Kind::Vacancy, "run", &up_to(1_010)).await.unwrap();
    assert_eq!((absent, open), (vec!["polled c".to_owned()], 4), "what came after the run began is not absent");
    assert_eq!(store.absent(&partner, Kind::TalentProfile, "run", &up_to(1_010)).await.unwrap(), (Vec::new(), 0));
    let marks = store.marks(&partner, &["polled a".to_owned(), "polled b".to_owned()]).await.unwrap();
    assert_eq!(marks.into_iter().collect::<Vec<_>>(), [("polled a".to_owned(), "m1".to_owned())]);

    let person = |name: &str, offset| crate::store::Version {
        partner: "polled".parse().unwrap(),
        kind: Kind::TalentProfile,
        reference: None,
        ..version(&format!("polled {name}"), offset)
    };
    let (here, gone) = (person("here", 1_004), person("gone", 1_005));
    let [here_key, gone_key] = [&here, &gone].map(|person| person.entity_key.to_string());
    record(store, vec![here, gone], 0).await;
    store.record_polled(polled(poll("2", Some("run"), up_to(1_010)), &[&here_key], &[])).await.unwrap();
    let (absent, open) = store.absent(&partner, Kind::TalentProfile, "run", &up_to(1_010)).await.unwrap();
    assert_eq!((absent, open), (vec![gone_key], 2), "persons are seen under their pseudonyms");

    store.record_polled(polled(poll("3", Some("next run"), up_to(1_020)), &[], &[])).await.unwrap();
    let (absent, _) = store.absent(&partner, Kind::Vacancy, "run", &up_to(1_010)).await.unwrap();
    assert_eq!(absent.len(), 3, "what another run has seen is forgotten");

    let open = store.open_versions(None, 1_000).await.unwrap();
    assert!(open.is_sorted_by_key(|version| version.entity_key) && open.len() >= 4);
    let rest = store.open_versions(Some(open[0].entity_key), 1_000).await.unwrap();
    assert_eq!(rest, open[1..]);
    let mut owed = open[0].clone();
    owed.recipients.push("late".parse().unwrap());
    store.keep_recipients(vec![owed.clone()]).await.unwrap();
    assert_eq!(store.newest_version(owed.entity_key).await.unwrap(), Some(owed));

    assert_eq!(store.sync(&acme(), 0).await.unwrap(), None);
    store.keep_sync(&acme(), 0, Sync::NEW).await.unwrap();
    store.keep_sync(&acme(), 0, halfway()).await.unwrap();
    let other: PartnerId = "other".parse().unwrap();
    store.keep_sync(&other, 3, halfway()).await.unwrap();
    assert_eq!(store.sync(&other, 0).await.unwrap(), None, "each share has its own");
    store.restart_sync(&other).await.unwrap();
    assert_eq!(store.sync(&other, 3).await.unwrap(), None);
}

/// A run over everything that is under way.
pub async fn leave_a_run(store: &dyn Store) {
    store.record_polled(polled(poll("4", Some("next run"), up_to(1_020)), &["polled b"], &[])).await.unwrap();
}

fn halfway() -> Sync {
    Sync { after: Some(EntityKey::of_vacancy(&acme(), "halfway")), is_done: false }
}

pub async fn after_restart(store: &dyn Store) {
    let partner = "polled".parse().unwrap();
    assert_eq!(store.poll(&partner).await.unwrap(), Some(poll("3", Some("next run"), up_to(1_020))));
    assert_eq!(store.sync(&acme(), 0).await.unwrap(), Some(halfway()));
    store.forget_poll(&partner).await.unwrap();
    assert_eq!(store.poll(&partner).await.unwrap(), None);
}

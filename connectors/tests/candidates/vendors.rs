//! What a candidate of one vendor is.

use std::{collections::BTreeSet, fs, path::Path};

use connectors::poller::{Poller, Progress};
use serde_json::Value;

use crate::{case::CASES, poll::Book};

#[tokio::test]
async fn what_is_handed_over_is_what_a_shape_of_the_dialect_reads() {
    for case in CASES {
        let (stub, ids) = case.account(2).await;
        let (reading, host) = (case.reading(&stub, 30), Book::default());
        let page = reading.page(None, &host).await.unwrap();
        assert_eq!(page.fetched.len(), 2, "{}", case.name);
        for id in &ids {
            let one = reading.candidate(id, &host).await.unwrap().unwrap();
            let document: Value = serde_json::from_slice(&one.bytes).unwrap();
            let reference = document.pointer(case.reference).map(|value| value.to_string().replace('"', ""));
            assert_eq!(reference.as_ref(), Some(&one.reference), "{}", case.name);
            assert_eq!(stub.reference(id), reference, "{}", case.name);
            assert!(one.modified_at.is_some(), "{}", case.name);
            let listed = page.fetched.iter().find(|fetched| fetched.reference == one.reference).unwrap();
            assert_eq!(*listed, one, "{}: the list and the candidate give the same document", case.name);
        }
    }
}

/// The vendors' examples have no member that the stub does not know, and none is missing.
#[tokio::test]
async fn a_candidate_looks_like_the_collected_one() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.exists() {
        eprintln!("skipped: no reference data at `{}`", data.display());
        return;
    }
    for (case, sample, pointers) in [
        (
            &CASES[0],
            "ats/teamtailor/candidates_index__candidate_object__01.json",
            &["", "/data", "/data/attributes"][..],
        ),
        (
            &CASES[4],
            "ats/greenhouse/harvest_v1/_candidates__the_candidate_object__01.json",
            &["", "/attachments/0", "/email_addresses/0", "/educations/0", "/employments/0"],
        ),
    ] {
        let sample: Value = serde_json::from_slice(&fs::read(data.join(sample)).unwrap()).unwrap();
        let (stub, ids) = case.account(1).await;
        let found = case.reading(&stub, 3).candidate(&ids[0], &Book::default()).await.unwrap().unwrap();
        let found: Value = serde_json::from_slice(&found.bytes).unwrap();
        for pointer in pointers {
            let members = |value: &Value| -> BTreeSet<String> {
                value.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
            };
            assert_eq!(members(&found), members(&sample), "{}: {pointer}", case.name);
        }
    }
}

#[tokio::test]
async fn several_opportunities_of_a_person_are_one_candidate() {
    let case = &CASES[3];
    for page_length in [2, 10] {
        let (stub, ids) = case.account(4).await;
        let again = stub.add_again(&ids[0]).unwrap();
        assert_eq!(stub.reference(&again), stub.reference(&ids[0]));
        let (reading, mut book) = (case.reading(&stub, page_length), Book::default());
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
        assert_eq!((book.documents, book.open.len()), (4, 4), "{page_length}: each once");
        book.catch_up(&reading).await.unwrap();
        assert_eq!(book.documents, 4, "{page_length}: nothing is news");
        assert!(stub.delete(&again));
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
        assert_eq!((book.documents, book.open.len()), (4, 4), "{page_length}: the person is still there");
    }
}

#[tokio::test]
async fn who_is_anonymised_is_gone() {
    let case = &CASES[3];
    let (stub, ids) = case.account(3).await;
    let (reading, mut book) = (case.reading(&stub, 10), Book::default());
    book.catch_up(&reading).await.unwrap();
    assert!(stub.anonymise(&ids[1]));
    assert_eq!(reading.candidate(&ids[1], &book).await, Ok(None));
    let page = reading.page(None, &book).await.unwrap();
    assert_eq!(page.gone, [stub.reference(&ids[1]).unwrap()]);
    assert_eq!((page.listed.len(), page.progress), (2, Progress::Complete));
}

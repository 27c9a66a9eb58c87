//! Reading the candidates of applicant tracking systems: the same promises for every vendor.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod poll;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use connectors::{
    BaseUrl, ProbeError,
    candidates::{CandidateAccount, CandidateReading, CandidateReadingSettings, stub::CandidateStub},
    poller::{Cursor, Host, Listed, PollError, Poller, Progress},
    stub::{Injection, Moment},
};
use poll::Book;
use serde_json::Value;

/// One vendor.
struct Case {
    name: &'static str,
    /// With the right key, and with another.
    account: fn(key: &str) -> CandidateAccount,
    /// Where a document says what its dialect maps to `reference`.
    reference: &'static str,
    /// Whether the list holds only a part of a candidate.
    has_details: bool,
    /// Whether the list is paged by cursors that can be forgotten.
    has_cursors: bool,
    /// What it says of its limit.
    pause: Option<Duration>,
}

const CASES: [Case; 4] = [
    Case {
        name: "teamtailor",
        account: |key| CandidateAccount::Teamtailor { api_key: key.into(), api_version: "20240404".to_owned() },
        reference: "/data/id",
        has_details: false,
        has_cursors: false,
        pause: Some(Duration::from_secs(7)),
    },
    Case {
        name: "smartrecruiters",
        account: |key| CandidateAccount::SmartRecruiters { token: key.into() },
        reference: "/id",
        has_details: true,
        has_cursors: true,
        pause: None,
    },
    Case {
        name: "recruitee",
        account: |key| CandidateAccount::Recruitee { company: "voorbeeld".to_owned(), token: key.into() },
        reference: "/candidate/id",
        has_details: true,
        has_cursors: false,
        pause: Some(Duration::from_secs(5)),
    },
    Case {
        name: "lever",
        account: |key| CandidateAccount::Lever { api_key: key.into() },
        reference: "/contact",
        has_details: false,
        has_cursors: true,
        pause: None,
    },
];

const KEY: &str = "k3y";

impl Case {
    /// An account with so many candidates.
    async fn account(&self, candidates: usize) -> (CandidateStub, Vec<String>) {
        let stub = CandidateStub::start(&(self.account)(KEY), 11).await.unwrap();
        let ids = (0..candidates).map(|_| stub.add()).collect();
        (stub, ids)
    }

    fn reading(&self, stub: &CandidateStub, page_length: usize) -> CandidateReading {
        reading((self.account)(KEY), stub.base_url(), page_length)
    }
}

fn reading(account: CandidateAccount, base_url: BaseUrl, page_length: usize) -> CandidateReading {
    CandidateReading::new(CandidateReadingSettings {
        page_length,
        time_out: Duration::from_secs(10),
        ..CandidateReadingSettings::new(account, base_url)
    })
}

/// How often everybody is listed in one run.
async fn listings(reading: &CandidateReading, host: &dyn Host) -> BTreeMap<String, usize> {
    let (mut counts, mut cursor, mut runs) = (BTreeMap::new(), None::<Cursor>, Vec::new());
    loop {
        let page = reading.page(cursor.as_ref(), host).await.unwrap();
        for Listed { reference, mark } in page.listed {
            assert!(mark.is_some());
            *counts.entry(reference).or_default() += 1;
        }
        runs.push(page.run.unwrap());
        cursor = Some(page.next);
        if page.progress != Progress::More {
            assert_eq!(page.progress, Progress::Complete);
            assert!(runs.iter().all(|run| *run == runs[0]), "every page is of the same run");
            assert!(runs.len() > 1, "there were pages");
            return counts;
        }
    }
}

#[tokio::test]
async fn everybody_is_listed_once_over_pages() {
    for case in CASES {
        let (stub, ids) = case.account(7).await;
        let counts = listings(&case.reading(&stub, 3), &Book::default()).await;
        let references: Vec<String> = ids.iter().map(|id| stub.reference(id).unwrap()).collect();
        assert_eq!(counts.len(), 7, "{}", case.name);
        assert!(references.iter().all(|reference| counts.get(reference) == Some(&1)), "{}: {counts:?}", case.name);
        assert_eq!(stub.violations(), [""; 0], "{}", case.name);
    }
}

#[tokio::test]
async fn an_account_without_candidates_is_a_complete_run() {
    for case in CASES {
        let (stub, _) = case.account(0).await;
        let mut book = Book::default();
        assert_eq!(book.catch_up(&case.reading(&stub, 3)).await, Ok(Progress::Complete), "{}", case.name);
        assert_eq!(book.documents, 0);
    }
}

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

#[tokio::test]
async fn change_is_found_by_the_mark_and_nothing_else_is_fetched() {
    for case in CASES {
        let (stub, ids) = case.account(7).await;
        let reading = case.reading(&stub, 3);
        let mut book = Book::default();
        book.catch_up(&reading).await.unwrap();
        assert_eq!((book.documents, &book.open), (7, &stub.people()), "{}", case.name);
        let (_, details) = stub.answered();
        book.catch_up(&reading).await.unwrap();
        assert_eq!((book.documents, stub.answered().1), (7, details), "{}: nothing new", case.name);
        assert!(stub.change(&ids[1]) && stub.change(&ids[6]));
        let new = stub.reference(&stub.add()).unwrap();
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "{}", case.name);
        assert_eq!((book.documents, &book.open), (10, &stub.people()), "{}", case.name);
        assert!(book.open.contains_key(&new));
        assert_eq!(stub.answered().1 - details, if case.has_details { 3 } else { 0 }, "{}", case.name);
        let turns = book.turns.load(std::sync::atomic::Ordering::Relaxed);
        let (lists, details) = stub.answered();
        assert_eq!(turns, lists + details, "{}: every request waits for its turn", case.name);
    }
}

#[tokio::test]
async fn who_is_gone_is_none_and_is_missed_by_the_next_run() {
    for case in CASES {
        let (stub, ids) = case.account(5).await;
        let (reading, mut book) = (case.reading(&stub, 2), Book::default());
        book.catch_up(&reading).await.unwrap();
        let references: Vec<String> = ids.iter().map(|id| stub.reference(id).unwrap()).collect();
        assert!(stub.delete(&ids[1]) && stub.merge(&ids[3], &ids[4]));
        for (id, is_there) in [(&ids[0], true), (&ids[1], false), (&ids[3], false), (&ids[4], true)] {
            let found = reading.candidate(id, &book).await.unwrap();
            assert_eq!(found.is_some(), is_there, "{}", case.name);
        }
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "{}", case.name);
        let mut gone = [references[1].clone(), references[3].clone()];
        gone.sort();
        assert_eq!((&book.closed_by_absence[..], &book.open), (&gone[..], &stub.people()), "{}", case.name);
    }
}

/// SmartRecruiters lists those who applied, and nobody else: who is not listed may be there.
#[tokio::test]
async fn where_not_everybody_is_listed_the_absent_are_asked_for() {
    for case in CASES {
        let (stub, ids) = case.account(2).await;
        let (reading, host) = (case.reading(&stub, 2), Book::default());
        let [here, gone] = [&ids[0], &ids[1]].map(|id| stub.reference(id).unwrap());
        assert!(stub.delete(&ids[1]));
        assert_eq!(reading.is_gone(&gone, &host).await, Ok(true), "{}", case.name);
        let lists_everybody = case.name != "smartrecruiters";
        assert_eq!(reading.is_gone(&here, &host).await, Ok(lists_everybody), "{}", case.name);
        let (_, asked) = stub.answered();
        assert_eq!(asked == 0, lists_everybody, "{}", case.name);
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_apart() {
    for case in CASES {
        let (stub, ids) = case.account(1).await;
        let reading = reading((case.account)("another"), stub.base_url(), 3);
        let host = Book::default();
        let errors = [reading.page(None, &host).await.map(drop), reading.candidate(&ids[0], &host).await.map(drop)];
        for error in errors {
            assert!(matches!(error, Err(PollError::Unauthorised { status: 401, .. })), "{}: {error:?}", case.name);
        }
        assert_eq!(reading.probe().await, Err(ProbeError::Refused(401)), "{}", case.name);
        assert_eq!(case.reading(&stub, 3).probe().await, Ok(()), "{}", case.name);
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_said_so_without_it() {
    for case in CASES {
        let (stub, ids) = case.account(1).await;
        let reading = reading((case.account)("s3cr\net"), stub.base_url(), 3);
        if let Err(error) = reading.candidate(&ids[0], &Book::default()).await {
            assert_eq!(error.code(), if case.name == "lever" { "unauthorised" } else { "protocol" }, "{}", case.name);
            assert!(!error.to_string().contains("s3cr"), "{error}");
        } else {
            panic!("{}: it took the key", case.name);
        }
    }
}

#[tokio::test]
async fn a_limit_is_waited_for_as_the_vendor_says() {
    for case in CASES {
        let (stub, ids) = case.account(2).await;
        let (reading, host) = (case.reading(&stub, 3), Book::default());
        stub.limit_after(0, 2);
        let errors = [reading.page(None, &host).await.map(drop), reading.candidate(&ids[0], &host).await.map(drop)];
        for error in errors.map(Result::unwrap_err) {
            assert!(matches!(error, PollError::Limited { status: 429, .. }), "{}: {error:?}", case.name);
            assert_eq!(error.after(), case.pause, "{}", case.name);
        }
        assert!(reading.candidate(&ids[0], &host).await.unwrap().is_some(), "{}", case.name);
    }
}

#[tokio::test]
async fn a_limit_that_is_smaller_than_a_page_does_not_stop_it() {
    for case in CASES {
        let (stub, _) = case.account(7).await;
        let (reading, mut book, mut refusals) = (case.reading(&stub, 7), Book::default(), 0);
        for _ in 0..50 {
            stub.limit_after(3, 2);
            match book.page(&reading).await {
                Ok(Progress::More) => {}
                Ok(progress) => {
                    assert_eq!(progress, Progress::Complete, "{}", case.name);
                    break;
                }
                Err(error) => {
                    assert_eq!(error.code(), "limited", "{}", case.name);
                    refusals += 1;
                }
            }
        }
        assert_eq!((book.documents, &book.open), (7, &stub.people()), "{}: refused {refusals} times", case.name);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_parked_and_closes_nobody() {
    for case in CASES {
        let (stub, ids) = case.account(5).await;
        let (reading, mut book) = (case.reading(&stub, 2), Book::default());
        book.catch_up(&reading).await.unwrap();
        assert!(stub.spoil(&ids[2]));
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::CaughtUp), "{}", case.name);
        assert!(!book.parked.is_empty() && book.closed_by_absence.is_empty(), "{}", case.name);
        assert!(stub.unspoil(&ids[2]));
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "{}", case.name);
        assert_eq!(book.open, stub.people(), "{}", case.name);
    }
}

#[tokio::test]
async fn what_cannot_be_read_hides_nobody_else() {
    for case in CASES {
        for spoiled in 0..5 {
            let (stub, ids) = case.account(5).await;
            assert!(stub.spoil(&ids[spoiled]));
            let mut book = Book::default();
            let progress = book.catch_up(&case.reading(&stub, 2)).await;
            assert_eq!(progress, Ok(Progress::CaughtUp), "{}: {spoiled}", case.name);
            let mut others = stub.people();
            others.remove(&stub.reference(&ids[spoiled]).unwrap());
            assert_eq!(book.open, others, "{}: {spoiled}", case.name);
        }
    }
}

#[tokio::test]
async fn details_that_cannot_be_read_are_parked_and_the_others_come() {
    for case in CASES.into_iter().filter(|case| case.has_details) {
        let (stub, ids) = case.account(3).await;
        let (reading, mut book) = (case.reading(&stub, 5), Book::default());
        stub.inject(2, &Injection::Slow(Duration::ZERO));
        stub.inject(1, &Injection::Nonsense);
        while book.page(&reading).await == Ok(Progress::More) {}
        assert_eq!((book.parked.len(), book.documents), (1, 2), "{}", case.name);
        let parked = book.parked[0].reference.clone().unwrap();
        assert!(ids.contains(&parked), "{}: it is known who", case.name);
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "{}", case.name);
        assert_eq!(book.open, stub.people(), "{}", case.name);
    }
}

#[tokio::test]
async fn who_goes_between_the_list_and_the_details_is_gone() {
    for case in CASES.into_iter().filter(|case| case.has_details) {
        let (stub, ids) = case.account(3).await;
        stub.inject(2, &Injection::Slow(Duration::ZERO));
        stub.inject(1, &Injection::Status { status: 404, retry_after: None });
        let page = case.reading(&stub, 3).page(None, &Book::default()).await.unwrap();
        assert_eq!((page.gone.len(), page.listed.len(), page.fetched.len()), (1, 2, 2), "{}", case.name);
        assert!(ids.contains(&page.gone[0]) && page.unreadable.is_empty(), "{}", case.name);
    }
}

#[tokio::test]
async fn a_candidate_is_the_one_that_was_asked_for() {
    for case in CASES {
        let (stub, ids) = case.account(1).await;
        let (reading, host) = (case.reading(&stub, 3), Book::default());
        let other = stub.add();
        stub.confuse(&ids[0], &other);
        let error = reading.candidate(&ids[0], &host).await.unwrap_err();
        assert_eq!(error.code(), "protocol", "{}", case.name);
        assert!(!error.to_string().contains(&ids[0]) && !error.to_string().contains(&other), "{error}");
        assert!(stub.spoil(&other));
        assert_eq!(reading.candidate(&other, &host).await.unwrap_err().code(), "protocol", "{}", case.name);
    }
}

/// The vendor's example has no member that the stub does not know, and none is missing.
#[tokio::test]
async fn a_candidate_of_teamtailor_looks_like_the_collected_one() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/ats/teamtailor/candidates_index__candidate_object__01.json");
    if !sample.exists() {
        eprintln!("skipped: no reference data at `{}`", sample.display());
        return;
    }
    let sample: Value = serde_json::from_slice(&fs::read(sample).unwrap()).unwrap();
    let (stub, ids) = CASES[0].account(1).await;
    let found = CASES[0].reading(&stub, 3).candidate(&ids[0], &Book::default()).await.unwrap().unwrap();
    let found: Value = serde_json::from_slice(&found.bytes).unwrap();
    for pointer in ["", "/data", "/data/attributes"] {
        let members = |value: &Value| -> BTreeSet<String> {
            value.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(members(&found), members(&sample), "{pointer}");
    }
}

#[tokio::test]
async fn lists_are_asked_for_one_at_a_time() {
    for case in CASES {
        let (stub, _) = case.account(3).await;
        stub.slow_lists(Duration::from_millis(200));
        let (reading, host) = (case.reading(&stub, 3), Book::default());
        let (probe, page) = tokio::join!(reading.probe(), reading.page(None, &host));
        assert_eq!((probe, page.map(|page| page.fetched.len())), (Ok(()), Ok(3)), "{}", case.name);
        assert_eq!(stub.violations(), [""; 0], "{}", case.name);
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

#[tokio::test]
async fn the_key_goes_to_no_other_host() {
    for case in CASES {
        let (stub, _) = case.account(5).await;
        let (elsewhere, _) = case.account(5).await;
        stub.lead_to(&elsewhere.base_url());
        let mut book = Book::default();
        assert_eq!(book.catch_up(&case.reading(&stub, 2)).await, Ok(Progress::Complete), "{}", case.name);
        assert_eq!((elsewhere.answered(), elsewhere.violations()), ((0, 0), Vec::new()), "{}", case.name);
        assert_eq!(book.open, stub.people(), "{}", case.name);
    }
}

#[tokio::test]
async fn a_run_goes_on_after_every_interruption() {
    for case in CASES {
        let (stub, _) = case.account(7).await;
        let (mut book, mut progress) = (Book::default(), Progress::More);
        while progress == Progress::More {
            stub.inject(1, &Injection::Reset(Moment::AfterTaking));
            assert_eq!(book.page(&case.reading(&stub, 3)).await.unwrap_err().code(), "unreachable", "{}", case.name);
            progress = book.page(&case.reading(&stub, 3)).await.unwrap();
        }
        assert_eq!((progress, book.documents, book.open), (Progress::Complete, 7, stub.people()), "{}", case.name);
        assert_eq!(stub.violations(), [""; 0], "{}", case.name);
    }
}

#[tokio::test]
async fn a_cursor_that_the_vendor_forgot_begins_another_run() {
    for case in CASES {
        let (stub, ids) = case.account(6).await;
        if case.name == "teamtailor" {
            stub.page_by_cursor();
        } else if !case.has_cursors {
            continue;
        }
        let (reading, mut book) = (case.reading(&stub, 2), Book::default());
        book.catch_up(&reading).await.unwrap();
        book.page(&reading).await.unwrap();
        stub.forget_cursors();
        assert!(stub.delete(&ids[5]));
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "{}", case.name);
        assert_eq!((&book.open, book.parked.len()), (&stub.people(), 0), "{}", case.name);
        assert_eq!(book.page(&reading).await, Ok(Progress::More));
        stub.forget_cursors();
        assert_eq!(book.page(&reading).await, Ok(Progress::More), "{}: it begins again", case.name);
        stub.forget_cursors();
        assert_eq!(book.page(&reading).await, Ok(Progress::CaughtUp), "{}: it gives up for now", case.name);
        assert_eq!((&book.open, book.parked.len()), (&stub.people(), 1), "{}: and says so", case.name);
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "{}", case.name);
    }
}

#[tokio::test]
async fn who_comes_and_goes_while_it_reads_hides_nobody() {
    for case in CASES {
        let goers = [&[0][..], &[5], &[0, 1], &[4, 5], &[1, 2, 3, 4]];
        for (deleted, comers) in goers.into_iter().flat_map(|deleted| [0, 1, 2, 5].map(|comers| (deleted, comers))) {
            let (stub, ids) = case.account(6).await;
            let (reading, mut book) = (case.reading(&stub, 2), Book::default());
            book.catch_up(&reading).await.unwrap();
            book.page(&reading).await.unwrap();
            let gone: Vec<String> = deleted.iter().map(|index| stub.reference(&ids[*index]).unwrap()).collect();
            assert!(deleted.iter().all(|index| stub.delete(&ids[*index])));
            for _ in 0..comers {
                stub.add();
            }
            book.catch_up(&reading).await.unwrap();
            assert!(
                book.closed_by_absence.iter().all(|closed| gone.contains(closed)),
                "{}: without {deleted:?}, with {comers} more",
                case.name
            );
            assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "{}", case.name);
            assert_eq!(book.open, stub.people(), "{}", case.name);
        }
    }
}

#[tokio::test]
async fn an_id_is_one_segment_of_a_path_and_in_no_error() {
    for case in CASES {
        let (stub, _) = case.account(1).await;
        let (reading, host) = (case.reading(&stub, 3), Book::default());
        for id in ["", ".", "..", "a\nb", &"x".repeat(201)] {
            let error = reading.candidate(id, &host).await.unwrap_err();
            assert_eq!(error.code(), "protocol", "{}: {id}", case.name);
        }
        for id in ["../candidates", "a/b", "a?limit=1", "a#b", "%2e%2e", "José Voorbeeld"] {
            assert_eq!(reading.candidate(id, &host).await, Ok(None), "{}: {id}", case.name);
        }
        assert_eq!((stub.answered(), stub.violations()), ((0, 6), Vec::new()), "{}", case.name);
        stub.inject(1, &Injection::Status { status: 422, retry_after: None });
        let error = reading.candidate("José-Voorbeeld", &host).await.unwrap_err();
        assert!(!error.to_string().contains("Voorbeeld"), "{error}");
        stub.stop().await;
        let error = reading.candidate("José-Voorbeeld", &host).await.unwrap_err();
        assert_eq!(error.code(), "unreachable");
        assert!(!error.to_string().contains("Voorbeeld") && !error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn faults_are_told_apart_by_what_helps() {
    for case in CASES {
        let (stub, ids) = case.account(1).await;
        let (reading, mut book) = (case.reading(&stub, 3), Book::default());
        for (injection, code) in [
            (Injection::Status { status: 503, retry_after: Some("9".to_owned()) }, "limited"),
            (Injection::Status { status: 500, retry_after: None }, "partner_failed"),
            (Injection::Status { status: 403, retry_after: None }, "unauthorised"),
            (Injection::Status { status: 302, retry_after: None }, "protocol"),
            (Injection::Nonsense, "protocol"),
            (Injection::Garbage(Moment::AfterTaking), "unreachable"),
        ] {
            stub.inject(1, &injection);
            assert_eq!(book.page(&reading).await.unwrap_err().code(), code, "{}: {injection:?}", case.name);
            stub.inject(1, &injection);
            let one = reading.candidate(&ids[0], &book).await;
            assert_eq!(one.unwrap_err().code(), code, "{}: {injection:?}", case.name);
        }
        assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "{}", case.name);
        let other: Cursor = "[7]".parse().unwrap();
        assert_eq!(reading.page(Some(&other), &book).await, Err(PollError::Cursor));
    }
}

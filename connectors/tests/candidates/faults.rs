//! What goes wrong, told apart by what helps.

use std::time::Duration;

use connectors::{
    ProbeError,
    poller::{Cursor, PollError, Poller, Progress},
    stub::{Injection, Moment},
};

use crate::{
    case::{CASES, reading},
    poll::Book,
};

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
            // Basic takes any letters.
            let is_basic = ["lever", "greenhouse"].contains(&case.name);
            assert_eq!(error.code(), if is_basic { "unauthorised" } else { "protocol" }, "{}", case.name);
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

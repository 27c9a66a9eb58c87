//! Runs over everything: nobody is listed twice, nobody is missed, and who is gone is known.

use std::time::Duration;

use connectors::{
    poller::{Poller, Progress},
    stub::{Injection, Moment},
};

use crate::{
    case::{CASES, listings},
    poll::Book,
};

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

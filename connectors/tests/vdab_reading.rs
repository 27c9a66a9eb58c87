//! Reading VDAB from its stub: runs over everything, changes, faults, limits and clocks.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod poll;

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use connectors::{
    ProbeError,
    poller::{PollError, Poller, Progress},
    stub::{Counting, Injection, Moment, Quota},
    vdab::{
        VdabAccount, VdabReading, VdabReadingSettings,
        stub::{VdabPart, VdabStub, VdabStubSettings},
    },
};
use jiff::{SignedDuration, Timestamp};
use poll::Book;
use serde_json::json;

fn stub_settings() -> VdabStubSettings {
    VdabStubSettings::new("client".to_owned(), "s3cret".into(), "key".into())
}

async fn stub() -> VdabStub {
    VdabStub::start(stub_settings()).await.unwrap()
}

fn settings(stub: &VdabStub) -> VdabReadingSettings {
    let account = VdabAccount::new(stub.token_url(), "client".to_owned(), "s3cret".into(), "key".into());
    VdabReadingSettings { time_out: Duration::from_secs(5), ..VdabReadingSettings::new(stub.reading_url(), account) }
}

fn reading(stub: &VdabStub) -> VdabReading {
    VdabReading::new(settings(stub)).unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

/// What a reader should know: the published vacancies and their revisions.
fn published(stub: &VdabStub) -> BTreeMap<String, u64> {
    let published = stub.vacancies().into_iter().filter(|vacancy| vacancy.is_published);
    published.map(|vacancy| (vacancy.reference, vacancy.revision)).collect()
}

fn assert_obeyed(stub: &VdabStub) {
    assert_eq!(stub.violations(), []);
}

#[tokio::test]
async fn the_first_run_brings_everything_and_is_complete() {
    let stub = stub().await;
    for _ in 0..7 {
        stub.publish(ago(3_600));
    }
    let withdrawn = stub.publish(ago(3_600));
    stub.withdraw(&withdrawn, ago(3_000));
    let reading = VdabReading::new(VdabReadingSettings { batch: 3, ..settings(&stub) }).unwrap();
    let mut book = Book::default();
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!(book.open, published(&stub));
    assert_eq!(book.documents, 7);
    assert_eq!(stub.tokens_given(), 1);
    assert_obeyed(&stub);
}

#[tokio::test]
async fn between_runs_changes_are_told() {
    let stub = stub().await;
    let references: Vec<String> = (0..5).map(|_| stub.publish(ago(7_200))).collect();
    let reading = reading(&stub);
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    stub.change(&references[0], Timestamp::now());
    stub.withdraw(&references[1], Timestamp::now());
    let new = stub.publish(Timestamp::now());
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::CaughtUp));
    assert_eq!(book.open, published(&stub));
    assert!(book.open.contains_key(&new) && !book.open.contains_key(&references[1]));
    assert_eq!(book.documents, 7, "what did not change is not fetched again");
    stub.change(&references[1], Timestamp::now());
    book.catch_up(&reading).await.unwrap();
    assert_eq!(book.open, published(&stub), "it is published again");
    assert_eq!(book.closed_by_absence, [""; 0]);
    assert_obeyed(&stub);
}

#[tokio::test]
async fn what_is_lost_untold_is_closed_by_the_next_complete_run() {
    let stub = stub().await;
    let references: Vec<String> = (0..5).map(|_| stub.publish(ago(7_200))).collect();
    let every_time = VdabReadingSettings { everything_every: Duration::ZERO, ..settings(&stub) };
    let reading = VdabReading::new(every_time).unwrap();
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    stub.lose(&references[2]);
    let new = stub.publish(Timestamp::now());
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!(book.closed_by_absence, [references[2].clone()]);
    assert_eq!(book.open, published(&stub));
    assert_eq!(book.documents, 7, "the new one is listed twice: as published today, and as a change since");
    assert!(book.open.contains_key(&new));
}

#[tokio::test]
async fn a_run_goes_on_after_every_interruption_and_never_closes_early() {
    let stub = stub().await;
    let references: Vec<String> = (0..20).map(|_| stub.publish(ago(7_200))).collect();
    let often = VdabReadingSettings { part: 6, batch: 2, everything_every: Duration::ZERO, ..settings(&stub) };
    let mut book = Book::default();
    book.catch_up(&VdabReading::new(often.clone()).unwrap()).await.unwrap();
    stub.lose(&references[3]);
    for reference in &references[10..] {
        stub.change(reference, Timestamp::now());
    }
    let mut progress = Progress::More;
    while progress == Progress::More {
        assert_eq!(book.closed_by_absence, [""; 0], "an incomplete run closed something");
        // The reader dies at every page: in the middle of the call, and after it.
        stub.inject(VdabPart::Reading, 1, &Injection::Reset(Moment::AfterTaking));
        let dying = VdabReading::new(often.clone()).unwrap();
        assert!(matches!(book.page(&dying).await, Err(PollError::Unreachable { .. })));
        progress = book.page(&VdabReading::new(often.clone()).unwrap()).await.unwrap();
    }
    assert_eq!(progress, Progress::Complete);
    assert_eq!(book.closed_by_absence, [references[3].clone()]);
    assert_eq!(book.open, published(&stub));
    assert_obeyed(&stub);
}

#[tokio::test]
async fn a_list_that_moves_while_it_is_read_closes_nothing_that_is_there() {
    let stub = stub().await;
    let references: Vec<String> = (0..60).map(|_| stub.publish(ago(7_200))).collect();
    let often = VdabReadingSettings { part: 10, batch: 5, everything_every: Duration::ZERO, ..settings(&stub) };
    let reading = VdabReading::new(often).unwrap();
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    // While the next run reads its parts, vacancies before the reader's place vanish and others come.
    for reference in &references[..8] {
        book.page(&reading).await.unwrap();
        stub.withdraw(reference, Timestamp::now());
        stub.publish(Timestamp::now());
    }
    while book.page(&reading).await.unwrap() == Progress::More {}
    book.catch_up(&reading).await.unwrap();
    assert_eq!(book.open, published(&stub));
    assert_eq!(book.closed_by_absence, [""; 0], "all that went was told");
    assert_obeyed(&stub);
}

#[tokio::test]
async fn a_flood_of_changes_is_read_in_smaller_windows() {
    let stub = stub().await;
    let references: Vec<String> = (0..40).map(|_| stub.publish(ago(86_400))).collect();
    let small = VdabReadingSettings { part: 4, ..settings(&stub) };
    let reading = VdabReading::new(small).unwrap();
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    let begin = Timestamp::now();
    for (index, reference) in references.iter().enumerate() {
        // Forty changes of ten minutes, and a dozen of one second, which no window can divide.
        let seconds = if index < 28 { -14 * i64::try_from(index).unwrap() } else { -1 };
        stub.change(reference, begin + SignedDuration::from_secs(seconds));
    }
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::CaughtUp));
    assert_eq!(book.open, published(&stub));
    assert_obeyed(&stub);
}

#[tokio::test]
async fn a_long_absence_is_made_good() {
    fn days_ago() -> Timestamp {
        ago(17 * 86_400)
    }
    let stub = VdabStub::start(VdabStubSettings { now: days_ago, ..stub_settings() }).await.unwrap();
    let references: Vec<String> = (0..4).map(|_| stub.publish(ago(20 * 86_400))).collect();
    let then = VdabReadingSettings { now: days_ago, everything_every: Duration::MAX, ..settings(&stub) };
    let mut book = Book::default();
    book.catch_up(&VdabReading::new(then).unwrap()).await.unwrap();
    stub.stop().await;

    let stub = VdabStub::start(stub_settings()).await.unwrap();
    for _ in 0..4 {
        stub.publish(ago(20 * 86_400));
    }
    for (reference, days) in references.iter().zip([16, 11, 6, 1]) {
        assert!(stub.change(reference, ago(days * 86_400)), "the same vacancies");
    }
    let now = VdabReadingSettings { everything_every: Duration::MAX, ..settings(&stub) };
    assert_eq!(book.catch_up(&VdabReading::new(now).unwrap()).await, Ok(Progress::CaughtUp));
    assert_eq!(book.open, published(&stub));
    assert_eq!(stub.requests(VdabPart::Reading), 4 + 4, "four windows, and the document of each");
    assert_obeyed(&stub);
}

#[tokio::test]
async fn a_wrong_clock_of_ours_loses_nothing() {
    fn ahead() -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(1)
    }
    fn behind() -> Timestamp {
        Timestamp::now() - SignedDuration::from_hours(1)
    }
    for now in [ahead, behind] {
        let stub = stub().await;
        let reference = stub.publish(ago(7_200));
        let reading = VdabReading::new(VdabReadingSettings { now, ..settings(&stub) }).unwrap();
        let mut book = Book::default();
        book.catch_up(&reading).await.unwrap();
        for _ in 0..3 {
            stub.change(&reference, Timestamp::now());
            stub.publish(Timestamp::now());
            // A new process knows nothing of how wrong its clock is.
            let reading = VdabReading::new(VdabReadingSettings { now, ..settings(&stub) }).unwrap();
            book.catch_up(&reading).await.unwrap();
            book.catch_up(&reading).await.unwrap();
            assert_eq!(book.open, published(&stub));
        }
        assert_obeyed(&stub);
    }
}

#[tokio::test]
async fn documents_that_do_not_come_together_are_asked_for_one_by_one() {
    let stub = VdabStub::start(VdabStubSettings { batch_limit: 2, ..stub_settings() }).await.unwrap();
    let references: Vec<String> = (0..5).map(|_| stub.publish(ago(3_600))).collect();
    let mut book = Book::default();
    let reading = reading(&stub);
    book.page(&reading).await.unwrap();
    stub.lose(&references[1]);
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!(book.open, published(&stub));
    assert_eq!((book.documents, book.parked.len()), (4, 0), "the lost one is gone, and nothing is in doubt");
}

#[tokio::test]
async fn one_strange_entry_neither_stops_the_reading_nor_closes_anything() {
    let stub = stub().await;
    let reference = stub.publish(ago(3_600));
    let often = VdabReadingSettings { everything_every: Duration::ZERO, ..settings(&stub) };
    let reading = VdabReading::new(often).unwrap();
    let mut book = Book::default();
    stub.list_oddity(
        json!({ "vacatureReferentie": { "interneReferentie": "NOT_FOUND" }, "status": "NIET_GEPUBLICEERD" }),
        Timestamp::now(),
    );
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete), "VDAB's clients know this one");
    assert_eq!(book.parked.len(), 0);
    stub.list_oddity(json!({ "status": "GEPUBLICEERD" }), Timestamp::now());
    stub.lose(&reference);
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::CaughtUp));
    assert_eq!(book.parked[0].pointer, "/resultaten/1");
    assert_eq!(book.parked[0].bytes, r#"{"status":"GEPUBLICEERD"}"#);
    assert_eq!(book.closed_by_absence, [""; 0], "it could be the one that is missing");
}

#[tokio::test]
async fn every_call_waits_for_its_turn() {
    let stub = stub().await;
    for _ in 0..9 {
        stub.publish(ago(3_600));
    }
    let reading = VdabReading::new(VdabReadingSettings { part: 4, batch: 2, ..settings(&stub) }).unwrap();
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    assert_eq!(book.turns.load(Ordering::Relaxed), stub.requests(VdabPart::Reading));
}

#[tokio::test]
async fn faults_are_told_apart_by_what_helps() {
    let stub = stub().await;
    stub.publish(ago(3_600));
    let reading =
        VdabReading::new(VdabReadingSettings { time_out: Duration::from_millis(300), ..settings(&stub) }).unwrap();
    let mut book = Book::default();
    let status =
        |status, retry_after: Option<&str>| Injection::Status { status, retry_after: retry_after.map(str::to_owned) };
    for (injection, code, after) in [
        (status(429, Some("7")), "limited", Some(7)),
        (status(503, Some("9")), "limited", Some(9)),
        (status(500, None), "partner_failed", None),
        (status(403, None), "unauthorised", None),
        (status(302, None), "protocol", None),
        (status(404, None), "protocol", None),
        (Injection::Nonsense, "protocol", None),
        (Injection::Hang(Moment::BeforeTaking), "unreachable", None),
        (Injection::Reset(Moment::AfterTaking), "unreachable", None),
        (Injection::Garbage(Moment::AfterTaking), "unreachable", None),
        (Injection::Slow(Duration::from_secs(5)), "unreachable", None),
    ] {
        stub.inject(VdabPart::Reading, 1, &injection);
        let error = book.page(&reading).await.unwrap_err();
        assert_eq!((error.code(), error.after()), (code, after.map(Duration::from_secs)), "{injection:?}: {error}");
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    }
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    stub.stop().await;
    assert_eq!(book.page(&reading).await.unwrap_err().code(), "unreachable");
}

#[tokio::test]
async fn a_limit_is_said_with_every_page() {
    let quota = Quota { requests: 3, window: Duration::from_hours(1), counting: Counting::Fixed };
    let stub = VdabStub::start(VdabStubSettings { reading_quotas: vec![quota], ..stub_settings() }).await.unwrap();
    stub.publish(ago(3_600));
    let (reading, book) = (reading(&stub), Book::default());
    let page = reading.page(None, &book).await.unwrap();
    assert_eq!((page.limits[0].quota, page.limits[0].remaining), (Some(3), Some(2)));
    let mut book = Book::default();
    let error = loop {
        if let Err(error) = book.page(&reading).await {
            break error;
        }
    };
    let PollError::Limited { status: 429, after: Some(after), .. } = error else { panic!("{error}") };
    assert!(after > Duration::from_mins(59), "{after:?}");
    assert_eq!(stub.limit_breaches(VdabPart::Reading).len(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_at_once() {
    let stub = stub().await;
    stub.publish(ago(3_600));
    let reading = reading(&stub);
    let mut book = Book::default();
    book.page(&reading).await.unwrap();
    stub.expire_tokens();
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!(stub.tokens_given(), 2);
}

#[tokio::test]
async fn many_at_once_ask_for_one_token() {
    let stub = stub().await;
    stub.inject(VdabPart::Token, 1, &Injection::Slow(Duration::from_millis(200)));
    let (reading, book) = (reading(&stub), Book::default());
    let pages = futures::future::join_all((0..20).map(|_| reading.page(None, &book))).await;
    assert!(pages.iter().all(Result::is_ok));
    assert_eq!(stub.tokens_given(), 1);
}

#[tokio::test]
async fn many_at_once_share_a_failure_of_the_token_endpoint() {
    let stub = stub().await;
    stub.fail_now(&Injection::Status { status: 503, retry_after: Some("30".to_owned()) });
    let (reading, book) = (reading(&stub), Book::default());
    let pages = futures::future::join_all((0..20).map(|_| reading.page(None, &book))).await;
    for page in pages {
        assert_eq!(page.unwrap_err().after(), Some(Duration::from_secs(30)));
    }
    assert_eq!(stub.requests(VdabPart::Token), 1);
    assert_eq!(stub.requests(VdabPart::Reading), 0);
}

#[tokio::test]
async fn wrong_credentials_are_said_to_be_wrong() {
    let stub = stub().await;
    let wrong_secret = VdabAccount::new(stub.token_url(), "client".to_owned(), "other".into(), "key".into());
    let wrong_key = VdabAccount::new(stub.token_url(), "client".to_owned(), "s3cret".into(), "other".into());
    for account in [wrong_secret, wrong_key] {
        let reading = VdabReading::new(VdabReadingSettings { account, ..settings(&stub) }).unwrap();
        let error = reading.page(None, &Book::default()).await.unwrap_err();
        assert!(matches!(error, PollError::Unauthorised { status: 401, .. }), "{error}");
        assert!(!format!("{error:?}").contains("other"), "{error:?}");
        assert_eq!(reading.probe().await, Err(ProbeError::Refused(401)));
    }
}

#[tokio::test]
async fn a_probe_says_whether_all_is_well() {
    let stub = stub().await;
    let reading = reading(&stub);
    assert_eq!(reading.probe().await, Ok(()));
    stub.fail_now(&Injection::Nonsense);
    assert!(matches!(reading.probe().await, Err(ProbeError::Protocol(_))));
    stub.heal();
    assert_eq!(reading.probe().await, Ok(()));
}

#[tokio::test]
async fn a_cursor_of_another_poller_is_refused() {
    let stub = stub().await;
    let cursor = r#"["something else"]"#.parse().unwrap();
    let error = reading(&stub).page(Some(&cursor), &Book::default()).await.unwrap_err();
    assert_eq!(error, PollError::Cursor);
    assert_eq!(stub.requests(VdabPart::Token), 0);
}

//! Reconciling with a Greenhouse account by its Harvest API: what lost webhooks did not tell.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod poll;

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use connectors::{
    ClientAuthentication, OAuthSettings, ProbeError,
    greenhouse::{
        HarvestReading, HarvestSettings,
        stub::{GreenhouseSettings, GreenhouseStub, HarvestStub, HarvestStubSettings},
    },
    poller::{PollError, Poller, Progress},
    stub::{Injection, Moment},
};
use poll::Book;

/// An account whose webhooks go nowhere, and its API.
async fn account() -> (GreenhouseStub, HarvestStub) {
    let nowhere = "http://127.0.0.1:1".parse().unwrap();
    let account = GreenhouseStub::new(GreenhouseSettings::new(nowhere, "secret".into(), 7));
    let settings = HarvestStubSettings::new("client".to_owned(), "s3cret".into(), "4242".to_owned());
    let harvest = account.open_harvest(settings).await.unwrap();
    (account, harvest)
}

fn create(account: &GreenhouseStub, posts: usize) -> Vec<u64> {
    (0..posts).map(|_| account.create_untold()).collect()
}

fn oauth(harvest: &HarvestStub) -> OAuthSettings {
    OAuthSettings {
        token_url: harvest.token_url(),
        client_id: "client".to_owned(),
        client_secret: "s3cret".into(),
        authentication: ClientAuthentication::Basic,
        scope: None,
        subject: Some("4242".to_owned()),
        default_life: Duration::from_hours(1),
    }
}

fn reading(harvest: &HarvestStub, page_length: usize) -> HarvestReading {
    let settings = HarvestSettings::new(harvest.api_url(), oauth(harvest));
    HarvestReading::new(HarvestSettings { page_length, time_out: Duration::from_secs(2), ..settings })
}

/// What a reader should know: every post that is not deleted, with its revision.
fn posts(account: &GreenhouseStub) -> BTreeMap<String, u64> {
    let last = account.ledger().into_iter().map(|(id, ledger)| (id, ledger.last().unwrap().clone()));
    let there = last.filter(|(_, version)| version.action.as_str() != "job_post_deleted");
    there.map(|(id, version)| (id.to_string(), version.revision)).collect()
}

#[tokio::test]
async fn every_post_is_read_page_by_page() {
    let (account, harvest) = account().await;
    create(&account, 7);
    let mut book = Book::default();
    assert_eq!(book.catch_up(&reading(&harvest, 3)).await, Ok(Progress::Complete));
    assert_eq!(book.open, posts(&account));
    assert_eq!(harvest.requests(), 3);
    assert_eq!(book.turns.load(Ordering::Relaxed), 3);
    assert_eq!(harvest.violations(), [""; 0]);
}

#[tokio::test]
async fn what_webhooks_did_not_tell_is_found_and_only_that() {
    let (account, harvest) = account().await;
    let ids = create(&account, 5);
    let reading = reading(&harvest, 2);
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    account.update_untold(ids[1]).unwrap();
    account.delete_untold(ids[3]).unwrap();
    account.create_untold();
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!(book.open, posts(&account));
    assert_eq!(book.documents, 5 + 2);
    assert_eq!(book.closed_by_absence, [ids[3].to_string()]);
}

#[tokio::test]
async fn posts_that_come_and_go_while_it_reads_hide_no_other() {
    let (account, harvest) = account().await;
    let ids = create(&account, 6);
    let reading = reading(&harvest, 2);
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    book.page(&reading).await.unwrap();
    account.delete_untold(ids[5]).unwrap();
    account.create_untold();
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!(book.closed_by_absence, [""; 0]);
    book.catch_up(&reading).await.unwrap();
    assert_eq!(book.open, posts(&account));
}

#[tokio::test]
async fn a_run_goes_on_after_every_interruption() {
    let (account, harvest) = account().await;
    create(&account, 6);
    let mut book = Book::default();
    let mut progress = Progress::More;
    while progress == Progress::More {
        harvest.inject(1, &Injection::Reset(Moment::AfterTaking));
        assert_eq!(book.page(&reading(&harvest, 2)).await.unwrap_err().code(), "unreachable");
        progress = book.page(&reading(&harvest, 2)).await.unwrap();
    }
    assert_eq!((progress, book.documents, book.open), (Progress::Complete, 6, posts(&account)));
}

#[tokio::test]
async fn a_cursor_that_the_vendor_forgot_begins_another_run() {
    let (account, harvest) = account().await;
    let ids = create(&account, 6);
    let reading = reading(&harvest, 2);
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    book.page(&reading).await.unwrap();
    harvest.forget_cursors();
    account.delete_untold(ids[5]).unwrap();
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!(book.open, posts(&account));
}

#[tokio::test]
async fn the_client_acts_for_a_user() {
    let (account, harvest) = account().await;
    account.create_untold();
    for wrong in [
        OAuthSettings { subject: None, ..oauth(&harvest) },
        OAuthSettings { client_secret: "other".into(), ..oauth(&harvest) },
    ] {
        let reading = HarvestReading::new(HarvestSettings::new(harvest.api_url(), wrong));
        let error = reading.page(None, &Book::default()).await.unwrap_err();
        assert!(matches!(error, PollError::Unauthorised { call: "token", .. }), "{error}");
        assert_eq!(reading.probe().await, Err(ProbeError::Refused(401)));
    }
    let reading = reading(&harvest, 1);
    assert_eq!(reading.probe().await, Ok(()));
    harvest.expire_tokens();
    assert_eq!(Book::default().catch_up(&reading).await, Ok(Progress::Complete), "another token is asked for");
}

#[tokio::test]
async fn faults_are_told_apart_by_what_helps() {
    let (account, harvest) = account().await;
    account.create_untold();
    let reading = reading(&harvest, 10);
    let mut book = Book::default();
    for (injection, code) in [
        (Injection::Status { status: 429, retry_after: Some("7".to_owned()) }, "limited"),
        (Injection::Status { status: 500, retry_after: None }, "partner_failed"),
        (Injection::Status { status: 403, retry_after: None }, "unauthorised"),
        (Injection::Status { status: 422, retry_after: None }, "protocol"),
        (Injection::Nonsense, "protocol"),
        (Injection::Garbage(Moment::AfterTaking), "unreachable"),
    ] {
        harvest.inject(1, &injection);
        assert_eq!(book.page(&reading).await.unwrap_err().code(), code, "{injection:?}");
    }
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
}

//! Reading ANAPEC from its stub: the list and its pages, TLS with a chain that lacks a certificate, and faults.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod poll;

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use connectors::{
    BaseUrl, ExtraCertificates, ProbeError,
    anapec::{
        AnapecReading, AnapecReadingSettings,
        stub::{AnapecStub, AnapecStubSettings},
    },
    poller::{PollError, Poller, Progress},
    stub::{Injection, Moment, TlsIdentity},
};
use jiff::{SignedDuration, Timestamp};
use poll::Book;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;

async fn stub() -> AnapecStub {
    let stub = AnapecStub::start(AnapecStubSettings { page_length: 3, ..AnapecStubSettings::default() });
    stub.await.unwrap()
}

fn settings(base_url: BaseUrl) -> AnapecReadingSettings {
    let never = Duration::MAX;
    let time_out = Duration::from_secs(5);
    AnapecReadingSettings { batch: 2, refresh_every: never, time_out, ..AnapecReadingSettings::new(base_url) }
}

fn reading(stub: &AnapecStub) -> AnapecReading {
    AnapecReading::new(settings(stub.site_url()))
}

fn publish(stub: &AnapecStub, offers: usize) -> Vec<String> {
    (0..offers).map(|_| stub.publish(Timestamp::now())).collect()
}

/// What a reader should know: the offers that are shown, with their revisions.
fn shown(stub: &AnapecStub) -> BTreeMap<String, u64> {
    stub.offers().into_iter().map(|offer| (offer.id, offer.revision)).collect()
}

#[tokio::test]
async fn every_offer_is_listed_and_fetched_the_international_ones_too() {
    let stub = stub().await;
    publish(&stub, 11);
    let mut book = Book::default();
    assert_eq!(book.catch_up(&reading(&stub)).await, Ok(Progress::Complete));
    assert_eq!(book.open, shown(&stub));
    assert_eq!(stub.requests(), 4 + 11, "four pages of the list, and each offer once");
    assert_eq!(book.turns.load(Ordering::Relaxed), stub.requests());
}

#[tokio::test]
async fn only_what_is_new_or_looks_different_is_fetched_again() {
    let stub = stub().await;
    let offers = publish(&stub, 7);
    let reading = reading(&stub);
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    stub.change(&offers[2]);
    stub.withdraw(&offers[4]);
    stub.publish(Timestamp::now());
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!(book.open, shown(&stub));
    assert_eq!(book.documents, 7 + 2);
    assert_eq!(book.closed_by_absence, [offers[4].clone()]);
}

#[tokio::test]
async fn a_page_is_fetched_again_after_a_while_whatever_the_list_says() {
    fn later() -> Timestamp {
        Timestamp::now() + SignedDuration::from_hours(24)
    }
    let stub = stub().await;
    let offers = publish(&stub, 4);
    let daily = AnapecReadingSettings { refresh_every: Duration::from_hours(24), ..settings(stub.site_url()) };
    let mut book = Book::default();
    book.catch_up(&AnapecReading::new(daily.clone())).await.unwrap();
    stub.change_page(&offers[1]);
    let later = AnapecReading::new(AnapecReadingSettings { now: later, ..daily });
    book.catch_up(&later).await.unwrap();
    assert_eq!(book.open, shown(&stub));
    assert_eq!(book.documents, 4 + 4);
}

#[tokio::test]
async fn a_list_that_moves_while_it_is_read_closes_nothing() {
    let stub = stub().await;
    let offers = publish(&stub, 9);
    let reading = reading(&stub);
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    book.page(&reading).await.unwrap();
    // An offer of the first page goes: the first one of the second page moves to the first, and is not seen.
    stub.withdraw(&offers[8]);
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::CaughtUp));
    assert_eq!(book.closed_by_absence, [""; 0]);
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!((&book.closed_by_absence[..], &book.open), (&[offers[8].clone()][..], &shown(&stub)));
}

#[tokio::test]
async fn an_offer_that_goes_as_another_comes_does_not_hide_a_third() {
    let stub = stub().await;
    let offers = publish(&stub, 9);
    let reading = reading(&stub);
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    book.page(&reading).await.unwrap();
    stub.withdraw(&offers[8]);
    book.page(&reading).await.unwrap();
    stub.publish(Timestamp::now());
    // The lengths agree now, but one fewer was seen than there are.
    book.catch_up(&reading).await.unwrap();
    assert_eq!(book.closed_by_absence, [""; 0]);
}

#[tokio::test]
async fn a_run_goes_on_after_every_interruption() {
    let stub = stub().await;
    publish(&stub, 8);
    let mut book = Book::default();
    let mut progress = Progress::More;
    while progress == Progress::More {
        stub.inject(1, &Injection::Reset(Moment::AfterTaking));
        assert_eq!(book.page(&reading(&stub)).await.unwrap_err().code(), "unreachable");
        progress = book.page(&reading(&stub)).await.unwrap();
    }
    assert_eq!((progress, &book.open), (Progress::Complete, &shown(&stub)));
    assert_eq!(book.documents, 8);
}

#[tokio::test]
async fn an_offer_that_vanishes_between_list_and_page_is_gone() {
    let stub = stub().await;
    let offers = publish(&stub, 3);
    let reading = reading(&stub);
    let mut book = Book::default();
    book.page(&reading).await.unwrap();
    stub.withdraw(&offers[1]);
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
    assert_eq!((book.open, book.parked.len()), (shown(&stub), 0));
}

#[tokio::test]
async fn one_strange_entry_or_page_stops_nothing_and_closes_nothing() {
    let stub = stub().await;
    let offers = publish(&stub, 3);
    let reading = reading(&stub);
    let mut book = Book::default();
    book.catch_up(&reading).await.unwrap();
    stub.list_oddity(json!({ "ref_offre": "AG0307261139632" }));
    stub.withdraw(&offers[0]);
    stub.publish(Timestamp::now());
    book.page(&reading).await.unwrap();
    stub.inject(1, &Injection::Status { status: 302, retry_after: None });
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::CaughtUp));
    let parked: Vec<_> =
        book.parked.iter().map(|part| (part.call, part.pointer.as_str(), part.reference.is_some())).collect();
    assert_eq!(parked, [("offer", "", true), ("list", "/Offre/0", false)]);
    assert_eq!(book.closed_by_absence, [""; 0]);
}

#[tokio::test]
async fn faults_are_told_apart_by_what_helps() {
    let stub = stub().await;
    publish(&stub, 1);
    let quick = AnapecReadingSettings { time_out: Duration::from_millis(300), ..settings(stub.site_url()) };
    let reading = AnapecReading::new(quick);
    let mut book = Book::default();
    for (injection, code) in [
        (Injection::Status { status: 429, retry_after: Some("7".to_owned()) }, "limited"),
        (Injection::Status { status: 502, retry_after: None }, "partner_failed"),
        (Injection::Status { status: 403, retry_after: None }, "unauthorised"),
        (Injection::Status { status: 301, retry_after: None }, "protocol"),
        (Injection::Nonsense, "protocol"),
        (Injection::Hang(Moment::BeforeTaking), "unreachable"),
        (Injection::Garbage(Moment::AfterTaking), "unreachable"),
    ] {
        stub.inject(1, &injection);
        assert_eq!(book.page(&reading).await.unwrap_err().code(), code, "{injection:?}");
    }
    assert_eq!(book.catch_up(&reading).await, Ok(Progress::Complete));
}

#[tokio::test]
async fn a_probe_reads_the_list() {
    let stub = stub().await;
    let reading = reading(&stub);
    assert_eq!(reading.probe().await, Ok(()));
    stub.fail_now(&Injection::Status { status: 500, retry_after: None });
    assert_eq!(reading.probe().await, Err(ProbeError::Failing(500)));
    stub.heal();
    assert_eq!(reading.probe().await, Ok(()));
}

/// A certificate authority with an intermediate, and a server below it.
struct Authority {
    root: String,
    intermediate: String,
    server: String,
    key: String,
}

fn authority(name: &str) -> Authority {
    let issuer = |name: String| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let key = || KeyPair::generate().unwrap();
    let root = CertifiedIssuer::self_signed(issuer(format!("{name} root")), key()).unwrap();
    let intermediate = CertifiedIssuer::signed_by(issuer(format!("{name} intermediate")), key(), &root).unwrap();
    let server_key = key();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&server_key, &intermediate).unwrap();
    Authority {
        root: root.pem(),
        intermediate: intermediate.pem(),
        server: server.pem(),
        key: server_key.serialize_pem(),
    }
}

/// A stub that sends these certificates.
async fn over_tls(certificates: &str, key: &str) -> AnapecStub {
    let tls = TlsIdentity::from_pem(certificates.as_bytes(), key.as_bytes()).unwrap();
    let settings =
        AnapecStubSettings { tls: Some(tls), host: Some("localhost".to_owned()), ..AnapecStubSettings::default() };
    AnapecStub::start(settings).await.unwrap()
}

async fn read_with(stub: &AnapecStub, certificates: ExtraCertificates) -> Result<Progress, PollError> {
    let reading = AnapecReading::new(AnapecReadingSettings { certificates, ..settings(stub.site_url()) });
    Book::default().catch_up(&reading).await
}

fn extra(root: &str, intermediates: &str) -> ExtraCertificates {
    let extra = ExtraCertificates::default().with_roots(root.as_bytes()).unwrap();
    if intermediates.is_empty() { extra } else { extra.with_intermediates(intermediates.as_bytes()).unwrap() }
}

fn assert_unknown_issuer(read: Result<Progress, PollError>) {
    let Err(PollError::Unreachable { detail, .. }) = read else { panic!("{read:?}") };
    assert!(detail.contains("UnknownIssuer"), "{detail}");
}

#[tokio::test]
async fn a_chain_that_lacks_its_intermediate_is_completed_by_the_configured_one() {
    let anapec = authority("anapec");
    let stub = over_tls(&anapec.server, &anapec.key).await;
    publish(&stub, 4);
    assert_unknown_issuer(read_with(&stub, extra(&anapec.root, "")).await);
    assert_eq!(read_with(&stub, extra(&anapec.root, &anapec.intermediate)).await, Ok(Progress::Complete));
}

#[tokio::test]
async fn an_intermediate_is_never_trusted_by_itself() {
    let (anapec, other) = (authority("anapec"), authority("other"));
    let stub = over_tls(&anapec.server, &anapec.key).await;
    assert_unknown_issuer(read_with(&stub, extra(&other.root, &anapec.intermediate)).await);
}

#[tokio::test]
async fn a_wrong_chain_stays_wrong() {
    let (anapec, other) = (authority("anapec"), authority("other"));
    let both = format!("{}{}", other.intermediate, anapec.intermediate);
    let stub = over_tls(&anapec.server, &anapec.key).await;
    assert_unknown_issuer(read_with(&stub, extra(&anapec.root, &other.intermediate)).await);
    assert_eq!(read_with(&stub, extra(&anapec.root, &both)).await, Ok(Progress::Complete), "one of them fits");
    let impostor = over_tls(&other.server, &other.key).await;
    assert_unknown_issuer(read_with(&impostor, extra(&anapec.root, &both)).await);
}

#[tokio::test]
async fn a_right_chain_for_another_name_is_refused() {
    let anapec = authority("anapec");
    let tls = TlsIdentity::from_pem(anapec.server.as_bytes(), anapec.key.as_bytes()).unwrap();
    let settings = AnapecStubSettings { tls: Some(tls), host: None, ..AnapecStubSettings::default() };
    let stub = AnapecStub::start(settings).await.unwrap();
    let Err(PollError::Unreachable { detail, .. }) = read_with(&stub, extra(&anapec.root, &anapec.intermediate)).await
    else {
        panic!("127.0.0.1 is not localhost")
    };
    assert!(detail.contains("not valid for name"), "{detail}");
}

#[tokio::test]
async fn a_whole_chain_needs_no_help_and_faults_strike_through_tls_too() {
    let anapec = authority("anapec");
    let chain = format!("{}{}", anapec.server, anapec.intermediate);
    let stub = over_tls(&chain, &anapec.key).await;
    publish(&stub, 1);
    assert_eq!(read_with(&stub, extra(&anapec.root, "")).await, Ok(Progress::Complete));
    for injection in [Injection::Reset(Moment::AfterTaking), Injection::Garbage(Moment::AfterTaking)] {
        stub.inject(1, &injection);
        let read = read_with(&stub, extra(&anapec.root, "")).await;
        assert_eq!(read.unwrap_err().code(), "unreachable", "{injection:?}");
    }
}

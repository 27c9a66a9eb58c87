//! The desks of Actiris and ANAPEC, seen from a sender: what they take, what they refuse and where it is wrong.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::time::Duration;

use connectors::{
    BaseUrl, ExtraCertificates, Outcome, Parcel, ProbeError, Repeats, Sender,
    actiris::stub::{ActirisStub, ActirisStubSettings},
    anapec::stub::{AnapecStub, AnapecStubSettings},
    code,
    rest::{
        Closings, RestPush, RestSettings,
        stub::{Inbox, Rule},
    },
    stub::{Counting, Injection, Quota},
};
use schemas::{EntityKey, Kind, Operation};

const HR_XML: &str = r#"<PositionOpening xmlns="http://ns.hr-xml.org/2007-04-15"><PositionRecordInfo><Id><IdValue>1</IdValue></Id></PositionRecordInfo><PositionProfile xml:lang="fr"><PositionDetail><PositionTitle>Soudeur (rev 3)</PositionTitle></PositionDetail></PositionProfile></PositionOpening>"#;
const LABELS: &str = "Référence de l'offre : V-1\nIntitulé du poste : Soudeur (rev 3)\nStatut : publiée\n";

fn sender(base_url: &BaseUrl, token: &str) -> RestPush {
    let settings = RestSettings {
        base_url: base_url.clone(),
        token: Some(token.into()),
        repeats: Repeats::ByKey,
        closings: Closings::default(),
        connect_time_out: Duration::from_secs(2),
        certificates: ExtraCertificates::default(),
    };
    RestPush::new(settings).unwrap()
}

async fn send(sender: &RestPush, key: &str, media_type: &str, body: &str) -> Outcome {
    let parcel = Parcel {
        dispatch: "0196f7a1-0000-8000-8000-000000000001".parse().unwrap(),
        idempotency_key: key.to_owned(),
        reference: reference(),
        operation: Operation::Upsert,
        kind: Kind::Vacancy,
        media_type: media_type.to_owned(),
        body: body.as_bytes().to_vec(),
        time_out: Duration::from_secs(5),
        closing: None,
        notice: None,
    };
    sender.send(parcel).await.outcome
}

fn reference() -> EntityKey {
    EntityKey::of_vacancy(&"acme".parse().unwrap(), "REQ-50")
}

fn delivered() -> Outcome {
    Outcome::Delivered { foreign_reference: Some("P-1".to_owned()) }
}

fn assert_fault(outcome: Outcome, place: &str, expected: &str) {
    let Outcome::Rejected { faults } = outcome else { panic!("{outcome:?}") };
    assert_eq!((faults[0].pointer.as_deref(), faults[0].code.as_str()), (Some(place), expected));
}

fn revision(inbox: &Inbox) -> Option<u64> {
    inbox.history(&reference().to_string()).last().unwrap().revision
}

async fn actiris() -> ActirisStub {
    ActirisStub::start(ActirisStubSettings { token: Some("t0ken".into()), ..ActirisStubSettings::default() })
        .await
        .unwrap()
}

#[tokio::test]
async fn actiris_takes_what_keeps_its_rules() {
    let stub = actiris().await;
    let sender = sender(stub.base_url(), "t0ken");
    assert_eq!(send(&sender, "k1", "application/xml", HR_XML).await, delivered());
    assert_eq!((revision(&stub), stub.violations()), (Some(3), vec![]));
    let english = HR_XML.replace(r#""fr""#, r#""en""#);
    assert_fault(send(&sender, "k2", "application/xml", &english).await, "/PositionOpening[1]", "language");
    let rules: Vec<_> = stub.violations().iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::Document]);
}

#[tokio::test]
async fn actiris_wants_its_token_and_keeps_its_limit() {
    let stub = actiris().await;
    let refused = send(&sender(stub.base_url(), "other"), "k1", "application/xml", HR_XML).await;
    assert!(matches!(refused, Outcome::Retry { code: code::UNAUTHORISED, .. }), "{refused:?}");
    let quota = Quota { requests: 1, window: Duration::from_hours(1), counting: Counting::Sliding };
    let settings = ActirisStubSettings { quotas: vec![quota], ..ActirisStubSettings::default() };
    let limited = ActirisStub::start(settings).await.unwrap();
    let sender = sender(limited.base_url(), "t0ken");
    assert_eq!(send(&sender, "k1", "application/xml", HR_XML).await, delivered());
    assert!(matches!(send(&sender, "k2", "application/xml", HR_XML).await, Outcome::Retry { code: code::LATER, .. }));
    assert_eq!(limited.limit_breach_count(), 1);
}

#[tokio::test]
async fn actiris_fails_and_heals() {
    let stub = actiris().await;
    let sender = sender(stub.base_url(), "t0ken");
    stub.fail_now(Injection::Status { status: 500, retry_after: None });
    assert!(matches!(
        send(&sender, "k1", "application/xml", HR_XML).await,
        Outcome::Retry { code: code::PARTNER_FAILED, .. }
    ));
    assert_eq!(sender.probe().await, Err(ProbeError::Failing(500)));
    stub.heal();
    assert_eq!(sender.probe().await, Ok(()));
    assert_eq!(send(&sender, "k1", "application/xml", HR_XML).await, delivered());
}

#[tokio::test]
async fn anapec_takes_texts_of_labels() {
    let settings = AnapecStubSettings { token: Some("t0ken".into()), ..AnapecStubSettings::default() };
    let stub = AnapecStub::start(settings).await.unwrap();
    let sender = sender(&stub.desk_url(), "t0ken");
    assert_eq!(sender.probe().await, Ok(()));
    assert_eq!(send(&sender, "k1", "text/plain; charset=utf-8", LABELS).await, delivered());
    assert_eq!((revision(stub.inbox()), stub.inbox().violations()), (Some(3), vec![]));
    let open = LABELS.replace("publiée", "ouverte");
    assert_fault(send(&sender, "k2", "text/plain; charset=utf-8", &open).await, "/Statut", "status");
    stub.fail_now(&Injection::Status { status: 503, retry_after: None });
    assert_eq!(sender.probe().await, Err(ProbeError::Failing(503)));
    stub.heal();
    assert_eq!(sender.probe().await, Ok(()));
}

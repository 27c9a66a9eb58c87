//! Posting to VDAB's stub: who may, what it takes, and what becomes of a token that fails.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

use std::time::Duration;

use connectors::{
    ExtraCertificates, Outcome, Parcel, ProbeError, Repeats, Sender, code,
    rest::stub::{Rule, Verdict},
    stub::{Counting, Injection, Moment, Quota},
    vdab::{
        VdabAccount, VdabPosting, VdabPostingSettings,
        stub::{VdabPart, VdabStub, VdabStubSettings},
    },
};
use schemas::{EntityKey, Kind, Operation};

async fn stub() -> VdabStub {
    start(VdabStubSettings::new("client".to_owned(), "s3cret".into(), "key".into())).await
}

async fn start(settings: VdabStubSettings) -> VdabStub {
    VdabStub::start(settings).await.unwrap()
}

fn posting(stub: &VdabStub, secret: &str) -> VdabPosting {
    let settings = VdabPostingSettings {
        base_url: stub.posting_url(),
        account: VdabAccount::new(stub.token_url(), "client".to_owned(), secret.into(), "key".into()),
        repeats: Repeats::ByKey,
        connect_time_out: Duration::from_secs(2),
        token_time_out: Duration::from_secs(2),
        certificates: ExtraCertificates::default(),
    };
    VdabPosting::new(settings).unwrap()
}

fn reference() -> EntityKey {
    EntityKey::of_vacancy(&"acme".parse().unwrap(), "REQ-50")
}

fn parcel(key: &str, operation: Operation, body: &str) -> Parcel {
    Parcel {
        dispatch: "0196f7a1-0000-8000-8000-000000000001".parse().unwrap(),
        idempotency_key: key.to_owned(),
        reference: reference(),
        operation,
        kind: Kind::Vacancy,
        media_type: "application/xml".to_owned(),
        body: body.as_bytes().to_vec(),
        time_out: Duration::from_secs(5),
        closing: None,
        notice: None,
    }
}

fn vacancy(text: &str) -> String {
    format!(
        r#"<PositionOpening xmlns="http://ns.hr-xml.org/2007-04-15"><PositionRecordInfo><Id><IdValue>1</IdValue></Id></PositionRecordInfo>
           <PositionProfile><PositionDetail><PositionTitle>{text}</PositionTitle></PositionDetail></PositionProfile></PositionOpening>"#
    )
}

async fn post(posting: &VdabPosting, key: &str, body: &str) -> Outcome {
    posting.send(parcel(key, Operation::Upsert, body)).await.outcome
}

fn delivered() -> Outcome {
    Outcome::Delivered { foreign_reference: Some("P-1".to_owned()) }
}

#[tokio::test]
async fn a_vacancy_is_posted_changed_and_closed() {
    let stub = stub().await;
    let posting = posting(&stub, "s3cret");
    assert_eq!(post(&posting, "k1", &vacancy("Lasser (rev 1)")).await, delivered());
    assert_eq!(post(&posting, "k2", &vacancy("Lasser (rev 2)")).await, delivered());
    let closed = posting.send(parcel("k3", Operation::Close, "")).await.outcome;
    assert_eq!(closed, Outcome::Delivered { foreign_reference: None });
    let revisions: Vec<_> =
        stub.inbox().history(&reference().to_string()).iter().map(|received| received.revision).collect();
    assert_eq!(revisions, [Some(1), Some(2), None]);
    assert_eq!((stub.inbox().violations(), stub.tokens_given()), (vec![], 1));
}

#[tokio::test]
async fn what_breaks_a_rule_of_vdab_is_refused_with_its_place() {
    let stub = stub().await;
    let outcome = post(&posting(&stub, "s3cret"), "k1", &vacancy("zie www.voorbeeld.example")).await;
    let Outcome::Rejected { faults } = outcome else { panic!("{outcome:?}") };
    let place = "/PositionOpening[1]/PositionProfile[1]/PositionDetail[1]/PositionTitle[1]";
    assert_eq!((faults[0].pointer.as_deref(), faults[0].code.as_str()), (Some(place), "link"));
    let rules: Vec<_> = stub.inbox().violations().iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::Document]);
    assert_eq!(stub.inbox().history(&reference().to_string())[0].verdict, Verdict::Refused);
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_the_fault_of_the_document() {
    let stub = stub().await;
    let posting = posting(&stub, "s3cret");
    assert_eq!(post(&posting, "k1", &vacancy("Lasser")).await, delivered());
    stub.expire_tokens();
    let refused = post(&posting, "k2", &vacancy("Lasser!")).await;
    assert!(matches!(refused, Outcome::Retry { code: code::UNAUTHORISED, .. }), "{refused:?}");
    assert_eq!(post(&posting, "k2", &vacancy("Lasser!")).await, delivered());
    assert_eq!(stub.tokens_given(), 2);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let stub = stub().await;
    let wrong = post(&posting(&stub, "other"), "k1", &vacancy("Lasser")).await;
    assert!(matches!(wrong, Outcome::Retry { code: code::UNAUTHORISED, .. }), "{wrong:?}");
    for (injection, expected, after) in [
        (
            Injection::Status { status: 429, retry_after: Some("7".to_owned()) },
            code::LATER,
            Some(Duration::from_secs(7)),
        ),
        (Injection::Status { status: 500, retry_after: None }, code::PARTNER_FAILED, None),
        (Injection::Hang(Moment::BeforeTaking), code::UNREACHABLE, None),
        (Injection::Nonsense, code::PARTNER_FAILED, None),
    ] {
        stub.inject(VdabPart::Token, 1, &injection);
        let outcome = post(&posting(&stub, "s3cret"), "k1", &vacancy("Lasser")).await;
        let Outcome::Retry { code, after: wait, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!((code, wait), (expected, after), "{injection:?}");
    }
    assert_eq!(stub.requests(VdabPart::Posting), 0);
}

#[tokio::test]
async fn a_probe_says_what_is_wrong() {
    let stub = stub().await;
    assert_eq!(posting(&stub, "other").probe().await, Err(ProbeError::Refused(401)));
    let posting = posting(&stub, "s3cret");
    assert_eq!(posting.probe().await, Ok(()));
    stub.expire_tokens();
    assert_eq!(posting.probe().await, Err(ProbeError::Refused(401)));
    assert_eq!(posting.probe().await, Ok(()), "the refused token was given up");
    stub.fail_now(&Injection::Status { status: 503, retry_after: None });
    assert_eq!(posting.probe().await, Err(ProbeError::Failing(503)));
    stub.heal();
    assert_eq!(posting.probe().await, Ok(()));
}

#[tokio::test]
async fn the_limit_of_posting_is_its_own() {
    let quota = Quota { requests: 1, window: Duration::from_hours(1), counting: Counting::Fixed };
    let settings = VdabStubSettings::new("client".to_owned(), "s3cret".into(), "key".into());
    let stub = start(VdabStubSettings { posting_quotas: vec![quota], ..settings }).await;
    let posting = posting(&stub, "s3cret");
    assert_eq!(post(&posting, "k1", &vacancy("Lasser")).await, delivered());
    let sent = posting.send(parcel("k2", Operation::Upsert, &vacancy("Lasser!"))).await;
    assert!(matches!(sent.outcome, Outcome::Retry { code: code::LATER, after: Some(_), .. }), "{sent:?}");
    assert_eq!((sent.limits[0].quota, sent.limits[0].remaining), (Some(1), Some(0)));
    assert_eq!(stub.limit_breaches(VdabPart::Posting).len(), 1);
}

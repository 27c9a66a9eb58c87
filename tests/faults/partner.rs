//! A partner that hangs, resets, fails and asks for time, while the gateway is killed now and then; its limit holds.

use std::time::Duration;

use connectors::rest::stub::{Injection, Moment};
use rand::RngExt;

use crate::support::{Setup, Trial, most_within};

/// What the partner allows.
const ALLOWED: usize = 40;
/// In how long.
const WINDOW: Duration = Duration::from_secs(1);
/// Storms, one kind of fault each.
const STORMS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_misbehaves_gets_everything_in_order_and_within_its_limit() {
    let limits = format!("\n[limits]\nwindows = [{{ requests = {ALLOWED}, seconds = 1 }}]\n");
    let mut trial = Trial::start(Setup::new(), &limits).await;
    let arrivals = trial.arrivals();
    for _ in 0..STORMS {
        let fault = match trial.random.random_range(0..6) {
            0 => Injection::Hang(Moment::BeforeTaking),
            1 => Injection::Hang(Moment::AfterTaking),
            2 => Injection::Reset(Moment::AfterTaking),
            3 => Injection::Garbage(Moment::AfterTaking),
            4 => Injection::Status { status: 429, retry_after: Some("1".to_owned()) },
            _ => Injection::Status { status: 503, retry_after: None },
        };
        trial.receiver.inject(trial.random.random_range(1..8), &fault);
        trial.run(400).await;
        if trial.random.random_bool(0.3) {
            trial.gateway.kill().await;
            trial.gateway.start().await;
        }
    }
    let report = trial.end().await;
    report.assert_clean();
    let most = most_within(WINDOW, &arrivals.lock().unwrap());
    assert!(most <= ALLOWED, "{most} requests within a second, {ALLOWED} are allowed");
}

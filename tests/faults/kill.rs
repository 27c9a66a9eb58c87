//! kill -9 at random points under traffic: what was accepted is kept, in order, and repeats are the same bytes.

use crate::support::{Setup, Trial};

/// How often the gateway is killed.
const KILLS: usize = 200;
/// Repeats that a kill may cost.
const REPEATS_A_KILL: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_kill_9_in_order() {
    let mut trial = Trial::start(Setup::new(), "").await;
    trial.slow_down();
    for _ in 0..KILLS {
        trial.run(250).await;
        trial.gateway.kill().await;
        trial.gateway.start().await;
    }
    let report = trial.end().await;
    report.assert_clean();
    assert!(report.repeats < REPEATS_A_KILL * KILLS, "{} repeats after {KILLS} kills", report.repeats);
}

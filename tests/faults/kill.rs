//! kill -9 at random points under traffic: what was accepted is kept, in order, and repeats are the same bytes.

use std::time::Duration;

use crate::support::{Desk, People, Setup, Trial};

/// How often the gateway is killed.
const KILLS: usize = 200;
/// How often while all three kinds are under way.
const KILLS_OF_THREE: usize = 20;
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

#[tokio::test(flavor = "multi_thread")]
async fn profiles_and_statuses_survive_kill_9_beside_vacancies() {
    let desk = Desk::open().await;
    let mut trial = Trial::start(desk.served_by(Setup::new()).with_vault().await, "").await;
    let door = trial.gateway.url("");
    let between = Duration::from_millis(5);
    let people = People::start(desk.clone(), &trial.gateway, &door, between, &mut trial.random).await;
    trial.slow_down();
    desk.slow_down(Duration::from_millis(15));
    for _ in 0..KILLS_OF_THREE {
        trial.run(1_000).await;
        trial.gateway.kill().await;
        trial.gateway.start().await;
    }
    let said = people.answered().await;
    said.heal();
    trial.end().await.assert_clean();
    assert_eq!(said.breaches(), Vec::<String>::new());
}

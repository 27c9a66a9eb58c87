//! Sends and withdrawals at the same time: nothing is sent once a withdrawal is acknowledged, and whatever was sent before
//! is asked back. `just test-withdrawals` runs it with ten thousand of them, on both engines, with nodes that are killed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::disallowed_methods, reason = "tests hold their own tasks")]

mod checker;
mod life;
mod puller;
mod reader;
mod runs;
mod scene;

#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;

use self::scene::Scene;

/// Names a gateway that decides when it routes and never again; `just routing-only` builds it.
const ROUTING_ONLY: &str = "PASSERELLE_TEST_ROUTING_ONLY";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_a_withdrawal_and_what_was_sent_before_is_recalled() {
    Scene::embedded(None).await.run(0).await.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_behind_a_send_when_a_person_withdraws_is_never_sent() {
    Scene::embedded(None).await.run_while_answers_wait().await.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_holds_on_one_node_that_is_killed() {
    Scene::embedded(None).await.run(5).await.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants Kafka, a registry and PostgreSQL: `just test-distributed` and `just test-withdrawals` start them"]
async fn the_same_holds_on_two_nodes_that_are_killed() {
    let Some(scene) = Scene::on_engines(None).await else { return };
    scene.run(4).await.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_decides_only_at_routing_is_found_out() {
    let Some(program) = std::env::var_os(ROUTING_ONLY).map(PathBuf::from) else {
        eprintln!(
            "skipped: {ROUTING_ONLY} names no gateway; `just test-routing-only` and `just test-withdrawals` build it"
        );
        return;
    };
    let verdict = Scene::embedded(Some(&program)).await.run_while_answers_wait().await;
    assert!(
        !verdict.late.is_empty(),
        "a gateway that decides only when it routes was not found out: it sends on after withdrawals that it has \
         acknowledged, and not one such send was noticed. Either the checker is blind, or `routing_only.patch` does not \
         do any more what it says: {verdict}"
    );
    println!("found out, for example: {}", verdict.late[0]);
}

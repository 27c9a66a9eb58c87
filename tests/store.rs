//! `passerelle store`: a store looked at and migrated without a daemon.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use serde_json::{Value, json};

use self::support::Setup;

async fn ask(setup: &Setup, verb: &str) -> (Option<i32>, Value, String) {
    let output = setup.run(&["store", verb, "--json"]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), serde_json::from_str(&said).unwrap_or_default(), complaint)
}

#[tokio::test]
async fn a_store_is_migrated_once_and_tells_how_it_stands() {
    let setup = Setup::new().with_store().await;
    let (_, empty, _) = ask(&setup, "status").await;
    assert_eq!(empty["version"], Value::Null);
    let due = empty["due"].clone();
    assert_ne!(due, json!([]));
    let (code, made, _) = ask(&setup, "migrate").await;
    assert_eq!((code, &made["made"]), (Some(0), &due));
    let (_, made, _) = ask(&setup, "migrate").await;
    assert_eq!(made["made"], json!([]));
    let (_, stands, _) = ask(&setup, "status").await;
    assert_eq!((&stands["due"], &stands["rows"]["dispatches"]), (&json!([]), &json!(0)));
    assert_eq!(stands["version"], due.as_array().unwrap().last().unwrap().clone());
}

#[tokio::test]
async fn a_store_that_is_not_there_is_out_of_reach() {
    let setup = Setup::new()
        .setting("ENGINES__STORE", "postgresql")
        .setting("POSTGRESQL__URL", "postgresql://nobody@127.0.0.1:1/nothing")
        .setting("POSTGRESQL__CONNECT_TIMEOUT_MS", "500");
    let (code, _, complaint) = ask(&setup, "status").await;
    assert_eq!(code, Some(3), "{complaint}");
    assert!(complaint.contains("cannot reach PostgreSQL"), "{complaint}");
}

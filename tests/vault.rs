//! The keys of persons from outside: made, checked, wrapped anew beside the daemon; persons looked up.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Stdio};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use self::support::{Gateway, Setup, pusher};

/// A gateway's setup whose key file is named and not made yet.
fn setup() -> (Setup, PathBuf) {
    let setup = Setup::new().partner(pusher("acme", "canonical"));
    let key_file = setup.config().with_file_name("wrapping.keys");
    (setup.setting("VAULT__KEY_FILE", &key_file.to_string_lossy()), key_file)
}

fn json_of(output: &std::process::Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Looks persons up from the command line, their foreign ids on standard input.
async fn looked_up(gateway: &Gateway, partner: &str, foreign_ids: &str) -> (bool, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_passerelle"))
        .args(["subject", "lookup", "--partner", partner])
        .env("PASSERELLE_URL", gateway.url(""))
        .env("PASSERELLE_TOKEN", gateway.operator_token())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(foreign_ids.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn a_key_is_made_for_its_owner_only_and_checked() {
    let (setup, key_file) = setup();
    let refused = setup.run(&["check"]).await;
    let complaint = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && complaint.contains("passerelle vault key"), "{complaint}");

    json_of(&setup.run(&["vault", "key", "--json"]).await);
    assert_eq!(fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(setup.run(&["check"]).await.status.success());
    let refused = setup.run(&["vault", "status"]).await;
    assert!(String::from_utf8(refused.stderr).unwrap().contains("no keys yet"));

    let text = fs::read_to_string(&key_file).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).unwrap();
    for weak in [text.as_str(), "c2hvcnQ=\n", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"] {
        fs::write(&key_file, weak).unwrap();
        let refused = setup.run(&["check"]).await;
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{complaint}");
        assert!(complaint.contains("vault.key_file") && !complaint.contains(weak.trim()), "{complaint}");
        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test]
async fn keys_are_wrapped_anew_beside_a_running_daemon() {
    let (setup, key_file) = setup();
    json_of(&setup.run(&["vault", "key", "--json"]).await);
    let mut gateway = setup.start().await;
    assert_eq!(gateway.get("/health/ready").await["parts"]["vault"], "works");
    let version = json_of(&gateway.run(&["vault", "key", "--json"]).await)["version"].clone();
    let status = json_of(&gateway.run(&["vault", "status", "--json"]).await);
    assert_eq!(status["keys"], 1, "the vault's own key");
    let rotated = json_of(&gateway.run(&["vault", "rotate", "--json"]).await);
    assert_eq!(rotated, json!({"version": version, "wrapped": 1}));
    let again = json_of(&gateway.run(&["vault", "rotate", "--json"]).await);
    assert_eq!(again, json!({"version": version, "wrapped": 0}));
    assert!(gateway.stop().await);

    let text = fs::read_to_string(&key_file).unwrap();
    let (newest, old) = text.split_once('\n').unwrap();
    fs::write(&key_file, old).unwrap();
    let refused = gateway.run(&["vault", "status"]).await;
    let complaint = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && complaint.contains("is missing"), "{complaint}");
    fs::write(&key_file, newest).unwrap();
    gateway.start().await;
    assert_eq!(gateway.get("/health/ready").await["parts"]["vault"], "works", "without the old key");
}

#[tokio::test]
async fn persons_are_looked_up_by_operators() {
    let (setup, _) = setup();
    json_of(&setup.run(&["vault", "key", "--json"]).await);
    let gateway = setup.start().await;
    let ask = async |token: &str, body: Value| {
        let request = gateway.http.post(gateway.url("/v1/subjects/lookup")).bearer_auth(token).json(&body);
        let response = request.send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let wanted = json!({"partner": "acme", "foreign_ids": ["AB123456", "CD789"]});
    let (status, _) = ask(&gateway.key("acme").await, wanted.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let operator = gateway.operator_token();
    let (status, found) = ask(&operator, wanted).await;
    assert_eq!((status, found), (StatusCode::OK, json!({"subjects": [null, null]})));
    let (status, _) = ask(&operator, json!({"partner": "nobody", "foreign_ids": []})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let many: Vec<String> = (0..1_001).map(|number| number.to_string()).collect();
    let (status, _) = ask(&operator, json!({"partner": "acme", "foreign_ids": many})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(looked_up(&gateway, "acme", "AB123456\n\nCD789\n").await, (true, "-\n-\n".to_owned()));
    let (went_well, said) = looked_up(&gateway, "nobody", "AB123456\n").await;
    assert!(!went_well && !said.contains("AB123456"), "{said}");
    let unknown = gateway.url("/v1/subjects/5f0d7f3e-6a37-4c0e-8b1c-0d5a7f1f9d11/keys");
    let response = gateway.http.delete(unknown).bearer_auth(&operator).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_vault_nobody_is_known() {
    let gateway = Setup::new().partner(pusher("acme", "canonical")).start().await;
    let (went_well, said) = looked_up(&gateway, "acme", "AB123456\n").await;
    assert!(!went_well && said.contains("vault.key_file"), "{said}");
    assert_eq!(gateway.get("/health/ready").await["parts"].get("vault"), None);
}

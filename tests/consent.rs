//! `passerelle consent`: the binary from outside, on files and beside a daemon.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::process::Command;

use reqwest::StatusCode;
use serde_json::{Value, json};

use self::support::{Gateway, Setup};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/consent");

fn file(name: &str) -> String {
    format!("{FILES}/{name}")
}

/// Runs the binary; what it printed, and on standard error, and whether it succeeded.
fn passerelle(arguments: &[&str]) -> (String, String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_passerelle")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.success())
}

fn decide(rest: &[&str]) -> String {
    let (grant, request, config) = (file("grant.json"), file("request.json"), file("passerelle.toml"));
    let mut arguments = vec!["consent", "decide", "--grants", &grant, "--request", &request, "--config", &config];
    arguments.extend(rest);
    let (said, complaint, succeeded) = passerelle(&arguments);
    assert!(succeeded, "{complaint}");
    said
}

#[test]
fn a_decision_is_explained_step_by_step() {
    let said = decide(&["--at", "2026-06-01T12:00:00Z"]);
    for line in [
        "2 passed  data may leave its country by `ma:09-08:art44-consent` (law 09-08, article 44)",
        "  picture          category_excepted        0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a01 version 2 provision 1.1 denies",
        "  shoe_size        category_unclassified",
        "permit: profile",
        "obliges: delete by 2026-12-01T12:00:00Z (P6M), onward denied, hear of changes: yes",
        "rests on: 0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a01 version 2",
    ] {
        assert!(said.contains(line), "{line}\nis not in\n{said}");
    }
}

#[test]
fn a_decision_is_made_with_what_was_known_at_a_moment() {
    let decision: Value = serde_json::from_str(&decide(&["--at", "2026-03-02T09:01:00Z", "--json"])).unwrap();
    assert_eq!(decision["reason"], "consent_not_given");
    assert_eq!(decision["steps"].as_array().unwrap().last().unwrap()["passed"], json!(false));
    let decision: Value = serde_json::from_str(&decide(&["--at", "2026-03-02T09:05:00Z", "--json"])).unwrap();
    assert_eq!(decision["mask"]["permitted"], json!(["profile"]));
    assert_eq!(decision["mask"]["withheld"]["restricted"], "category_not_permitted");
}

#[test]
fn nothing_leaves_its_country_by_default() {
    let said =
        passerelle(&["consent", "decide", "--grants", &file("grant.json"), "--request", &file("request.json")]).0;
    assert!(said.contains("deny: no_transfer_instrument\nremedy: configure a dated instrument"), "{said}");
}

#[test]
fn a_grant_that_is_not_legal_is_refused_with_its_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grants.json");
    let mut grant: Value = serde_json::from_str(&std::fs::read_to_string(file("grant.json")).unwrap()).unwrap();
    grant["events"].as_array_mut().unwrap().remove(0);
    std::fs::write(&path, json!([grant]).to_string()).unwrap();
    let (_, complaint, succeeded) =
        passerelle(&["consent", "decide", "--grants", path.to_str().unwrap(), "--request", &file("request.json")]);
    assert!(!succeeded);
    assert!(complaint.contains("dpv:ConsentGiven cannot follow dpv:ConsentUnknown"), "{complaint}");
}

#[test]
fn check_names_the_pairs_between_which_nothing_about_persons_goes() {
    let folder = tempfile::tempdir().unwrap();
    let partner = |name: &str, role: &str, country: &str| {
        let text = format!(
            "name = \"{name}\"\ncountry = \"{country}\"\nrole = \"{role}\"\n[incoming.vacancy]\ndialect = \"canonical\"\n\
             [outgoing.vacancy]\ndialect = \"canonical\"\nconnector = {{ kind = \"feed\" }}\n"
        );
        std::fs::create_dir_all(folder.path().join("partners")).unwrap();
        std::fs::write(folder.path().join("partners").join(format!("{name}.toml")), text).unwrap();
    };
    partner("anapec", "public_service", "MA");
    partner("acme", "employer", "BE");
    partner("vdab", "public_service", "BE");
    let config = folder.path().join("passerelle.toml");
    std::fs::copy(file("passerelle.toml"), &config).unwrap();
    let (said, complaint, succeeded) = passerelle(&["check", "--deny-warnings", "--config", config.to_str().unwrap()]);
    assert!(succeeded, "a default that denies is no warning: {complaint}");
    let notices: Vec<&str> = said.lines().filter(|line| line.starts_with("notice:")).collect();
    assert_eq!(notices.len(), 3, "{said}");
    for pair in ["from vdab to anapec", "from anapec to vdab", "from acme to anapec"] {
        assert!(notices.iter().any(|notice| notice.contains(pair)), "{pair}: {said}");
    }
    assert!(!said.contains("from anapec to acme"), "that pair has an instrument: {said}");
}

#[test]
fn an_instrument_that_the_law_does_not_give_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("passerelle.toml");
    let text = std::fs::read_to_string(file("passerelle.toml")).unwrap();
    let turned = text.replace("\"MA\"", "\"XX\"").replace("\"BE\"", "\"MA\"").replace("\"XX\"", "\"BE\"");
    std::fs::write(&config, turned.replace("ma:09-08:art44-consent", "eu-gdpr:A49-1-a")).unwrap();
    let (_, complaint, succeeded) = passerelle(&["check", "--config", config.to_str().unwrap()]);
    assert!(!succeeded && complaint.contains("article 49(3)"), "{complaint}");
}

#[test]
fn a_receipt_is_written_in_the_language_of_the_person() {
    let at = "2026-03-03T10:00:00Z";
    let (page, complaint, succeeded) =
        passerelle(&["consent", "receipt", &file("grant.json"), "--language", "ar", "--html", "--at", at]);
    assert!(succeeded, "{complaint}");
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"ar\" dir=\"rtl\">"), "{page}");
    let (receipt, ..) = passerelle(&["consent", "receipt", &file("grant.json"), "--language", "nl", "--at", at]);
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!(receipt["permissions"][0]["purposes"][0]["label"], "de keuze tussen kandidaten");
    let (_, complaint, succeeded) = passerelle(&["consent", "receipt", &file("grant.json"), "--language", "tlh"]);
    assert!(!succeeded && complaint.contains("fr, nl, ar, en"), "{complaint}");
}

#[test]
fn a_grant_goes_out_and_comes_back_in_the_forms_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let grant: Value = serde_json::from_str(&std::fs::read_to_string(file("grant.json")).unwrap()).unwrap();
    for (format, part) in [("27560", "/events"), ("27560", "/processing"), ("kantara", "/processing/provisions")] {
        let (document, complaint, succeeded) =
            passerelle(&["consent", "export", "--format", format, &file("grant.json")]);
        assert!(succeeded, "{complaint}");
        let path = folder.path().join(format);
        std::fs::write(&path, document).unwrap();
        let template = file("grant.json");
        let arguments = ["consent", "import", "--format", format, "--template", &template, path.to_str().unwrap()];
        let (read, complaint, succeeded) = passerelle(&arguments);
        assert!(succeeded, "{complaint}");
        let read: Value = serde_json::from_str(&read).unwrap();
        assert_eq!(read.pointer(part), grant.pointer(part), "{format} {part}");
    }
    let (_, complaint, succeeded) = passerelle(&["consent", "export", "--format", "fhir", &file("grant.json")]);
    assert!(!succeeded && complaint.contains("read, not written"), "{complaint}");
}

const NUMBER: &str = "0b9f2d4e-6a51-4c0e-9c3a-2f5d8e7b1a01";

fn grant() -> Value {
    serde_json::from_str(&std::fs::read_to_string(file("grant.json")).unwrap()).unwrap()
}

async fn post(gateway: &Gateway, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = gateway.http.post(gateway.url(path)).bearer_auth(gateway.operator_token()).json(body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_grant_is_kept_shown_and_withdrawn() {
    let gateway = Setup::new().start().await;
    assert_eq!(post(&gateway, "/v1/consents", &grant()).await.0, StatusCode::CREATED);
    assert_eq!(post(&gateway, "/v1/consents", &grant()).await.0, StatusCode::OK, "the same again changes nothing");
    assert_eq!(gateway.get(&format!("/v1/consents/{NUMBER}")).await, grant());
    let mut other = grant();
    other["processing"]["notice"]["version"] = "2026-04".into();
    let (status, problem) = post(&gateway, "/v1/consents", &other).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::CONFLICT, Some("grant_changed")));

    let path = format!("/v1/consents/{NUMBER}/withdraw");
    let (status, withdrawn) = post(&gateway, &path, &json!({"method": "phone"})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(withdrawn["events"][2]["state"], "dpv:ConsentWithdrawn");
    assert_eq!(withdrawn["recalls"], json!([]), "nobody was sent anything");
    let (status, again) = post(&gateway, &path, &json!({"method": "web"})).await;
    assert_eq!((status, again), (StatusCode::OK, withdrawn), "withdrawn again, nothing changes");
    let unknown = NUMBER.replace("0b9f", "0b90");
    assert_eq!(post(&gateway, &format!("/v1/consents/{unknown}/withdraw"), &json!({"method": "web"})).await.0, 404);
}

#[tokio::test]
async fn what_comes_after_another_grant_names_one_that_has_ended() {
    let gateway = Setup::new().start().await;
    post(&gateway, "/v1/consents", &grant()).await;
    let mut next = grant();
    next["header"]["record_id"] = NUMBER.replace("0b9f", "0b91").into();
    next["header"]["replaces"] = NUMBER.into();
    let (status, problem) = post(&gateway, "/v1/consents", &next).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("illegal_grant")));
    assert!(problem["detail"].as_str().unwrap().contains("has not ended"), "{problem}");
    post(&gateway, &format!("/v1/consents/{NUMBER}/withdraw"), &json!({"method": "web"})).await;
    assert_eq!(post(&gateway, "/v1/consents", &next).await.0, StatusCode::CREATED);
    next["header"]["replaces"] = NUMBER.replace("0b9f", "0b92").into();
    next["header"]["record_id"] = NUMBER.replace("0b9f", "0b93").into();
    assert_eq!(post(&gateway, "/v1/consents", &next).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn only_operators_have_to_do_with_grants() {
    let gateway = Setup::new().partner(support::pusher("acme", "canonical")).start().await;
    post(&gateway, "/v1/consents", &grant()).await;
    let key = gateway.key("acme").await;
    for (method, path, body) in [
        (reqwest::Method::POST, "/v1/consents".to_owned(), grant()),
        (reqwest::Method::GET, format!("/v1/consents/{NUMBER}"), Value::Null),
        (reqwest::Method::GET, format!("/v1/consents?subject={NUMBER}"), Value::Null),
        (reqwest::Method::POST, format!("/v1/consents/{NUMBER}/withdraw"), json!({"method": "web"})),
        (reqwest::Method::GET, "/v1/recalls".to_owned(), Value::Null),
        (reqwest::Method::PUT, format!("/v1/subjects/{NUMBER}/restriction?method=web"), Value::Null),
        (reqwest::Method::DELETE, format!("/v1/subjects/{NUMBER}/restriction?method=web"), Value::Null),
    ] {
        let request = || gateway.http.request(method.clone(), gateway.url(&path)).json(&body);
        assert_eq!(request().send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(request().bearer_auth(&key).send().await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn the_verbs_keep_show_and_withdraw() {
    let gateway = Setup::new().start().await;
    let run = async |arguments: &[&str]| {
        let output = gateway.run(arguments).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run(&["consent", "grant", &file("grant.json")]).await;
    assert!(said.starts_with(&format!("{NUMBER} version 2 of ")), "{said}");
    let said = run(&["consent", "withdraw", NUMBER, "--method", "paper"]).await;
    assert!(said.contains("dpv:ConsentWithdrawn") && said.contains("paper"), "{said}");
    let subject = grant()["header"]["subject"].as_str().unwrap().to_owned();
    let one = run(&["consent", "show", NUMBER, "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&one).unwrap()["events"].as_array().unwrap().len(), 3);
    assert_eq!(run(&["consent", "show", "--subject", &subject, "--json"]).await, one);
    assert_eq!(run(&["consent", "show", "--subject", NUMBER, "--json"]).await, "", "nobody is called so");
    assert_eq!(run(&["consent", "recalls", "--subject", &subject]).await, "", "nobody was sent anything");
    let said = run(&["consent", "restrict", &subject, "--method", "phone"]).await;
    assert!(said.starts_with("restricted since 20"), "{said}");
    assert_eq!(run(&["consent", "restrict", &subject]).await, said, "since the first time");
    assert_eq!(run(&["consent", "lift", &subject]).await, "not restricted\n");
}

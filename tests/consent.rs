//! `passerelle consent`: the binary from outside, on files.

use std::process::Command;

use serde_json::{Value, json};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/consent");

fn file(name: &str) -> String {
    format!("{FILES}/{name}")
}

/// Runs the binary; what it printed, and on standard error, and whether it succeeded.
fn passerelle(arguments: &[&str]) -> (String, String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_passerelle")).args(arguments).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints UTF-8");
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

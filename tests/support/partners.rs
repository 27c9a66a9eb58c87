//! Partner files for tests.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;

use super::Gateway;

/// The secret that signs webhooks of [`greenhouse_source`].
pub const WEBHOOK_SECRET: &str = "an-invented-webhook-secret";
/// The token of the puller of [`eures_feed`].
pub const PULLER_TOKEN: &str = "an-invented-puller-token";

/// An employer whose ATS is Greenhouse. What its vacancies never say stands in its defaults.
pub fn greenhouse_source(id: &str) -> (&str, String) {
    let file = r#"
name = "Metaalbouw Vandenhoute (invented)"
country = "BE"
role = "employer"
language = "nl"

[incoming.vacancy]
dialect = "greenhouse"

[webhook]
vendor = "greenhouse"
secret = "greenhouse-webhook"

[defaults]
"employer.name" = "Metaalbouw Vandenhoute"
"employer.legal_ids[be-kbo].value" = "0000000097"
"locations[].country" = "BE"
"occupations[]" = { scheme = "isco-08", code = "7212" }
"#;
    (id, file.to_owned())
}

/// A partner that pushes documents in a dialect.
pub fn pusher<'a>(id: &'a str, dialect: &str) -> (&'a str, String) {
    let file = format!(
        "name = \"Pusher (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n[incoming.vacancy]\ndialect = \"{dialect}\"\n"
    );
    (id, file)
}

/// A partner that we push to.
pub fn rest_receiver<'a>(id: &'a str, dialect: &str, base_url: &str, repeats: &str) -> (&'a str, String) {
    let file = format!(
        "name = \"Receiver (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n[outgoing.vacancy]\ndialect = \"{dialect}\"\n\
         connector = {{ kind = \"rest\", base_url = \"{base_url}\", token = \"{id}-token\", repeats = \"{repeats}\" }}\n"
    );
    (id, file)
}

/// A source in the EURES feed.
pub fn eures_feed<'a>(id: &'a str, dialect: &str, source: &str) -> (&'a str, String) {
    let file = format!(
        "name = \"EURES (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n[outgoing.vacancy]\ndialect = \"{dialect}\"\n\
         connector = {{ kind = \"eures-feed\", token = \"puller-token\", source = \"{source}\" }}\n"
    );
    (id, file)
}

/// A partner that pulls its own feed.
pub fn feed_reader<'a>(id: &'a str, dialect: &str) -> (&'a str, String) {
    let file = format!(
        "name = \"Reader (invented)\"\ncountry = \"BE\"\nrole = \"public_service\"\n[outgoing.vacancy]\ndialect = \"{dialect}\"\n\
         connector = {{ kind = \"feed\" }}\n"
    );
    (id, file)
}

/// Posts a body as Greenhouse does, under a right signature.
pub async fn greenhouse_event(gateway: &Gateway, partner: &str, event_id: &str, body: &[u8]) -> StatusCode {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let signature = digest.iter().fold("sha256 ".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    let request = gateway.http.post(gateway.url(&format!("/v1/{partner}/webhook"))).header("Signature", signature);
    request.header("Greenhouse-Event-ID", event_id).body(body.to_vec()).send().await.unwrap().status()
}

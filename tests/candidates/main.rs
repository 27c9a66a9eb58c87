//! Candidates of an applicant tracking system, which tells of them by signed events: believed by their signature, each only
//! once, gone when it says so. Where an event does not prove what it says, the candidate is read at the vendor; what events
//! do not tell is found by reading everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod fat;
mod thin;

#[path = "../support/mod.rs"]
mod support;

use self::support::{Gateway, is_settled};

/// Whether somebody's profile came through the router.
async fn is_routed(gateway: &Gateway, person: &str) -> bool {
    let messages = gateway.get("/v1/messages?partner=metal").await;
    let told = messages["messages"].as_array().unwrap().iter().any(|message| message["entity_key"] == person);
    told && is_settled(&gateway.get("/v1/backlog").await)
}

//! Reads the files of whoever is shown: at once, and by addresses that were given out before.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use reqwest::{Client, redirect::Policy};
use serde_json::Value;

use crate::{puller::PULLER, support::Gateway};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// Addresses that are kept to be used later.
const KEPT: usize = 40;
/// Persons of a pull whose files are asked for.
const ASKED: usize = 4;

/// A file that was read: when that began, whose it was, and how many bytes came.
pub struct Read {
    pub began: Timestamp,
    pub person: String,
    pub bytes: usize,
}

/// A reader at every node.
pub struct Reader {
    http: Client,
    key: String,
    /// Addresses that may be good still, each with whose file it leads to; the path only, for a node has another port after a kill.
    kept: VecDeque<(String, String)>,
    /// What was read.
    pub read: Vec<Read>,
}

impl Reader {
    pub async fn of(node: &Gateway) -> Self {
        let http = Client::builder().redirect(Policy::none()).timeout(ANSWER).build().unwrap();
        Self { http, key: node.key(PULLER).await, kept: VecDeque::new(), read: Vec::new() }
    }

    /// Asks for the files of some who are shown, and reads what is kept of long ago.
    pub async fn go_on(&mut self, base: &str, turn: usize, shown: &[(&String, &Value)]) {
        for (person, document) in shown.iter().cycle().skip(turn * ASKED).take(ASKED.min(shown.len())) {
            let Some(address) = address_of(document) else { continue };
            let asked = self.http.get(format!("{base}{address}")).bearer_auth(&self.key).send().await;
            let Ok(response) = asked else { continue };
            let location = response.headers().get("location").and_then(|location| location.to_str().ok());
            if let Some(token) = location.and_then(path_of) {
                self.kept.push_back((token, (*person).clone()));
            }
        }
        // The newest, which nothing has happened to most likely, and the oldest.
        let mut due = vec![self.kept.pop_back(), self.kept.pop_back()];
        if self.kept.len() > KEPT {
            due.push(self.kept.pop_front());
        }
        for (token, person) in due.into_iter().flatten() {
            self.read(base, &token, person).await;
        }
    }

    /// Reads everything that is kept.
    pub async fn finish(&mut self, base: &str) {
        while let Some((token, person)) = self.kept.pop_front() {
            self.read(base, &token, person).await;
        }
    }

    async fn read(&mut self, base: &str, token: &str, person: String) {
        let began = Timestamp::now();
        let Ok(response) = self.http.get(format!("{base}{token}")).send().await else { return };
        if response.status().is_success()
            && let Ok(bytes) = response.bytes().await
        {
            self.read.push(Read { began, person, bytes: bytes.len() });
        }
    }
}

/// Where a document says that a file is.
fn address_of(document: &Value) -> Option<String> {
    let attachments = document["profiles"][0]["attachments"].as_array()?;
    path_of(attachments.first()?["url"].as_str()?)
}

fn path_of(address: &str) -> Option<String> {
    Some(reqwest::Url::parse(address).ok()?.path().to_owned())
}

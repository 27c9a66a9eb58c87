//! An applicant tracking system of one invented company, with the API and the webhooks of one of five vendors.
//!
//! It does as the vendor's papers say, as far as they are published, else as others use it, and knows nothing of what
//! becomes of its answers: credentials, parameters and their bounds are checked by rules of its own, and what breaks one is
//! answered as the vendor would and noted ([`CandidateStub::violations`]). People are invented from a seed; the mark of
//! [`revision`](crate::revision) stands where a dialect reads text.

mod courier;
mod desk;
mod greenhouse;
mod lever;
mod person;
mod play;
mod recruitee;
mod roll;
pub mod sign;
mod smartrecruiters;
mod teamtailor;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, MutexGuard},
    time::Duration,
};

use axum::{Router, middleware};
use secrecy::SecretString;

use self::{desk::Desk, play::Trial, roll::Roll};
use super::CandidateAccount;
use crate::{
    BaseUrl,
    rest::stub::{RestStubError, listen},
    stub::{Front, FrontSettings, Injection, Server, pass},
};

/// No request has a body.
const BODY_LIMIT: usize = 1024;

/// The vendor; it closes when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct CandidateStub {
    desk: Arc<Desk>,
    front: Arc<Front>,
    server: Arc<Server>,
    base_url: BaseUrl,
}

impl CandidateStub {
    /// Opens an account without candidates, on a free port of this host.
    ///
    /// # Errors
    /// [`RestStubError`].
    pub async fn start(account: &CandidateAccount, seed: u64) -> Result<Self, RestStubError> {
        let (play, root) = play::of(account);
        let desk = Arc::new(Desk::new(play, Roll::new(seed)));
        let front = Arc::new(Front::new(&FrontSettings { body_limit: BODY_LIMIT, quotas: Vec::new() }));
        let router = Router::new()
            .fallback(desk::serve)
            .with_state(Arc::clone(&desk))
            .layer(middleware::from_fn_with_state(Arc::clone(&front), pass));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let (server, origin) = listen(address, None, None, router).await?;
        let base_url = if root.is_empty() { origin } else { origin.below(&[root]) };
        desk.roll().base_url = base_url.to_string();
        Ok(Self { desk, front, server: Arc::new(server), base_url })
    }

    /// What to read from.
    pub fn base_url(&self) -> BaseUrl {
        self.base_url.clone()
    }

    /// Adds a candidate and gives the id that the vendor's events name.
    pub fn add(&self) -> String {
        let mut roll = self.roll();
        let person = roll.add();
        self.desk.play.id(&person)
    }

    /// What the candidate's dialect calls `reference`: the id, or for Lever the contact.
    pub fn reference(&self, id: &str) -> Option<String> {
        let roll = self.roll();
        let person = roll.people.iter().find(|person| self.desk.play.id(person) == id)?;
        Some(self.desk.play.reference(person))
    }

    /// The references of all who are there, with the revision of each.
    pub fn people(&self) -> BTreeMap<String, u64> {
        let roll = self.roll();
        roll.present().map(|person| (self.desk.play.reference(person), person.revision)).collect()
    }

    /// Changes a candidate; false if there is none of that id.
    pub fn change(&self, id: &str) -> bool {
        self.with(id, |person| person.revision += 1)
    }

    /// Deletes a candidate; false if there is none of that id.
    pub fn delete(&self, id: &str) -> bool {
        self.with(id, |person| person.is_gone = true)
    }

    /// Merges the first candidate into the second: the first is gone, the second changes.
    pub fn merge(&self, from: &str, into: &str) -> bool {
        self.change(into) && self.delete(from)
    }

    /// Spoils what is answered about a candidate: it has no id any more.
    pub fn spoil(&self, id: &str) -> bool {
        self.with(id, |person| person.is_spoiled = true)
    }

    /// Heals what was spoiled.
    pub fn unspoil(&self, id: &str) -> bool {
        self.with(id, |person| person.is_spoiled = false)
    }

    /// Adds another opportunity of the same person, as Lever has them, and gives its id.
    pub fn add_again(&self, id: &str) -> Option<String> {
        let mut roll = self.roll();
        let number = roll.people.len() as u64 + 1;
        let person = roll.people.iter().find(|person| self.desk.play.id(person) == id)?.again(number);
        let id = self.desk.play.id(&person);
        roll.people.push(person);
        Some(id)
    }

    /// Anonymises a candidate, as Lever does.
    pub fn anonymise(&self, id: &str) -> bool {
        self.with(id, |person| person.is_anonymised = true)
    }

    /// Answers the requests after so many with 429 and what the vendor says of its limit, so many times.
    pub fn limit_after(&self, requests: u32, times: u32) {
        self.roll().limited = Some((requests, times));
    }

    /// Shows another candidate than the one that is asked for.
    pub fn confuse(&self, asked: &str, shown: &str) {
        self.roll().confused = Some((asked.to_owned(), shown.to_owned()));
    }

    /// Names another host in the address of every next page, if the vendor gives addresses.
    pub fn lead_to(&self, elsewhere: &BaseUrl) {
        self.roll().lead_to = Some(elsewhere.to_string());
    }

    /// Cuts pages by cursor where the vendor is seen to do either.
    pub fn page_by_cursor(&self) {
        self.roll().pages_by_cursor = true;
    }

    /// Forgets every cursor that was given.
    pub fn forget_cursors(&self) {
        self.roll().epoch += 1;
    }

    /// Takes so long for every list, so that others can come meanwhile.
    pub fn slow_lists(&self, delay: Duration) {
        self.roll().list_delay = delay;
    }

    /// How many requests for lists were answered, and how many for one candidate.
    pub fn answered(&self) -> (u64, u64) {
        let roll = self.roll();
        (roll.lists, roll.details)
    }

    /// The breaches of its rules, oldest first.
    pub fn violations(&self) -> Vec<&'static str> {
        self.roll().violations.clone()
    }

    /// Strikes the next requests, after the faults ordered before.
    pub fn inject(&self, times: usize, injection: &Injection) {
        self.front.inject(times, injection);
    }

    /// Strikes every request from now on, until it is healed.
    pub fn fail_now(&self, injection: Injection) {
        self.front.fail_now(injection);
    }

    /// Forgets the fault that lasts and those that have not struck yet.
    pub fn heal(&self) {
        self.front.heal();
    }

    /// Closes every connection and waits until nobody listens any more.
    pub async fn stop(&self) {
        self.server.stop().await;
    }

    /// Posts a webhook about a candidate, signed as the vendor does, once; gives the status of the answer.
    ///
    /// The event is the vendor's own name, such as `candidate.update`. About somebody who was never there nothing is sent.
    pub async fn tell(&self, target: &BaseUrl, secret: &SecretString, event: &str, id: &str) -> Option<u16> {
        let message = {
            let roll = self.roll();
            let person = roll.people.iter().find(|person| self.desk.play.id(person) == id)?;
            self.desk.play.message(&roll, person, event, secret)
        };
        courier::post(target, message).await
    }

    /// Posts what the vendor sends when a webhook is saved, if it does, and says whether the answer is right.
    pub async fn try_webhook(&self, target: &BaseUrl) -> Option<bool> {
        let Trial { message, is_right } = self.desk.play.trial()?;
        Some(courier::ask(target, message).await.is_some_and(|answer| is_right(&answer)))
    }

    fn with(&self, id: &str, change: impl FnOnce(&mut person::Person)) -> bool {
        let mut roll = self.roll();
        let play = &self.desk.play;
        let found = roll.people.iter_mut().find(|person| !person.is_gone && play.id(person) == id);
        found.map(change).is_some()
    }

    fn roll(&self) -> MutexGuard<'_, Roll> {
        self.desk.roll()
    }
}

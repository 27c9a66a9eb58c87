//! The posts of the account and the ledger of what was sent about them.

use std::collections::BTreeMap;

use schemas::Hash;
use thiserror::Error;

use super::{
    delivery::Event,
    event,
    ledger::{Action, Attempt, Delivery, PostLedger, Version},
    post::Post,
};

/// Why a post cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PostError {
    /// Never created.
    #[error("there is no job post `{0}`")]
    Unknown(u64),
    /// Deleted for good.
    #[error("the job post `{0}` is deleted")]
    Deleted(u64),
}

/// All posts.
#[derive(Debug)]
pub(super) struct Account {
    seed: u64,
    history_limit: usize,
    created: u64,
    posts: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    post: Post,
    ledger: PostLedger,
}

impl Account {
    pub(super) fn new(seed: u64, history_limit: usize) -> Self {
        Self { seed, history_limit: history_limit.max(1), created: 0, posts: BTreeMap::new() }
    }

    /// Takes the id of the next post.
    pub(super) fn reserve(&mut self) -> u64 {
        self.open().post.id
    }

    /// The first version of the next post.
    pub(super) fn create(&mut self) -> Event {
        let limit = self.history_limit;
        self.open().next_version(Action::JobPostCreated, limit, |post| post.live = true)
    }

    /// The next version of a post.
    pub(super) fn revise(
        &mut self,
        post: u64,
        action: Action,
        change: impl FnOnce(&mut Post),
    ) -> Result<Event, PostError> {
        let held = self.posts.get_mut(&post).ok_or(PostError::Unknown(post))?;
        if held.post.is_deleted {
            return Err(PostError::Deleted(post));
        }
        Ok(held.next_version(action, self.history_limit, change))
    }

    /// Notes an attempt with its version.
    pub(super) fn note(&mut self, delivery: &Delivery) {
        let Some(held) = self.posts.get_mut(&delivery.post) else { return };
        let attempt = Attempt { event_id: delivery.event_id.clone(), answer: delivery.answer };
        let mut versions = held.ledger.versions.iter_mut();
        if let Some(version) = versions.find(|version| version.revision == delivery.revision) {
            version.attempts.push(attempt);
        }
    }

    /// The posts that are not deleted, below an id and downwards.
    pub(super) fn posts_below(&self, below: u64, most: usize) -> Vec<Post> {
        let held = self.posts.range(..below).rev().map(|(_, held)| &held.post);
        held.filter(|post| !post.is_deleted && post.revision > 0).take(most).cloned().collect()
    }

    pub(super) fn ledger(&self) -> BTreeMap<u64, PostLedger> {
        self.posts.iter().map(|(id, held)| (*id, held.ledger.clone())).collect()
    }

    fn open(&mut self) -> &mut Held {
        self.created += 1;
        let post = Post::invent(self.seed, self.created);
        let ledger = PostLedger { post: post.id, job: post.job_id(), versions: Vec::new() };
        self.posts.entry(post.id).or_insert(Held { post, ledger })
    }
}

impl Held {
    fn next_version(&mut self, action: Action, limit: usize, change: impl FnOnce(&mut Post)) -> Event {
        change(&mut self.post);
        self.post.revision += 1;
        let body = event::body(action, &self.post);
        let (revision, live, title) = (self.post.revision, self.post.live, self.post.title());
        let body_hash = Hash::of(&body);
        let versions = &mut self.ledger.versions;
        versions.push(Version { revision, action, live, title: title.clone(), body_hash, attempts: Vec::new() });
        // Of a deleted post nobody asks for more than the end.
        let kept = if self.post.is_deleted && limit < usize::MAX { 1 } else { limit };
        versions.drain(..versions.len().saturating_sub(kept));
        Event { post: self.post.id, revision, action: Some(action), live, title, body }
    }
}

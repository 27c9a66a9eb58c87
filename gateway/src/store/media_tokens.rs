//! Tokens by which recipients read files: each for one file, some bytes and a while, and only while what was decided holds.
//!
//! **Invariant:** no bytes are counted off unless, in the same statement, the person stands as it was decided on, the rules are
//! those of then, and the file is one of a profile still.

use anyhow::Result;
use async_trait::async_trait;
use schemas::{Hash, PartnerId};

use super::{BlobId, MediumId, SubjectVersion};

/// A token to be kept. What the recipient holds is never stored.
#[derive(Debug, Clone)]
pub struct MediaToken {
    /// The hash of it.
    pub hash: Hash,
    /// Which file.
    pub medium: MediumId,
    /// For whom.
    pub recipient: PartnerId,
    /// The person, as of when it was decided.
    pub person: SubjectVersion,
    /// From when on that would come out differently, microseconds since 1970 UTC.
    pub valid_until: Option<i64>,
    /// The rules under which it was decided.
    pub rules: Hash,
    /// When it is over.
    pub expires_at: i64,
    /// How many bytes it is good for.
    pub size_bytes: u64,
}

/// When a token is shown.
#[derive(Debug, Clone, Copy)]
pub struct Showing {
    /// Its hash.
    pub hash: Hash,
    /// The rules in force.
    pub rules: Hash,
    /// Now, microseconds since 1970 UTC.
    pub now: i64,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lent {
    /// Whom the file is about, as of when it was decided.
    pub person: SubjectVersion,
    /// The file.
    pub blob: BlobId,
}

/// Tokens.
#[async_trait]
pub trait MediaTokens: Send + Sync {
    /// Keeps a token.
    async fn keep_media_token(&self, token: MediaToken) -> Result<()>;

    /// What a token is for, if it holds, is not over, and is not used up.
    async fn media_token(&self, showing: Showing) -> Result<Option<Lent>>;

    /// Counts off bytes. Returns whether the token holds, is not over and was good for so many; else nothing is counted.
    async fn use_media_token(&self, showing: Showing, bytes: u64) -> Result<bool>;

    /// Whether what was decided still holds, be the token over or used up meanwhile.
    async fn media_token_holds(&self, showing: Showing) -> Result<bool>;

    /// Gives bytes back that were counted off and not sent.
    async fn give_back_media_bytes(&self, hash: Hash, bytes: u64) -> Result<()>;

    /// Forgets tokens that were over before that time.
    async fn forget_media_tokens(&self, over_before: i64) -> Result<u64>;
}

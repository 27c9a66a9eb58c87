//! What the demo sent, counted.

/// What was sent, and what came of it.
#[derive(Debug, Default)]
pub struct Sent {
    pub webhooks: u64,
    pub pushed: u64,
    pub refused: u64,
}

impl Sent {
    /// Everything that was taken in.
    pub fn accepted(&self) -> u64 {
        self.webhooks + self.pushed
    }
}

//! What a file may take.

use std::time::Duration;

use crate::Medium;

/// Everything that is bounded; [`Limits::default`] suits what people send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// What the files may hold.
    pub content: ContentLimits,
    /// How long fetching may take.
    pub time: TimeLimits,
    /// How many redirects are followed.
    pub redirects: usize,
}

/// What a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentLimits {
    /// The most bytes of a picture.
    pub picture_bytes: u64,
    /// The most bytes of an introduction.
    pub introduction_bytes: u64,
    /// The most bytes of a document.
    pub document_bytes: u64,
    /// The most bytes of a video.
    pub video_bytes: u64,
    /// The most pixels of an image, whatever it says its sides are.
    pub pixels: u64,
    /// The most files in a document that is a ZIP archive.
    pub entries: usize,
    /// The most bytes that all files of such a document have together, once they are inflated.
    pub inflated_bytes: u64,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Until there is a connection.
    pub connect: Duration,
    /// Between two arrivals of anything.
    pub silence: Duration,
    /// From the beginning to the last byte, redirects included.
    pub in_all: Duration,
}

impl ContentLimits {
    /// The most bytes that a file may have.
    pub fn bytes_of(&self, medium: Medium) -> u64 {
        match medium {
            Medium::Picture => self.picture_bytes,
            Medium::Introduction => self.introduction_bytes,
            Medium::Document => self.document_bytes,
            Medium::Video => self.video_bytes,
        }
    }
}

impl Default for ContentLimits {
    fn default() -> Self {
        Self {
            picture_bytes: 10 << 20,
            introduction_bytes: 5 << 20,
            document_bytes: 20 << 20,
            video_bytes: 200 << 20,
            pixels: 50_000_000,
            entries: 2_000,
            inflated_bytes: 200 << 20,
        }
    }
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(20), in_all: Duration::from_mins(5) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { content: ContentLimits::default(), time: TimeLimits::default(), redirects: 3 }
    }
}

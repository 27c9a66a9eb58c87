//! The body of a batch as a stream of inflated bytes.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use futures::TryStreamExt;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use crate::{
    config::Settings,
    door::{
        body,
        encoding::{self, Encoding},
        problem::Problem,
    },
};

/// What is read at once.
const STEP_BYTES: usize = 32 * 1_024;
/// A body that inflates to more than so many times its length is none of documents.
const LARGEST_RATIO: u64 = 1_000;

/// The body of a batch.
pub struct Source {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    encoding: Encoding,
    step: Vec<u8>,
    received: Arc<AtomicU64>,
    inflated: u64,
    patience: Duration,
    /// What may be inflated from nearly nothing.
    grace_bytes: u64,
}

impl Source {
    /// Reads a body in that coding.
    pub fn new(body: Body, encoding: Encoding, settings: &Settings) -> Self {
        let received = Arc::new(AtomicU64::new(0));
        let count = received.clone();
        let chunks = body
            .into_data_stream()
            .inspect_ok(move |chunk| {
                count.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            })
            .map_err(|_| io::Error::from(io::ErrorKind::ConnectionAborted));
        Self {
            reader: encoding.inflated(StreamReader::new(chunks)),
            encoding,
            step: vec![0; STEP_BYTES],
            received,
            inflated: 0,
            patience: settings.read_timeout,
            grace_bytes: settings.max_inflated_bytes as u64,
        }
    }

    /// The next bytes; none at the end. Safe to cancel.
    pub async fn next(&mut self) -> Result<&[u8], Problem> {
        let read = match tokio::time::timeout(self.patience, self.reader.read(&mut self.step)).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => return Err(body::broken()),
            Ok(Err(error)) => return Err(self.encoding.broken(&error, usize::try_from(self.inflated).unwrap_or(0))),
            Err(_) => return Err(body::slow(self.patience)),
        };
        self.inflated += read as u64;
        let honest = self.received.load(Ordering::Relaxed).saturating_mul(LARGEST_RATIO).max(self.grace_bytes);
        if self.inflated > honest {
            return Err(encoding::too_dense(LARGEST_RATIO));
        }
        Ok(&self.step[..read])
    }

    /// How many bytes were inflated so far.
    pub fn inflated(&self) -> u64 {
        self.inflated
    }
}

//! A file on its way, of a type that is taken.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{FetchError, MediaType, body::Body};

/// A file that is arriving: its type is known, its bytes come piece by piece.
///
/// What came before an error is no file: whoever keeps it gives it up.
pub struct Arrival {
    media_type: MediaType,
    arrived: VecDeque<Bytes>,
    rest: Option<Body>,
}

/// Bytes of a piece of what was taken in whole.
const PIECE_BYTES: usize = 64 << 10;

impl Arrival {
    /// A file that was taken in whole, since all of it had to be looked at.
    pub(crate) fn whole(media_type: MediaType, file: Vec<u8>) -> Self {
        let mut file = Bytes::from(file);
        let mut arrived = VecDeque::new();
        while !file.is_empty() {
            arrived.push_back(file.split_to(PIECE_BYTES.min(file.len())));
        }
        Self { media_type, arrived, rest: None }
    }

    /// A file whose head is enough to tell what it is.
    pub(crate) fn with_head(media_type: MediaType, head: Vec<u8>, rest: Body) -> Self {
        Self { media_type, arrived: VecDeque::from([head.into()]), rest: Some(rest) }
    }

    /// What the bytes are.
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// If there are too many, or they do not arrive.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        if let Some(bytes) = self.arrived.pop_front() {
            return Ok(Some(bytes));
        }
        match &mut self.rest {
            Some(body) => body.next().await,
            None => Ok(None),
        }
    }
}

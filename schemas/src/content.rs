//! What the body of an envelope holds once it is open.

use apache_avro::serde::bytes;
use serde::{Deserialize, Serialize};

use crate::{
    avro::{CONTENT, CodecError},
    loss::LossReport,
};

/// A document with what was made of it; the fields are those of `content.avsc`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Content {
    /// Media type of the raw bytes.
    pub media_type: Option<String>,
    /// The document exactly as it came in; empty in a dispatch.
    #[serde(with = "bytes")]
    pub raw: Vec<u8>,
    /// Which of the dialect's shapes the document had.
    pub shape: Option<String>,
    /// The canonical record in Avro.
    #[serde(with = "bytes")]
    pub canonical: Vec<u8>,
    /// What the reading could not carry.
    pub loss: Option<LossReport>,
    /// What the canonical record cannot hold of the document, as JSON.
    #[serde(with = "bytes")]
    pub complement: Vec<u8>,
    /// The closing notice of a close.
    pub close: Option<Close>,
}

/// A closing notice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Close {
    /// Why, in the source's words or code.
    pub reason: Option<String>,
    /// When, as the source says it.
    pub closed_at: Option<String>,
}

impl Content {
    /// The content in Avro.
    ///
    /// # Errors
    /// [`CodecError::Encode`].
    pub fn to_avro(&self) -> Result<Vec<u8>, CodecError> {
        CONTENT.encode(self)
    }

    /// Reads a content from Avro.
    ///
    /// # Errors
    /// Every variant but [`CodecError::Encode`].
    pub fn from_avro(bytes: &[u8]) -> Result<Self, CodecError> {
        CONTENT.decode(bytes)
    }

    /// Whether these bytes were written under a schema that is known.
    ///
    /// # Errors
    /// [`CodecError::Header`].
    pub fn is_known(bytes: &[u8]) -> Result<bool, CodecError> {
        CONTENT.knows(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn a_content_is_read_as_it_was_written() {
        let mut loss = LossReport { kept: 7, ..LossReport::default() };
        loss.note(Outcome::Dropped, "no_place", Some("/extra".to_owned()), None);
        let content = Content {
            media_type: Some("application/json".to_owned()),
            raw: vec![0, 255, 1],
            canonical: vec![1, 2, 3],
            loss: Some(loss),
            close: Some(Close { reason: Some("filled".to_owned()), closed_at: None }),
            ..Content::default()
        };
        assert_eq!(Content::from_avro(&content.to_avro().unwrap()).unwrap(), content);
    }
}

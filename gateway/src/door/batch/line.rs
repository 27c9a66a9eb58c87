//! One result of a batch.

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::door::{problem::Problem, push::Receipt};

/// What became of one document of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct Line {
    /// Which document of the batch, from 0.
    #[schema(example = 0)]
    pub index: u64,
    /// Which record of the document, from 0, if it is an envelope with several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u64>,
    /// The byte of the (inflated) body that the document begins at.
    #[schema(example = 0)]
    pub at: u64,
    /// The status that the document would have got by itself.
    #[schema(example = 202)]
    pub status: u16,
    /// What was made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Where in the batch a document stands.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub index: u64,
    pub part: Option<u64>,
    pub at: u64,
}

impl Line {
    /// A document that was taken in.
    pub fn taken(place: Place, status: u16, receipt: Receipt) -> Self {
        Self { index: place.index, part: place.part, at: place.at, status, receipt: Some(receipt), problem: None }
    }

    /// A document that was refused.
    pub fn refused(place: Place, problem: Problem) -> Self {
        let status = problem.status();
        Self { index: place.index, part: place.part, at: place.at, status, receipt: None, problem: Some(problem) }
    }

    /// The line as it is sent.
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = serde_json::to_vec(self).expect("a line has no maps with other keys than text");
        bytes.push(b'\n');
        bytes.into()
    }
}

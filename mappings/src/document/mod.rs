//! A document of the outside world as a tree, whatever its format: JSON, XML or labels and values.

mod charset;
mod fault;
mod json;
mod labels;
mod names;
mod pointer;
mod raw;
mod tree;
mod xml;

pub use fault::{Fault, ReadFailure};

pub(crate) use names::{NameId, NameKind, Names, ROOT};
pub(crate) use pointer::Way;
pub(crate) use raw::{raw, split_name};
pub(crate) use tree::{Kind, Mark, NONE, NodeId, Tree};

/// Deeper than any honest document.
pub(crate) const MAX_DEPTH: usize = 128;

/// The syntax of a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON (RFC 8259).
    Json,
    /// XML 1.0 with namespaces.
    Xml,
    /// Lines of `label : value`, under headings.
    Labels,
}

/// Parses a document and hands its tree on; texts that had to be decoded live as long.
pub(crate) fn parse_document<T>(
    bytes: &[u8],
    format: Format,
    names: &Names,
    run: impl FnOnce(Tree<'_>) -> Result<T, ReadFailure>,
) -> Result<T, ReadFailure> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadFailure::of("", "too_large", "the document is larger than 1 GiB"));
    }
    match format {
        Format::Json => run(json::parse_json(charset::decode_utf8(bytes)?, names)?),
        Format::Xml => run(xml::parse_xml(&charset::decode_xml(bytes)?, names)?),
        Format::Labels => run(labels::parse_labels(charset::decode_utf8(bytes)?, names)),
    }
}

/// Nodes are numbered in 31 bits; whoever calls bounds documents far below.
const MAX_BYTES: usize = 1 << 30;

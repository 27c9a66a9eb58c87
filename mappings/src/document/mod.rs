//! A document of the outside world as a tree, whatever its format: JSON, XML or labels and values.

mod charset;
mod fault;
mod json;
mod labelled;
mod labels;
mod mojibake;
mod names;
mod page;
mod pointer;
mod raw;
mod tree;
mod wording;
mod xml;

pub use fault::{Fault, ReadFailure};

pub(crate) use labelled::INDENT;
pub(crate) use labels::{LabelSyntax, Meaning, normal};
pub(crate) use names::{NameId, NameKind, Names, ROOT};
pub(crate) use pointer::Way;
pub(crate) use raw::{raw, split_name};
pub(crate) use tree::{Kind, Mark, NONE, NodeId, Tree};
pub(crate) use wording::{Wording, Wordings, closing_brace};

/// Deeper than any honest document.
pub(crate) const MAX_DEPTH: usize = 128;

/// The syntax of a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON (RFC 8259).
    Json,
    /// XML 1.0 with namespaces.
    Xml,
    /// Lines of `label : value`, as a text; an HTML page that shows them is read too.
    Labels,
}

/// How the documents of a dialect are written.
#[derive(Debug)]
pub(crate) struct Syntax {
    /// The format that is written; documents of labels may have shapes in JSON beside it.
    pub(crate) format: Format,
    /// What there is to know of labels.
    pub(crate) labels: LabelSyntax,
    /// Whether texts that were encoded too often are repaired.
    pub(crate) repairs: bool,
}

impl Syntax {
    /// Documents of a format, as they come.
    pub(crate) fn of(format: Format) -> Self {
        Self { format, labels: LabelSyntax::default(), repairs: false }
    }
}

/// Parses a document and hands its tree on; texts that had to be decoded live as long.
pub(crate) fn parse_document<T>(
    bytes: &[u8],
    syntax: &Syntax,
    names: &Names,
    run: impl FnOnce(Tree<'_>) -> Result<T, ReadFailure>,
) -> Result<T, ReadFailure> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadFailure::of("", "too_large", "the document is larger than 1 GiB"));
    }
    let (labels, repairs) = (&syntax.labels, syntax.repairs);
    match syntax.format {
        Format::Json => run(parse_json(bytes, names, repairs)?),
        Format::Xml => run(xml::parse_xml(&charset::decode_xml(bytes)?, names)?),
        Format::Labels => match bytes.trim_ascii_start().first() {
            Some(b'{' | b'[') => run(parse_json(bytes, names, repairs)?),
            Some(b'<') => run(page::parse_page(&charset::decode_page(bytes)?, labels, repairs)),
            _ => run(labelled::parse_labels(charset::decode_utf8(bytes)?, labels, repairs)),
        },
    }
}

fn parse_json<'a>(bytes: &'a [u8], names: &Names, repairs: bool) -> Result<Tree<'a>, ReadFailure> {
    let mut tree = json::parse_json(charset::decode_utf8(bytes)?, names)?;
    if repairs {
        tree.repair_texts();
    }
    Ok(tree)
}

/// Nodes are numbered in 31 bits; whoever calls bounds documents far below.
const MAX_BYTES: usize = 1 << 30;

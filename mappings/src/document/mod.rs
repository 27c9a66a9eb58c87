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
mod value;
mod wording;
mod xml;

pub use fault::{Fault, ReadFailure};

pub(crate) use labelled::INDENT;
pub(crate) use labels::{LabelSyntax, Meaning, normal};
pub(crate) use names::{NameId, NameKind, Names, ROOT};
pub(crate) use pointer::Way;
pub(crate) use raw::{raw, split_name};
pub(crate) use tree::{Kind, Mark, NONE, NodeId, Tree};
pub(crate) use value::json_value;
pub(crate) use wording::{Wording, Wordings, closing_brace};

/// Deeper than any honest document.
pub(crate) const MAX_DEPTH: usize = 128;

/// Larger documents are refused before they are parsed. Whoever calls bounds them far below.
pub const MAX_BYTES: usize = 64 << 20;

/// The same for labels and values, which people write or read: of a few letters each may be a value.
const MAX_LABELLED_BYTES: usize = 4 << 20;

/// Of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// More values and elements than any honest document has. Two letters make one, which takes up to a KiB once read.
const MAX_NODES: usize = 1 << 18;

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
    let is_labelled = syntax.format == Format::Labels;
    let most = if is_labelled { MAX_LABELLED_BYTES } else { MAX_BYTES };
    if bytes.len() > most {
        return Err(ReadFailure::of("", "too_large", format!("the document is larger than {} MiB", most >> 20)));
    }
    let (labels, repairs) = (&syntax.labels, syntax.repairs);
    match syntax.format {
        Format::Json => run(parse_json(bytes, names, repairs)?),
        Format::Xml => run(xml::parse_xml(&charset::decode_xml(bytes)?, names)?),
        Format::Labels => match bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii_start().first() {
            Some(b'{' | b'[') => run(parse_json(bytes, names, repairs)?),
            Some(b'<') => run(bounded(page::parse_page(&charset::decode_page(bytes)?, labels, repairs))?),
            _ => run(bounded(labelled::parse_labels(charset::decode_utf8(bytes)?, labels, repairs))?),
        },
    }
}

/// Labels and values are few letters each, but their documents are small: it is enough to count what came of them.
fn bounded(tree: Tree<'_>) -> Result<Tree<'_>, ReadFailure> {
    if tree.len() > MAX_NODES {
        let problem = format!("more than {MAX_NODES} values: send several documents");
        return Err(ReadFailure::of("", "too_many_values", problem));
    }
    Ok(tree)
}

fn parse_json<'a>(bytes: &'a [u8], names: &Names, repairs: bool) -> Result<Tree<'a>, ReadFailure> {
    let mut tree = json::parse_json(charset::decode_utf8(bytes)?, names)?;
    if repairs {
        tree.repair_texts();
    }
    Ok(tree)
}

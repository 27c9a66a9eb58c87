//! The `[labels]` table: what documents of labels and values look like.

use std::ops::Range;

use toml_edit::Item;

use crate::{document::Format, error::Mistakes};

use super::toml::{Table, entries};

/// What a mapping file says of labels.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    /// `page`: the class of the element of an HTML page that holds the document.
    pub(crate) page: Option<String>,
    /// `first`: the label that documents begin with.
    pub(crate) first: Option<String>,
    /// `before`: the label under which the line before the first label is read.
    pub(crate) before: Option<String>,
    /// `nothing`: lines that only structure the page.
    pub(crate) nothing: Vec<String>,
    /// `texts`: labels of running text.
    pub(crate) texts: Vec<String>,
    /// `[labels.within]`: a heading, and the label in whose running text it stands.
    pub(crate) within: Vec<(String, String)>,
    /// `[labels.lines]`: a label, and the regex of the lines that stand for it.
    pub(crate) lines: Vec<(String, String, Option<Range<usize>>)>,
    /// `[labels.words]`: regexes by the name that wordings use: `{posts:$number}`.
    pub(crate) words: Vec<(String, String)>,
    /// `[labels.parts]`: labels whose values say several things.
    pub(crate) parts: Vec<Parts>,
}

/// How the value of a label is worded.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) label: String,
    /// `item` and `between`: the name of an item, and what stands between two.
    pub(crate) list: Option<(String, String)>,
    pub(crate) wordings: Vec<WrittenWording>,
    pub(crate) span: Option<Range<usize>>,
}

/// One way to word a value.
#[derive(Debug)]
pub(crate) enum WrittenWording {
    /// `"({posts:\d+}) {title}"`: read and written.
    Template(String),
    /// `{ read = "regex" }`, with `write = "template"` if it is written too.
    Regex(String, Option<String>),
}

/// Reads the `[labels]` table.
pub(super) fn read_labels(item: Option<&Item>, format: Format, mistakes: &mut Mistakes<'_>) -> Labels {
    let Some(item) = item else {
        return Labels::default();
    };
    if format != Format::Labels {
        let remedy = "remove it, or write `format = \"labels\"` under `[dialect]`";
        mistakes.at(item.span(), "labels", "the documents of the dialect have no labels", remedy);
    }
    let Some(mut table) = Table::of(item, "labels", mistakes) else {
        return Labels::default();
    };
    let labels = Labels {
        page: table.text("page", mistakes),
        first: table.text("first", mistakes),
        before: table.text("before", mistakes),
        nothing: table.texts("nothing", mistakes),
        texts: table.texts("texts", mistakes),
        within: super::file::read_texts(table.item("within"), "labels.within", mistakes),
        words: super::file::read_texts(table.item("words"), "labels.words", mistakes),
        lines: read_lines(table.item("lines"), mistakes),
        parts: read_parts(table.item("parts"), mistakes),
    };
    if labels.first.is_some() != labels.before.is_some() {
        let problem = "`first` and `before` belong together";
        let remedy = "write both: the first label, and the label whose value the line before it begins";
        mistakes.at(item.span(), "labels", problem, remedy);
    }
    table.finish(mistakes);
    labels
}

fn read_lines(item: Option<&Item>, mistakes: &mut Mistakes<'_>) -> Vec<(String, String, Option<Range<usize>>)> {
    let mut lines = Vec::new();
    for (label, item, span) in item.and_then(Item::as_table_like).map(entries).unwrap_or_default() {
        match item.as_str() {
            Some(regex) => lines.push((label.to_owned(), regex.to_owned(), span)),
            None => mistakes.at(span, label, "expected a regex", "write `'^\\('`"),
        }
    }
    lines
}

/// How the wordings of a label are written.
const WORDINGS: &str = "write `\"{part} …\"`, a list of those and of `{ read = 'regex', write = \"…\" }`, or \
     `{ item = \"…\", between = \"…\", each = … }`";

fn read_parts(item: Option<&Item>, mistakes: &mut Mistakes<'_>) -> Vec<Parts> {
    let mut parts = Vec::new();
    for (label, item, span) in item.and_then(Item::as_table_like).map(entries).unwrap_or_default() {
        let mut list = None;
        let mut wordings = Some(item);
        if item.is_table_like() {
            let Some(mut table) = Table::of(item, label, mistakes) else {
                continue;
            };
            list = table.text("item", mistakes).zip(table.text("between", mistakes));
            wordings = table.item("each");
            table.finish(mistakes);
        }
        let read: Option<Vec<WrittenWording>> = match wordings {
            Some(item) if item.as_str().is_some() => item.as_value().and_then(wording).map(|one| vec![one]),
            Some(item) => item.as_array().and_then(|all| all.iter().map(wording).collect()),
            None => None,
        };
        let is_read = read.as_ref().is_some_and(|wordings| !wordings.is_empty());
        let wordings = read.unwrap_or_default();
        if !is_read {
            mistakes.at(span.clone(), label, "the wordings of the value are not understood", WORDINGS);
        }
        parts.push(Parts { label: label.to_owned(), list, wordings, span });
    }
    parts
}

fn wording(value: &toml_edit::Value) -> Option<WrittenWording> {
    if let Some(text) = value.as_str() {
        return Some(WrittenWording::Template(text.to_owned()));
    }
    let table = value.as_inline_table()?;
    let text = |key| table.get(key).and_then(toml_edit::Value::as_str).map(str::to_owned);
    let is_known = table.iter().all(|(key, _)| ["read", "write"].contains(&key));
    text("read").filter(|_| is_known).map(|regex| WrittenWording::Regex(regex, text("write")))
}

//! The `[dialect]` table: what the format is, and who says so.

use std::ops::Range;

use jiff::tz::TimeZone;
use toml_edit::Item;

use crate::{document::Format, error::Mistakes};

use super::{
    Place,
    conditions::{Condition, Discard, read_conditions, read_discards, read_places_of},
    toml::Table,
};

/// What is said of a dialect as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    /// Where the table stands.
    pub(crate) span: Option<Range<usize>>,
    pub(crate) title: String,
    pub(crate) format: Format,
    pub(crate) version: String,
    pub(crate) media_type: String,
    pub(crate) evidence: Evidence,
    pub(crate) source: String,
    pub(crate) directions: Directions,
    /// The language of the texts, where the document does not say.
    pub(crate) language: Option<String>,
    /// Where the document says it.
    pub(crate) language_at: Option<Place>,
    pub(crate) time_zone: Option<String>,
    /// The format of instants, unless the line says otherwise.
    pub(crate) instant: Option<String>,
    /// The root element, or a wrapper.
    pub(crate) root: Option<Place>,
    /// Where the code of a coded object stands, unless the line says otherwise.
    pub(crate) code: Option<Place>,
    /// Where its words stand.
    pub(crate) label: Option<Place>,
    /// Whether texts that were encoded too often are repaired.
    pub(crate) repairs: bool,
    /// Whether HTML is written as CDATA.
    pub(crate) cdata: bool,
    /// Whether a null clears a field; else it says nothing.
    pub(crate) null_clears: bool,
    /// `absent = "kept"`: what a document does not say stays as it was.
    pub(crate) absent_is_kept: bool,
    /// Whether the format cannot say that a field is empty.
    pub(crate) omits_empty: bool,
    /// What makes a document a closing notice.
    pub(crate) close_when: Vec<Condition>,
    /// Known places without meaning for us.
    pub(crate) ignore: Vec<Place>,
    /// Places that may not be kept.
    pub(crate) discard: Vec<Discard>,
}

/// How sure it is that the format is the partner's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The partner published it.
    Published,
    /// It was seen in documents or in the code of others.
    Observed,
    /// We invented it.
    Ours,
}

/// Which ways a mapping goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directions {
    /// Documents are read and written.
    Both,
    /// Documents are only read.
    Read,
    /// Documents are only written.
    Write,
}

impl Evidence {
    /// The word in the mapping file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Observed => "observed",
            Self::Ours => "ours",
        }
    }
}

impl Directions {
    /// The word in the mapping file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// Whether documents are read.
    pub fn reads(self) -> bool {
        self != Self::Write
    }

    /// Whether documents are written.
    pub fn writes(self) -> bool {
        self != Self::Read
    }
}

/// Reads the `[dialect]` table.
pub(super) fn read_dialect(item: &Item, mistakes: &mut Mistakes<'_>) -> Option<Dialect> {
    let mut table = Table::of(item, "dialect", mistakes)?;
    // Which other mapping is taken over was seen to before.
    table.item("like");
    let formats = [("json", Format::Json), ("xml", Format::Xml), ("labels", Format::Labels)];
    let format = table.word("format", &formats, mistakes);
    if format.is_none() && table.item("format").is_none() {
        mistakes.at(
            table.span(),
            "dialect",
            "`format` is missing",
            "add `format = \"json\"`, `\"xml\"` or `\"labels\"`",
        );
    }
    let format = format?;
    let evidence = [("published", Evidence::Published), ("observed", Evidence::Observed), ("ours", Evidence::Ours)];
    let directions = [("both", Directions::Both), ("read", Directions::Read), ("write", Directions::Write)];
    let mut place = |name, mistakes: &mut Mistakes<'_>| read_places_of(&mut table, name, format, mistakes).pop();
    let language_at = place("language_at", mistakes);
    let root = place("root", mistakes);
    let code = place("code", mistakes);
    let label = place("label", mistakes);
    let dialect = Dialect {
        span: item.span(),
        title: table.text("title", mistakes).unwrap_or_default(),
        format,
        version: table.text("version", mistakes).unwrap_or_default(),
        media_type: table.text("media_type", mistakes).unwrap_or_else(|| default_media_type(format).to_owned()),
        evidence: table.word("evidence", &evidence, mistakes).unwrap_or(Evidence::Ours),
        source: table.text("source", mistakes).unwrap_or_default(),
        directions: table.word("directions", &directions, mistakes).unwrap_or(Directions::Both),
        language: table.text("language", mistakes),
        language_at,
        time_zone: read_time_zone(&mut table, mistakes),
        instant: table.text("instant", mistakes),
        root,
        code,
        label,
        repairs: table.word("repair", &[("mojibake", true), ("nothing", false)], mistakes).unwrap_or_default(),
        cdata: table.boolean("cdata", mistakes).unwrap_or_default(),
        null_clears: table.word("null", &[("absent", false), ("cleared", true)], mistakes).unwrap_or_default(),
        absent_is_kept: table.word("absent", &[("gone", false), ("kept", true)], mistakes).unwrap_or_default(),
        omits_empty: table.word("empty", &[("written", false), ("omit", true)], mistakes).unwrap_or_default(),
        close_when: read_conditions(&mut table, "close_when", format, mistakes),
        ignore: read_places_of(&mut table, "ignore", format, mistakes),
        discard: read_discards(&mut table, format, mistakes),
    };
    table.finish(mistakes);
    Some(dialect)
}

fn read_time_zone(table: &mut Table<'_>, mistakes: &mut Mistakes<'_>) -> Option<String> {
    let name = table.text("time_zone", mistakes)?;
    if TimeZone::get(&name).is_err() {
        let span = table.item("time_zone").and_then(Item::span);
        let remedy = "use a name of the tz database, such as `Europe/Brussels`";
        mistakes.at(span, "dialect", format!("there is no time zone `{name}`"), remedy);
    }
    Some(name)
}

fn default_media_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Xml => "application/xml",
        Format::Labels => "text/plain",
    }
}

//! A compiled mapping: names interned, paths resolved, code tables at hand. Nothing here is text that must be parsed.
//!
//! A plan is a tree of scopes. A scope is the document itself or one item of a repeated part; it has places (a trie
//! of paths from that item) and rules. A rule says which canonical field belongs to which place. The canonical
//! field may be one of an outer scope: what a document repeats, such as the places of work in every language.

mod compile;
mod covered;
mod places;
mod rules;
mod scopes;
mod target;

use std::sync::Arc;

use jiff::tz::TimeZone;
use regex::Regex;
use schemas::{Kind, RecordType, Value};

use crate::{
    codes::{CodedShape, Coder},
    document::{Format, NameId, Names},
    grammar::{Directions, Evidence, LetterCase, TextKind},
    text::Limit,
};

pub(crate) use compile::{canonical_value, compile};
pub(crate) use covered::{Covered, Selector};
pub(crate) use target::{Target, TargetStep, Tongue, push_index};

/// A place in a scope: an index into its places; 0 is the item itself.
pub(crate) type PlaceId = usize;

/// Everything that a mapping file says, ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) kind: Kind,
    pub(crate) model: &'static RecordType,
    pub(crate) format: Format,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) media_type: String,
    pub(crate) source: String,
    pub(crate) evidence: Evidence,
    pub(crate) directions: Directions,
    pub(crate) language: Option<Arc<str>>,
    pub(crate) cdata: bool,
    pub(crate) null_clears: bool,
    pub(crate) omits_empty: bool,
    pub(crate) parameters: Vec<(Box<str>, Box<str>)>,
    pub(crate) names: Names,
    /// For every name its place among its siblings.
    pub(crate) ranks: Vec<u32>,
    /// Prefix and address, as the root element declares them.
    pub(crate) namespaces: Vec<(Box<str>, Box<str>)>,
    /// The first is the one that is written.
    pub(crate) shapes: Vec<Shape>,
}

/// One shape of the documents.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: Option<Box<str>>,
    /// Places from the document itself: the root, conditions, what is ignored.
    pub(crate) outer: Vec<Place>,
    /// The root element must have this name.
    pub(crate) element: Option<RootElement>,
    pub(crate) root: PlaceId,
    /// Whether the root is an item of a list that may hold several records.
    pub(crate) is_envelope: bool,
    pub(crate) language_at: Option<PlaceId>,
    /// The lists that have one item per language, and the key of their items.
    pub(crate) spoken: Vec<Spoken>,
    pub(crate) when: Vec<Test>,
    pub(crate) is_close: bool,
    pub(crate) close_when: Vec<Test>,
    pub(crate) ignore: Vec<PlaceId>,
    pub(crate) discard: Vec<(PlaceId, Box<str>)>,
    pub(crate) scope: Scope,
    pub(crate) constants: Constants,
    /// Constants outside of the record.
    pub(crate) outer_constants: Vec<(PlaceId, usize)>,
    pub(crate) said: Vec<Said>,
    /// What can be read, and what can be written.
    pub(crate) readable: Covered,
    pub(crate) writable: Covered,
}

/// The namespace, the local name and the written name of the root element.
pub(crate) type RootElement = (u16, Box<str>, Box<str>);

/// What a shape itself says of a canonical field.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) path: schemas::Path,
    pub(crate) value: Value,
    /// Whether it is reported as a default.
    pub(crate) is_assumed: bool,
}

/// A list that has one item per language.
#[derive(Debug)]
pub(crate) struct Spoken {
    pub(crate) list: Target,
    pub(crate) record: &'static RecordType,
    pub(crate) key: usize,
}

/// Something that is asked of a document.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) place: PlaceId,
    pub(crate) is: Vec<Box<str>>,
    pub(crate) is_lacking: bool,
}

/// The document itself, or one item of a repeated part.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// How many repeated parts it is inside.
    pub(crate) level: usize,
    pub(crate) places: Vec<Place>,
    pub(crate) rules: Vec<Rule>,
    /// The written rules that depend on what else is written of the item.
    pub(crate) deferred: Vec<usize>,
    /// Constants that are written with every item.
    pub(crate) always: Vec<(PlaceId, usize)>,
    /// Whether some rule belongs to an outer canonical record.
    pub(crate) has_shared: bool,
}

/// A place in a document.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) parent: PlaceId,
    pub(crate) name: NameId,
    pub(crate) selection: Option<Selection>,
}

/// The constants of a shape, by the name of the node that they stand in.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    pub(crate) all: Vec<Constant>,
    /// For every name the constant that stands there.
    pub(crate) of_name: Vec<Option<usize>>,
    /// For every name the names and constants that are written with it.
    pub(crate) with: Vec<Vec<(NameId, usize)>>,
}

/// A constant of the dialect.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) kind: ConstantKind,
    pub(crate) text: Box<str>,
}

/// What a constant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConstantKind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// The parameter of that index.
    Parameter(usize),
}

/// What is asked of an item or element.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) at: Vec<NameId>,
    pub(crate) values: Vec<Box<str>>,
    pub(crate) is_negated: bool,
    pub(crate) index: Option<usize>,
}

impl Selection {
    /// The one value that the selection asks for; it can be written.
    pub(crate) fn constant(&self) -> Option<&str> {
        match &*self.values {
            [only] if !self.is_negated => Some(only),
            _ => None,
        }
    }
}

/// A line of the mapping file.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The scope whose item the canonical field belongs to.
    pub(crate) level: usize,
    pub(crate) target: Target,
    /// The place, or the places of which the first that says something is read; the first is written.
    pub(crate) places: Vec<PlaceId>,
    pub(crate) also: Vec<PlaceId>,
    pub(crate) action: Action,
    pub(crate) absent: Vec<Box<str>>,
    pub(crate) fallbacks: Vec<Fallback>,
    /// The fallbacks are written only if this is written for another reason.
    pub(crate) with_parent: Option<PlaceId>,
    /// Fields of the same item that are written behind this one.
    pub(crate) append: Vec<Target>,
    pub(crate) max_items: Option<usize>,
    pub(crate) required: Option<Box<str>>,
    pub(crate) required_item: Option<Box<str>>,
    pub(crate) must: Option<Box<str>>,
    pub(crate) starts_with: Option<PlaceId>,
    pub(crate) one: Option<Box<str>>,
    pub(crate) reads: bool,
    pub(crate) writes: bool,
}

/// What is written where the record says nothing.
#[derive(Debug)]
pub(crate) enum Fallback {
    /// The value of another field: of the same item, or from the root.
    Field(Target, FieldStart),
    /// Fields of the same item in one text; what is absent is left out with the blanks around it.
    Template(Vec<TemplatePart>),
    /// A text of the dialect.
    Text(Box<str>),
    /// The parameter of that index.
    Parameter(usize),
}

/// Where the path of a field starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldStart {
    /// At the item that the rule belongs to.
    Item,
    /// At the record.
    Root,
}

/// A part of a template.
#[derive(Debug)]
pub(crate) enum TemplatePart {
    Text(Box<str>),
    Field(Target),
}

/// How a canonical field and a place belong together.
#[derive(Debug)]
pub(crate) enum Action {
    /// One value.
    Leaf(Leaf),
    /// One coded value.
    Coded(CodedLeaf),
    /// A list of records.
    Group(Box<Group>),
    /// A list of values.
    List(Box<List>),
    /// A list of which the document has room for one.
    First(Box<Element>),
    /// Several fields in one text.
    Pattern(Box<Pattern>),
    /// A list in one text.
    Split(Box<Split>),
    /// The length of a list.
    Count(Repeat),
}

/// One value, coded or not.
#[derive(Debug)]
pub(crate) enum Element {
    Leaf(Leaf),
    Coded(CodedLeaf),
}

/// How one value is read and written.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) form: Form,
    pub(crate) values: Vec<(Value, ConstantKind, Box<str>)>,
    /// Whether values that the table does not have are carried as they are.
    pub(crate) keeps_others: bool,
    pub(crate) coder: Option<TextCoder>,
    pub(crate) keep_text: Option<Target>,
    /// Words that were kept are not written.
    pub(crate) is_keep_text_read_only: bool,
    pub(crate) minimum: Option<i64>,
    pub(crate) is_number: bool,
    pub(crate) case: Option<LetterCase>,
    pub(crate) cdata: bool,
    pub(crate) limit: Limit,
    pub(crate) is_raw: bool,
    /// HTML without a tag is written with its line ends as `<br>`.
    pub(crate) breaks_lines: bool,
}

/// What the canonical value is, and how the dialect spells it.
#[derive(Debug)]
pub(crate) enum Form {
    /// Plain text; the dialect holds this.
    Plain(TextKind),
    /// HTML; the dialect holds this.
    Html(TextKind),
    Decimal {
        has_comma: bool,
        divide: Option<u32>,
    },
    Date {
        formats: Vec<Box<str>>,
        instant: Option<Box<str>>,
        zone: TimeZone,
    },
    Language,
    Country,
    Currency,
    Integer,
    Boolean,
    Symbol(&'static [&'static str]),
}

/// Codes in a field that is no coded record.
#[derive(Debug)]
pub(crate) struct TextCoder {
    pub(crate) coder: Coder,
    pub(crate) schemes: Vec<&'static str>,
}

/// How a coded value is read and written.
#[derive(Debug)]
pub(crate) struct CodedLeaf {
    pub(crate) shape: CodedShape,
    pub(crate) coder: Coder,
    pub(crate) code: Vec<NameId>,
    pub(crate) label: Option<Vec<NameId>>,
    /// Where the second part of a code stands, and the code in it if it is an object.
    pub(crate) pair: Option<(PlaceId, Vec<NameId>)>,
    /// For every list of the coder the names and texts beside its codes.
    pub(crate) marks: Vec<Vec<(NameId, Box<str>)>>,
    pub(crate) is_number: bool,
}

/// A repeated part of the document.
#[derive(Debug)]
pub(crate) struct Repeat {
    /// What holds it.
    pub(crate) container: PlaceId,
    /// The name of an item.
    pub(crate) name: NameId,
    pub(crate) selection: Option<Selection>,
}

/// A list of records.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) repeat: Repeat,
    pub(crate) record: &'static RecordType,
    /// The field by which the canonical list tells its items apart.
    pub(crate) key: Option<usize>,
    /// Only items whose field has this value belong here.
    pub(crate) only: Option<(usize, Value)>,
    pub(crate) scope: Scope,
    pub(crate) is_refused_without: Option<Box<str>>,
}

/// A list of values.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) repeat: Repeat,
    pub(crate) element: Element,
    pub(crate) is_one_per_list: bool,
}

/// Several fields in one text.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) fields: Vec<(Target, Leaf)>,
    pub(crate) forms: Vec<PatternForm>,
    pub(crate) keep_text: Option<Target>,
}

/// One way to word them.
#[derive(Debug)]
pub(crate) struct PatternForm {
    pub(crate) regex: Regex,
    /// The text before each field, the index of the field; then the text behind.
    pub(crate) parts: Vec<(Box<str>, usize)>,
    pub(crate) end: Box<str>,
}

/// A list in one text.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) separator: Box<str>,
    pub(crate) element: Element,
}

//! Rules: how a canonical field and a place in a document belong together.

use std::sync::Arc;

use jiff::tz::TimeZone;
use regex::Regex;
use schemas::{RecordType, Value};

use crate::{
    codes::{CodedShape, Coder},
    document::NameId,
    grammar::{LetterCase, TextKind},
    text::Limit,
};

use super::{ConstantKind, PlaceId, Scope, Selection, Target};

/// A line of the mapping file.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The scope whose item the canonical field belongs to.
    pub(crate) level: usize,
    pub(crate) target: Target,
    /// The place, or the places of which the first that says something is read; the first is written.
    pub(crate) places: Vec<PlaceId>,
    /// The places are those of a day, a month and a year: a partial date is written where its precision stands.
    pub(crate) is_by_precision: bool,
    /// The place of a month; the place of the rule is that of its year.
    pub(crate) month: Option<PlaceId>,
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
    pub(crate) shown_by: Option<ShownBy>,
    pub(crate) window: Option<Window>,
    pub(crate) one: Option<Box<str>>,
    pub(crate) reads: bool,
    pub(crate) writes: bool,
    /// It reads what follows from a place that another rule carries.
    pub(crate) is_derived: bool,
}

/// Where a document says whether the value of a rule may be shown.
#[derive(Debug)]
pub(crate) struct ShownBy {
    pub(crate) place: PlaceId,
    /// The canonical path, as records name it under `withheld`.
    pub(crate) path: Box<str>,
}

/// How long after another day the day of a rule may be.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) days: u32,
    /// Where the other day stands; the first that says one counts.
    pub(crate) of: Vec<(Target, FieldStart)>,
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
    pub(crate) reads_case: bool,
    pub(crate) cdata: bool,
    pub(crate) strips_links: bool,
    pub(crate) limit: Limit,
    pub(crate) is_raw: bool,
    /// HTML without a tag is written with its line ends as `<br>`.
    pub(crate) breaks_lines: bool,
    /// The dialect spells the text in another way than the record.
    pub(crate) spelling: Option<Spelling>,
}

/// One text in two spellings, such as a national and an international telephone number. What fits neither is carried as it
/// is.
#[derive(Debug)]
pub(crate) struct Spelling {
    /// The dialect's, of which the first is written.
    pub(crate) theirs: Vec<PatternForm>,
    pub(crate) ours: PatternForm,
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

impl Form {
    /// Whether it is a day, a moment, or part of one.
    pub(super) fn is_date(&self) -> bool {
        matches!(self, Self::Date { .. })
    }
}

/// Codes in a field that is no coded record.
#[derive(Debug)]
pub(crate) struct TextCoder {
    pub(crate) coder: Coder,
    pub(crate) schemes: Vec<Arc<str>>,
    /// What follows is the words of the code, not the code.
    pub(crate) derives_words: bool,
}

/// The names and texts that stand beside the codes of a list.
pub(crate) type Marks = Vec<(NameId, Box<str>)>;

/// How a coded value is read and written.
#[derive(Debug)]
pub(crate) struct CodedLeaf {
    pub(crate) shape: CodedShape,
    pub(crate) coder: Coder,
    pub(crate) code: Vec<NameId>,
    pub(crate) label: Option<Vec<NameId>>,
    /// Where the name of the code list stands.
    pub(crate) scheme: Option<Vec<NameId>>,
    /// Whether codes of other lists are carried under the name of theirs.
    pub(crate) keeps_others: bool,
    /// Where the second part of a code stands, and the code in it if it is an object.
    pub(crate) pair: Option<(PlaceId, Vec<NameId>)>,
    /// For every list of the coder the names and texts beside its codes.
    pub(crate) marks: Vec<Marks>,
    /// Where documents name the list of a code.
    pub(crate) namings: Vec<Naming>,
    pub(crate) is_number: bool,
}

/// Where documents name a list, and the name of the one that the mapping knows.
#[derive(Debug)]
pub(crate) struct Naming {
    pub(crate) scheme: NameId,
    pub(crate) own: Box<str>,
    pub(crate) version: Option<NameId>,
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

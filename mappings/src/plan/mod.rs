//! A compiled mapping: names interned, paths resolved, code tables at hand. Nothing here is text that must be parsed.
//!
//! A plan is a tree of scopes. A scope is the document itself or one item of a repeated part; it has places (a trie
//! of paths from that item) and rules. A rule says which canonical field belongs to which place. The canonical
//! field may be one of an outer scope: what a document repeats, such as the places of work in every language.

mod codes;
mod compile;
mod constants;
mod covered;
mod fallbacks;
mod labels;
mod leaves;
mod patterns;
mod places;
mod ranks;
mod rule;
mod rules;
mod scope;
mod scopes;
mod target;

use std::sync::Arc;

use schemas::{Kind, RecordType, Value};

use crate::{
    codes::CodedShape,
    document::{NameId, Names, Syntax},
    grammar::{Directions, Evidence},
};

pub(crate) use compile::{canonical_value, compile};
pub(crate) use covered::{Covered, Selector};
pub(crate) use rule::{
    Action, CodedLeaf, Element, Fallback, FieldStart, Form, Group, Leaf, List, Marks, Naming, Pattern, PatternForm,
    Repeat, Rule, ShownBy, Spelling, Split, TemplatePart, TextCoder, Window,
};
pub(crate) use target::{Target, TargetStep, Tongue, push_index};

/// A place in a scope: an index into its places; 0 is the item itself.
pub(crate) type PlaceId = usize;

/// Everything that a mapping file says, ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) kind: Kind,
    pub(crate) model: &'static RecordType,
    pub(crate) syntax: Syntax,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) media_type: String,
    pub(crate) source: String,
    pub(crate) evidence: Evidence,
    pub(crate) directions: Directions,
    pub(crate) language: Option<Arc<str>>,
    pub(crate) null_clears: bool,
    pub(crate) absent_is_kept: bool,
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

impl Said {
    /// Whether a record says the same; of coded values the code counts, however it was obtained.
    pub(crate) fn agrees(&self, value: &Value) -> bool {
        CodedShape::of(self.path.ty()).map_or_else(
            || *value == self.value,
            |shape| {
                let code = |value| (shape.scheme(value), shape.code(value));
                code(value) == code(&self.value)
            },
        )
    }
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

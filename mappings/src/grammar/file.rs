//! A mapping file as a whole: its tables, each line with where it stands.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use crate::{
    document::Format,
    error::{MappingError, Mistakes, did_you_mean},
};

use super::{
    Dialect, Labels, Left, Place, Rule, Scalar, Selection, Step,
    conditions::{Condition, Discard, read_conditions, read_discards, read_places_of},
    dialect::read_dialect,
    labels::read_labels,
    like::laid_over,
    rule::read_rule,
    toml::{Table, entries, scalar},
};

/// A mapping file.
#[derive(Debug)]
pub(crate) struct MappingFile {
    pub(crate) dialect: Dialect,
    /// Prefix and address; the prefix of unprefixed names is empty.
    pub(crate) namespaces: Vec<(String, String)>,
    /// What a partner file may set, with the value until it does.
    pub(crate) parameters: Vec<(String, String)>,
    /// The shapes; one without a name where the file has `[fields]`.
    pub(crate) shapes: Vec<Shape>,
    pub(crate) order: Vec<Order>,
    pub(crate) lists: Vec<ListMarks>,
    pub(crate) labels: Labels,
}

/// One shape of the documents.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: Option<String>,
    /// The syntax of its documents; of another than the dialect's they are only read.
    pub(crate) format: Format,
    /// The shape that this one takes its lines from.
    pub(crate) like: Option<String>,
    /// Where it stands.
    pub(crate) span: Option<Range<usize>>,
    /// What a document of this shape looks like.
    pub(crate) when: Vec<Condition>,
    pub(crate) root: Option<Place>,
    /// Whether every document of this shape is a closing notice.
    pub(crate) is_close: bool,
    pub(crate) close_when: Vec<Condition>,
    pub(crate) lines: Vec<Line>,
    pub(crate) constants: Vec<Constant>,
    /// Canonical path and what the shape itself says there.
    pub(crate) set: Vec<Said>,
    /// The same, reported as a default.
    pub(crate) assume: Vec<Said>,
    pub(crate) ignore: Vec<Place>,
    pub(crate) discard: Vec<Discard>,
}

/// A line of `[fields]`.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) left: Left,
    pub(crate) rule: Rule,
    pub(crate) span: Option<Range<usize>>,
}

/// A line of `[constants]`.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) text: String,
    pub(crate) at: Place,
    pub(crate) value: Scalar,
    pub(crate) span: Option<Range<usize>>,
}

/// A line of `[set]` or `[assume]`.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) path: String,
    pub(crate) value: Scalar,
    pub(crate) span: Option<Range<usize>>,
}

/// A line of `[order]`.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) parent: Place,
    pub(crate) names: Vec<String>,
    pub(crate) span: Option<Range<usize>>,
}

/// How the codes of a list are marked: names and texts beside the code.
#[derive(Debug)]
pub(crate) struct ListMarks {
    pub(crate) list: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// Which of the names hold the name of the list and its version.
    pub(crate) scheme_in: Option<String>,
    pub(crate) version_in: Option<String>,
    pub(crate) span: Option<Range<usize>>,
}

const TABLES: [&str; 12] = [
    "dialect",
    "namespaces",
    "parameters",
    "fields",
    "derive",
    "constants",
    "set",
    "assume",
    "shape",
    "order",
    "lists",
    "labels",
];

/// The tables that every shape has of its own.
const TABLES_OF_A_SHAPE: [&str; 4] = ["derive", "constants", "set", "assume"];

/// Reads a mapping file, laid over the one that it is like.
///
/// # Errors
/// Every mistake that can be seen without the model.
pub(crate) fn read_mapping_file(file: &str, text: &str, base: Option<&str>) -> Result<MappingFile, Vec<MappingError>> {
    let mut mistakes = Mistakes::new(file, text);
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            mistakes.at(error.span(), "", error.message().trim(), "the file is TOML 1.0, see https://toml.io");
            mistakes.found.iter_mut().for_each(|mistake| mistake.rule = None);
            return Err(mistakes.found);
        }
    };
    let own = document.as_table();
    let mapping = match base {
        Some(base) => read_tables(&laid_over(base, own), &mut mistakes),
        None => read_tables(own, &mut mistakes),
    };
    match mapping {
        Some(mapping) if mistakes.found.is_empty() => Ok(mapping),
        _ => Err(mistakes.found),
    }
}

fn read_tables(root: &toml_edit::Table, mistakes: &mut Mistakes<'_>) -> Option<MappingFile> {
    for (key, _, span) in entries(root).into_iter().filter(|(key, ..)| !TABLES.contains(key)) {
        mistakes.at(span, key, "there is no such table", did_you_mean(key, TABLES));
    }
    let Some(dialect) = root.get("dialect") else {
        mistakes.on_line(1, None, "the table `[dialect]` is missing", "add `[dialect]` with at least `format`");
        return None;
    };
    let dialect = read_dialect(dialect, mistakes)?;
    let format = dialect.format;
    let mut shapes: Vec<Shape> = Vec::new();
    if let Some(fields) = root.get("fields") {
        let mut shape = Shape::new(format);
        read_shape_tables(&mut shape, &mut |name| root.get(name), format, mistakes);
        shape.lines.splice(..0, read_lines(fields, format, mistakes));
        shapes.push(shape);
    }
    for item in root.get("shape").and_then(Item::as_array_of_tables).into_iter().flat_map(|tables| tables.iter()) {
        shapes.push(read_shape(item, format, mistakes));
    }
    if shapes.is_empty() || (root.contains_key("fields") && root.contains_key("shape")) {
        let remedy = "write one `[fields]` table, or several `[[shape]]` tables with `[shape.fields]` each";
        mistakes.on_line(1, None, "a mapping has `[fields]` or `[[shape]]`", remedy);
    } else if root.contains_key("shape") {
        refuse_tables_of_shapes(root, mistakes);
    }
    Some(MappingFile {
        dialect,
        namespaces: read_texts(root.get("namespaces"), "namespaces", mistakes),
        parameters: read_texts(root.get("parameters"), "parameters", mistakes),
        shapes,
        order: read_order(root.get("order"), format, mistakes),
        lists: read_marks(root.get("lists"), mistakes),
        labels: read_labels(root.get("labels"), format, mistakes),
    })
}

/// Beside `[[shape]]` they would belong to no shape.
fn refuse_tables_of_shapes(root: &toml_edit::Table, mistakes: &mut Mistakes<'_>) {
    for name in TABLES_OF_A_SHAPE.into_iter().filter(|name| root.contains_key(name)) {
        let span = root.get(name).and_then(Item::span);
        let remedy = format!("write `[shape.{name}]` below the shape that it belongs to");
        mistakes.at(span, name, "the table stands beside `[[shape]]`, not in one", remedy);
    }
}

fn read_shape(table: &toml_edit::Table, format: Format, mistakes: &mut Mistakes<'_>) -> Shape {
    let mut options = Table::new(table, "shape", table.span());
    let formats = [("json", Format::Json), ("xml", Format::Xml), ("labels", Format::Labels)];
    let format = options.word("format", &formats, mistakes).unwrap_or(format);
    let mut shape = Shape { name: options.text("name", mistakes), ..Shape::new(format) };
    shape.like = options.text("like", mistakes);
    if let Some(name) = &shape.name {
        options.rule = format!("shape {name}");
    } else {
        mistakes.at(table.span(), "shape", "the shape has no name", "add `name = \"…\"`");
    }
    shape.when = read_conditions(&mut options, "when", format, mistakes);
    shape.root = read_places_of(&mut options, "root", format, mistakes).pop();
    shape.is_close = options.word("operation", &[("upsert", false), ("close", true)], mistakes).unwrap_or_default();
    shape.close_when = read_conditions(&mut options, "close_when", format, mistakes);
    shape.ignore = read_places_of(&mut options, "ignore", format, mistakes);
    shape.discard = read_discards(&mut options, format, mistakes);
    read_shape_tables(&mut shape, &mut |name| options.item(name), format, mistakes);
    for name in
        ["fields", "derive", "constants"].into_iter().filter(|name| shape.like.is_some() && table.contains_key(name))
    {
        let span = table.get(name).and_then(Item::span);
        let problem = "a shape with `like` takes its lines and constants from the other one";
        mistakes.at(span, &options.rule, problem, format!("remove `like`, or `[shape.{name}]`"));
    }
    match options.item("fields") {
        Some(fields) => drop(shape.lines.splice(..0, read_lines(fields, format, mistakes))),
        None if shape.like.is_some() => {}
        None => mistakes.at(table.span(), &options.rule, "the shape has no lines", "add `[shape.fields]`"),
    }
    options.finish(mistakes);
    shape.span = table.span();
    shape
}

fn read_shape_tables<'t>(
    shape: &mut Shape,
    table: &mut dyn FnMut(&'static str) -> Option<&'t Item>,
    format: Format,
    mistakes: &mut Mistakes<'_>,
) {
    for (key, item, span) in sub_table(table("constants"), "constants", mistakes) {
        let place = Place::parse(key, format);
        match (place, item.as_value().and_then(scalar)) {
            (Ok(at), Some(value)) => shape.constants.push(Constant { text: key.to_owned(), at, value, span }),
            (Err(problem), _) => mistakes.at(span, key, "the path of the constant is wrong", problem),
            (_, None) => mistakes.at(span, key, "the constant is no text, number or truth value", "write `\"…\"`"),
        }
    }
    shape.set = read_said(table("set"), "set", mistakes);
    shape.assume = read_said(table("assume"), "assume", mistakes);
    if let Some(derive) = table("derive") {
        shape.lines = read_lines(derive, format, mistakes);
        for line in shape.lines.iter().filter(|line| line.rule.derive.is_none() || line.rule.codes.is_empty()) {
            let remedy = "write `{ at = \"…\", codes = \"…\", to = \"vocabulary\" }`";
            mistakes.at(line.span.clone(), &line.left.text, "nothing says what the value follows from", remedy);
        }
    }
}

fn read_said(item: Option<&Item>, name: &'static str, mistakes: &mut Mistakes<'_>) -> Vec<Said> {
    let mut said = Vec::new();
    for (key, item, span) in sub_table(item, name, mistakes) {
        match item.as_value().and_then(scalar) {
            Some(value) => said.push(Said { path: key.to_owned(), value, span }),
            None => mistakes.at(span, key, "the value is no text, number or truth value", "write `\"…\"`"),
        }
    }
    said
}

fn read_lines(fields: &Item, format: Format, mistakes: &mut Mistakes<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (key, item, span) in sub_table(Some(fields), "fields", mistakes) {
        match Left::parse(key) {
            Ok(left) => {
                if let Some(rule) = read_rule(item, key, format, mistakes) {
                    lines.push(Line { left, rule, span });
                }
            }
            Err(problem) => mistakes.at(span, key, "the left side is no canonical path", problem),
        }
    }
    lines
}

fn sub_table<'t>(
    item: Option<&'t Item>,
    name: &str,
    mistakes: &mut Mistakes<'_>,
) -> Vec<(&'t str, &'t Item, Option<Range<usize>>)> {
    let Some(item) = item else {
        return Vec::new();
    };
    let table: Option<&dyn TableLike> = item.as_table_like();
    if table.is_none() {
        mistakes.at(
            item.span(),
            name,
            format!("expected a table, found {}", item.type_name()),
            format!("write `[{name}]`"),
        );
    }
    table.map(entries).unwrap_or_default()
}

pub(super) fn read_texts(item: Option<&Item>, name: &str, mistakes: &mut Mistakes<'_>) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for (key, item, span) in sub_table(item, name, mistakes) {
        match item.as_str() {
            Some(text) => texts.push((key.to_owned(), text.to_owned())),
            None => mistakes.at(span, key, "expected a text", "write `\"…\"`"),
        }
    }
    texts
}

fn read_order(item: Option<&Item>, format: Format, mistakes: &mut Mistakes<'_>) -> Vec<Order> {
    let mut order = Vec::new();
    for (key, item, span) in sub_table(item, "order", mistakes) {
        let names = item.as_array().map(|names| names.iter().map(|name| name.as_str().map(str::to_owned)));
        let names: Option<Vec<String>> = names.and_then(Iterator::collect);
        match (Place::parse(key, format), names) {
            (Ok(parent), Some(names)) => order.push(Order { parent, names, span }),
            (Err(problem), _) => mistakes.at(span, key, "the path is wrong", problem),
            (_, None) => mistakes.at(span, key, "expected a list of names", "write `[\"first\", \"second\"]`"),
        }
    }
    order
}

fn read_marks(item: Option<&Item>, mistakes: &mut Mistakes<'_>) -> Vec<ListMarks> {
    let mut marks = Vec::new();
    for (key, item, span) in sub_table(item, "lists", mistakes) {
        let Some(mut table) = Table::of(item, key, mistakes) else {
            continue;
        };
        let attributes = read_texts(table.item("attributes"), "attributes", mistakes);
        let mut naming = |name, mistakes: &mut Mistakes<'_>| {
            let text = table.text(name, mistakes)?;
            if !attributes.iter().any(|(known, _)| *known == text) {
                let remedy = did_you_mean(&text, attributes.iter().map(|(known, _)| known.as_str()));
                mistakes.at(item.span(), key, format!("`{name}` is `{text}`, none of the `attributes`"), remedy);
            }
            Some(text)
        };
        let (scheme_in, version_in) = (naming("scheme_in", mistakes), naming("version_in", mistakes));
        table.finish(mistakes);
        marks.push(ListMarks { list: key.to_owned(), attributes, scheme_in, version_in, span });
    }
    marks
}

impl Shape {
    fn new(format: Format) -> Self {
        Self {
            name: None,
            format,
            like: None,
            span: None,
            when: Vec::new(),
            root: None,
            is_close: false,
            close_when: Vec::new(),
            lines: Vec::new(),
            constants: Vec::new(),
            set: Vec::new(),
            assume: Vec::new(),
            ignore: Vec::new(),
            discard: Vec::new(),
        }
    }
}

impl Step {
    /// The selection of a step.
    pub(crate) fn selection(&self) -> Option<&Selection> {
        match self {
            Self::Member(_, selection) | Self::Items(selection) => selection.as_ref(),
            Self::Attribute(_) => None,
        }
    }
}

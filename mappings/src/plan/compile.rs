//! Compiles a mapping file into a program.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use schemas::{Format as TextFormat, Kind, Path, RecordType, Type, Value};

use crate::{
    codes::Library,
    document::{Format, NameId, NameKind, ROOT},
    error::{MappingError, Mistakes, did_you_mean},
    grammar::{self, Line, MappingFile, Place as WrittenPlace, Scalar, Start, Step},
};

use super::{
    Constant, ConstantKind, Constants, Covered, Group, PlaceId, Program, Repeat, Said, Scope, Selector, Shape, Spoken,
    Target, TargetStep, Test, Tongue,
    places::{Namer, Places},
    rules::RuleMaker,
    scopes::{Sorted, sort},
};

/// What every part of the compiler needs.
pub(super) struct Compiler<'f, 'm> {
    pub(super) file: &'f MappingFile,
    pub(super) library: &'f Library,
    pub(super) model: &'static RecordType,
    pub(super) namer: Namer,
    /// For every name that is written, the line that writes it first.
    pub(super) first_lines: BTreeMap<NameId, u32>,
    pub(super) zone: TimeZone,
    pub(super) mistakes: Mistakes<'m>,
}

/// Compiles a mapping file.
///
/// # Errors
/// Every mistake that can be seen with the model and the code lists at hand.
pub(crate) fn compile(
    file: &MappingFile,
    kind: Kind,
    model: &'static RecordType,
    library: &Library,
    (name, text): (&str, &str),
) -> Result<Program, Vec<MappingError>> {
    let mut mistakes = Mistakes::new(name, text);
    let zone = read_zone(file, &mut mistakes);
    let namer = Namer::new(file.dialect.format, &file.namespaces);
    let mut compiler = Compiler { file, library, model, namer, first_lines: BTreeMap::new(), zone, mistakes };
    let mut shapes: Vec<Shape> = file.shapes.iter().filter_map(|shape| compiler.compile_shape(shape)).collect();
    compiler.check_marks();
    let ranks = compiler.read_ranks();
    if !compiler.mistakes.found.is_empty() || shapes.is_empty() {
        return Err(compiler.mistakes.found);
    }
    for shape in &mut shapes {
        shape.index_names(compiler.namer.names.len());
    }
    let dialect = &file.dialect;
    let boxed = |pairs: &[(String, String)]| {
        pairs.iter().map(|(one, other)| (one.as_str().into(), other.as_str().into())).collect()
    };
    Ok(Program {
        kind,
        model,
        format: dialect.format,
        title: dialect.title.clone(),
        version: dialect.version.clone(),
        media_type: dialect.media_type.clone(),
        source: dialect.source.clone(),
        evidence: dialect.evidence,
        directions: dialect.directions,
        language: dialect.language.as_deref().map(Into::into),
        cdata: dialect.cdata,
        null_clears: dialect.null_clears,
        omits_empty: dialect.omits_empty,
        parameters: boxed(&file.parameters),
        names: compiler.namer.names,
        ranks,
        namespaces: boxed(&file.namespaces),
        shapes,
    })
}

fn read_zone(file: &MappingFile, mistakes: &mut Mistakes<'_>) -> TimeZone {
    let Some(name) = &file.dialect.time_zone else {
        return TimeZone::UTC;
    };
    TimeZone::get(name).unwrap_or_else(|_| {
        let remedy = "use a name of the tz database, such as `Europe/Brussels`";
        mistakes.on_line(1, Some("time_zone"), format!("there is no time zone `{name}`"), remedy);
        TimeZone::UTC
    })
}

impl<'f> Compiler<'f, '_> {
    /// Notes a mistake at a line.
    pub(super) fn mistake(&mut self, line: &Line, problem: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.at(line.span.clone(), &line.left.text, problem, remedy);
    }

    /// The shape that another one takes its lines from; itself where it has its own.
    fn lines_of(&mut self, shape: &'f grammar::Shape) -> Option<&'f grammar::Shape> {
        let Some(wanted) = &shape.like else {
            return Some(shape);
        };
        let mut named = self.file.shapes.iter().filter(|other| other.like.is_none());
        let found = named.find(|other| other.name.as_ref() == Some(wanted));
        if found.is_none() {
            let remedy = did_you_mean(wanted, self.file.shapes.iter().filter_map(|shape| shape.name.as_deref()));
            self.mistakes.at(shape.span.clone(), "like", format!("there is no shape `{wanted}` with lines"), remedy);
        }
        found
    }

    fn compile_shape(&mut self, shape: &'f grammar::Shape) -> Option<Shape> {
        let lines = self.lines_of(shape)?;
        let dialect = &self.file.dialect;
        let mut outer = Places::new(ROOT);
        let root = shape.root.as_ref().or(dialect.root.as_ref());
        let mut root_steps: &[Step] = root.map(|root| root.steps.as_slice()).unwrap_or_default();
        let mut element = None;
        if dialect.format == Format::Xml {
            let Some((Step::Member(name, _), below)) = root_steps.split_first() else {
                let remedy = "add `root = \"Element\"` to `[dialect]`";
                self.mistakes.on_line(1, Some("dialect"), "the name of the root element is missing", remedy);
                return None;
            };
            let (namespace, local) = self.outer(self.namer.qualify(name, NameKind::Member), "root")?;
            element = Some((namespace, local.into(), name.as_str().into()));
            root_steps = below;
        }
        let root = self.outer_place(&mut outer, root_steps, "root")?;
        let sorted = sort(&lines.lines, self.model, dialect.format, &mut self.mistakes);
        let root_name = outer.list[root].name;
        let language_at = dialect.language_at.as_ref().or_else(|| language_place(lines));
        let language_at = match language_at {
            Some(place) => Some(self.outer_place(&mut outer, &from_document(place, root_steps), "language_at")?),
            None => None,
        };
        let mut constants = Vec::new();
        let mut with_names = Vec::new();
        let (scope, readable, writable) =
            self.compile_scope(0, lines, &sorted, root_name, (&mut constants, &mut with_names));
        let when = self.read_tests(&mut outer, &shape.when, &[]);
        let close_when = if lines.close_when.is_empty() { &dialect.close_when } else { &lines.close_when };
        let close_when = self.read_tests(&mut outer, close_when, root_steps);
        let mut ignore = Vec::new();
        for place in dialect.ignore.iter().chain(&lines.ignore) {
            ignore.extend(self.outer_place(&mut outer, &from_document(place, root_steps), "ignore"));
        }
        let mut discard = Vec::new();
        for written in dialect.discard.iter().chain(&lines.discard) {
            let place = self.outer_place(&mut outer, &from_document(&written.at, root_steps), "discard");
            discard.extend(place.map(|place| (place, written.code.as_str().into())));
        }
        let mut outer_constants = self.read_outer_constants(&mut outer, lines, &mut constants);
        for test in when.iter().filter(|test| !test.is.is_empty()) {
            if !outer_constants.iter().any(|(place, _)| *place == test.place) {
                constants.push(Constant { kind: ConstantKind::Text, text: test.is[0].clone() });
                outer_constants.push((test.place, constants.len() - 1));
            }
        }
        let said = self.read_said(lines);
        Some(Shape {
            name: shape.name.as_deref().map(Into::into),
            outer: outer.list,
            element,
            root,
            is_envelope: matches!(root_steps.last(), Some(Step::Items(_))),
            language_at,
            spoken: spoken_lists(&scope),
            when,
            is_close: shape.is_close || lines.is_close,
            close_when,
            ignore,
            discard,
            constants: Constants { all: constants, of_name: Vec::new(), with: index_constants(with_names) },
            outer_constants,
            scope,
            said,
            readable,
            writable,
        })
    }

    fn outer<T>(&mut self, result: Result<T, String>, rule: &str) -> Option<T> {
        result.map_err(|problem| self.mistakes.on_line(1, Some(rule), problem, "")).ok()
    }

    fn outer_place(&mut self, places: &mut Places, steps: &[Step], rule: &str) -> Option<PlaceId> {
        let made = places.make(steps, &mut self.namer);
        self.outer(made, rule)
    }

    /// Constants outside of the record.
    fn read_outer_constants(
        &mut self,
        outer: &mut Places,
        shape: &grammar::Shape,
        constants: &mut Vec<Constant>,
    ) -> Vec<(PlaceId, usize)> {
        let mut placed = Vec::new();
        for constant in shape.constants.iter().filter(|constant| constant.at.start == Start::Document) {
            let value = self.constant(&constant.value, &constant.text, constant.span.clone());
            if let Some(place) = self.outer_place(outer, &constant.at.steps, &constant.text) {
                constants.push(value);
                placed.push((place, constants.len() - 1));
            }
        }
        placed
    }

    fn read_tests(&mut self, outer: &mut Places, conditions: &[grammar::Condition], root_steps: &[Step]) -> Vec<Test> {
        let mut tests = Vec::new();
        for condition in conditions {
            if let Some(place) = self.outer_place(outer, &from_document(&condition.at, root_steps), "when") {
                let is = condition.is.iter().map(|value| value.as_str().into()).collect();
                tests.push(Test { place, is, is_lacking: condition.is_lacking });
            }
        }
        tests
    }

    /// Compiles a scope with everything inside; gives what can be read and what can be written of its record.
    fn compile_scope(
        &mut self,
        index: usize,
        shape: &grammar::Shape,
        sorted: &Sorted<'_>,
        name: NameId,
        constants: (&mut Vec<Constant>, &mut Vec<(NameId, NameId, usize)>),
    ) -> (Scope, Covered, Covered) {
        let draft = &sorted.scopes[index];
        let mut places = Places::new(name);
        let mut rules = Vec::new();
        let mut readable = vec![Covered::default(); draft.level + 1];
        let mut writable = readable.clone();
        let mut deeper = Vec::new();
        for (line_index, owner) in &draft.lines {
            let line = &shape.lines[*line_index];
            let steps = &sorted.steps[*line_index];
            let mut maker = RuleMaker { compiler: self, places: &mut places, scope: draft, line };
            let Some(rule) = maker.make(&sorted.scopes[*owner], steps, sorted.opens[*line_index].is_some()) else {
                continue;
            };
            for place in rule.places.iter().take(1).chain(&rule.also) {
                self.rank(places.list[*place].name, *line_index);
            }
            let selections = rule.places.iter().filter_map(|place| places.list[*place].selection.as_ref());
            let names: Vec<NameId> = selections.filter_map(|selection| selection.at.last().copied()).collect();
            for name in names.into_iter().chain(rule.further_names()) {
                self.rank(name, *line_index);
            }
            rules.push(rule);
            deeper.push(sorted.opens[*line_index]);
        }
        let mut made = Vec::new();
        for (mut rule, opens) in rules.into_iter().zip(deeper) {
            let level = rule.level;
            if let (Some(inner), super::Action::Group(group)) = (opens, &mut rule.action) {
                let name = group.repeat.name;
                let (scope, inner_readable, inner_writable) =
                    self.compile_scope(inner, shape, sorted, name, (&mut *constants.0, &mut *constants.1));
                group.scope = scope;
                for (all, inner) in [(&mut readable, inner_readable), (&mut writable, inner_writable)] {
                    merge_inner(all, level, &rule.target, group, inner);
                }
            } else {
                for (all, is_wanted) in [(&mut readable, rule.reads), (&mut writable, rule.writes)] {
                    if is_wanted {
                        rule.cover(&mut all[level]);
                    }
                }
            }
            made.push(rule);
        }
        let always = self.read_constants(index, shape, sorted, &mut places, constants);
        let has_shared = made.iter().any(|rule| rule.level < draft.level);
        // What belongs to outer records is handed on with them.
        let (readable, writable) = (fold(readable), fold(writable));
        let depends = |rule: &super::Rule| rule.writes && (rule.with_parent.is_some() || rule.starts_with.is_some());
        let deferred = (0..made.len()).filter(|index| depends(&made[*index])).collect();
        let scope = Scope { level: draft.level, places: places.list, rules: made, deferred, always, has_shared };
        (scope, readable, writable)
    }

    /// Remembers that a line writes a name, and everything above it.
    fn rank(&mut self, name: NameId, line: usize) {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let mut at = name;
        while at != ROOT {
            let first = self.first_lines.entry(at).or_insert(line);
            *first = line.min(*first);
            at = self.namer.names.parent(at);
        }
    }

    /// Reads the constants of a scope; gives those that are written with every item.
    fn read_constants(
        &mut self,
        index: usize,
        shape: &grammar::Shape,
        sorted: &Sorted<'_>,
        places: &mut Places,
        (constants, with_names): (&mut Vec<Constant>, &mut Vec<(NameId, NameId, usize)>),
    ) -> Vec<(PlaceId, usize)> {
        let own = &sorted.scopes[index];
        let mut always = Vec::new();
        for constant in shape.constants.iter().filter(|constant| constant.at.start != Start::Document) {
            let is_inside = |scope: &super::scopes::ScopeDraft<'_>| constant.at.steps.starts_with(&scope.steps);
            let deepest = sorted.scopes.iter().filter(|scope| is_inside(scope)).map(|scope| scope.steps.len()).max();
            let Some((last, parent)) = constant.at.steps[own.steps.len().min(constant.at.steps.len())..].split_last()
            else {
                continue;
            };
            if !is_inside(own) || deepest != Some(own.steps.len()) {
                continue;
            }
            constants.push(self.constant(&constant.value, &constant.text, constant.span.clone()));
            let number = constants.len() - 1;
            let is_xml = self.file.dialect.format == Format::Xml;
            let is_parent_mapped = !parent.is_empty() && matches!(places.find(parent, &mut self.namer), Ok(Some(_)));
            let with_parent = matches!(last, Step::Attribute(_)) || (!is_xml && is_parent_mapped);
            let steps = [parent, std::slice::from_ref(last)].concat();
            let done = if with_parent {
                let names = self.namer.path(places.list[0].name, &steps);
                names.map(|names| {
                    let name = names.last().copied().unwrap_or_default();
                    with_names.push((self.namer.names.parent(name), name, number));
                })
            } else {
                places.make(&steps, &mut self.namer).map(|place| always.push((place, number)))
            };
            if let Err(problem) = done {
                self.mistakes.at(constant.span.clone(), &constant.text, problem, "");
            }
        }
        always
    }

    fn constant(&mut self, value: &Scalar, rule: &str, span: Option<std::ops::Range<usize>>) -> Constant {
        if let Some(name) = value.as_parameter() {
            let kind = self.parameter(name, rule, span).map_or(ConstantKind::Text, ConstantKind::Parameter);
            return Constant { kind, text: "".into() };
        }
        let kind = match value {
            Scalar::Text(_) => ConstantKind::Text,
            Scalar::Integer(_) => ConstantKind::Number,
            Scalar::Boolean(_) => ConstantKind::Boolean,
        };
        Constant { kind, text: value.letters().into() }
    }

    /// The index of a parameter.
    pub(super) fn parameter(&mut self, name: &str, rule: &str, span: Option<std::ops::Range<usize>>) -> Option<usize> {
        let found = self.file.parameters.iter().position(|(known, _)| known == name);
        if found.is_none() {
            let remedy = did_you_mean(name, self.file.parameters.iter().map(|(known, _)| known.as_str()));
            self.mistakes.at(span, rule, format!("there is no parameter `{name}` under `[parameters]`"), remedy);
        }
        found
    }

    fn read_said(&mut self, shape: &grammar::Shape) -> Vec<Said> {
        let all = shape.set.iter().map(|said| (said, false)).chain(shape.assume.iter().map(|said| (said, true)));
        let mut read = Vec::new();
        for (said, is_assumed) in all {
            let path = Path::resolve(self.model, &said.path).map_err(|error| error.to_string());
            match path.and_then(|path| Ok((canonical_value(&said.value, path.ty())?, path))) {
                Ok((value, path)) => read.push(Said { path, value, is_assumed }),
                Err(problem) => self.mistakes.at(said.span.clone(), &said.path, problem, ""),
            }
        }
        read
    }

    fn check_marks(&mut self) {
        for marks in &self.file.lists {
            if self.library.list(&marks.list).is_none() {
                let remedy = did_you_mean(&marks.list, self.library.lists().map(|list| &**list.name()));
                let problem = format!("there is no code list `{}`", marks.list);
                self.mistakes.at(marks.span.clone(), &marks.list, problem, remedy);
            }
        }
    }

    /// For every name its place among its siblings: that of `[order]`, else that of its first line.
    fn read_ranks(&mut self) -> Vec<u32> {
        /// Behind everything that `[order]` names.
        const UNORDERED: u32 = 10_000;
        /// Behind everything that a line writes: constants, in the order of the file.
        const CONSTANTS: u32 = 100_000;
        let count = self.namer.names.len();
        let rank = |id: usize| {
            let id = u32::try_from(id).unwrap_or(u32::MAX);
            self.first_lines.get(&id).map_or(CONSTANTS + id, |line| UNORDERED + line)
        };
        let mut ranks: Vec<u32> = (0..count).map(rank).collect();
        for order in &self.file.order {
            let mut parent = ROOT;
            for step in &order.parent.steps {
                match self.namer.name(parent, step) {
                    Ok(name) => parent = name,
                    Err(problem) => self.mistakes.at(order.span.clone(), "order", problem, ""),
                }
            }
            if parent as usize >= count {
                let remedy = "write the path of an element that some line writes";
                self.mistakes.at(order.span.clone(), "order", "no line has this path", remedy);
                continue;
            }
            for (rank, name) in (0..).zip(&order.names) {
                let step = Step::Member(name.clone(), None);
                match self.namer.name(parent, &step) {
                    Ok(id) if (id as usize) < count => ranks[id as usize] = rank,
                    Ok(_) => {
                        let problem = format!("no line writes `{name}` there");
                        self.mistakes.at(order.span.clone(), "order", problem, "remove it, or correct the name");
                    }
                    Err(problem) => self.mistakes.at(order.span.clone(), "order", problem, ""),
                }
            }
        }
        ranks.resize(self.namer.names.len(), u32::MAX);
        ranks
    }
}

/// The lists that the rules of a scope go into by language.
fn spoken_lists(scope: &Scope) -> Vec<Spoken> {
    let mut spoken: Vec<Spoken> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for rule in &scope.rules {
        let at = rule.target.steps.iter().position(|step| matches!(step, TargetStep::Language(..)));
        let Some((at, TargetStep::Language(record, key))) = at.map(|at| (at, &rule.target.steps[at])) else {
            continue;
        };
        let list = Target { steps: rule.target.steps[..at].to_vec(), ..rule.target.clone() };
        let mut name = String::new();
        list.render(&Value::Absent, &Tongue::default(), &mut name);
        if !names.contains(&name) {
            names.push(name);
            spoken.push(Spoken { list, record, key: *key });
        }
    }
    spoken
}

/// Sorts constants by the name that they are written with.
fn index_constants(with_names: Vec<(NameId, NameId, usize)>) -> Vec<Vec<(NameId, usize)>> {
    let count = with_names.iter().map(|(parent, ..)| *parent as usize + 1).max().unwrap_or_default();
    let mut with = vec![Vec::new(); count];
    for (parent, name, number) in with_names {
        with[parent as usize].push((name, number));
    }
    with
}

impl Shape {
    /// For every name the constant that stands there, once all names are known.
    fn index_names(&mut self, count: usize) {
        let mut of_name = vec![None; count];
        for (name, number) in self.constants.with.iter().flatten() {
            of_name[*name as usize] = Some(*number);
        }
        for (place, number) in &self.outer_constants {
            of_name[self.outer[*place].name as usize] = Some(*number);
        }
        index_scope(&self.scope, &mut of_name);
        self.constants.of_name = of_name;
        self.constants.with.resize(count, Vec::new());
    }
}

fn index_scope(scope: &Scope, of_name: &mut [Option<usize>]) {
    for (place, number) in &scope.always {
        of_name[scope.places[*place].name as usize] = Some(*number);
    }
    for rule in &scope.rules {
        if let super::Action::Group(group) = &rule.action {
            index_scope(&group.scope, of_name);
        }
    }
}

/// A path from the document: one from the root of the record stands below it.
fn from_document(place: &WrittenPlace, root_steps: &[Step]) -> Vec<Step> {
    let start = if place.start == Start::Document { &[] } else { root_steps };
    [start, &place.steps].concat()
}

/// The place of the line that says in which language a document is.
fn language_place(shape: &grammar::Shape) -> Option<&WrittenPlace> {
    let is_language = |line: &&Line| match line.left.segments.as_slice() {
        [list, field] => list.bracket == Some(grammar::Bracket::Language) && field.name == "language",
        _ => false,
    };
    shape.lines.iter().find(is_language)?.rule.at.first()
}

/// Adds what the items of a group express to the record that the list belongs to.
fn merge_inner(all: &mut [Covered], level: usize, target: &super::Target, group: &Group, mut inner: Covered) {
    let selector = match &group.only {
        Some((field, value)) => {
            inner.field(*field).is_whole = true;
            Selector::Only(*field, value.clone())
        }
        None => Selector::Each,
    };
    // The innermost record of the inner scope is the item; what it expresses of outer records comes first.
    let outer = std::mem::take(&mut inner.outer);
    for (all, outer) in all.iter_mut().zip(outer) {
        all.merge(outer);
    }
    all[level].at(target).item(selector).merge(inner);
}

/// The expressed part of the innermost record, carrying those of the outer ones.
fn fold(mut levels: Vec<Covered>) -> Covered {
    let mut own = levels.pop().unwrap_or_default();
    own.outer = levels;
    own
}

/// A value of a canonical type from what a mapping file says.
pub(crate) fn canonical_value(scalar: &Scalar, ty: Type) -> Result<Value, String> {
    let letters = scalar.letters();
    match ty {
        Type::Boolean => match scalar {
            Scalar::Boolean(truth) => Ok(Value::Boolean(*truth)),
            _ => Err(format!("`{letters}` is neither true nor false")),
        },
        Type::Integer => match scalar {
            Scalar::Integer(number) => Ok(Value::Integer(*number)),
            _ => Err(format!("`{letters}` is no whole number")),
        },
        Type::Symbol(symbols) => {
            let index = symbols.iter().position(|symbol| *symbol == letters);
            let index = index.ok_or_else(|| {
                format!("`{letters}` is no symbol of the field; {}", did_you_mean(&letters, symbols.iter().copied()))
            })?;
            Ok(Value::Symbol(u16::try_from(index).unwrap_or_default()))
        }
        Type::Text(format) => {
            format.check(&letters)?;
            let is_cleared = letters.is_empty() && format != TextFormat::Plain;
            if is_cleared { Err("an empty text says nothing here".to_owned()) } else { Ok(Value::text(letters)) }
        }
        Type::Record(_) | Type::List { .. } => Err("the field holds no single value".to_owned()),
    }
}

impl Repeat {
    /// Makes the places of a repeated part.
    pub(super) fn make(steps: &[Step], places: &mut Places, namer: &mut Namer) -> Result<Self, String> {
        let (last, container) = steps.split_last().ok_or("the repeated part has no name")?;
        let container = places.make(container, namer)?;
        let name = namer.name(places.list[container].name, last)?;
        Ok(Self { container, name, selection: namer.selection(name, last.selection())? })
    }
}

/// The language of labels that are written.
pub(super) fn label_language(file: &MappingFile) -> Option<Box<str>> {
    file.dialect.language.as_deref().map(Into::into)
}

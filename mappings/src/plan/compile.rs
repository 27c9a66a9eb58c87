//! Compiles a mapping file into a program.

use std::{collections::BTreeMap, ops::Range};

use jiff::tz::TimeZone;
use schemas::{Format as TextFormat, Kind, Path, RecordType, Type, Value};

use crate::{
    codes::{CodedShape, Library, Named},
    document::{Format, NameId, NameKind, ROOT, Syntax},
    error::{MappingError, Mistakes, did_you_mean},
    grammar::{self, Line, MappingFile, Place as WrittenPlace, Scalar, Start, Step},
};

use super::{
    Constant, ConstantKind, Constants, PlaceId, Program, Repeat, RootElement, Said, Scope, Shape, Spoken, Target,
    TargetStep, Test, Tongue,
    constants::index_constants,
    places::{Namer, Places},
    scopes::sort,
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
    /// The table that is compiled.
    span: Option<Range<usize>>,
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
    let mistakes = Mistakes::new(name, text);
    let zone = file.dialect.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let namer = Namer::new(file.dialect.format, &file.namespaces);
    let mut compiler =
        Compiler { file, library, model, namer, first_lines: BTreeMap::new(), zone, span: None, mistakes };
    let mut shapes: Vec<Shape> = file.shapes.iter().filter_map(|shape| compiler.compile_shape(shape)).collect();
    compiler.namer.format = file.dialect.format;
    let labels = compiler.compile_labels();
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
        syntax: Syntax { format: dialect.format, labels, repairs: dialect.repairs },
        title: dialect.title.clone(),
        version: dialect.version.clone(),
        media_type: dialect.media_type.clone(),
        source: dialect.source.clone(),
        evidence: dialect.evidence,
        directions: dialect.directions,
        language: dialect.language.as_deref().map(Into::into),
        null_clears: dialect.null_clears,
        absent_is_kept: dialect.absent_is_kept,
        omits_empty: dialect.omits_empty,
        parameters: boxed(&file.parameters),
        names: compiler.namer.names,
        ranks,
        namespaces: boxed(&file.namespaces),
        shapes,
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
        self.span = shape.span.clone().or_else(|| self.file.dialect.span.clone());
        let lines = self.lines_of(shape)?;
        // What a shape with `like` says itself is added to what the other one says, and comes first.
        let parts = if std::ptr::eq(lines, shape) { vec![shape] } else { vec![shape, lines] };
        let dialect = &self.file.dialect;
        self.namer.format = shape.format;
        let mut outer = Places::new(ROOT);
        let root = shape.root.as_ref().or(dialect.root.as_ref());
        let root_steps: &[Step] = root.map(|root| root.steps.as_slice()).unwrap_or_default();
        let (element, root_steps) = self.root_element(root_steps)?;
        let root = self.outer_place(&mut outer, root_steps, "root")?;
        let sorted = sort(&lines.lines, self.model, shape.format, &mut self.mistakes);
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
        let close_when = parts.iter().map(|part| &part.close_when).find(|tests| !tests.is_empty());
        let close_when = close_when.unwrap_or(&dialect.close_when);
        let close_when = self.read_tests(&mut outer, close_when, root_steps);
        let (ignore, discard) = self.read_aside(&mut outer, &parts, root_steps);
        let mut outer_constants = self.read_outer_constants(&mut outer, lines, &mut constants);
        for test in when.iter().filter(|test| !test.is.is_empty()) {
            if !outer_constants.iter().any(|(place, _)| *place == test.place) {
                constants.push(Constant { kind: ConstantKind::Text, text: test.is[0].clone() });
                outer_constants.push((test.place, constants.len() - 1));
            }
        }
        let said = parts.iter().flat_map(|part| self.read_said(part)).collect();
        let spoken = spoken_lists(&scope);
        if !spoken.is_empty() && language_at.is_none() && dialect.language.is_none() {
            let remedy = "add `language = \"nl\"` to `[dialect]`, or `language_at` where the documents say it";
            let problem = "`[$language]` is used, but nothing says which it is";
            self.mistakes.at(dialect.span.clone(), "dialect", problem, remedy);
        }
        Some(Shape {
            name: shape.name.as_deref().map(Into::into),
            outer: outer.list,
            element,
            root,
            is_envelope: matches!(root_steps.last(), Some(Step::Items(_))),
            language_at,
            spoken,
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

    /// The root element of an XML dialect, and the way from there to the record.
    fn root_element<'s>(&mut self, steps: &'s [Step]) -> Option<(Option<RootElement>, &'s [Step])> {
        if self.file.dialect.format != Format::Xml {
            return Some((None, steps));
        }
        let Some((Step::Member(name, _), below)) = steps.split_first() else {
            let remedy = "add `root = \"Element\"` to `[dialect]`";
            let span = self.file.dialect.span.clone();
            self.mistakes.at(span, "dialect", "the name of the root element is missing", remedy);
            return None;
        };
        let (namespace, local) = self.outer(self.namer.qualify(name, NameKind::Member), "root")?;
        Some((Some((namespace, local.into(), name.as_str().into())), below))
    }

    /// What is known but means nothing to us, and what may not be kept.
    fn read_aside(
        &mut self,
        outer: &mut Places,
        parts: &[&grammar::Shape],
        root_steps: &[Step],
    ) -> (Vec<PlaceId>, Vec<(PlaceId, Box<str>)>) {
        let dialect = &self.file.dialect;
        let mut ignore = Vec::new();
        for place in dialect.ignore.iter().chain(parts.iter().flat_map(|part| &part.ignore)) {
            ignore.extend(self.outer_place(outer, &from_document(place, root_steps), "ignore"));
        }
        let mut discard = Vec::new();
        for written in dialect.discard.iter().chain(parts.iter().flat_map(|part| &part.discard)) {
            let place = self.outer_place(outer, &from_document(&written.at, root_steps), "discard");
            discard.extend(place.map(|place| (place, written.code.as_str().into())));
        }
        (ignore, discard)
    }

    fn outer<T>(&mut self, result: Result<T, String>, rule: &str) -> Option<T> {
        result.map_err(|problem| self.mistakes.at(self.span.clone(), rule, problem, "")).ok()
    }

    pub(super) fn outer_place(&mut self, places: &mut Places, steps: &[Step], rule: &str) -> Option<PlaceId> {
        let made = places.make(steps, &mut self.namer);
        self.outer(made, rule)
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

    /// The index of a parameter.
    pub(super) fn parameter(&mut self, name: &str, rule: &str, span: Option<Range<usize>>) -> Option<usize> {
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
            match path.and_then(|path| Ok((said_value(&said.value, &path, is_assumed)?, path))) {
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

/// A value of `[set]` or `[assume]`; for a coded field a code of its first vocabulary.
fn said_value(scalar: &Scalar, path: &Path, is_assumed: bool) -> Result<Value, String> {
    let Some(shape) = CodedShape::of(path.ty()) else {
        return canonical_value(scalar, path.ty());
    };
    let scheme = path.field().and_then(|field| field.schemes.first().copied());
    let scheme = scheme.ok_or("the field has no vocabulary of its own")?;
    let named = Named { scheme: Some(scheme.into()), code: Some(scalar.letters().into()), ..Named::default() };
    Ok(if is_assumed { shape.of_default(named) } else { shape.of_source(named) })
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

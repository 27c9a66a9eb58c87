//! Makes a rule of a line: what kind of rule it is follows from the canonical field and the options.

use regex::Regex;
use schemas::{Field, Format as TextFormat, Path, RecordType, Type};

use crate::{
    codes::{CodedShape, Coder},
    document::{Format, NameId},
    error::did_you_mean,
    grammar::{Bracket, Line, Place as WrittenPlace, Rule as WrittenRule, Segment, Step, TextKind, Written},
};

use super::{
    Action, CodedLeaf, ConstantKind, Covered, Element, Fallback, FieldStart, Form, Group, Leaf, List, Pattern,
    PatternForm, PlaceId, Repeat, Rule, Scope, Selector, Split, Target, TemplatePart, TextCoder,
    compile::{Compiler, canonical_value, label_language},
    places::Places,
    scopes::{ScopeDraft, repeated_steps},
};

/// Makes the rules of one scope.
pub(super) struct RuleMaker<'c, 'f, 'm> {
    pub(super) compiler: &'c mut Compiler<'f, 'm>,
    pub(super) places: &'c mut Places,
    pub(super) scope: &'c ScopeDraft<'c>,
    pub(super) line: &'c Line,
}

impl<'c> RuleMaker<'c, '_, '_> {
    fn written(&self) -> &'c WrittenRule {
        &self.line.rule
    }

    fn mistake(&mut self, problem: impl Into<String>, remedy: impl Into<String>) {
        self.compiler.mistake(self.line, problem, remedy);
    }

    /// Makes the rule of a line; `owner` is the scope whose item the canonical field belongs to.
    pub(super) fn make(&mut self, owner: &ScopeDraft<'_>, steps: &[Step], is_group: bool) -> Option<Rule> {
        let target = self.resolve(owner)?;
        let own_steps = &steps[self.scope.steps.len()..];
        let is_repeated = {
            let start = if self.scope.steps.is_empty() { &[] } else { self.scope.steps.as_slice() };
            repeated_steps(self.written(), &self.line.left, self.compiler.namer.format, start).is_some()
        };
        let places = if is_repeated { Vec::new() } else { self.read_places(own_steps)? };
        let action = self.action(&target, own_steps, &places, is_group)?;
        let also = self.make_places(&self.written().also)?;
        let starts_with = match &self.written().starts_with {
            Some(place) => Some(self.make_neighbour(place, own_steps)?),
            None => None,
        };
        let with_parent = self.written().with_parent.as_ref().map(|place| self.make_place(place)).transpose_ok()?;
        let fallbacks = self.read_fallbacks(owner)?;
        let append = self.read_append(owner)?;
        let written = self.written();
        let boxed = |text: &Option<String>| text.as_deref().map(Into::into);
        Some(Rule {
            level: owner.level,
            target,
            places,
            also,
            action,
            absent: written.absent.iter().map(|text| text.as_str().into()).collect(),
            fallbacks,
            with_parent,
            append,
            max_items: written.max_items,
            required: boxed(&written.required).or_else(|| boxed(&written.must)),
            required_item: boxed(&written.required_item),
            must: boxed(&written.must),
            starts_with,
            one: boxed(&written.one),
            reads: !written.is_write_only,
            writes: !written.is_read_only && !written.is_count,
        })
    }

    /// Resolves the left side; a list loses its last bracket.
    fn resolve(&mut self, owner: &ScopeDraft<'_>) -> Option<Target> {
        let left = &self.line.left;
        let plain: Vec<String> = left.segments.iter().map(plain_segment).collect();
        if let Err(error) = Path::resolve(self.compiler.model, &plain.join(".")) {
            let message = error.to_string();
            let (problem, known) = message.split_once("; it has ").unwrap_or((&message, ""));
            let name = problem.rsplit('`').nth(1).unwrap_or_default();
            let remedy = if known.is_empty() {
                String::new()
            } else {
                did_you_mean(name, known.split(", ").map(|n| n.trim_matches('`')))
            };
            self.mistake(problem, remedy);
            return None;
        }
        let mut own: Vec<Segment> = left.segments[owner.segments.len()..].to_vec();
        if left.is_list()
            && let Some(last) = own.last_mut()
        {
            last.bracket = None;
        }
        let target = Target::resolve(Type::Record(owner.record), &own);
        if target.is_none() {
            let remedy = "add a line `\"…[]\" = { each = \"…\" }` for the repeated part, or name an item: `[0]`";
            self.mistake("no line says where the items of the list stand", remedy);
        }
        target
    }

    fn make_place(&mut self, place: &WrittenPlace) -> Option<PlaceId> {
        let steps = place.below(&self.scope.steps);
        let Some(own) = steps.strip_prefix(self.scope.steps.as_slice()) else {
            self.mistake("a further path of the line stands outside of its repeated part", "write it relative");
            return None;
        };
        match self.places.make(own, &mut self.compiler.namer) {
            Ok(place) => Some(place),
            Err(problem) => {
                self.mistake(problem, "");
                None
            }
        }
    }

    /// A place given from the root or the item, or by its name beside the place of the line.
    fn make_neighbour(&mut self, place: &WrittenPlace, own_steps: &[Step]) -> Option<PlaceId> {
        if place.below(&self.scope.steps).starts_with(&self.scope.steps) {
            return self.make_place(place);
        }
        let beside = own_steps.split_last().map(|(_, parent)| parent).unwrap_or_default();
        let steps = [beside, &place.steps].concat();
        let made = self.places.make(&steps, &mut self.compiler.namer);
        made.map_err(|problem| self.mistake(problem, "")).ok()
    }

    fn make_places(&mut self, places: &[WrittenPlace]) -> Option<Vec<PlaceId>> {
        places.iter().map(|place| self.make_place(place)).collect()
    }

    /// The place of the line and its alternatives.
    fn read_places(&mut self, own_steps: &[Step]) -> Option<Vec<PlaceId>> {
        let first = self.places.make(own_steps, &mut self.compiler.namer);
        let first = first.map_err(|problem| self.mistake(problem, "")).ok()?;
        let others = self.make_places(&self.written().at[1..])?;
        Some([vec![first], others].concat())
    }

    fn repeat(&mut self, own_steps: &[Step]) -> Option<Repeat> {
        let made = Repeat::make(own_steps, self.places, &mut self.compiler.namer);
        made.map_err(|problem| self.mistake(problem, "")).ok()
    }

    fn action(&mut self, target: &Target, own_steps: &[Step], places: &[PlaceId], is_group: bool) -> Option<Action> {
        let name = places.first().map(|place| self.places.list[*place].name);
        if self.written().is_count {
            let steps = [own_steps, &[Step::Items(None)]].concat();
            return Some(Action::Count(self.repeat(&steps)?));
        }
        if !self.line.left.braces.is_empty() {
            return Some(Action::Pattern(Box::new(self.pattern(target)?)));
        }
        match target.ty {
            Type::List { item, key } if is_group => {
                let Type::Record(record) = *item else {
                    return None;
                };
                Some(Action::Group(Box::new(self.group(record, key, own_steps)?)))
            }
            Type::List { item, .. } => {
                let is_repeated = places.is_empty();
                if is_repeated {
                    let repeat = self.repeat(own_steps)?;
                    let element = self.element(*item, target, repeat.name)?;
                    let is_one_per_list = self.written().is_one_per_list;
                    return Some(Action::List(Box::new(List { repeat, element, is_one_per_list })));
                }
                let element = self.element(*item, target, name?)?;
                if let Some(separator) = &self.written().split {
                    return Some(Action::Split(Box::new(Split { separator: separator.as_str().into(), element })));
                }
                Some(Action::First(Box::new(element)))
            }
            ty => match self.element(ty, target, name?)? {
                Element::Leaf(leaf) => Some(Action::Leaf(leaf)),
                Element::Coded(coded) => Some(Action::Coded(coded)),
            },
        }
    }

    fn group(&mut self, record: &'static RecordType, key: Option<usize>, own_steps: &[Step]) -> Option<Group> {
        let repeat = self.repeat(own_steps)?;
        let only = match self.line.left.segments.last().and_then(|segment| segment.bracket.as_ref()) {
            Some(Bracket::Where(field, value)) => {
                let Some((index, found)) = record.field(field) else {
                    let remedy = did_you_mean(field, record.fields.iter().map(|field| field.name));
                    self.mistake(format!("`{}` has no field `{field}`", record.name), remedy);
                    return None;
                };
                let value = canonical_value(&crate::grammar::Scalar::Text(value.clone()), found.ty);
                let value = value.map_err(|problem| self.mistake(problem, "")).ok()?;
                Some((index, value))
            }
            _ => None,
        };
        let is_refused_without = self.written().required.as_deref().map(Into::into);
        let scope = Scope::default();
        Some(Group { repeat, record, key, only, scope, is_refused_without })
    }

    fn element(&mut self, ty: Type, target: &Target, name: NameId) -> Option<Element> {
        if let Some(shape) = CodedShape::of(ty) {
            return Some(Element::Coded(self.coded(shape, target.field, name)?));
        }
        match ty {
            Type::Record(record) => {
                let remedy = format!(
                    "name one of its fields: {}",
                    record.fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", ")
                );
                self.mistake(format!("the left side means a whole `{}`", record.name), remedy);
                None
            }
            Type::List { .. } => {
                self.mistake("the left side means a whole list", "write `[]` behind it");
                None
            }
            _ => Some(Element::Leaf(self.leaf(ty, target.field)?)),
        }
    }

    fn coded(&mut self, shape: CodedShape, field: Option<&'static Field>, name: NameId) -> Option<CodedLeaf> {
        let written = self.written();
        if written.codes.is_empty() {
            self.mistake("the field is coded, but the line names no code list", "add `codes = \"list\"`");
            return None;
        }
        let schemes: Vec<&str> = field.map(|field| field.schemes.clone()).unwrap_or_default();
        let coder = self.coder(&schemes)?.with_label_only(&written.label_only);
        let dialect = &self.compiler.file.dialect;
        let code = written.code.as_ref().or(dialect.code.as_ref());
        let label = written.label.as_ref().or(dialect.label.as_ref());
        let code_names = self.inner_names(name, code)?;
        // A scalar in JSON has no room for words beside it.
        let label = label.filter(|_| self.compiler.namer.format != Format::Json || !code_names.is_empty());
        let label_names = label.map(|label| self.inner_names(name, Some(label))).transpose_ok()?;
        let pair = match &written.pair {
            None => None,
            Some(pair) => {
                let place = self.make_place(pair)?;
                Some((place, self.inner_names(self.places.list[place].name, code)?))
            }
        };
        let marks = self.marks(if self.compiler.namer.format == Format::Xml {
            code_names.last().copied().unwrap_or(name)
        } else {
            name
        })?;
        let is_number = written.written == Some(Written::Number);
        Some(CodedLeaf { shape, coder, code: code_names, label: label_names, pair, marks, is_number })
    }

    fn coder(&mut self, schemes: &[&str]) -> Option<Coder> {
        let mut lists = Vec::new();
        for name in &self.written().codes {
            match self.compiler.library.list(name) {
                Some(list) => lists.push(list.clone()),
                None => {
                    let remedy = did_you_mean(name, self.compiler.library.lists().map(|list| &**list.name()));
                    self.mistake(format!("there is no code list `{name}`"), remedy);
                }
            }
        }
        if lists.is_empty() {
            return None;
        }
        let language = label_language(self.compiler.file);
        Some(Coder::new(self.compiler.library, lists, schemes, language, self.written().is_code_required))
    }

    fn inner_names(&mut self, name: NameId, place: Option<&WrittenPlace>) -> Option<Vec<NameId>> {
        let steps = place.map(|place| place.steps.as_slice()).unwrap_or_default();
        self.compiler.namer.path(name, steps).map_err(|problem| self.mistake(problem, "")).ok()
    }

    fn marks(&mut self, name: NameId) -> Option<Vec<Vec<(NameId, Box<str>)>>> {
        let file = self.compiler.file;
        let is_xml = self.compiler.namer.format == Format::Xml;
        let mut all = Vec::new();
        for list in &self.written().codes {
            let marks = file.lists.iter().find(|marks| marks.list == *list);
            let mut named = Vec::new();
            for (attribute, text) in marks.map(|marks| marks.attributes.as_slice()).unwrap_or_default() {
                let step =
                    if is_xml { Step::Attribute(attribute.clone()) } else { Step::Member(attribute.clone(), None) };
                let id = self.compiler.namer.name(name, &step).map_err(|problem| self.mistake(problem, "")).ok()?;
                named.push((id, text.as_str().into()));
            }
            all.push(named);
        }
        Some(all)
    }

    fn leaf(&mut self, ty: Type, field: Option<&'static Field>) -> Option<Leaf> {
        let written = self.written();
        let form = self.form(ty)?;
        let coder = if written.codes.is_empty() { None } else { Some(self.text_coder(ty, field)?) };
        let mut values = Vec::new();
        for (ours, theirs) in &written.values {
            match canonical_value(ours, ty) {
                Ok(value) => values.push((value, kind_of(theirs), theirs.letters().into())),
                Err(problem) => self.mistake(problem, "the first of each pair in `values` is the canonical value"),
            }
        }
        let keep_text = match &written.keep_text {
            Some(path) => Some(self.keep_text(path)?),
            None => None,
        };
        let is_numeric = matches!(ty, Type::Integer | Type::Text(TextFormat::Decimal));
        Some(Leaf {
            form,
            values,
            keeps_others: written.keeps_others,
            coder,
            keep_text,
            is_keep_text_read_only: written.is_keep_text_read_only,
            minimum: written.minimum,
            is_number: written.written.map_or(is_numeric, |written| written == Written::Number),
            case: written.case,
            cdata: written.cdata.unwrap_or(self.compiler.file.dialect.cdata),
            limit: written.limit,
            is_raw: written.is_raw,
            breaks_lines: written.breaks_lines,
        })
    }

    /// A canonical text beside the value, that takes what is no value; written from the root or from the item.
    fn keep_text(&mut self, path: &str) -> Option<Target> {
        let owner = self.line.left.text.rsplit_once("[].").map(|(list, _)| format!("{list}[]."));
        let own =
            owner.and_then(|owner| path.strip_prefix(&*owner).map(str::to_owned)).unwrap_or_else(|| path.to_owned());
        let segments = crate::grammar::Left::parse(&own).ok().map(|left| left.segments);
        let starts = [self.scope.record, self.compiler.model];
        let target = segments
            .and_then(|segments| starts.into_iter().find_map(|start| Target::resolve(Type::Record(start), &segments)));
        match target {
            Some(target) if matches!(target.ty, Type::Text(TextFormat::Plain)) => Some(target),
            _ => {
                self.mistake(
                    format!("`keep_text = \"{path}\"` is no plain text field"),
                    "name one, such as `contract.starts_text`",
                );
                None
            }
        }
    }

    fn text_coder(&mut self, ty: Type, field: Option<&'static Field>) -> Option<TextCoder> {
        let schemes = match ty {
            Type::Text(TextFormat::Country) => vec!["iso-3166-1"],
            Type::Text(TextFormat::Language) => vec!["iso-639-1"],
            Type::Text(TextFormat::Currency) => vec!["iso-4217"],
            Type::Symbol(symbols) => {
                let fits = |list: &&std::sync::Arc<crate::codes::CodeList>| {
                    list.codes().count() > 0 && list.codes().all(|code| symbols.contains(&&**code))
                };
                let lists = self.compiler.library.lists().filter(fits);
                lists.map(|list| -> &'static str { Box::leak(list.scheme().to_string().into_boxed_str()) }).collect()
            }
            _ => field.map(|field| field.schemes.clone()).unwrap_or_default(),
        };
        let coder = self.coder(&schemes)?;
        Some(TextCoder { coder, schemes })
    }

    fn form(&mut self, ty: Type) -> Option<Form> {
        let written = self.written();
        Some(match ty {
            Type::Integer => Form::Integer,
            Type::Boolean => Form::Boolean,
            Type::Symbol(symbols) => Form::Symbol(symbols),
            Type::Text(TextFormat::Plain) => Form::Plain(written.text.unwrap_or(TextKind::Plain)),
            Type::Text(TextFormat::Html) => Form::Html(written.text.unwrap_or(TextKind::Html)),
            Type::Text(TextFormat::Decimal) => {
                Form::Decimal { has_comma: written.has_decimal_comma, divide: written.divide }
            }
            Type::Text(TextFormat::Language) => Form::Language,
            Type::Text(TextFormat::Country) => Form::Country,
            Type::Text(TextFormat::Currency) => Form::Currency,
            Type::Text(TextFormat::PartialDateTime) => {
                let day = jiff::civil::date(2026, 11, 22).at(8, 30, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
                let instant = written.instant.as_ref().or(self.compiler.file.dialect.instant.as_ref());
                for format in written.date.iter().filter(|format| *format != "iso").chain(instant) {
                    if jiff::fmt::strtime::format(format, &day).is_err() {
                        let remedy = "use the letters of strftime, such as `%d/%m/%Y`";
                        self.mistake(format!("`{format}` is no date format"), remedy);
                        return None;
                    }
                }
                let boxed = |text: &String| text.as_str().into();
                Form::Date {
                    formats: written.date.iter().map(boxed).collect(),
                    instant: instant.map(boxed),
                    zone: self.compiler.zone.clone(),
                }
            }
            Type::Record(_) | Type::List { .. } => return None,
        })
    }

    fn pattern(&mut self, target: &Target) -> Option<Pattern> {
        let mut fields = Vec::new();
        for name in &self.line.left.braces {
            let Some(field) = target.child(name) else {
                self.mistake(format!("there is no field `{name}`"), "correct the names in braces");
                return None;
            };
            let leaf = self.leaf(field.ty, field.field)?;
            fields.push((field, leaf));
        }
        let mut forms = Vec::new();
        for pattern in &self.written().pattern {
            match pattern_form(pattern, &self.line.left.braces) {
                Ok(form) => forms.push(form),
                Err(problem) => self.mistake(problem, "write `pattern = \"{postcode} {city}\"`"),
            }
        }
        if forms.is_empty() {
            self.mistake("several fields in one place need a pattern", "add `pattern = \"{postcode} {city}\"`");
            return None;
        }
        let keep_text = match &self.written().keep_text {
            Some(path) => Some(self.keep_text(path)?),
            None => None,
        };
        Some(Pattern { fields, forms, keep_text })
    }

    fn read_fallbacks(&mut self, owner: &ScopeDraft<'_>) -> Option<Vec<Fallback>> {
        let mut fallbacks = Vec::new();
        for text in &self.written().default_from {
            if text.contains('{') {
                fallbacks.push(Fallback::Template(self.template(text, owner)?));
                continue;
            }
            let starts = [(owner.record, FieldStart::Item), (self.compiler.model, FieldStart::Root)];
            let found = starts.into_iter().find_map(|(record, start)| Some((field_at(record, text)?, start)));
            match found {
                Some((target, start)) => fallbacks.push(Fallback::Field(target, start)),
                None => self.mistake(
                    format!("`{text}` in `default_from` is no field"),
                    "name a field of the same item, or a path from the root without `[]`",
                ),
            }
        }
        if let Some(text) = &self.written().default {
            fallbacks.push(match text.strip_prefix('$') {
                Some(name) => {
                    Fallback::Parameter(self.compiler.parameter(name, &self.line.left.text, self.line.span.clone())?)
                }
                None => Fallback::Text(text.as_str().into()),
            });
        }
        Some(fallbacks)
    }

    fn template(&mut self, text: &str, owner: &ScopeDraft<'_>) -> Option<Vec<TemplatePart>> {
        let mut parts = Vec::new();
        for piece in text.split_inclusive(['{', '}']) {
            match piece.strip_suffix('}') {
                Some(name) => match field_at(owner.record, name) {
                    Some(target) => parts.push(TemplatePart::Field(target)),
                    None => {
                        let remedy = did_you_mean(name, owner.record.fields.iter().map(|field| field.name));
                        self.mistake(format!("`{{{name}}}` in `default_from` is no field of the item"), remedy);
                        return None;
                    }
                },
                None => parts.push(TemplatePart::Text(piece.trim_end_matches('{').into())),
            }
        }
        Some(parts)
    }

    fn read_append(&mut self, owner: &ScopeDraft<'_>) -> Option<Vec<Target>> {
        let mut targets = Vec::new();
        for name in &self.written().append {
            match field_at(owner.record, name) {
                Some(target) => targets.push(target),
                None => {
                    let remedy = did_you_mean(name, owner.record.fields.iter().map(|field| field.name));
                    self.mistake(format!("`{name}` in `append` is no field of the item"), remedy);
                    return None;
                }
            }
        }
        Some(targets)
    }
}

/// A field by its path from a record; lists need an index or a key.
fn field_at(record: &'static RecordType, path: &str) -> Option<Target> {
    let left = crate::grammar::Left::parse(path).ok()?;
    Target::resolve(Type::Record(record), &left.segments)
}

impl Rule {
    /// The names that the rule writes beside its places.
    pub(super) fn further_names(&self) -> Vec<NameId> {
        let of_element = |element: &Element| match element {
            Element::Coded(coded) => coded.names(),
            Element::Leaf(_) => Vec::new(),
        };
        match &self.action {
            Action::Coded(coded) => coded.names(),
            Action::Group(group) => group.repeat.names(),
            Action::List(list) => [list.repeat.names(), of_element(&list.element)].concat(),
            Action::First(element) => of_element(element),
            Action::Leaf(_) | Action::Pattern(_) | Action::Split(_) | Action::Count(_) => Vec::new(),
        }
    }

    /// Marks what the rule expresses.
    pub(super) fn cover(&self, covered: &mut Covered) {
        match &self.action {
            Action::Pattern(pattern) => {
                for (target, _) in &pattern.fields {
                    covered.at(target).is_whole = true;
                }
                if let Some(target) = &pattern.keep_text {
                    covered.at(target).is_whole = true;
                }
            }
            Action::List(_) | Action::Split(_) => {
                let list = covered.at(&self.target);
                list.is_whole = true;
                list.item(Selector::Each).is_whole = true;
            }
            Action::First(_) => covered.at(&self.target).is_whole = true,
            Action::Leaf(leaf) => {
                covered.at(&self.target).is_whole = true;
                if let Some(target) = &leaf.keep_text {
                    covered.at(target).is_whole = true;
                }
            }
            _ => covered.at(&self.target).is_whole = true,
        }
    }
}

impl Repeat {
    fn names(&self) -> Vec<NameId> {
        let discriminator = self.selection.iter().filter_map(|selection| selection.at.last().copied());
        [self.name].into_iter().chain(discriminator).collect()
    }
}

impl CodedLeaf {
    fn names(&self) -> Vec<NameId> {
        self.code.iter().chain(self.label.iter().flatten()).copied().collect()
    }
}

fn plain_segment(segment: &Segment) -> String {
    let bracket = match &segment.bracket {
        None => String::new(),
        Some(Bracket::Each | Bracket::Where(..)) => "[]".to_owned(),
        Some(Bracket::Key(key)) => format!("[{key}]"),
        Some(Bracket::Language) => "[xx]".to_owned(),
        Some(Bracket::Index(index)) => format!("[{index}]"),
    };
    format!("{}{bracket}", segment.name)
}

fn kind_of(scalar: &crate::grammar::Scalar) -> ConstantKind {
    match scalar {
        crate::grammar::Scalar::Text(_) => ConstantKind::Text,
        crate::grammar::Scalar::Integer(_) => ConstantKind::Number,
        crate::grammar::Scalar::Boolean(_) => ConstantKind::Boolean,
    }
}

/// Reads `{postcode:\d{4}} - {city}`: letters, and fields with the regex that they match.
fn pattern_form(text: &str, names: &[String]) -> Result<PatternForm, String> {
    let mut regex = String::from("^");
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let end = closing_brace(behind).ok_or_else(|| format!("a brace of `{text}` is not closed"))?;
        let (name, own) = behind[..end].split_once(':').unwrap_or((&behind[..end], ".+?"));
        let index = names.iter().position(|known| known == name);
        let index = index.ok_or_else(|| format!("`{{{name}}}` is none of the fields on the left side"))?;
        regex.push_str(&regex::escape(before));
        regex.push_str(&format!("(?P<f{index}>{own})"));
        parts.push((before.into(), index));
        rest = &behind[end + 1..];
    }
    regex.push_str(&regex::escape(rest));
    regex.push('$');
    let regex = Regex::new(&regex).map_err(|_| format!("a regex in `{text}` is wrong"))?;
    Ok(PatternForm { regex, parts, end: rest.into() })
}

fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    text.char_indices().find_map(|(at, character)| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

/// Turns `Some(None)`, a mistake that was noted, into `None`.
trait TransposeOk<T> {
    fn transpose_ok(self) -> Option<Option<T>>;
}

impl<T> TransposeOk<T> for Option<Option<T>> {
    fn transpose_ok(self) -> Option<Option<T>> {
        match self {
            None => Some(None),
            Some(None) => None,
            Some(some) => Some(some),
        }
    }
}

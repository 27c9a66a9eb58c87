//! The writer: scopes, places, and what is noted of the fields.

use std::borrow::Cow;

use schemas::{LossReport, Outcome, Record, Value};

use crate::{
    document::{Format, NameId, NameKind, ROOT},
    plan::{
        Action, ConstantKind, Fallback, FieldStart, Leaf, Pattern, Place, PlaceId, Program, Rule, Scope, Shape, Target,
        TemplatePart, Tongue, push_index,
    },
};

use super::{
    Refusal, WriteOptions, Writing,
    leaf::content_of,
    sheet::{Content, NONE, Sheet, SheetId, SheetName},
};

/// Writes a record.
///
/// # Errors
/// The field without which the document would be useless.
pub(crate) fn write(program: &Program, record: &Record, options: &WriteOptions<'_>) -> Result<Writing, Refusal> {
    let shape = &program.shapes[0];
    let blocked = super::report::blocked_items(shape, record.root());
    let pruned = super::report::without(record.root(), &blocked);
    let root = pruned.as_ref().unwrap_or(record.root());
    let mut writer = Writer {
        program,
        shape,
        options: *options,
        sheet: Sheet::new(),
        values: Vec::with_capacity(4),
        frames: Vec::with_capacity(4),
        slots: Vec::with_capacity(128),
        loss: LossReport { kept: 0, entries: Vec::with_capacity(64) },
        lost: 0,
        written: 0,
        tongue: Tongue::default(),
        cleared: super::report::cleared_paths(record),
        merged: Vec::new(),
        dropped_items: blocked,
        item_nodes: Vec::new(),
        ones: Vec::new(),
    };
    writer.choose_language(root);
    writer.write_document(root)?;
    writer.merge();
    let mut loss = writer.report(record);
    let bytes = writer.print();
    let trail = if options.full { super::report::take_trail(&mut loss) } else { Vec::new() };
    Ok(Writing { bytes, loss: loss.report, trail })
}

/// A record while it is written.
pub(super) struct Writer<'a> {
    pub(super) program: &'a Program,
    pub(super) shape: &'a Shape,
    pub(super) options: WriteOptions<'a>,
    pub(super) sheet: Sheet<'a>,
    /// The record at level 0, then the items being written.
    pub(super) values: Vec<&'a Value>,
    pub(super) frames: Vec<Frame<'a>>,
    /// The nodes of the places, scope by scope.
    pub(super) slots: Vec<SheetId>,
    pub(super) loss: LossReport,
    /// How many canonical leaves were not written as they are.
    pub(super) lost: usize,
    /// How many values of the record were written.
    pub(super) written: usize,
    pub(super) tongue: Tongue,
    pub(super) cleared: Vec<&'a str>,
    /// Fields that reached the document only in the place of another.
    pub(super) merged: Vec<String>,
    /// Items that were left out, and why.
    pub(super) dropped_items: Vec<(String, String)>,
    /// The items that were written, for the complement.
    pub(super) item_nodes: Vec<(SheetId, &'a Value, Option<usize>)>,
    /// What the first item said where all must say the same.
    pub(super) ones: Vec<(*const Rule, String)>,
}

/// The item of a scope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    /// The level of the record that its list belongs to, and the list.
    pub(super) list: Option<(usize, &'a Target)>,
    pub(super) index: usize,
    /// Which repetition of the repeated part it is.
    pub(super) ordinal: usize,
}

/// Why a scope was not finished.
pub(super) enum Stop {
    /// The record is not written.
    Refused(Refusal),
    /// The item is left out.
    LeftOut(String),
}

/// Where a value that stands in comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Origin {
    /// From the mapping.
    Default,
    /// From another field of the same item.
    Item,
    /// From another part of the record.
    Elsewhere,
}

/// What came of a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wrote {
    Something,
    Nothing,
}

impl<'a> Writer<'a> {
    /// Chooses the item of the language lists that is written: the dialect's own language, else the first.
    fn choose_language(&mut self, root: &'a Value) {
        let wanted = self.options.parameters.get("language").map(Into::into).or_else(|| self.program.language.clone());
        let Some(spoken) = self.shape.spoken.first() else {
            return;
        };
        let items = spoken.list.get(root, &self.tongue).items();
        let own = items.iter().position(|item| item.field(spoken.key).as_text() == wanted.as_deref());
        self.tongue.index = own.or(if items.is_empty() { None } else { Some(0) });
        let chosen = self.tongue.index.and_then(|index| items[index].field(spoken.key).as_text());
        if let (None, Some(index), None) = (own, self.tongue.index, self.shape.language_at) {
            let mut path = String::new();
            spoken.list.render(root, &self.tongue, &mut path);
            push_index(&mut path, index);
            path.push('.');
            path.push_str(spoken.record.fields[spoken.key].name);
            self.note_path(path, Outcome::Coarsened, "other_language");
        }
        self.tongue.language = chosen.map(Into::into).or(wanted);
    }

    fn write_document(&mut self, root: &'a Value) -> Result<(), Refusal> {
        self.values.push(root);
        self.frames.push(Frame { list: None, index: 0, ordinal: 0 });
        let shape = self.shape;
        self.slots.push(Sheet::root());
        self.slots.resize(shape.outer.len(), NONE);
        let node = self.ensure(&shape.outer, 0, shape.root);
        self.put_dependents(Sheet::root(), ROOT);
        for (place, number) in &shape.outer_constants {
            let at = self.ensure(&shape.outer, 0, *place);
            self.put_constant(at, *number);
        }
        match self.write_scope(&shape.scope, node) {
            Ok(()) => Ok(()),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(Stop::LeftOut(code)) => {
                Err(Refusal { code, path: String::new(), problem: "the record itself would be left out".to_owned() })
            }
        }
    }

    /// Runs the rules of a scope.
    pub(super) fn write_scope(&mut self, scope: &'a Scope, node: SheetId) -> Result<(), Stop> {
        let base = self.slots.len();
        self.slots.push(node);
        self.slots.resize(base + scope.places.len(), NONE);
        for (place, number) in &scope.always {
            let at = self.ensure(&scope.places, base, *place);
            self.put_constant(at, *number);
        }
        let mut result = Ok(());
        for rule in scope.rules.iter().filter(|rule| rule.writes) {
            result = self.write_rule(scope, base, rule);
            if result.is_err() {
                break;
            }
        }
        if result.is_ok() {
            result = self.finish_scope(scope, base);
        }
        self.slots.truncate(base);
        result
    }

    /// What depends on other places of the scope.
    fn finish_scope(&mut self, scope: &'a Scope, base: usize) -> Result<(), Stop> {
        for rule in scope.deferred.iter().map(|index| &scope.rules[*index]) {
            if let Some(parent) = rule.with_parent
                && self.slots[base + parent] != NONE
                && rule.places.first().is_some_and(|place| self.slots[base + place] == NONE)
            {
                self.write_fallback(scope, base, rule);
            }
            if let (Some(beginning), Some(place)) = (rule.starts_with, rule.places.first()) {
                let (beginning, node) = (self.slots[base + beginning], self.slots[base + place]);
                let holds = beginning != NONE
                    && node != NONE
                    && self.sheet.letters(node).starts_with(self.sheet.letters(beginning));
                if node != NONE && !holds {
                    self.sheet.remove(node);
                    self.slots[base + place] = NONE;
                    self.note(rule.level, &rule.target, Outcome::Dropped, "not_in_country");
                }
            }
        }
        Ok(())
    }

    fn write_rule(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule) -> Result<(), Stop> {
        let wrote = match &rule.action {
            Action::Leaf(leaf) => self.write_leaf(scope, base, rule, leaf),
            Action::Coded(coded) => self.write_coded(scope, base, rule, coded),
            Action::Group(group) => self.write_group(scope, base, rule, group)?,
            Action::List(list) => self.write_list(scope, base, rule, list),
            Action::First(element) => self.write_one(scope, base, rule, element),
            Action::Pattern(pattern) => self.write_pattern(scope, base, rule, pattern),
            Action::Split(split) => self.write_split(scope, base, rule, split),
            Action::Count(_) => Wrote::Nothing,
        };
        let mut has_written = wrote == Wrote::Something;
        if !has_written && rule.with_parent.is_none() {
            has_written = self.write_fallback(scope, base, rule);
        }
        if has_written {
            return self.check_one(base, rule);
        }
        if let Some(code) = &rule.required_item {
            return Err(Stop::LeftOut(code.to_string()));
        }
        match &rule.required {
            Some(code) => Err(self.refusal(rule, code)),
            None => Ok(()),
        }
    }

    fn refusal(&self, rule: &Rule, code: &str) -> Stop {
        let path = self.path(rule.level, &rule.target);
        let problem = "there is nothing to write, and the partner's documents must say it".to_owned();
        Stop::Refused(Refusal { code: code.to_owned(), path, problem })
    }

    /// All items must say the same as the first.
    fn check_one(&mut self, base: usize, rule: &'a Rule) -> Result<(), Stop> {
        let (Some(code), Some(place)) =
            (&rule.one, rule.places.iter().find(|place| self.slots[base + **place] != NONE))
        else {
            return Ok(());
        };
        let node = self.slots[base + place];
        let letters = if node == NONE { String::new() } else { self.sheet.letters(node).to_owned() };
        match self.ones.iter().find(|(known, _)| std::ptr::eq(*known, rule)) {
            Some((_, first)) if *first != letters => Err(Stop::LeftOut(code.to_string())),
            Some(_) => Ok(()),
            None => {
                self.ones.push((rule, letters));
                Ok(())
            }
        }
    }

    fn write_leaf(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, leaf: &'a Leaf) -> Wrote {
        let wrote = self.write_value(scope, base, rule, leaf);
        let Some(target) = &leaf.keep_text else {
            return wrote;
        };
        let text = self.get(rule.level, target);
        match (wrote, text.as_text()) {
            (_, None) => wrote,
            (Wrote::Something, Some(_)) => {
                self.note(rule.level, target, Outcome::Dropped, "place_taken");
                wrote
            }
            (Wrote::Nothing, Some(_)) if leaf.is_keep_text_read_only => {
                self.note(rule.level, target, Outcome::Dropped, "not_a_date");
                wrote
            }
            // An empty place empties the value, not the words that stand in for it.
            (Wrote::Nothing, Some("")) => {
                self.note(rule.level, target, Outcome::Dropped, "cleared_not_expressible");
                wrote
            }
            (Wrote::Nothing, Some(text)) => self.put(scope, base, rule, Content::Text(Cow::Borrowed(text))),
        }
    }

    fn write_value(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, leaf: &'a Leaf) -> Wrote {
        let value = self.get(rule.level, &rule.target);
        if value.is_absent() {
            return self.write_emptied(scope, base, rule);
        }
        if value.as_text() == Some("") {
            return self.write_cleared(scope, base, rule, leaf.is_number);
        }
        let lettered = match leaf.write(value) {
            Ok(lettered) => lettered,
            Err(code) => {
                self.note(rule.level, &rule.target, Outcome::Dropped, code);
                return Wrote::Nothing;
            }
        };
        let content = self.appended(rule, lettered.content);
        let wrote = self.put(scope, base, rule, content);
        if let (Wrote::Something, Some((outcome, code))) = (wrote, lettered.note) {
            self.note(rule.level, &rule.target, outcome, code);
        }
        wrote
    }

    /// Writes that a field which is no text was emptied.
    pub(super) fn write_emptied(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule) -> Wrote {
        if self.cleared.is_empty() {
            return Wrote::Nothing;
        }
        let path = self.path(rule.level, &rule.target);
        if !self.cleared.contains(&path.as_str()) {
            return Wrote::Nothing;
        }
        let content = match self.program.format {
            Format::Json if self.program.null_clears => Content::Null,
            Format::Xml if !self.program.omits_empty => Content::Text(Cow::Borrowed("")),
            _ => {
                self.note(rule.level, &rule.target, Outcome::Dropped, "cleared_not_expressible");
                return Wrote::Nothing;
            }
        };
        self.cleared.retain(|known| *known != path);
        self.put(scope, base, rule, content)
    }

    /// Writes an empty text.
    fn write_cleared(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, is_number: bool) -> Wrote {
        let is_json = self.program.format == Format::Json;
        if is_json && is_number && self.program.null_clears {
            return self.put(scope, base, rule, Content::Null);
        }
        if self.program.omits_empty || self.program.format == Format::Labels || (is_json && is_number) {
            self.note(rule.level, &rule.target, Outcome::Dropped, "cleared_not_expressible");
            return Wrote::Nothing;
        }
        self.put(scope, base, rule, Content::Text(Cow::Borrowed("")))
    }

    /// Puts content at the place of a rule and wherever else it is said.
    pub(super) fn put(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, content: Content<'a>) -> Wrote {
        let Some(place) = self.place_to_write(scope, base, rule) else {
            self.note(rule.level, &rule.target, Outcome::Dropped, "no_element");
            return Wrote::Nothing;
        };
        let node = self.ensure(&scope.places, base, place);
        if self.sheet.node(node).content != Content::Empty {
            if self.sheet.node(node).content == content {
                self.written += 1;
                return Wrote::Something;
            }
            self.note(rule.level, &rule.target, Outcome::Dropped, "place_taken");
            return Wrote::Nothing;
        }
        for other in &rule.also {
            // An attribute is said again only where its element is written.
            let parent = scope.places[*other].parent;
            if *other != place && (!self.is_attribute(scope, *other) || self.slots[base + parent] != NONE) {
                let other = self.ensure(&scope.places, base, *other);
                self.sheet.node_mut(other).content = content.clone();
            }
        }
        self.sheet.node_mut(node).content = content;
        self.written += 1;
        Wrote::Something
    }

    /// The first place of a rule; of several attributes the first whose element is written.
    fn place_to_write(&self, scope: &Scope, base: usize, rule: &Rule) -> Option<PlaceId> {
        let first = *rule.places.first()?;
        if rule.places.len() == 1 || !self.is_attribute(scope, first) {
            return Some(first);
        }
        let is_written = |place: &&PlaceId| self.slots[base + scope.places[**place].parent] != NONE;
        rule.places.iter().find(is_written).copied()
    }

    fn is_attribute(&self, scope: &Scope, place: PlaceId) -> bool {
        self.program.names.kind(scope.places[place].name) == NameKind::Attribute
    }

    /// Adds further HTML fields of the same item behind the content.
    fn appended(&mut self, rule: &'a Rule, content: Content<'a>) -> Content<'a> {
        let mut letters = match &content {
            Content::Text(text) | Content::Cdata(text) if !rule.append.is_empty() => text.to_string(),
            _ => return content,
        };
        let merged_before = self.merged.len();
        for target in &rule.append {
            let Some(text) = self.get(rule.level, target).as_text().filter(|text| !text.is_empty()) else {
                continue;
            };
            letters.push_str("<br>");
            letters.push_str(text);
            let path = self.path(rule.level, target);
            self.merged.push(path);
        }
        if !self.is_repeat(rule) && self.merged.len() > merged_before {
            let path = self.path(rule.level, &rule.target);
            self.note_path(path, Outcome::Coarsened, "merged");
        }
        match content {
            Content::Cdata(_) => Content::Cdata(Cow::Owned(letters)),
            _ => Content::Text(Cow::Owned(letters)),
        }
    }

    /// Writes what stands in for a field that the record does not say.
    fn write_fallback(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule) -> bool {
        for fallback in &rule.fallbacks {
            // What does not come from the item itself makes no item.
            let (content, origin) = match fallback {
                Fallback::Text(text) => (self.default_content(rule, text), Origin::Default),
                Fallback::Parameter(index) => (self.default_content(rule, self.parameter(*index)), Origin::Default),
                Fallback::Field(target, start) => {
                    let level = if *start == FieldStart::Item { rule.level } else { 0 };
                    let value = self.get(level, target);
                    let Some(content) = self.stand_in(rule, value) else {
                        continue;
                    };
                    let path = self.path(level, target);
                    self.merged.push(path);
                    (content, if *start == FieldStart::Item { Origin::Item } else { Origin::Elsewhere })
                }
                Fallback::Template(parts) => match self.template(rule.level, parts) {
                    Some(text) => (Content::Text(Cow::Owned(text)), Origin::Item),
                    None => continue,
                },
            };
            let before = self.written;
            let wrote = match &rule.action {
                Action::Coded(coded) => self.put_code(scope, base, rule, coded, content),
                _ => self.put(scope, base, rule, content),
            };
            if wrote == Wrote::Something {
                if origin != Origin::Item {
                    self.written = before;
                }
                if !self.is_repeat(rule) {
                    let path = self.path(rule.level, &rule.target);
                    let code = if origin == Origin::Default { "default" } else { "merged" };
                    self.loss.note(Outcome::Defaulted, code, None, Some(path));
                }
                return true;
            }
        }
        false
    }

    fn default_content(&self, rule: &Rule, text: &'a str) -> Content<'a> {
        match &rule.action {
            Action::Leaf(leaf) if leaf.is_number && self.program.format == Format::Json => {
                Content::Bare(Cow::Borrowed(text))
            }
            Action::Leaf(leaf)
                if matches!(leaf.form, crate::plan::Form::Boolean) && self.program.format == Format::Json =>
            {
                Content::Bare(Cow::Borrowed(text))
            }
            _ => Content::Text(Cow::Borrowed(text)),
        }
    }

    /// The value of another field in the form of this one.
    fn stand_in(&self, rule: &'a Rule, value: &'a Value) -> Option<Content<'a>> {
        match (&rule.action, value) {
            (_, Value::Absent) => None,
            (Action::Leaf(leaf), Value::Text(text)) => {
                if text.is_empty() {
                    return None;
                }
                leaf.write(value).ok().map(|lettered| lettered.content)
            }
            (Action::Coded(coded), Value::Record(_)) => {
                let written = coded.coder.write(&coded.shape, value, false, self.options.refused_grades).ok()?;
                written.code.map(|code| Content::Text(Cow::Owned(code.as_str().to_owned())))
            }
            _ => None,
        }
    }

    fn template(&mut self, level: usize, parts: &'a [TemplatePart]) -> Option<String> {
        let mut text = String::new();
        let mut between = "";
        for part in parts {
            match part {
                TemplatePart::Text(letters) => between = letters,
                TemplatePart::Field(target) => {
                    let Some(value) = self.get(level, target).as_text().filter(|text| !text.is_empty()) else {
                        continue;
                    };
                    if !text.is_empty() {
                        text.push_str(between);
                    }
                    text.push_str(value);
                    let path = self.path(level, target);
                    self.merged.push(path);
                }
            }
        }
        (!text.is_empty()).then_some(text)
    }

    fn write_pattern(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule, pattern: &'a Pattern) -> Wrote {
        let mut texts: Vec<Option<Cow<'a, str>>> = Vec::new();
        for (target, leaf) in &pattern.fields {
            let value = self.get(rule.level, target);
            let lettered = if value.is_absent() { None } else { leaf.write(value).ok() };
            texts.push(lettered.and_then(|lettered| match lettered.content {
                Content::Text(text) | Content::Cdata(text) | Content::Bare(text) if !text.is_empty() => Some(text),
                _ => None,
            }));
        }
        let form = pattern.forms.iter().find(|form| form.parts.iter().all(|(_, index)| texts[*index].is_some()));
        let Some(form) = form else {
            let kept = pattern.keep_text.as_ref().and_then(|target| self.get(rule.level, target).as_text());
            for (index, (target, _)) in pattern.fields.iter().enumerate() {
                if texts[index].is_some() {
                    self.note(rule.level, target, Outcome::Dropped, "pattern_mismatch");
                }
            }
            return match kept.filter(|text| !text.is_empty()) {
                Some(text) => self.put(scope, base, rule, Content::Text(Cow::Borrowed(text))),
                None => Wrote::Nothing,
            };
        };
        let mut text = String::new();
        for (before, index) in &form.parts {
            text.push_str(before);
            text.push_str(texts[*index].as_deref().unwrap_or_default());
        }
        text.push_str(&form.end);
        let captures = form.regex.captures(&text);
        for (index, (target, _)) in pattern.fields.iter().enumerate() {
            let is_in_form = form.parts.iter().any(|(_, part)| *part == index);
            let reads_back = captures.as_ref().and_then(|captures| captures.name(&format!("f{index}")));
            if !is_in_form && texts[index].is_some() {
                self.note(rule.level, target, Outcome::Dropped, "pattern_mismatch");
            } else if is_in_form && reads_back.map(|found| found.as_str()) != texts[index].as_deref() {
                self.note(rule.level, target, Outcome::Coarsened, "pattern_mismatch");
            }
        }
        self.put(scope, base, rule, Content::Text(Cow::Owned(text)))
    }

    /// The value of a field.
    pub(super) fn get(&self, level: usize, target: &Target) -> &'a Value {
        target.get(self.values[level], &self.tongue)
    }

    /// The node of a place, made with everything that goes with it.
    pub(super) fn ensure(&mut self, places: &'a [Place], base: usize, place: PlaceId) -> SheetId {
        let known = self.slots[base + place];
        if known != NONE {
            return known;
        }
        let at = &places[place];
        let parent = self.ensure(places, base, at.parent);
        if self.program.names.kind(at.name) == NameKind::Items {
            self.sheet.node_mut(parent).is_list = true;
        }
        let node = self.add(parent, at.name);
        self.slots[base + place] = node;
        self.put_selection(node, at.selection.as_ref());
        node
    }

    /// Writes what alone tells an item apart.
    pub(super) fn put_selection(&mut self, node: SheetId, selection: Option<&'a crate::plan::Selection>) {
        let Some((selection, text)) = selection.and_then(|selection| Some((selection, selection.constant()?))) else {
            return;
        };
        let at = self.ensure_names(node, &selection.at);
        let node = self.sheet.node_mut(at);
        node.content = Content::Text(Cow::Borrowed(text));
        node.is_constant = true;
    }

    /// The node at the end of some names.
    pub(super) fn ensure_names(&mut self, node: SheetId, names: &[NameId]) -> SheetId {
        let mut at = node;
        for name in names {
            at = match self.sheet.child(at, *name) {
                Some(child) => child,
                None => self.add(at, *name),
            };
        }
        at
    }

    /// A node below another, with the constants that go with its name.
    fn add(&mut self, parent: SheetId, name: NameId) -> SheetId {
        let node = self.detached(name);
        self.sheet.link(parent, node);
        node
    }

    /// A node that hangs nowhere yet, with the constants that go with its name.
    pub(super) fn detached(&mut self, name: NameId) -> SheetId {
        let node = self.sheet.detached(SheetName::Known(name), self.program.ranks[name as usize]);
        self.sheet.node_mut(node).is_attribute = self.program.names.kind(name) == NameKind::Attribute;
        self.put_dependents(node, name);
        node
    }

    fn put_dependents(&mut self, node: SheetId, name: NameId) {
        let shape = self.shape;
        for (name, number) in &shape.constants.with[name as usize] {
            let at = self.add(node, *name);
            self.put_constant(at, *number);
        }
    }

    fn put_constant(&mut self, node: SheetId, number: usize) {
        let constant = &self.shape.constants.all[number];
        let text: &'a str = match constant.kind {
            ConstantKind::Parameter(index) => self.parameter(index),
            _ => &constant.text,
        };
        let node = self.sheet.node_mut(node);
        if node.content == Content::Empty {
            node.content = content_of(constant.kind, Cow::Borrowed(text));
            node.is_constant = true;
        }
    }

    fn parameter(&self, index: usize) -> &'a str {
        let (name, default) = &self.program.parameters[index];
        self.options.parameters.get(name).unwrap_or(default)
    }

    /// Whether the rule was run before, for an earlier item of a repeated part.
    pub(super) fn is_repeat(&self, rule: &Rule) -> bool {
        self.frames[rule.level + 1..].iter().any(|frame| frame.ordinal > 0)
    }

    /// Notes that a field is not written as it is.
    pub(super) fn note(&mut self, level: usize, target: &Target, outcome: Outcome, code: &'static str) {
        if self.frames[level + 1..].iter().any(|frame| frame.ordinal > 0) {
            return;
        }
        let path = self.path(level, target);
        self.note_path(path, outcome, code);
    }

    /// Notes that the field at a path is not written as it is.
    pub(super) fn note_path(&mut self, path: String, outcome: Outcome, code: &'static str) {
        self.lost += 1;
        self.loss.note(outcome, code, None, Some(path));
    }

    /// The canonical path with its indices.
    pub(super) fn path(&self, level: usize, target: &Target) -> String {
        let mut text = String::with_capacity(48);
        self.render_item(level, &mut text);
        target.render(self.values[level], &self.tongue, &mut text);
        text
    }

    /// Writes the path of the item of a level.
    pub(super) fn render_item(&self, level: usize, text: &mut String) {
        let frame = self.frames[level];
        if let Some((owner, target)) = frame.list {
            self.render_item(owner, text);
            target.render(self.values[owner], &self.tongue, text);
            push_index(text, frame.index);
        }
    }
}

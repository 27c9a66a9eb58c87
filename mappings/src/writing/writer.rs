//! The writer: scopes, places, and what is noted of the fields.

use foldhash::{HashMap, HashMapExt};
use schemas::{LossReport, Outcome, Path, Record, Value};

use crate::{
    document::ROOT,
    plan::{Action, Program, Rule, Scope, Shape, Target, Tongue, push_index},
};

use super::{
    CONSENT_MISSING_REQUIRED, Refusal, WriteOptions, Writing,
    sheet::{NONE, Sheet, SheetId},
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
        dropped_items: blocked.into_iter().map(|item| (item.path, "not_assumed".to_owned())).collect(),
        item_nodes: Vec::new(),
        ones: Vec::new(),
        derived: Vec::new(),
        origins: HashMap::new(),
        coded: Vec::new(),
        symbols: Vec::new(),
    };
    writer.choose_language(root);
    writer.write_document(root)?;
    writer.merge();
    writer.check_parts();
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
    /// The paths that were emptied and are not written yet, in which order.
    pub(super) cleared: HashMap<&'a str, usize>,
    /// Fields that reached the document only in the place of another.
    pub(super) merged: Vec<String>,
    /// Items that were left out, and why.
    pub(super) dropped_items: Vec<(String, String)>,
    /// The items that were written, for the complement.
    pub(super) item_nodes: Vec<(SheetId, &'a Value, Option<usize>)>,
    /// What the first item said where all must say the same.
    pub(super) ones: Vec<(*const Rule, String)>,
    /// Fields that follow from others that were written.
    pub(super) derived: Vec<String>,
    /// For documents of labels, the field that was written in a node.
    pub(super) origins: HashMap<SheetId, String>,
    /// The nodes in which the code of a coded value stands.
    pub(super) coded: Vec<SheetId>,
    /// The nodes in which a code stands that a symbol led to.
    pub(super) symbols: Vec<SheetId>,
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
            self.finish_scope(scope, base);
            for rule in scope.rules.iter().filter(|rule| rule.is_derived) {
                self.check_derived(base, rule);
            }
        }
        self.slots.truncate(base);
        result
    }

    /// What depends on other places of the scope.
    fn finish_scope(&mut self, scope: &'a Scope, base: usize) {
        self.note_implied(scope, base);
        for rule in scope.deferred.iter().map(|index| &scope.rules[*index]) {
            if let Some(parent) = rule.with_parent
                && self.slots[base + parent] != NONE
                && rule.places.iter().all(|place| self.slots[base + place] == NONE)
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
    }

    fn write_rule(&mut self, scope: &'a Scope, base: usize, rule: &'a Rule) -> Result<(), Stop> {
        if let Some(shown) = &rule.shown_by
            && !self.write_shown(scope, base, rule, shown)
        {
            return if rule.required.is_some() { Err(self.withheld(rule)) } else { Ok(()) };
        }
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
            Some(_) if self.withholds(rule) => Err(self.withheld(rule)),
            Some(code) => Err(self.refusal(rule, code)),
            None => Ok(()),
        }
    }

    /// Whether the mask keeps something of the rule from the receiver, whether or not the record says it.
    pub(super) fn withholds(&self, rule: &Rule) -> bool {
        let Some(mask) = self.options.mask else {
            return false;
        };
        let is_withheld = |target: &Target| {
            let path = Path::resolve(self.program.model, &self.path(rule.level, target));
            path.is_ok_and(|path| mask.reason(&path).is_some())
        };
        match &rule.action {
            Action::Pattern(pattern) => pattern.fields.iter().any(|(target, _)| is_withheld(target)),
            _ => is_withheld(&rule.target),
        }
    }

    fn withheld(&self, rule: &Rule) -> Stop {
        let path = self.path(rule.level, &rule.target);
        let problem = "it is withheld from the receiver, whose documents must say it".to_owned();
        Stop::Refused(Refusal { code: CONSENT_MISSING_REQUIRED.to_owned(), path, problem })
    }

    fn refusal(&self, rule: &Rule, code: &str) -> Stop {
        let path = self.path(rule.level, &rule.target);
        let problem = "nothing of it can be written, and the partner's documents must say it".to_owned();
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

    /// The value of a field.
    pub(super) fn get(&self, level: usize, target: &Target) -> &'a Value {
        target.get(self.values[level], &self.tongue)
    }
}

//! The reader: scopes, places and what is noted of them.

use std::{borrow::Cow, collections::HashMap};

use schemas::{LossReport, Operation, Outcome, Record, Value};

use crate::{
    document::{Fault, Kind, Mark, NONE, NodeId, ReadFailure, Tree},
    plan::{Action, Leaf, Program, Rule, Scope, Shape, Target, Tongue, push_index},
};

use super::{ReadOptions, Reading, leaf::Read};

/// The place was not looked for yet.
pub(super) const UNRESOLVED: NodeId = NONE - 1;

/// Each costs a walk to its pointer: more help nobody.
const MAX_FAULTS: usize = 100;

/// Reads a document.
///
/// # Errors
/// Every fault of the document.
pub(crate) fn read(program: &Program, tree: Tree<'_>, options: &ReadOptions<'_>) -> Result<Reading, ReadFailure> {
    let shape = super::conditions::shape_of(program, &tree)?;
    let reader = Reader {
        program,
        shape,
        tree,
        values: Vec::with_capacity(4),
        frames: Vec::with_capacity(4),
        slots: Vec::with_capacity(128),
        notes: Vec::new(),
        withdrawn: HashMap::new(),
        items: Vec::new(),
        trail: options.full.then(Vec::new),
        tongue: Tongue::default(),
        cleared: Vec::new(),
        withheld: Vec::new(),
        faults: Vec::new(),
        extra: LossReport::default(),
        last_found: (NONE, NONE),
    };
    reader.run(options)
}

/// A document while it is read.
pub(super) struct Reader<'p, 'd> {
    pub(super) program: &'p Program,
    pub(super) shape: &'p Shape,
    pub(super) tree: Tree<'d>,
    /// The record at level 0, then the items being read.
    pub(super) values: Vec<Value>,
    /// Which items they are.
    pub(super) frames: Vec<Frame>,
    /// The places that were found, scope by scope.
    pub(super) slots: Vec<NodeId>,
    pub(super) notes: Vec<Noted>,
    /// Of a node, so many notes from the first on are taken back.
    pub(super) withdrawn: HashMap<NodeId, usize>,
    pub(super) items: Vec<Item<'p>>,
    /// What was kept, and where.
    pub(super) trail: Option<Vec<(NodeId, String)>>,
    pub(super) tongue: Tongue,
    pub(super) cleared: Vec<String>,
    /// The paths of what the document does not let be shown.
    pub(super) withheld: Vec<String>,
    pub(super) faults: Vec<Fault>,
    /// What is reported without a place in the document.
    pub(super) extra: LossReport,
    /// The member found last, and the object it was found in.
    pub(super) last_found: (NodeId, NodeId),
}

/// The item of a scope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Its index among [`Reader::items`]; none for the document itself.
    pub(super) item: Option<usize>,
    /// Which repetition of the repeated part it is.
    pub(super) ordinal: usize,
}

/// An item of a repeated part, and where it stands in the record.
#[derive(Debug)]
pub(super) struct Item<'p> {
    pub(super) node: NodeId,
    /// The item that its list belongs to.
    pub(super) owner: Option<usize>,
    pub(super) target: &'p Target,
    pub(super) key: Option<usize>,
    pub(super) index: usize,
}

/// Something to report of a node.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) node: NodeId,
    pub(super) outcome: Outcome,
    pub(super) code: Cow<'static, str>,
    pub(super) path: Option<String>,
}

impl<'p> Reader<'p, '_> {
    fn run(mut self, options: &ReadOptions<'_>) -> Result<Reading, ReadFailure> {
        self.values.push(Value::empty_record(self.program.model));
        self.frames.push(Frame { item: None, ordinal: 0 });
        let root = self.enter_shape(options)?;
        self.read_scope(&self.shape.scope, root);
        self.read_constants();
        let operation = self.operation();
        self.say(options.defaults);
        if !self.faults.is_empty() {
            return Err(ReadFailure { faults: self.faults });
        }
        let mut record = Record::new(self.program.kind);
        *record.root_mut() = self.values.swap_remove(0);
        self.put_cleared(&mut record);
        self.put_withheld(record.root_mut());
        let swept = self.sweep(record.root());
        let shape = self.shape.name.as_deref().map(str::to_owned);
        Ok(Reading { record, operation, shape, loss: swept.loss, complement: swept.complement, trail: swept.trail })
    }

    fn operation(&mut self) -> Operation {
        let closes = self.shape.is_close
            || (!self.shape.close_when.is_empty() && self.shape.close_when.iter().all(|test| self.holds(test)));
        if closes { Operation::Close } else { Operation::Upsert }
    }

    fn put_cleared(&mut self, record: &mut Record) {
        if self.cleared.is_empty() {
            return;
        }
        let Some((index, _)) = record.model().field("cleared") else {
            return;
        };
        let paths = std::mem::take(&mut self.cleared).into_iter().map(Value::text).collect();
        *record.root_mut().field_mut(self.program.model, index) = Value::List(paths);
    }

    /// Runs the rules of a scope over its item.
    pub(super) fn read_scope(&mut self, scope: &'p Scope, node: NodeId) {
        let base = self.slots.len();
        self.slots.push(node);
        self.slots.resize(base + scope.places.len(), UNRESOLVED);
        for rule in scope.rules.iter().filter(|rule| rule.reads && !rule.is_derived) {
            self.read_rule(scope, base, rule);
        }
        for rule in scope.rules.iter().filter(|rule| rule.is_derived) {
            self.read_derived(scope, base, rule);
        }
        self.slots.truncate(base);
    }

    fn read_rule(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule) {
        if let Some(shown) = &rule.shown_by
            && !self.may_show(scope, base, shown)
        {
            return self.hide(scope, base, rule, shown);
        }
        let has_read = match &rule.action {
            Action::Group(group) => self.read_group(scope, base, rule, group),
            Action::List(list) => self.read_list(scope, base, rule, list),
            Action::Count(repeat) => self.read_count(scope, base, rule, repeat),
            _ => self.read_first_place(scope, base, rule),
        };
        if let (false, Some(code), true) = (has_read, &rule.must, self.faults.len() < MAX_FAULTS) {
            let problem = format!("the document says no `{}`, which it must", self.path(rule.level, &rule.target));
            let missing = rule.places.first().map(|place| (scope.places.as_slice(), *place));
            let pointer = self.pointer_of_missing(self.slots[base], missing);
            self.faults.push(Fault { pointer, code: code.to_string(), problem });
        }
    }

    /// Reads the first of the rule's places that says something.
    fn read_first_place(&mut self, scope: &'p Scope, base: usize, rule: &'p Rule) -> bool {
        for place in &rule.places {
            let Some(node) = self.find(&scope.places, base, *place) else {
                continue;
            };
            if self.tree.node(node).kind == Kind::Null && !self.program.null_clears {
                continue;
            }
            let has_read = match &rule.action {
                Action::Leaf(leaf) => self.read_leaf(rule, leaf, node),
                Action::Coded(coded) => self.read_coded(scope, base, rule, coded, node),
                Action::First(element) => self.read_one(scope, base, rule, element, node),
                Action::Split(split) => self.read_split(scope, base, rule, split, node),
                Action::Pattern(pattern) => self.read_pattern(rule, pattern, node),
                Action::Group(_) | Action::List(_) | Action::Count(_) => false,
            };
            if has_read {
                self.read_month(scope, base, rule);
                self.read_also(scope, base, rule, node);
                return true;
            }
        }
        false
    }

    fn read_leaf(&mut self, rule: &'p Rule, leaf: &'p Leaf, node: NodeId) -> bool {
        let Some(read) = self.leaf_value(rule, leaf, node) else {
            return false;
        };
        match read {
            Read::Value(value, note) => {
                self.assign(rule.level, &rule.target, value, node);
                if let Some((outcome, code)) = note {
                    self.note(node, outcome, code, Some((rule.level, &rule.target)));
                }
                true
            }
            Read::Cleared => {
                self.clear(rule, node);
                true
            }
            Read::Unreadable(code) => {
                if let Some(target) = &leaf.keep_text
                    && code != "sentinel"
                {
                    let text = Value::text(crate::text::clean(self.tree.own_text(node).trim()).0);
                    self.assign(rule.level, target, text, node);
                    return true;
                }
                let was_kept = [Mark::Kept, Mark::Noted].contains(&self.tree.node(node).mark);
                self.note(node, Outcome::Dropped, code, Some((rule.level, &rule.target)));
                if was_kept {
                    // Another field of the record says it.
                    self.tree.node_mut(node).mark = Mark::Noted;
                }
                false
            }
        }
    }

    /// Reads the letters of a node; nothing where the node holds a structure.
    pub(super) fn leaf_value(&mut self, rule: &'p Rule, leaf: &'p Leaf, node: NodeId) -> Option<Read> {
        let kind = self.tree.node(node).kind;
        match kind {
            Kind::Null => return Some(leaf.read("", kind, &rule.absent)),
            Kind::Object | Kind::List => {
                self.drop_below(node, "unexpected_structure");
                return None;
            }
            _ => {}
        }
        let text = self.tree.own_text(node);
        if self.program.omits_empty && text.trim().is_empty() {
            // A dialect that cannot say `empty` says nothing by it.
            return self.tree.is_leaf(node).then_some(Read::Unreadable("empty"));
        }
        Some(leaf.read(&text, kind, &rule.absent))
    }

    /// Notes that the document empties a field that is no text.
    pub(super) fn clear(&mut self, rule: &'p Rule, node: NodeId) {
        self.cleared.push(self.path(rule.level, &rule.target));
        self.keep(node, rule.level, &rule.target);
    }

    /// Puts a value where it belongs; a second one must be the same.
    pub(super) fn assign(&mut self, level: usize, target: &'p Target, value: Value, node: NodeId) {
        let is_repeated = self.frames.last().is_some_and(|frame| frame.ordinal > 0) && level + 1 < self.frames.len();
        let slot = target.slot(&mut self.values[level], &self.tongue);
        if slot.is_absent() {
            *slot = value;
        } else if *slot != value {
            let code = if is_repeated { "differs_between_repeats" } else { "said_twice" };
            self.note(node, Outcome::Dropped, code, Some((level, target)));
            return;
        }
        self.keep(node, level, target);
    }

    /// Marks a leaf as kept.
    pub(super) fn keep(&mut self, node: NodeId, level: usize, target: &Target) {
        if self.tree.node(node).mark == Mark::Unread {
            self.note_damage(node, Some((level, target)));
        }
        let mark = &mut self.tree.node_mut(node).mark;
        *mark = (*mark).max(Mark::Kept);
        if self.trail.is_some() {
            let path = self.path(level, target);
            self.trail.get_or_insert_default().push((node, path));
        }
    }

    /// Notes what came to the letters of a leaf before it was read.
    pub(super) fn note_damage(&mut self, node: NodeId, at: Option<(usize, &Target)>) {
        let damage = self.tree.node(node).damage;
        if damage.was_repaired() {
            self.note(node, Outcome::Repaired, "mojibake", at);
        }
        if damage.is_lost() {
            self.note(node, Outcome::Coarsened, "replacement_character", at);
        }
    }

    /// Notes what became of a leaf.
    pub(super) fn note(
        &mut self,
        node: NodeId,
        outcome: Outcome,
        code: impl Into<Cow<'static, str>>,
        at: Option<(usize, &Target)>,
    ) {
        let mark = &mut self.tree.node_mut(node).mark;
        *mark = if outcome == Outcome::Dropped { Mark::Dropped } else { Mark::Noted };
        let path = at.map(|(level, target)| self.path(level, target));
        self.notes.push(Noted { node, outcome, code: code.into(), path });
    }

    /// Notes that nothing below a node is carried.
    pub(super) fn drop_below(&mut self, node: NodeId, code: &'static str) {
        if self.tree.is_leaf(node) {
            self.note(node, Outcome::Dropped, code, None);
        }
        let mut child = self.tree.first(node);
        while child != NONE {
            self.drop_below(child, code);
            child = self.tree.next(child);
        }
    }

    /// The canonical path with its indices.
    pub(super) fn path(&self, level: usize, target: &Target) -> String {
        let mut text = String::new();
        self.render_item(self.frames[level].item, &mut text);
        target.render(&self.values[level], &self.tongue, &mut text);
        text
    }

    /// Writes the path of an item.
    pub(super) fn render_item(&self, item: Option<usize>, text: &mut String) {
        let Some(item) = item.map(|item| &self.items[item]) else {
            return;
        };
        self.render_item(item.owner, text);
        item.target.render(&Value::Absent, &self.tongue, text);
        push_index(text, item.index);
    }
}

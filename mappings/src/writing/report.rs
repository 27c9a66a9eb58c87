//! The loss report of a writing: every canonical leaf is counted as written or reported.

use foldhash::{HashMap, HashMapExt, HashSet};
use schemas::{LossReport, Outcome, Record, RecordType, Step, Type, Value};

use crate::{
    document::Format,
    plan::{Covered, Shape, push_index},
    reading::Trail,
};

use super::{print_json::print_json, print_labels::print_labels, print_xml::print_xml, writer::Writer};

/// The fields of a record that speak of the record itself.
const BOOKKEEPING: [&str; 2] = ["cleared", "withheld"];

/// A report while it is made.
pub(super) struct Reported {
    pub(super) report: LossReport,
    written: Vec<String>,
}

/// The paths that were written, as the trail.
pub(super) fn take_trail(reported: &mut Reported) -> Vec<Trail> {
    if reported.written.is_empty() {
        return Vec::new();
    }
    let noted: HashSet<&str> = reported.report.entries.iter().filter_map(|entry| entry.path.as_deref()).collect();
    let kept = std::mem::take(&mut reported.written).into_iter().filter(|path| !noted.contains(path.as_str()));
    kept.map(|path| Trail { pointer: String::new(), path }).collect()
}

/// The paths that the record says were emptied, and in which order: there may be many.
pub(super) fn cleared_paths(record: &Record) -> HashMap<&str, usize> {
    let list = record.at("cleared").map(Value::items).unwrap_or_default();
    list.iter().enumerate().rev().filter_map(|(index, path)| Some((path.as_text()?, index))).collect()
}

/// An item that says something else than what the dialect assumes: it would be misread.
pub(super) struct Blocked<'s> {
    list: &'s [Step],
    index: usize,
    pub(super) path: String,
}

/// The items of a record that may not be written.
pub(super) fn blocked_items<'s>(shape: &'s Shape, root: &Value) -> Vec<Blocked<'s>> {
    let mut blocked = Vec::new();
    for said in shape.said.iter().filter(|said| said.is_assumed) {
        let at = said.path.steps().iter().rposition(|step| !matches!(step, Step::Field(..)));
        let Some(at) = at else {
            continue;
        };
        let text = said.path.as_str();
        let list_text = text.rsplit_once('[').map_or(text, |(list, _)| list);
        let list = &said.path.steps()[..at];
        for (index, item) in follow(root, list).items().iter().enumerate() {
            let is_meant = match &said.path.steps()[at] {
                Step::Index(wanted) => *wanted == index,
                Step::Keyed(_, key, wanted) => item.field(*key).as_text() == Some(wanted),
                _ => true,
            };
            let value = follow(item, &said.path.steps()[at + 1..]);
            if is_meant && !value.is_absent() && !said.agrees(value) {
                blocked.push(Blocked { list, index, path: format!("{list_text}[{index}]") });
            }
        }
    }
    blocked
}

fn follow<'v>(root: &'v Value, steps: &[Step]) -> &'v Value {
    steps.iter().fold(root, |value, step| match step {
        Step::Field(_, index) => value.field(*index),
        _ => value.items().first().unwrap_or(&Value::Absent),
    })
}

/// The record without some items, the others in their places; nothing if there are none to leave out.
pub(super) fn without(root: &Value, blocked: &[Blocked<'_>]) -> Option<Value> {
    if blocked.is_empty() {
        return None;
    }
    let mut pruned = root.clone();
    for item in blocked {
        let list = item.list.iter().try_fold(&mut pruned, |value, step| match step {
            Step::Field(record, index) => Some(value.field_mut(record, *index)),
            Step::Each | Step::Index(_) | Step::Keyed(..) => value.items_mut().first_mut(),
        });
        if let Some(found) = list.and_then(|list| list.items_mut().get_mut(item.index)) {
            *found = Value::Absent;
        }
    }
    Some(pruned)
}

struct Walk<'w, 'a> {
    writer: &'w Writer<'a>,
    reported: Reported,
    leaves: usize,
    /// The way from the record to the value in hand.
    way: Vec<WayStep>,
    /// Fields that the dialect itself says; it says them only of items that were written.
    said: Vec<String>,
    /// Why the item that the walk is in was left out.
    left_out: Option<&'w str>,
    /// Items that were left out, and why.
    dropped_items: HashMap<&'w str, &'w str>,
    merged: HashSet<&'w str>,
    derived: HashSet<&'w str>,
    /// How many dropped leaves an item holds, of so many entries of the report.
    dropped_inside: HashMap<String, usize>,
    counted: usize,
}

#[derive(Clone, Copy)]
enum WayStep {
    Field(&'static str),
    Item(usize),
}

impl Writer<'_> {
    /// The document in the syntax of its format.
    pub(super) fn print(&self) -> Vec<u8> {
        match self.program.syntax.format {
            Format::Json => print_json(&self.sheet, self.program),
            Format::Xml => print_xml(&self.sheet, self.program, self.shape),
            Format::Labels => print_labels(&self.sheet, self.program),
        }
    }

    /// Walks the record and reports what no rule has written.
    pub(super) fn report(&mut self, record: &Record) -> Reported {
        let report = std::mem::take(&mut self.loss);
        let lost = self.lost;
        let writer = &*self;
        let mut walk = Walk {
            writer,
            reported: Reported { report, written: Vec::new() },
            leaves: 0,
            way: Vec::with_capacity(8),
            said: Vec::new(),
            left_out: None,
            // Of several reasons the first.
            dropped_items: writer
                .dropped_items
                .iter()
                .rev()
                .map(|(path, code)| (path.as_str(), code.as_str()))
                .collect(),
            merged: writer.merged.iter().map(String::as_str).collect(),
            derived: writer.derived.iter().map(String::as_str).collect(),
            dropped_inside: HashMap::new(),
            counted: 0,
        };
        let covered = &walk.writer.shape.writable;
        for (index, field) in record.model().fields.iter().enumerate() {
            if BOOKKEEPING.contains(&field.name) {
                continue;
            }
            walk.way.push(WayStep::Field(field.name));
            walk.visit(record.root().field(index), field.ty, covered.of_field(index));
            walk.way.pop();
        }
        walk.report_bookkeeping(record);
        let (leaves, said) = (walk.leaves, walk.said.len());
        let mut reported = walk.reported;
        reported.report.kept = i64::try_from((leaves + said).saturating_sub(lost)).unwrap_or(i64::MAX);
        reported
    }
}

impl<'w> Walk<'w, '_> {
    fn visit(&mut self, value: &Value, ty: Type, covered: Option<&Covered>) {
        let is_written = covered.is_some_and(|covered| covered.is_whole);
        match (value, ty) {
            (Value::Absent, _) => {}
            (Value::Record(_), Type::Record(record)) if record.is_coded() => self.leaf(value, is_written),
            (Value::Record(fields), Type::Record(record)) => self.visit_record(fields, record, covered),
            (Value::List(items), Type::List { item, .. }) if !items.is_empty() => {
                self.visit_items(items, *item, covered);
            }
            _ => {
                let is_list =
                    matches!(value, Value::List(_)) && covered.is_some_and(|covered| !covered.items.is_empty());
                self.leaf(value, is_written || is_list);
            }
        }
    }

    fn visit_record(&mut self, fields: &[Value], record: &'static RecordType, covered: Option<&Covered>) {
        for (index, (field, value)) in record.fields.iter().zip(fields).enumerate() {
            if value.is_absent() {
                continue;
            }
            self.way.push(WayStep::Field(field.name));
            self.visit(value, field.ty, covered.and_then(|covered| covered.of_field(index)));
            self.way.pop();
        }
    }

    fn visit_items(&mut self, items: &[Value], ty: Type, covered: Option<&Covered>) {
        let is_whole = covered.is_some_and(|covered| covered.is_whole);
        for (index, item) in items.iter().enumerate() {
            self.way.push(WayStep::Item(index));
            let (leaves, said) = (self.leaves, self.said.len());
            if let Some(code) = self.dropped() {
                let around = self.left_out.replace(code);
                self.visit(item, ty, None);
                self.left_out = around;
            } else if is_whole {
                self.visit(item, ty, Some(&WHOLE));
            } else {
                let of_item = covered.and_then(|covered| covered.of_item(index, item, self.writer.tongue.index));
                self.visit(item, ty, of_item);
            }
            if self.said.len() > said && !self.has_written(self.leaves - leaves) {
                for path in self.said.drain(said..) {
                    self.reported.report.note(Outcome::Dropped, "no_place", None, Some(path));
                }
            }
            self.way.pop();
        }
    }

    /// Whether some of so many covered leaves of the item in hand were written.
    fn has_written(&mut self, covered: usize) -> bool {
        let new = &self.reported.report.entries[self.counted..];
        let dropped = new.iter().filter(|entry| entry.outcome == Outcome::Dropped && entry.code != "no_place");
        for path in dropped.filter_map(|entry| entry.path.as_deref()) {
            for (at, _) in path.match_indices("].") {
                let item = &path[..=at];
                match self.dropped_inside.get_mut(item) {
                    Some(count) => *count += 1,
                    None => {
                        self.dropped_inside.insert(item.to_owned(), 1);
                    }
                }
            }
        }
        self.counted = self.reported.report.entries.len();
        covered > self.dropped_inside.get(&self.path()).copied().unwrap_or_default()
    }

    /// Why the item in hand was left out, if it was.
    fn dropped(&self) -> Option<&'w str> {
        if self.dropped_items.is_empty() {
            return None;
        }
        self.dropped_items.get(self.path().as_str()).copied()
    }

    /// The canonical path of the value in hand.
    fn path(&self) -> String {
        let mut path = String::with_capacity(48);
        for step in &self.way {
            match step {
                WayStep::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                WayStep::Item(index) => push_index(&mut path, *index),
            }
        }
        path
    }

    fn leaf(&mut self, value: &Value, is_written: bool) {
        if is_written {
            self.leaves += 1;
            if self.writer.options.full {
                let path = self.path();
                self.reported.written.push(path);
            }
            return;
        }
        let path = self.path();
        if let Some(code) = self.left_out {
            self.reported.report.note(Outcome::Dropped, code.to_owned(), None, Some(path));
        } else if self.merged.contains(path.as_str()) {
            self.reported.report.note(Outcome::Coarsened, "merged", None, Some(path));
        } else if self.derived.contains(path.as_str()) {
            self.leaves += 1;
        } else if self.is_said(value, &path) {
            self.said.push(path);
        } else {
            self.reported.report.note(Outcome::Dropped, "no_place", None, Some(path));
        }
    }

    /// Whether the dialect itself says this value of this field.
    fn is_said(&self, value: &Value, path: &str) -> bool {
        let said = &self.writer.shape.said;
        said.iter().any(|said| {
            said.agrees(value) && (said.path.as_str() == path || said.path.as_str() == without_indices(path))
        })
    }

    fn report_bookkeeping(&mut self, record: &Record) {
        for entry in record.at("withheld").map(Value::items).unwrap_or_default() {
            let text = |index| entry.field(index).as_text().unwrap_or_default().to_owned();
            self.reported.report.note(Outcome::Withheld, text(1), None, Some(text(0)));
        }
        if self.writer.cleared.is_empty() {
            return;
        }
        let noted: HashSet<&str> =
            self.reported.report.entries.iter().filter_map(|entry| entry.path.as_deref()).collect();
        let mut cleared: Vec<(&str, usize)> = self.writer.cleared.iter().map(|(path, order)| (*path, *order)).collect();
        cleared.retain(|(path, _)| !noted.contains(path));
        cleared.sort_unstable_by_key(|(_, order)| *order);
        for (path, _) in cleared {
            self.reported.report.note(Outcome::Dropped, "no_place", None, Some(path.to_owned()));
        }
    }
}

static WHOLE: Covered = Covered { is_whole: true, fields: Vec::new(), items: Vec::new(), outer: Vec::new() };

/// A path without the indices in it.
fn without_indices(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut is_inside = false;
    for character in path.chars() {
        is_inside &= character != ']';
        if !is_inside {
            text.push(character);
        }
        is_inside |= character == '[';
    }
    text
}

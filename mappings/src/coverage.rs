//! Which canonical fields a mapping reads and writes, and what a shape leaves as it was.

use schemas::{Record, RecordType, Type, Value};

use crate::{
    Catalogue, Evidence,
    codes::CodedShape,
    mapping::Mapping,
    plan::{Covered, Selector},
};

/// What a mapping does with a canonical field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldCoverage {
    /// The canonical path, with `[]` for items of lists.
    pub path: String,
    /// Whether some shape reads it.
    pub is_read: bool,
    /// Whether it is written.
    pub is_written: bool,
}

/// Lists every canonical field with what the mapping does with it; a coded value is one field.
pub fn coverage(mapping: &Mapping) -> Vec<FieldCoverage> {
    let shapes = &mapping.program.shapes;
    let readable: Vec<&Covered> = shapes.iter().map(|shape| &shape.readable).collect();
    let writable = [&shapes[0].writable];
    let mut fields = Vec::new();
    walk(mapping.program.model, &readable, &writable, "", &mut fields);
    let reads = mapping.directions().reads();
    let writes = mapping.directions().writes();
    for field in &mut fields {
        field.is_read &= reads;
        field.is_written &= writes;
    }
    fields
}

/// All mappings as a table in Markdown: how much of the canonical model each reads and writes, and how real its format is.
pub fn coverage_table(catalogue: &Catalogue) -> String {
    let mut table = "| kind | dialect | format | reads | writes | of | how real | facts from |\n\
                     |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let mut mappings: Vec<_> = catalogue.mappings().collect();
    mappings.sort_by_key(|mapping| (mapping.kind().as_str(), mapping.dialect().as_str()));
    for mapping in mappings {
        let fields = coverage(mapping);
        let count = |is_it: fn(&FieldCoverage) -> bool, can: bool| {
            if can { fields.iter().filter(|field| is_it(field)).count().to_string() } else { "-".to_owned() }
        };
        let reads = count(|field| field.is_read, mapping.directions().reads());
        let writes = count(|field| field.is_written, mapping.directions().writes());
        let how_real = match mapping.evidence() {
            Evidence::Published => "published",
            Evidence::Observed => "seen in use; no public specification",
            Evidence::Ours => "**ours**: no real document is behind it",
        };
        let (kind, dialect, title, source) = (mapping.kind(), mapping.dialect(), mapping.title(), mapping.source());
        let of = fields.len();
        table.push_str(&format!(
            "| {kind} | `{dialect}` | {title} | {reads} | {writes} | {of} | {how_real} | {source} |\n"
        ));
    }
    table
}

fn walk(
    record: &'static RecordType,
    readable: &[&Covered],
    writable: &[&Covered],
    path: &str,
    fields: &mut Vec<FieldCoverage>,
) {
    for (index, field) in record.fields.iter().enumerate() {
        let separator = if path.is_empty() { "" } else { "." };
        let mut path = format!("{path}{separator}{}", field.name);
        let mut readable: Vec<&Covered> = readable.iter().filter_map(|covered| covered.of_field(index)).collect();
        let mut writable: Vec<&Covered> = writable.iter().filter_map(|covered| covered.of_field(index)).collect();
        let mut ty = field.ty;
        while let Type::List { item, .. } = ty {
            path.push_str("[]");
            readable = items_of(&readable);
            writable = items_of(&writable);
            ty = *item;
        }
        match ty {
            Type::Record(inner) if CodedShape::of(ty).is_none() => walk(inner, &readable, &writable, &path, fields),
            _ => {
                let is_whole = |covered: &[&Covered]| covered.iter().any(|covered| covered.is_whole);
                fields.push(FieldCoverage { path, is_read: is_whole(&readable), is_written: is_whole(&writable) });
            }
        }
    }
}

/// What is expressed of the items of lists: of those of which only some are, too.
fn items_of<'c>(lists: &[&'c Covered]) -> Vec<&'c Covered> {
    let items = lists.iter().flat_map(|list| list.items.iter().map(|(_, covered)| covered));
    items.chain(lists.iter().copied().filter(|list| list.is_whole)).collect()
}

impl Mapping {
    /// Leaves everything that the shape of a document cannot express as it was in the previous version; and what it did
    /// not say, in a dialect whose documents keep what they leave out.
    pub fn carry_over(&self, shape: Option<&str>, previous: &Record, record: &mut Record) {
        let shapes = &self.program.shapes;
        let Some(shape) = shapes.iter().find(|known| known.name.as_deref() == shape) else {
            return;
        };
        let model = record.model();
        if self.program.absent_is_kept {
            let cleared: Vec<Value> = record.at("cleared").map(Value::items).unwrap_or_default().to_vec();
            keep_record(previous.root(), record.root_mut(), model, &mut String::new(), &cleared);
            return;
        }
        carry_record(previous.root(), record.root_mut(), model, Some(&shape.readable));
    }
}

/// Takes what a record does not say, and has not cleared, from the previous version. A list that is there replaces the
/// other one; if its items have keys, item by item.
fn keep_record(previous: &Value, record: &mut Value, model: &'static RecordType, path: &mut String, cleared: &[Value]) {
    let length = path.len();
    for (index, field) in model.fields.iter().enumerate() {
        let before = previous.field(index);
        // What is said of the record itself is said anew every time.
        if before.is_absent() || (length == 0 && ["cleared", "withheld"].contains(&field.name)) {
            continue;
        }
        if length > 0 {
            path.push('.');
        }
        path.push_str(field.name);
        let slot = record.field_mut(model, index);
        match field.ty {
            _ if cleared.iter().any(|one| one.as_text() == Some(path)) => {}
            _ if slot.is_absent() => *slot = before.clone(),
            Type::Record(inner) if CodedShape::of(field.ty).is_none() => {
                keep_record(before, slot, inner, path, cleared);
            }
            Type::List { item: Type::Record(inner), key: Some(key) } if !slot.items().is_empty() => {
                for before in before.items() {
                    let own = slot.items().iter().position(|item| item.field(key) == before.field(key));
                    match own {
                        Some(own) => keep_record(before, &mut slot.items_mut()[own], inner, path, cleared),
                        None => slot.items_mut().push(before.clone()),
                    }
                }
            }
            _ => {}
        }
        path.truncate(length);
    }
}

fn carry_record(previous: &Value, record: &mut Value, model: &'static RecordType, covered: Option<&Covered>) {
    for (index, field) in model.fields.iter().enumerate() {
        let before = previous.field(index);
        if before.is_absent() {
            continue;
        }
        let covered = covered.and_then(|covered| covered.of_field(index));
        match (covered, field.ty) {
            (Some(covered), _) if covered.is_whole => {}
            (None, _) => *record.field_mut(model, index) = before.clone(),
            (Some(covered), Type::Record(inner)) => {
                carry_record(before, record.field_mut(model, index), inner, Some(covered));
            }
            (Some(covered), Type::List { item, key }) => {
                carry_list(before, record.field_mut(model, index), (*item, key), covered);
            }
            (Some(_), _) => {}
        }
    }
}

/// Items that the shape cannot express stay; of those that it can, the fields that it cannot.
fn carry_list(previous: &Value, list: &mut Value, (ty, key): (Type, Option<usize>), covered: &Covered) {
    let Type::Record(model) = ty else {
        return;
    };
    if matches!(list, Value::List(items) if items.is_empty()) {
        return;
    }
    let spoken: Vec<Value> =
        key.map_or_else(Vec::new, |key| list.items().iter().map(|item| item.field(key).clone()).collect());
    for (index, before) in previous.items().iter().enumerate() {
        let same_key =
            || list.items().iter().position(|item| key.is_some_and(|key| item.field(key) == before.field(key)));
        let found = covered.items.iter().find(|(selector, _)| match selector {
            Selector::Each => true,
            Selector::Only(field, value) => before.field(*field) == value,
            Selector::Key(field, text) => before.field(*field).as_text() == Some(text),
            Selector::Index(wanted) => *wanted == index,
            // The shape speaks one language at a time: profiles in others are not its own.
            Selector::Language => key.is_some_and(|key| spoken.contains(before.field(key))),
        });
        match found {
            // Of an item that the shape has a place for, it says all that it can, and nothing of the rest.
            Some((Selector::Index(_), covered)) => carry_item(before, list, index, model, covered),
            Some((Selector::Key(..) | Selector::Language, covered)) => {
                let at = same_key().unwrap_or(list.items().len());
                carry_item(before, list, at, model, covered);
                if let (Some(key), Some(item)) = (key, list.items_mut().get_mut(at)) {
                    *item.field_mut(model, key) = before.field(key).clone();
                }
            }
            Some((Selector::Each | Selector::Only(..), covered)) => {
                let same = same_key().or_else(|| {
                    list.items().iter().position(|item| key.is_none() && is_same(item, before, Some(covered)))
                });
                // What the shape could have said and no longer says is gone.
                if let Some(same) = same {
                    carry_record(before, &mut list.items_mut()[same], model, Some(covered));
                }
            }
            None => match same_key() {
                Some(same) => carry_record(before, &mut list.items_mut()[same], model, None),
                None => list.items_mut().push(before.clone()),
            },
        }
    }
    let items = list.items_mut();
    items.retain(|item| !says_nothing(item, key));
    if items.is_empty() {
        *list = Value::Absent;
    }
}

fn carry_item(before: &Value, list: &mut Value, at: usize, model: &'static RecordType, covered: &Covered) {
    let items = list.items_mut();
    if items.len() <= at {
        items.resize(at + 1, Value::Absent);
    }
    carry_record(before, &mut items[at], model, Some(covered));
}

/// Whether an item has nothing but its key.
fn says_nothing(item: &Value, key: Option<usize>) -> bool {
    item.fields().iter().enumerate().all(|(index, field)| field.is_absent() || key == Some(index))
}

/// Whether two items say the same as far as the shape can express them.
fn is_same(item: &Value, before: &Value, covered: Option<&Covered>) -> bool {
    let Some(covered) = covered else {
        return item == before;
    };
    let is_whole = |covered: &Option<Covered>| covered.as_ref().is_some_and(|covered| covered.is_whole);
    let expressed = covered.fields.iter().enumerate().filter(|(_, covered)| is_whole(covered));
    let mut expressed = expressed.map(|(index, _)| (item.field(index), before.field(index))).peekable();
    expressed.peek().is_some() && expressed.all(|(now, then)| now == then)
}

//! A mapping that takes over another one, but for what it says itself (`like` in `[dialect]`).

use toml_edit::{ArrayOfTables, Document, DocumentMut, Item, Table, TableLike};

/// The dialect that a mapping takes over.
pub(crate) fn like_of(text: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    document.get("dialect")?.get("like")?.as_str().map(str::to_owned)
}

/// A mapping laid over another. What comes from the other has no place in the file.
pub(super) fn laid_over(base: &str, own: &Table) -> Table {
    let mut merged = base.parse::<DocumentMut>().map(|document| document.as_table().clone()).unwrap_or_default();
    for (name, item) in own {
        match (merged.get_mut(name), item) {
            (Some(Item::ArrayOfTables(shapes)), Item::ArrayOfTables(own)) => lay_shapes(shapes, own),
            (Some(below), item) => match (below.as_table_like_mut(), item.as_table_like()) {
                (Some(below), Some(own)) => lay_entries(below, own),
                _ => *below = item.clone(),
            },
            (None, item) => drop(merged.insert(name, item.clone())),
        }
    }
    merged
}

/// Entries replace those of the same name, in their place; others follow.
fn lay_entries(below: &mut dyn TableLike, own: &dyn TableLike) {
    for (name, item) in own.iter() {
        below.insert(name, item.clone());
    }
}

/// Shapes are told apart by their names; their tables are laid entry by entry.
fn lay_shapes(below: &mut ArrayOfTables, own: &ArrayOfTables) {
    let name_of = |shape: &Table| shape.get("name").and_then(Item::as_str).map(str::to_owned);
    for shape in own {
        let Some(found) = below.iter_mut().find(|known| name_of(known) == name_of(shape)) else {
            below.push(shape.clone());
            continue;
        };
        for (name, item) in shape {
            match (found.get_mut(name).and_then(Item::as_table_like_mut), item.as_table_like()) {
                (Some(below), Some(own)) => lay_entries(below, own),
                _ => drop(found.insert(name, item.clone())),
            }
        }
    }
}

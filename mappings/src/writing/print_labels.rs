//! A sheet as lines of `label : value`, under headings.

use crate::{document::INDENT, plan::Program};

use super::{
    labels::{value_of, wordings_of},
    sheet::{Sheet, SheetId, SheetName},
};

/// Writes the document.
pub(super) fn print_labels(sheet: &Sheet<'_>, program: &Program) -> Vec<u8> {
    let mut text = String::new();
    let is_section =
        |label: &SheetId| sheet.children(*label).next().is_some() && wordings_of(sheet, program, *label).is_none();
    // Behind a heading, a label that the mapping does not know would be one of that section.
    let is_strange = |label: &SheetId| matches!(sheet.node(*label).name, SheetName::Other(_));
    let (strange, known): (Vec<SheetId>, Vec<SheetId>) = sheet.children(Sheet::root()).partition(is_strange);
    let start = known.iter().position(is_section).unwrap_or(known.len());
    for label in known[..start].iter().chain(&strange).chain(&known[start..]).copied() {
        if !is_section(&label) {
            print_value(sheet, program, label, &mut text);
            continue;
        }
        text.push_str(name_of(sheet, program, label));
        text.push('\n');
        for inner in sheet.children(label) {
            print_value(sheet, program, inner, &mut text);
        }
    }
    text.into_bytes()
}

fn print_value(sheet: &Sheet<'_>, program: &Program, label: SheetId, text: &mut String) {
    let value = value_of(sheet, program, label);
    if value.is_empty() {
        return;
    }
    text.push_str(name_of(sheet, program, label));
    text.push_str(" : ");
    for (index, line) in value.lines().enumerate() {
        // A further line of a value is told from a label by the blanks before it.
        text.push_str(if index > 0 && !line.is_empty() { INDENT } else { "" });
        text.push_str(line);
        text.push('\n');
    }
}

fn name_of<'s>(sheet: &'s Sheet<'_>, program: &'s Program, label: SheetId) -> &'s str {
    match &sheet.node(label).name {
        SheetName::Known(name) => program.names.text(*name),
        SheetName::Other(name) => name,
    }
}

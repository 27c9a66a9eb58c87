//! A sheet as lines of `label : value`, under headings.

use crate::plan::Program;

use super::sheet::{Sheet, SheetId, SheetName};

/// Writes the document.
pub(super) fn print_labels(sheet: &Sheet<'_>, program: &Program) -> Vec<u8> {
    let mut text = String::new();
    print(sheet, program, Sheet::root(), &mut text);
    text.into_bytes()
}

fn print(sheet: &Sheet<'_>, program: &Program, id: SheetId, text: &mut String) {
    for child in sheet.children(id) {
        let name = match &sheet.node(child).name {
            SheetName::Known(name) => program.names.text(*name),
            SheetName::Other(name) => name,
        };
        if sheet.children(child).next().is_some() {
            text.push_str(name);
            text.push('\n');
            print(sheet, program, child, text);
            continue;
        }
        text.push_str(name);
        text.push_str(" : ");
        // A further line of a value is told from a label by the blanks before it.
        text.push_str(&sheet.letters(child).replace('\n', "\n    "));
        text.push('\n');
    }
}

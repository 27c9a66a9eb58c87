//! A sheet as JSON.

use crate::plan::Program;

use super::sheet::{Content, Sheet, SheetId, SheetName};

/// Writes the document.
pub(super) fn print_json(sheet: &Sheet<'_>, program: &Program) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8192);
    print(sheet, program, Sheet::root(), &mut bytes);
    bytes
}

fn print(sheet: &Sheet<'_>, program: &Program, id: SheetId, bytes: &mut Vec<u8>) {
    let node = sheet.node(id);
    match &node.content {
        Content::Text(text) | Content::Cdata(text) => return string(text, bytes),
        Content::Bare(text) => return bytes.extend_from_slice(text.as_bytes()),
        Content::Null => return bytes.extend_from_slice(b"null"),
        Content::Empty => {}
    }
    let (open, close) = if node.is_list { (b'[', b']') } else { (b'{', b'}') };
    bytes.push(open);
    for (index, child) in sheet.children(id).enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        if open == b'{' {
            match &sheet.node(child).name {
                SheetName::Known(name) => bytes.extend_from_slice(program.names.printed(*name).as_bytes()),
                SheetName::Other(name) => string(name, bytes),
            }
            bytes.push(b':');
        }
        print(sheet, program, child, bytes);
    }
    bytes.push(close);
}

fn string(text: &str, bytes: &mut Vec<u8>) {
    serde_json::to_writer(bytes, text).expect("a text is JSON, and a vector takes it");
}

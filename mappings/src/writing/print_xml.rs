//! A sheet as XML.

use std::borrow::Cow;

use crate::{
    document::split_name,
    plan::{Program, Shape},
};

use super::sheet::{Content, Sheet, SheetId, SheetName};

/// Writes the document.
pub(super) fn print_xml(sheet: &Sheet<'_>, program: &Program, shape: &Shape) -> Vec<u8> {
    let own = program.namespaces.iter().find(|(prefix, _)| prefix.is_empty()).map_or("", |(_, address)| address);
    let mut printer = Printer { sheet, program, own, text: String::with_capacity(8192) };
    printer.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = shape.element.as_ref().map_or("", |(_, _, printed)| printed);
    let mut declarations = String::new();
    // The prefix `xml` is bound by XML itself.
    for (prefix, address) in program.namespaces.iter().filter(|(prefix, _)| **prefix != *"xml") {
        declarations.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
        declarations.push_str(prefix);
        declarations.push_str("=\"");
        escape_into(&mut declarations, address, true);
        declarations.push('"');
    }
    printer.element(Sheet::root(), name, &declarations, own);
    printer.text.into_bytes()
}

struct Printer<'s, 'a> {
    sheet: &'s Sheet<'a>,
    program: &'s Program,
    /// The namespace of the mapping's names without a prefix.
    own: &'s str,
    text: String,
}

impl Printer<'_, '_> {
    /// Writes an element; `default` is the namespace of names without a prefix inside it.
    fn element(&mut self, id: SheetId, name: &str, declarations: &str, default: &str) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push_str(declarations);
        let mut has_elements = false;
        for (index, child) in self.sheet.children(id).enumerate() {
            if self.is_attribute(child) {
                self.attribute(child, index);
            } else {
                has_elements = true;
            }
        }
        let content = &self.sheet.node(id).content;
        let has_text = !matches!(content, Content::Empty | Content::Null) && !self.sheet.letters(id).is_empty();
        if !has_text && !has_elements {
            self.text.push_str("/>");
            return;
        }
        self.text.push('>');
        match content {
            Content::Text(text) | Content::Bare(text) => escape_into(&mut self.text, text, false),
            Content::Cdata(text) => self.cdata(text),
            Content::Empty | Content::Null => {}
        }
        if has_elements {
            self.elements(id, default);
        }
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }

    fn elements(&mut self, id: SheetId, default: &str) {
        let (sheet, program) = (self.sheet, self.program);
        for child in sheet.children(id) {
            if self.is_attribute(child) {
                continue;
            }
            let (address, name) = match &sheet.node(child).name {
                // Inside the mapping's own default namespace its names are as they are written.
                SheetName::Known(name) if std::ptr::eq(default, self.own) => {
                    self.element(child, program.names.printed(*name), "", default);
                    continue;
                }
                SheetName::Known(name) => {
                    let address = program.names.address(program.names.namespace_of(*name));
                    (address, Cow::Borrowed(program.names.printed(*name)))
                }
                SheetName::Other(name) => self.foreign(name),
            };
            if address == default || name.contains(':') {
                self.element(child, &name, "", default);
            } else {
                let mut declaration = String::from(" xmlns=\"");
                escape_into(&mut declaration, address, true);
                declaration.push('"');
                self.element(child, &name, &declaration, address);
            }
        }
    }

    /// The namespace and the written name of an element that the mapping does not know.
    fn foreign<'n>(&self, name: &'n str) -> (&'n str, Cow<'n, str>) {
        let (address, local) = split_name(name);
        let prefix = self.program.namespaces.iter().find(|(prefix, known)| **known == *address && !prefix.is_empty());
        match prefix {
            Some((prefix, _)) => (address, Cow::Owned(format!("{prefix}:{local}"))),
            None => (address, Cow::Borrowed(local)),
        }
    }

    fn is_attribute(&self, id: SheetId) -> bool {
        self.sheet.node(id).is_attribute
    }

    fn attribute(&mut self, id: SheetId, index: usize) {
        self.text.push(' ');
        match &self.sheet.node(id).name {
            SheetName::Known(name) => self.text.push_str(self.program.names.printed(*name)),
            SheetName::Other(name) => match split_name(name.trim_start_matches('@')) {
                ("", local) => self.text.push_str(local),
                ("http://www.w3.org/XML/1998/namespace", local) => {
                    self.text.push_str("xml:");
                    self.text.push_str(local);
                }
                (address, local) => {
                    self.text.push_str(&format!("xmlns:n{index}=\""));
                    escape_into(&mut self.text, address, true);
                    self.text.push_str(&format!("\" n{index}:{local}"));
                }
            },
        }
        self.text.push_str("=\"");
        escape_into(&mut self.text, self.sheet.letters(id), true);
        self.text.push('"');
    }

    fn cdata(&mut self, text: &str) {
        self.text.push_str("<![CDATA[");
        if memchr::memchr(b']', text.as_bytes()).is_none() {
            self.text.push_str(text);
            self.text.push_str("]]>");
            return;
        }
        for (index, piece) in text.split("]]>").enumerate() {
            if index > 0 {
                self.text.push_str("]]]]><![CDATA[>");
            }
            self.text.push_str(piece);
        }
        self.text.push_str("]]>");
    }
}

/// Appends a text with what XML reserves escaped; in attributes blanks other than spaces too.
fn escape_into(out: &mut String, text: &str, is_attribute: bool) {
    let mut rest = text;
    let next = |bytes: &[u8]| {
        if is_attribute {
            return bytes.iter().position(|byte| matches!(byte, b'<' | b'>' | b'&' | b'\r' | b'"' | b'\n' | b'\t'));
        }
        let found = memchr::memchr3(b'<', b'>', b'&', bytes);
        memchr::memchr(b'\r', &bytes[..found.unwrap_or(bytes.len())]).or(found)
    };
    while let Some(at) = next(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'&' => "&amp;",
            b'"' => "&quot;",
            b'\n' => "&#10;",
            b'\t' => "&#9;",
            _ => "&#13;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

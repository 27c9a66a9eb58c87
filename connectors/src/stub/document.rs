//! Reads an XML document into a small tree that knows where it is, for the rules of the stubs.

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::ResolveResult,
};

const HR_XML: &str = "http://www.hr-xml.org/3";
const HR_XML_2_5: &str = "http://ns.hr-xml.org/2007-04-15";
const OAGIS: &str = "http://www.openapplications.org/oagis/9";

/// The largest document, in bytes.
const LARGEST: usize = 1024 * 1024;
/// The deepest element; a vacancy has nine levels.
const DEEPEST: usize = 16;
/// The most elements.
const MOST_ELEMENTS: usize = 10_000;

/// The namespace of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// HR-XML 3, as EURES has it.
    HrXml,
    /// HR-XML 2.5.
    HrXml2,
    /// The leaves of addresses in HR-XML 3.
    Oagis,
    /// Any other, or none.
    Other,
}

/// An element with what is in it.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) space: Space,
    pub(crate) name: String,
    /// Where it stands: `/PositionOpening[1]/DocumentID[1]`.
    pub(crate) path: String,
    /// Those without a prefix, and `xml:lang`.
    pub(crate) attributes: Vec<(String, String)>,
    /// Its own text, character data sections included.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The children of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn first(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Whether there is text at a path of names below.
    pub(crate) fn has_text(&self, path: &[&str]) -> bool {
        let Some((name, rest)) = path.split_first() else { return !self.text.trim().is_empty() };
        self.children.iter().any(|child| child.name == *name && child.has_text(rest))
    }

    /// Calls back with this element and all below, in document order.
    pub(crate) fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a Element)) {
        visit(self);
        for child in &self.children {
            child.visit(visit);
        }
    }
}

/// Reads a document, or says why it is none.
pub(crate) fn parse(document: &str) -> Result<Element, &'static str> {
    if document.len() > LARGEST {
        return Err("it is larger than 1 MiB");
    }
    if !document.chars().all(is_xml_character) {
        return Err("it holds a character that XML 1.0 forbids");
    }
    let mut reader = NsReader::from_str(document);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0;
    loop {
        let (space, event) = reader.read_resolved_event().map_err(|_| "it is not well-formed")?;
        let space = space_of(&space);
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(start) | Event::Empty(start) => {
                count += 1;
                if count > MOST_ELEMENTS || open.len() >= DEEPEST || (open.is_empty() && root.is_some()) {
                    return Err("it has too many elements, is too deep or has two roots");
                }
                open.push(element(&start, space, open.last())?);
                if is_empty {
                    close(&mut open, &mut root);
                }
            }
            Event::End(_) => close(&mut open, &mut root),
            Event::Text(text) => add_text(&mut open, &text.xml10_content())?,
            Event::CData(data) => add_text(&mut open, &data.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|_| "it holds a wrong character reference")?;
                let resolved = character.or_else(|| predefined(&reference.xml10_content()));
                let resolved = resolved.filter(|&c| is_xml_character(c)).ok_or("it refers to an unknown entity")?;
                add_text(&mut open, resolved.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err("it has a document type"),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    if open.is_empty() { root.ok_or("it is empty") } else { Err("an element is not closed") }
}

fn element(start: &BytesStart<'_>, space: Space, parent: Option<&Element>) -> Result<Element, &'static str> {
    let name = start.local_name().as_ref().to_owned();
    let number = parent.map_or(0, |parent| parent.all(&name).count()) + 1;
    let prefix = if space == Space::Oagis { "oa:" } else { "" };
    let path = format!("{}/{prefix}{name}[{number}]", parent.map_or("", |parent| parent.path.as_str()));
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| "an attribute is malformed or given twice")?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| "an attribute is malformed")?;
        let key = attribute.key;
        let is_ours = key.prefix().is_none() && key.as_namespace_binding().is_none();
        if is_ours || key.as_ref() == "xml:lang" {
            attributes.push((key.as_ref().to_owned(), value.into_owned()));
        }
    }
    Ok(Element { space, name, path, attributes, text: String::new(), children: Vec::new() })
}

fn close(open: &mut Vec<Element>, root: &mut Option<Element>) {
    let Some(element) = open.pop() else { return };
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("it has text outside of the root"),
    }
    Ok(())
}

fn space_of(resolved: &ResolveResult<'_>) -> Space {
    match resolved {
        ResolveResult::Bound(namespace) if namespace.0 == HR_XML => Space::HrXml,
        ResolveResult::Bound(namespace) if namespace.0 == HR_XML_2_5 => Space::HrXml2,
        ResolveResult::Bound(namespace) if namespace.0 == OAGIS => Space::Oagis,
        _ => Space::Other,
    }
}

fn predefined(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// XML 1.0 §2.2.
fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_knows_where_it_is() {
        let document = r#"<?xml version="1.0"?>
            <a xmlns="http://www.hr-xml.org/3" xmlns:x="http://www.openapplications.org/oagis/9" n="1 &amp; 2">
              <b>one &lt;<![CDATA[<two>]]>&#233;</b><x:c/><b x:type="t">three</b><d xmlns="urn:other"/>
            </a>"#;
        let root = parse(document).unwrap();
        assert_eq!(root.attributes, [("n".to_owned(), "1 & 2".to_owned())]);
        let children: Vec<_> =
            root.children.iter().map(|child| (child.path.as_str(), child.space, child.text.as_str())).collect();
        assert_eq!(
            children,
            [
                ("/a[1]/b[1]", Space::HrXml, "one <<two>é"),
                ("/a[1]/oa:c[1]", Space::Oagis, ""),
                ("/a[1]/b[2]", Space::HrXml, "three"),
                ("/a[1]/d[1]", Space::Other, ""),
            ]
        );
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(20) + &"</a>".repeat(20);
        let wide = format!("<a>{}</a>", "<b/>".repeat(10_000));
        let large = format!("<a>{}</a>", "x".repeat(LARGEST));
        for document in [
            "",
            "<a>",
            "</a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>text",
            "<a>&nbsp;</a>",
            "<a>&#1;</a>",
            "<a>\u{1}</a>",
            "<a b='1' b='2'/>",
            "<a b='&x;'/>",
            "<!DOCTYPE a><a/>",
            &deep,
            &wide,
            &large,
        ] {
            assert!(parse(document).is_err(), "{}", &document[..document.len().min(60)]);
        }
    }
}

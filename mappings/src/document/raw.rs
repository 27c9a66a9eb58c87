//! A part of a document in the syntax of its format, for the complement.

use super::{Format, Kind, Names, NodeId, Tree};

/// Writes a part of a document; of a leaf that is no structure, its text.
pub(crate) fn raw(node: NodeId, tree: &Tree<'_>, names: &Names) -> String {
    let mut text = String::new();
    match (tree.format, tree.node(node).kind) {
        (Format::Json, _) => raw_json(node, tree, names, &mut text),
        (Format::Xml, Kind::Element) => raw_xml(node, "", tree, names, &mut text),
        _ => text.push_str(&tree.node(node).text),
    }
    text
}

fn raw_json(node: NodeId, tree: &Tree<'_>, names: &Names, text: &mut String) {
    let (open, close) = match tree.node(node).kind {
        Kind::Object => ('{', '}'),
        Kind::List => ('[', ']'),
        Kind::Null => return text.push_str("null"),
        Kind::Number | Kind::Boolean => return text.push_str(&tree.node(node).text),
        _ => return text.push_str(&serde_json::Value::from(&*tree.node(node).text).to_string()),
    };
    text.push(open);
    for (index, child) in tree.children(node).enumerate() {
        if index > 0 {
            text.push(',');
        }
        if open == '{' {
            text.push_str(&serde_json::Value::from(&*tree.name_text(child, names)).to_string());
            text.push(':');
        }
        raw_json(child, tree, names, text);
    }
    text.push(close);
}

/// Elements name their namespace as the default one wherever it changes, so that the part stands alone.
fn raw_xml(node: NodeId, around: &str, tree: &Tree<'_>, names: &Names, text: &mut String) {
    let name = tree.name_text(node, names).into_owned();
    let (namespace, local) = split_name(&name);
    text.push('<');
    text.push_str(local);
    if namespace != around {
        text.push_str(" xmlns=\"");
        text.push_str(&quick_xml::escape::escape(namespace));
        text.push('"');
    }
    let attributes = tree.children(node).filter(|child| tree.node(*child).kind == Kind::Attribute);
    for (index, attribute) in attributes.enumerate() {
        let name = tree.name_text(attribute, names).into_owned();
        match split_name(&name) {
            ("", local) => text.push_str(&format!(" {local}=\"")),
            ("http://www.w3.org/XML/1998/namespace", local) => text.push_str(&format!(" xml:{local}=\"")),
            (address, local) => {
                let address = quick_xml::escape::escape(address).into_owned();
                text.push_str(&format!(" xmlns:n{index}=\"{address}\" n{index}:{local}=\""));
            }
        }
        text.push_str(&quick_xml::escape::escape(&*tree.node(attribute).text));
        text.push('"');
    }
    text.push('>');
    text.push_str(&quick_xml::escape::escape(&*tree.node(node).text));
    for child in tree.children(node) {
        match tree.node(child).kind {
            Kind::Attribute => {}
            Kind::Piece => text.push_str(&quick_xml::escape::escape(&*tree.node(child).text)),
            _ => raw_xml(child, namespace, tree, names, text),
        }
    }
    text.push_str(&format!("</{local}>"));
}

/// The namespace and the local part of a name written `{namespace}local`.
pub(crate) fn split_name(name: &str) -> (&str, &str) {
    name.strip_prefix('{').and_then(|rest| rest.rsplit_once('}')).unwrap_or(("", name))
}

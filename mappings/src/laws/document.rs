//! Documents compared leaf by leaf, in the normal form of their format.

use std::collections::BTreeMap;

use crate::document::{Kind, Names, NodeId, ReadFailure, Syntax, Tree, Way, parse_document};

/// The leaves of a document: where, without indices, and what.
pub(super) type Leaves = BTreeMap<String, Vec<String>>;

/// Lists the leaves of a document. Nulls say nothing and are left out.
pub(super) fn leaves_of(bytes: &[u8], syntax: &Syntax, names: &Names) -> Result<Leaves, ReadFailure> {
    parse_document(bytes, syntax, names, |tree| {
        let mut leaves = Leaves::new();
        collect(Tree::root(), &tree, names, "", &mut leaves);
        Ok(leaves)
    })
}

fn collect(node: NodeId, tree: &Tree<'_>, names: &Names, at: &str, leaves: &mut Leaves) {
    let here = tree.node(node);
    if tree.is_leaf(node) && here.kind != Kind::Null {
        let text = match here.kind {
            Kind::Number => plain_number(&here.text),
            _ => tree.own_text(node).trim().to_owned(),
        };
        leaves.entry(at.to_owned()).or_default().push(text);
    }
    for child in tree.children(node).filter(|child| tree.node(*child).kind != Kind::Piece) {
        let mark = if tree.node(child).kind == Kind::Attribute { "@" } else { "" };
        let at = format!("{at}/{mark}{}", tree.name_text(child, names));
        collect(child, tree, names, &at, leaves);
    }
}

pub(super) fn plain_number(text: &str) -> String {
    text.parse::<schemas::Decimal>().map_or_else(|_| text.to_owned(), |decimal| decimal.to_string())
}

/// The leaves of a document with their pointers: pointer, place without indices, and text.
pub(super) fn pointers_of(bytes: &[u8], syntax: &Syntax, names: &Names) -> Result<Vec<[String; 3]>, ReadFailure> {
    parse_document(bytes, syntax, names, |tree| {
        let mut found = Vec::new();
        point(Tree::root(), 0, &tree, names, &mut (Way::default(), String::new()), &mut found);
        Ok(found)
    })
}

fn point(
    node: NodeId,
    index: usize,
    tree: &Tree<'_>,
    names: &Names,
    (way, at): &mut (Way, String),
    found: &mut Vec<[String; 3]>,
) {
    way.enter(node, index);
    let length = at.len();
    if node != Tree::root() {
        let mark = if tree.node(node).kind == Kind::Attribute { "@" } else { "" };
        at.push('/');
        at.push_str(mark);
        at.push_str(&tree.name_text(node, names));
    }
    if tree.is_leaf(node) && tree.node(node).kind != Kind::Null && !tree.node(node).is_echo {
        let text = tree.own_text(node).trim().to_owned();
        found.push([way.pointer(tree, names), at.clone(), text]);
    }
    let mut pair = (std::mem::take(way), std::mem::take(at));
    for (index, child) in tree.children(node).enumerate().filter(|(_, child)| tree.node(*child).kind != Kind::Piece) {
        point(child, index, tree, names, &mut pair, found);
    }
    (*way, *at) = pair;
    at.truncate(length);
    way.leave();
}

/// What one document says and the other does not, at which place.
pub(super) fn differences(one: &Leaves, other: &Leaves) -> Vec<String> {
    let mut differences = Vec::new();
    for place in one.keys().chain(other.keys().filter(|place| !one.contains_key(*place))) {
        let sorted = |leaves: &Leaves| {
            let mut texts = leaves.get(place).cloned().unwrap_or_default();
            texts.sort();
            texts
        };
        let (left, right) = (sorted(one), sorted(other));
        if left != right {
            differences.push(format!("`{place}` is {left:?}, not {right:?}"));
        }
    }
    differences
}

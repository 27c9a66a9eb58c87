//! Where a node stands: JSON Pointer (RFC 6901), XPath with positions, or label and part.

use std::collections::HashMap;

use super::{Format, Kind, Names, NodeId, Tree};

/// The way from the root to the node in hand, while a document is walked.
#[derive(Debug, Default)]
pub(crate) struct Way {
    steps: Vec<WayStep>,
}

#[derive(Debug)]
struct WayStep {
    node: NodeId,
    /// The index among all siblings.
    index: usize,
    /// For each child its position among the children of its name, where there are several; made when asked for.
    positions: Option<HashMap<NodeId, usize>>,
}

impl Way {
    /// Goes one step down.
    pub(crate) fn enter(&mut self, node: NodeId, index: usize) {
        self.steps.push(WayStep { node, index, positions: None });
    }

    /// Goes back up.
    pub(crate) fn leave(&mut self) {
        self.steps.pop();
    }

    /// The position of the node in hand among the siblings of its name, from 1; nothing if it is the only one.
    pub(crate) fn position(&mut self, tree: &Tree<'_>, names: &Names) -> Option<usize> {
        let last = self.steps.len().checked_sub(1)?;
        self.position_at(last, tree, names)
    }

    fn position_at(&mut self, at: usize, tree: &Tree<'_>, names: &Names) -> Option<usize> {
        let node = self.steps[at].node;
        let parent = self.steps.get_mut(at.checked_sub(1)?)?;
        let positions = parent.positions.get_or_insert_with(|| positions_below(parent.node, tree, names));
        positions.get(&node).copied()
    }

    /// The pointer to the node in hand.
    pub(crate) fn pointer(&mut self, tree: &Tree<'_>, names: &Names) -> String {
        let mut pointer = String::new();
        if let (Format::Xml, Some((_, root))) = (tree.format, &tree.root_element) {
            pointer.push('/');
            pointer.push_str(root);
        }
        for at in 1..self.steps.len() {
            pointer.push('/');
            let node = self.steps[at].node;
            match tree.format {
                Format::Json if tree.node(self.steps[at - 1].node).kind == Kind::List => {
                    pointer.push_str(&self.steps[at].index.to_string());
                }
                Format::Json => {
                    let name = tree.name_text(node, names);
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Format::Xml => {
                    if tree.node(node).kind == Kind::Attribute {
                        pointer.push('@');
                    }
                    pointer.push_str(&printed(node, tree, names));
                    if let Some(position) = self.position_at(at, tree, names) {
                        pointer.push_str(&format!("[{position}]"));
                    }
                }
                Format::Labels => {
                    pointer.push_str(&tree.name_text(node, names));
                    if let Some(position) = self.position_at(at, tree, names) {
                        pointer.push_str(&format!("[{position}]"));
                    }
                }
            }
        }
        pointer
    }
}

/// The name as the mapping writes it; of an unknown one only the local part.
fn printed(node: NodeId, tree: &Tree<'_>, names: &Names) -> String {
    if let Some(name) = tree.known_name(node) {
        return names.printed(name).to_owned();
    }
    tree.name_text(node, names).rsplit('}').next().unwrap_or_default().to_owned()
}

fn positions_below(parent: NodeId, tree: &Tree<'_>, names: &Names) -> HashMap<NodeId, usize> {
    let mut by_name: HashMap<String, Vec<NodeId>> = HashMap::new();
    // In documents of labels the values stand for themselves.
    let is_named = |child: &NodeId| tree.format == Format::Labels || tree.node(*child).kind == Kind::Element;
    for child in tree.children(parent).filter(is_named) {
        by_name.entry(tree.name_text(child, names).into_owned()).or_default().push(child);
    }
    let repeated = by_name.into_values().filter(|nodes| nodes.len() > 1);
    repeated.flat_map(|nodes| nodes.into_iter().zip(1..)).collect()
}

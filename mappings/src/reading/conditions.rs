//! Which shape a document has, where its record starts, and in which language it is.

use schemas::{Format, Outcome};

use crate::{
    document::{Kind, Mark, NONE, NodeId, ReadFailure, Tree},
    plan::{Place, PlaceId, Program, Shape, Test},
};

use super::{ReadOptions, reader::Reader};

/// Finds the shape of a document.
pub(crate) fn shape_of<'p>(program: &'p Program, tree: &Tree<'_>) -> Result<&'p Shape, ReadFailure> {
    let has_root = |shape: &&Shape| match (&shape.element, &tree.root_element) {
        (Some((namespace, local, _)), Some((found, name))) => *found == Some(*namespace) && **local == **name,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let mut candidates = program.shapes.iter().filter(has_root).peekable();
    if candidates.peek().is_none() {
        let wanted: Vec<&str> = program.shapes.iter().filter_map(|shape| Some(&*shape.element.as_ref()?.2)).collect();
        let problem = format!("the root element is none of this dialect: {}", wanted.join(", "));
        return Err(ReadFailure::of("", "other_root", problem));
    }
    let has_shape = |shape: &&Shape| shape.when.iter().all(|test| test_holds(tree, &shape.outer, test));
    candidates.find(has_shape).ok_or_else(|| {
        let names: Vec<&str> = program.shapes.iter().filter_map(|shape| shape.name.as_deref()).collect();
        let problem = format!("the document has none of the shapes of this dialect: {}", names.join(", "));
        ReadFailure::of("", "unknown_shape", problem)
    })
}

fn locate(tree: &Tree<'_>, places: &[Place], place: PlaceId) -> Option<NodeId> {
    if place == 0 {
        return Some(Tree::root());
    }
    let at = &places[place];
    let parent = locate(tree, places, at.parent)?;
    tree.named(parent, at.name).next()
}

fn test_holds(tree: &Tree<'_>, places: &[Place], test: &Test) -> bool {
    let found = locate(tree, places, test.place).filter(|node| tree.node(*node).kind != Kind::Null);
    match (found, test.is_lacking) {
        (None, is_lacking) => is_lacking,
        (Some(_), true) => false,
        (Some(node), false) => {
            let text = tree.own_text(node);
            test.is.is_empty() || test.is.iter().any(|value| **value == *text.trim())
        }
    }
}

impl Reader<'_, '_> {
    /// Whether a test holds for this document.
    pub(super) fn holds(&self, test: &Test) -> bool {
        test_holds(&self.tree, &self.shape.outer, test)
    }

    /// Finds the root of the record and the language.
    pub(super) fn enter_shape(&mut self, options: &ReadOptions<'_>) -> Result<NodeId, ReadFailure> {
        for test in self.shape.when.iter().filter(|test| !test.is.is_empty()) {
            if let Some(node) = locate(&self.tree, &self.shape.outer, test.place) {
                self.tree.node_mut(node).mark = Mark::Kept;
            }
        }
        self.find_language(options);
        let Some(root) = locate(&self.tree, &self.shape.outer, self.shape.root) else {
            let pointer = self.pointer_of_missing(Tree::root(), Some((&self.shape.outer, self.shape.root)));
            return Err(ReadFailure::of(pointer, "no_record", "the document holds no record there"));
        };
        if self.shape.is_envelope && self.tree.next(root) != NONE {
            let parent = self.shape.outer[self.shape.root].parent;
            let pointer = locate(&self.tree, &self.shape.outer, parent).map(|node| self.pointer_of(node));
            let problem = "the document holds several records: split it first";
            return Err(ReadFailure::of(pointer.unwrap_or_default(), "several_records", problem));
        }
        Ok(root)
    }

    fn find_language(&mut self, options: &ReadOptions<'_>) {
        let said = self.shape.language_at.and_then(|place| locate(&self.tree, &self.shape.outer, place));
        if let Some(node) = said {
            let text = self.tree.own_text(node).trim().to_owned();
            let language = text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
            if !language.is_empty() && Format::Language.check(&language).is_ok() {
                self.tongue.language = Some(language.as_str().into());
                self.tongue.is_said = true;
                self.tree.node_mut(node).mark = Mark::Kept;
                if language.len() != text.len() {
                    self.note(node, Outcome::Coarsened, "region_of_language", None);
                }
                return;
            }
        }
        let default = options.defaults.and_then(|defaults| defaults.language.clone());
        self.tongue.language = default.or_else(|| self.program.language.clone());
    }
}

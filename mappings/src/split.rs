//! Takes envelopes with several records apart.

use crate::{
    document::{ReadFailure, Tree, parse_document, raw},
    mapping::Mapping,
    plan::Shape,
};

impl Mapping {
    /// The documents that a document holds: those of an envelope one by one, else the document itself.
    ///
    /// # Errors
    /// If the document cannot be parsed.
    pub fn split(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, ReadFailure> {
        let program = &self.program;
        if !program.shapes.iter().any(|shape| shape.is_envelope) {
            return Ok(vec![bytes.to_vec()]);
        }
        parse_document(bytes, &program.syntax, &program.names, |tree| {
            let shape = crate::reading::shape_of(program, &tree)?;
            if !shape.is_envelope {
                return Ok(vec![bytes.to_vec()]);
            }
            Ok(self.take_apart(shape, &tree))
        })
    }

    fn take_apart(&self, shape: &Shape, tree: &Tree<'_>) -> Vec<Vec<u8>> {
        let names = &self.program.names;
        let mut way = Vec::new();
        let mut at = shape.root;
        while at != 0 {
            way.push(shape.outer[at].name);
            at = shape.outer[at].parent;
        }
        let Some((item, above)) = way.split_first() else {
            return Vec::new();
        };
        let list = above.iter().rev().try_fold(Tree::root(), |node, name| tree.named(node, *name).next());
        let items = list.into_iter().flat_map(|list| tree.named(list, *item));
        items
            .map(|node| {
                let mut document = raw(node, tree, names);
                document = format!("[{document}]");
                for name in above {
                    document = format!("{{{}:{document}}}", names.printed(*name));
                }
                document.into_bytes()
            })
            .collect()
    }
}

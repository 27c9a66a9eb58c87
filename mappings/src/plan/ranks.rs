//! The order in which the children of an element or object are written.

use crate::{document::ROOT, grammar::Step};

use super::compile::Compiler;

impl Compiler<'_, '_> {
    /// For every name its place among its siblings: that of `[order]`, else that of its first line.
    pub(super) fn read_ranks(&mut self) -> Vec<u32> {
        /// Behind everything that `[order]` names.
        const UNORDERED: u32 = 10_000;
        /// Behind everything that a line writes: constants, in the order of the file.
        const CONSTANTS: u32 = 100_000;
        let count = self.namer.names.len();
        let rank = |id: usize| {
            let id = u32::try_from(id).unwrap_or(u32::MAX);
            self.first_lines.get(&id).map_or(CONSTANTS + id, |line| UNORDERED + line)
        };
        let mut ranks: Vec<u32> = (0..count).map(rank).collect();
        for order in &self.file.order {
            let mut parent = ROOT;
            for step in &order.parent.steps {
                match self.namer.name(parent, step) {
                    Ok(name) => parent = name,
                    Err(problem) => self.mistakes.at(order.span.clone(), "order", problem, ""),
                }
            }
            if parent as usize >= count {
                let remedy = "write the path of an element that some line writes";
                self.mistakes.at(order.span.clone(), "order", "no line has this path", remedy);
                continue;
            }
            for (rank, name) in (0..).zip(&order.names) {
                let step = Step::Member(name.clone(), None);
                match self.namer.name(parent, &step) {
                    Ok(id) if (id as usize) < count => ranks[id as usize] = rank,
                    Ok(_) => {
                        let problem = format!("no line writes `{name}` there");
                        self.mistakes.at(order.span.clone(), "order", problem, "remove it, or correct the name");
                    }
                    Err(problem) => self.mistakes.at(order.span.clone(), "order", problem, ""),
                }
            }
        }
        ranks.resize(self.namer.names.len(), u32::MAX);
        ranks
    }
}

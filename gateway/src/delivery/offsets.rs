//! Which offset of the dispatch log may be committed: the one below the lowest that is unfinished.

use std::collections::BTreeSet;

/// The offsets of one reader.
#[derive(Debug, Default)]
pub struct Offsets {
    unfinished: BTreeSet<i64>,
    read: i64,
    committed: i64,
}

impl Offsets {
    /// Starts after what was committed before.
    pub fn after(committed: i64) -> Self {
        Self { unfinished: BTreeSet::new(), read: committed, committed }
    }

    /// Notes a record that was read.
    pub fn read(&mut self, offset: i64) {
        self.read = self.read.max(offset);
        self.unfinished.insert(offset);
    }

    /// Notes a record that is settled.
    pub fn finish(&mut self, offset: i64) {
        self.unfinished.remove(&offset);
    }

    /// Everything at or below is settled.
    pub fn settled(&self) -> i64 {
        self.unfinished.first().map_or(self.read, |lowest| lowest - 1)
    }

    /// What may be committed, if it is more than was committed before.
    pub fn to_commit(&self) -> Option<i64> {
        let settled = self.settled();
        (settled > self.committed).then_some(settled)
    }

    /// Notes a commit.
    pub fn committed(&mut self, offset: i64) {
        self.committed = offset;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_unfinished_offset_holds_the_commit() {
        let mut offsets = Offsets::after(10);
        for offset in [11, 14, 20] {
            offsets.read(offset);
        }
        assert_eq!(offsets.to_commit(), None);
        offsets.finish(14);
        assert_eq!(offsets.to_commit(), None);
        offsets.finish(11);
        assert_eq!(offsets.to_commit(), Some(19));
        offsets.committed(19);
        assert_eq!(offsets.to_commit(), None);
        offsets.finish(20);
        assert_eq!(offsets.to_commit(), Some(20));
    }
}

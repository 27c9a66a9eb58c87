//! No hidden count can be computed from what is printed: every table that fits is tried.

use proptest::prelude::*;

use super::*;

/// Columns of a table that nothing else is known of.
fn nested(counts: &[&[u64]]) -> Nested {
    let counts: Vec<Vec<u64>> = counts.iter().map(|row| row.to_vec()).collect();
    let least = counts.iter().map(|row| vec![0; row.len()]).collect();
    let most = vec![ANY; counts.len()];
    Nested::new(counts, least, most)
}

fn printed(counts: &[&[u64]]) -> Vec<String> {
    let Some(shown) = nested(counts).protected() else { return vec!["nothing".to_owned()] };
    shown.iter().map(|row| row.iter().map(Cell::to_string).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn small_counts_are_hidden_and_one_more_so_that_none_can_be_computed() {
    assert_eq!(printed(&[&[7], &[0], &[9]]), ["7", "0", "9"], "nothing to hide");
    assert_eq!(printed(&[&[7], &[3], &[9]]), ["*", "<5", "9"]);
    assert_eq!(printed(&[&[7], &[3], &[2]]), ["7", "<5", "<5"], "one of two small ones may be either");
    assert_eq!(printed(&[&[7], &[1], &[1]]), ["*", "<5", "<5"], "two that are two can only be one and one");
    assert_eq!(printed(&[&[5], &[1], &[9]]), ["*", "<5", "*"], "who knows the rule knows that six is five and one");
    assert_eq!(printed(&[&[2], &[1], &[0]]), ["*", "*", "*"], "of a small total nothing is said");
    assert_eq!(printed(&[&[4]]), ["*"]);
}

#[test]
fn nested_columns_give_each_other_away_and_are_hidden_together() {
    // Everybody who is in the second column is in the third: shown in one it would be known in the other.
    let rows: [&[u64]; 3] = [&[900, 8, 8], &[700, 3, 3], &[800, 30, 30]];
    assert_eq!(printed(&rows), ["900 * *", "700 <5 <5", "800 30 30"]);
    let rows: [&[u64]; 2] = [&[9, 0], &[8, 7]];
    assert_eq!(printed(&rows), ["9 0", "8 7"]);
    let rows: [&[u64]; 2] = [&[0, 0], &[8, 2]];
    assert_eq!(printed(&rows), ["0 0", "8 *"], "of those of whom there is nobody nothing is hidden");
}

/// Every table that fits what is printed: the numbers of the counts and totals that were seen.
struct Search<'a> {
    shown: &'a [Vec<Cell>],
    totals: &'a [u64],
    /// By cell, the first number that was seen, and whether there was another one.
    seen: Vec<Vec<(Option<u64>, bool)>>,
    table: Vec<Vec<u64>>,
}

impl Search<'_> {
    fn fits(cell: Cell, count: u64) -> bool {
        match cell {
            Cell::Count(printed) => printed == count,
            Cell::Small => is_small(count),
            Cell::Withheld => true,
        }
    }

    /// How many a column may hold, and whether it must.
    fn most(&self, column: usize) -> (u64, bool) {
        if is_small(self.totals[column]) { (SMALL - 1, false) } else { (self.totals[column], true) }
    }

    fn run(&mut self, row: usize, column: usize) {
        if self.seen.iter().flatten().all(|(_, is_free)| *is_free) {
            return;
        }
        let columns = self.totals.len();
        if row == self.shown.len() {
            let sums: Vec<u64> = (0..columns).map(|column| self.table.iter().map(|row| row[column]).sum()).collect();
            let fit = (0..columns).all(|column| match self.most(column) {
                (total, true) => sums[column] == total,
                (_, false) => is_small(sums[column]),
            });
            let table = self.table.iter().flatten();
            for ((first, is_free), count) in self.seen.iter_mut().flatten().zip(table).filter(|_| fit) {
                *is_free |= first.is_some_and(|first| first != *count);
                *first = first.or(Some(*count));
            }
            return;
        }
        let so_far: u64 = self.table[..row].iter().map(|row| row[column]).sum();
        let before = if column == 0 { ANY } else { self.table[row][column - 1] };
        for count in 0..=(self.most(column).0 - so_far).min(before) {
            if Self::fits(self.shown[row][column], count) {
                self.table[row][column] = count;
                if column + 1 < columns { self.run(row, column + 1) } else { self.run(row + 1, 0) }
            }
        }
        self.table[row][column] = 0;
    }
}

/// Nested columns.
fn tables() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let sizes = prop_oneof![Just((4, 1)), Just((3, 2)), Just((2, 3)), Just((2, 2)), Just((1, 2))];
    sizes.prop_flat_map(|(rows, columns)| {
        let row = prop::collection::vec(prop_oneof![0..4_u64, 0..9_u64], columns).prop_map(|mut row| {
            row.sort_unstable_by(|one, other| other.cmp(one));
            row
        });
        prop::collection::vec(row, rows)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn no_hidden_count_is_determined_by_what_is_printed(counts in tables()) {
        let rows: Vec<&[u64]> = counts.iter().map(Vec::as_slice).collect();
        let nested = nested(&rows);
        let totals = nested.totals.clone();
        let Some(shown) = nested.protected() else { return Ok(()) };
        let seen = vec![vec![(None, false); totals.len()]; counts.len()];
        let table = counts.iter().map(|row| vec![0; row.len()]).collect();
        let mut search = Search { shown: &shown, totals: &totals, seen, table };
        for (shown, seen) in shown.iter().flatten().zip(search.seen.iter_mut().flatten()) {
            // Of what is printed nothing has to be found.
            seen.1 = matches!(shown, Cell::Count(_));
        }
        search.run(0, 0);
        for (row, (shown, seen)) in shown.iter().zip(&search.seen).enumerate() {
            for (column, (cell, (first, is_free))) in shown.iter().zip(seen).enumerate() {
                prop_assert!(*is_free, "row {} column {} can only be {:?}: {:?}", row, column, first, search.shown);
                let count = counts[row][column];
                prop_assert!(Search::fits(*cell, count), "what is printed is true");
                prop_assert!(!is_small(count) || !matches!(cell, Cell::Count(_)), "no small count is printed");
            }
        }
    }
}

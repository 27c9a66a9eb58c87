//! Hides small counts, and as many others as it takes so that no hidden one can be computed.
//!
//! Columns of a table may be nested: whoever is counted in one is counted in the one before. With the totals, everything that
//! is printed is a flow through a network: a row's counts flow from column to column, those who stop flow into the totals.
//! A hidden count could be another number exactly if the flow has a circle through it that may be turned by one (all bounds
//! are whole numbers, so that there is nothing between). **Invariant:** nothing is printed of which that was not shown for
//! every hidden count.

use std::fmt;

/// Counts from one to below this are hidden.
pub const SMALL: u64 = 5;
/// No bound.
const ANY: u64 = u64::MAX;

/// A count, as it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The count.
    Count(u64),
    /// One to four: hidden.
    Small,
    /// Hidden too, since others could be computed from it.
    Withheld,
}

impl Cell {
    /// A count by itself, which nothing else is printed of.
    pub fn alone(count: u64) -> Self {
        if is_small(count) { Self::Small } else { Self::Count(count) }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => formatter.pad(&count.to_string()),
            Self::Small => formatter.pad("<5"),
            Self::Withheld => formatter.pad("*"),
        }
    }
}

/// Whether a count is hidden for itself.
pub fn is_small(count: u64) -> bool {
    (1..SMALL).contains(&count)
}

/// Nested columns with their totals: what is counted, and how it may be shown.
#[derive(Debug, Clone)]
pub struct Nested {
    /// By row, then by column.
    counts: Vec<Vec<u64>>,
    totals: Vec<u64>,
    /// What each count of the last row of bounds is known not to be below, by what is printed elsewhere.
    least: Vec<Vec<u64>>,
    /// What the first count of each row is known not to be above.
    most: Vec<u64>,
    shown: Vec<Vec<Cell>>,
    /// What is shown and stays so.
    is_settled: Vec<Vec<bool>>,
    /// Columns in which every hidden count may be anything.
    is_blank: Vec<bool>,
}

impl Nested {
    /// Columns, each of which counts some of those that the one before counts. `least` and `most` are what is known from
    /// elsewhere: a count is not below the first, and the first count of a row not above the other.
    pub fn new(counts: Vec<Vec<u64>>, least: Vec<Vec<u64>>, most: Vec<u64>) -> Self {
        let columns = counts.first().map_or(0, Vec::len);
        let totals: Vec<u64> = (0..columns).map(|column| counts.iter().map(|row| row[column]).sum()).collect();
        let is_settled = counts.iter().map(|row| vec![false; row.len()]).collect();
        let shown = counts.iter().map(|row| row.iter().copied().map(Cell::alone).collect()).collect();
        let mut nested = Self { counts, least, most, shown, is_settled, is_blank: vec![false; columns], totals };
        for column in 0..columns {
            if is_small(nested.totals[column]) {
                nested.blank_out(column);
            }
        }
        nested
    }

    /// What may be shown, by row; none if hiding everything would not be enough.
    pub fn protected(mut self) -> Option<Vec<Vec<Cell>>> {
        loop {
            let determined = self.determined();
            let is_kept =
                |(row, column): &(usize, usize)| self.counts.get(*row).is_some_and(|row| !is_small(row[*column]));
            if let Some((_, column)) = determined.iter().find(|place| !is_kept(place)) {
                if !self.hide_more(*column) {
                    return None;
                }
            } else if let Some((row, column)) = determined.first() {
                // Known all the same, and not small: nothing was won by hiding it.
                self.shown[*row][*column] = Cell::Count(self.counts[*row][*column]);
                self.is_settled[*row][*column] = true;
            } else {
                return Some(self.shown);
            }
        }
    }

    /// How many there could be at most, by the column before.
    fn before(&self, row: usize, column: usize) -> u64 {
        if column == 0 { self.most[row] } else { self.counts[row][column - 1] }
    }

    /// Hides one more count, in that column or as near to it as there is one.
    fn hide_more(&mut self, column: usize) -> bool {
        let mut columns: Vec<usize> = (0..self.totals.len()).collect();
        columns.sort_by_key(|other| other.abs_diff(column));
        for column in columns {
            let may_go =
                |row: &usize| matches!(self.shown[*row][column], Cell::Count(1..)) && !self.is_settled[*row][column];
            let shown = (0..self.counts.len()).filter(may_go);
            if let Some(row) = shown.min_by_key(|row| self.counts[*row][column]) {
                self.withhold(row, column);
                return true;
            }
            if !self.is_blank[column] {
                self.blank_out(column);
                return true;
            }
        }
        false
    }

    /// Hides a count, and what stands for it in columns that count the same.
    fn withhold(&mut self, row: usize, column: usize) {
        let total = self.totals[column];
        for other in 0..self.totals.len() {
            if self.totals[other] == total && !self.is_settled[row][other] {
                self.shown[row][other] = Cell::Withheld;
            }
        }
    }

    /// Hides a whole column, but for what the column before shows to be nobody.
    fn blank_out(&mut self, column: usize) {
        self.is_blank[column] = true;
        for row in 0..self.counts.len() {
            if self.before(row, column) > 0 && !self.is_settled[row][column] {
                self.shown[row][column] = Cell::Withheld;
            }
        }
    }

    /// What a count may be for whoever reads what is printed, and knows how it is hidden.
    fn bounds(&self, row: usize, column: usize) -> (u64, u64) {
        let count = self.counts[row][column];
        let (lower, upper) = match self.shown[row][column] {
            Cell::Count(_) => return (count, count),
            Cell::Small => (1, SMALL - 1),
            Cell::Withheld if self.is_blank[column] => (0, ANY),
            Cell::Withheld => (SMALL, ANY),
        };
        let most = if column == 0 { self.most[row] } else { ANY };
        (lower.max(self.least[row][column]), upper.min(most))
    }

    fn bounds_of_total(&self, column: usize) -> (u64, u64) {
        let total = self.totals[column];
        if is_small(total) { (1, SMALL - 1) } else { (total, total) }
    }

    /// The hidden counts, by row and column, that can be one number only; of a total the row is one more than there are.
    fn determined(&self) -> Vec<(usize, usize)> {
        let network = self.network();
        let is_hidden = |row: usize, column: usize| match self.shown.get(row) {
            Some(shown) => !matches!(shown[column], Cell::Count(_)),
            None => is_small(self.totals[column]),
        };
        let places = (0..=self.counts.len()).flat_map(|row| (0..self.totals.len()).map(move |column| (row, column)));
        let hidden = places.filter(|(row, column)| is_hidden(*row, *column));
        hidden.filter(|(row, column)| !network.may_change(row * self.totals.len() + column)).collect()
    }

    /// The network; the counts come first, by row and column, then the totals.
    fn network(&self) -> Network {
        let (rows, columns) = (self.counts.len(), self.totals.len());
        // Node 0 is where everybody comes from and ends.
        let node = |row: usize, column: usize| 1 + row * columns + column;
        let (mut network, mut stops) = (Network::new(1 + (rows + 1) * columns), Vec::new());
        for row in 0..rows {
            for column in 0..columns {
                let from = if column == 0 { 0 } else { node(row, column - 1) };
                let flow = self.counts[row][column];
                network.add(Arc { from, to: node(row, column), flow, bounds: self.bounds(row, column) });
                let stop = flow - self.counts[row].get(column + 1).copied().unwrap_or(0);
                stops.push(Arc { from: node(row, column), to: node(rows, column), flow: stop, bounds: (0, ANY) });
            }
        }
        for column in 0..columns {
            let to = if column == 0 { 0 } else { node(rows, column - 1) };
            let (flow, bounds) = (self.totals[column], self.bounds_of_total(column));
            network.add(Arc { from: node(rows, column), to, flow, bounds });
        }
        for stop in stops {
            network.add(stop);
        }
        network
    }
}

struct Arc {
    from: usize,
    to: usize,
    flow: u64,
    /// What the flow may be.
    bounds: (u64, u64),
}

/// A flow in which as much comes to every node as leaves it.
struct Network {
    arcs: Vec<Arc>,
    /// The arcs of each node.
    at: Vec<Vec<usize>>,
}

impl Network {
    fn new(nodes: usize) -> Self {
        Self { arcs: Vec::new(), at: vec![Vec::new(); nodes] }
    }

    fn add(&mut self, arc: Arc) {
        for node in [arc.from, arc.to] {
            self.at[node].push(self.arcs.len());
        }
        self.arcs.push(arc);
    }

    /// Whether there is another flow that differs in that arc.
    fn may_change(&self, arc: usize) -> bool {
        let Arc { from, to, flow, bounds: (lower, upper) } = self.arcs[arc];
        (flow < upper && self.leads(to, from, arc)) || (flow > lower && self.leads(from, to, arc))
    }

    /// Whether one more can be led from a node to another, without that arc.
    fn leads(&self, from: usize, to: usize, without: usize) -> bool {
        let (mut seen, mut waiting) = (vec![false; self.at.len()], vec![from]);
        while let Some(node) = waiting.pop() {
            if node == to {
                return true;
            }
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            for index in self.at[node].iter().filter(|index| **index != without) {
                let Arc { from, to, flow, bounds: (lower, upper) } = self.arcs[*index];
                if from == node && flow < upper {
                    waiting.push(to);
                }
                if to == node && flow > lower {
                    waiting.push(from);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;

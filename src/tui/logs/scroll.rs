//! Where one is in the lines that are at hand: which rows of them are in sight, and how one moves.

use super::entry::{Entry, Kind};

/// How lines are laid out in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Rows in sight.
    pub height: usize,
    /// Columns of text.
    pub width: usize,
    /// Long lines take several rows.
    pub wrap: bool,
}

/// A row: a part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Position of the line among those at hand.
    pub line: usize,
    /// Which part of it.
    pub part: usize,
}

impl Measure {
    /// Rows that a line takes: one that says how many are hidden above it, then its text.
    pub fn rows_of(self, entry: &Entry) -> usize {
        if entry.kind == Kind::Rest {
            return 1;
        }
        let text = if self.wrap { entry.width.div_ceil(self.width.max(1)).max(1) } else { 1 };
        text + usize::from(entry.hidden > 0)
    }

    /// The first row of the last page.
    pub fn last_top(self, entries: &[Entry]) -> Spot {
        self.up(entries, Spot { line: entries.len(), part: 0 }, self.height)
    }

    /// So many rows above a spot, or the first one.
    fn up(self, entries: &[Entry], from: Spot, rows: usize) -> Spot {
        let (mut at, mut left) = (from, rows);
        while left > 0 {
            if at.part > 0 {
                let step = at.part.min(left);
                at.part -= step;
                left -= step;
            } else if at.line > 0 {
                at.line -= 1;
                at.part = self.rows_of(&entries[at.line]);
            } else {
                break;
            }
        }
        at
    }

    fn down(self, entries: &[Entry], from: Spot, rows: usize) -> Spot {
        let (mut at, mut left) = (from, rows);
        while let Some(entry) = entries.get(at.line).filter(|_| left > 0) {
            let step = (self.rows_of(entry) - at.part).min(left);
            at.part += step;
            left -= step;
            if at.part == self.rows_of(entry) {
                at = Spot { line: at.line + 1, part: 0 };
            }
        }
        at
    }

    /// A spot moved by rows, within what can be the top.
    pub fn moved(self, entries: &[Entry], from: Spot, rows: isize) -> Spot {
        let to = match usize::try_from(rows) {
            Ok(rows) => self.down(entries, from, rows),
            Err(_) => self.up(entries, from, rows.unsigned_abs()),
        };
        to.min(self.last_top(entries))
    }

    /// The rows in sight from a spot on.
    pub fn in_sight(self, entries: &[Entry], top: Spot) -> Vec<Spot> {
        let mut spots = Vec::with_capacity(self.height);
        let mut at = top;
        while spots.len() < self.height && at.line < entries.len() {
            spots.push(at);
            at = self.down(entries, at, 1);
        }
        spots
    }
}

/// The first line whose name is that or later.
pub fn position(entries: &[Entry], end: u64) -> usize {
    entries.partition_point(|entry| entry.end < end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::book::Level;
    use proptest::prelude::*;

    fn entry(width: usize, hidden: u64) -> Entry {
        Entry {
            end: 0,
            lines: None,
            hidden,
            at: None,
            source: 0,
            level: Level::Info,
            kind: Kind::Line,
            text: "x".repeat(width),
            width,
            runs: Vec::new(),
        }
    }

    #[test]
    fn a_long_line_takes_the_rows_it_needs_and_what_is_hidden_takes_one() {
        let measure = Measure { height: 10, width: 10, wrap: true };
        let entries = [entry(5, 0), entry(25, 0), entry(0, 3)];
        let spots: Vec<_> = measure.in_sight(&entries, Spot { line: 0, part: 0 }).iter().map(|spot| (spot.line, spot.part)).collect();
        assert_eq!(spots, [(0, 0), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]);
        let flat = Measure { wrap: false, ..measure };
        assert_eq!(flat.in_sight(&entries, Spot { line: 0, part: 0 }).len(), 4);
    }

    proptest! {
        #[test]
        fn moving_down_and_up_again_comes_back(widths in proptest::collection::vec((0_usize..50, 0_u64..2), 1..20), height in 1_usize..6, rows in 0_isize..9, wrap: bool) {
            let entries: Vec<_> = widths.iter().map(|(width, hidden)| entry(*width, *hidden)).collect();
            let measure = Measure { height, width: 10, wrap };
            let all = measure.in_sight(&entries, Spot { line: 0, part: 0 }).len().max(1);
            prop_assert!(all <= height);
            let start = Spot { line: 0, part: 0 };
            let to = measure.moved(&entries, start, rows);
            prop_assert!(to <= measure.last_top(&entries));
            prop_assert_eq!(measure.moved(&entries, to, isize::MIN / 2), start);
            let sight = measure.in_sight(&entries, measure.last_top(&entries));
            let total: usize = entries.iter().map(|entry| measure.rows_of(entry)).sum();
            prop_assert_eq!(sight.len(), total.min(height));
        }
    }
}

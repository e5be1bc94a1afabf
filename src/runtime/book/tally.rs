//! How many lines of each block are shown or have what is looked for; and the hunt for the next one.

use super::{
    LogBook,
    cursor::Met,
    query::{self, Keep, Level, Query, Sieve},
};
use std::{io, ops::ControlFlow};

/// Which lines count: those that are shown, and of them those that have the query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Which are shown.
    pub keep: Keep,
    /// What they must have.
    pub prey: Prey,
}

/// What a line must have besides being shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Prey {
    /// Nothing.
    #[default]
    Any,
    /// This.
    Query(Query),
    /// The level of an error.
    Error,
}

impl Prey {
    fn is(&self, line: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Query(query) => query.is_in(line),
            Self::Error => Level::of(line) == Some(Level::Error),
        }
    }
}

/// Counts per block, made some blocks at a time.
#[derive(Debug)]
pub struct Tally {
    wanted: Wanted,
    edition: (u32, u32),
    /// Lines that count in this block and all before it.
    sums: Vec<u64>,
    /// Lines that count after the last whole block.
    rest: u64,
    /// The bytes there were when the rest was counted.
    rest_at: Option<u64>,
}

impl Tally {
    /// Nothing counted yet.
    pub const fn new(wanted: Wanted) -> Self {
        Self { wanted, edition: (0, 0), sums: Vec::new(), rest: 0, rest_at: None }
    }

    /// What is counted.
    pub const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Whether a block may have lines that count: yes, or not known yet.
    pub fn may_have(&self, block: usize) -> bool {
        self.sums.get(block).is_none_or(|sum| *sum > self.before(block))
    }

    /// Lines that count before a block.
    fn before(&self, block: usize) -> u64 {
        block.checked_sub(1).and_then(|before| self.sums.get(before).or(self.sums.last())).copied().unwrap_or(0)
    }

    /// Lines that count, as far as they were counted.
    pub fn sum(&self) -> u64 {
        self.sums.last().copied().unwrap_or(0) + self.rest
    }
}

/// A search for one line, which goes on where it was left.
#[derive(Debug, Clone)]
pub struct Hunt {
    wanted: Wanted,
    from: u64,
    inclusive: bool,
    forward: bool,
    edition: (u32, u32),
    next: Option<usize>,
}

/// What a hunt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The line of that name.
    At(u64),
    /// It goes on.
    NotYet,
    /// There is none that way.
    Nothing,
}

impl Hunt {
    /// For the next line after `from`, or before it; `inclusive`: that line counts too.
    pub const fn new(wanted: Wanted, from: u64, forward: bool, inclusive: bool) -> Self {
        Self { wanted, from, inclusive, forward, edition: (0, 0), next: None }
    }

    fn accepts(&self, end: u64) -> bool {
        if end == self.from {
            return self.inclusive;
        }
        if self.forward { end > self.from } else { end < self.from }
    }
}

impl LogBook {
    /// Which grid of blocks there is: counts by another one are worth nothing.
    const fn grid(&self) -> (u32, u32) {
        (self.edition, self.blocks.halved())
    }

    /// Counts in some more blocks, about `budget` bytes of them; true if there are more.
    ///
    /// # Errors
    /// What the file system says.
    pub fn count_some(&self, tally: &mut Tally, budget: u64) -> io::Result<bool> {
        if tally.edition != self.grid() {
            *tally = Tally { edition: self.grid(), ..Tally::new(tally.wanted.clone()) };
        }
        let (mut left, mut buffer) = (budget, Vec::new());
        let whole = self.blocks.len() - 1;
        while tally.sums.len() < whole {
            if left == 0 {
                return Ok(true);
            }
            let block = tally.sums.len();
            let count = self.count_in(block, &tally.wanted, &mut buffer)?;
            tally.sums.push(tally.sums.last().copied().unwrap_or(0) + count);
            (tally.rest, tally.rest_at) = (0, None);
            left = left.saturating_sub(self.end_of(block) - self.blocks.place(block));
        }
        if tally.rest_at != Some(self.bytes()) {
            if left == 0 {
                return Ok(true);
            }
            tally.rest = self.count_in(whole, &tally.wanted, &mut buffer)?;
            tally.rest_at = Some(self.bytes());
        }
        Ok(false)
    }

    fn count_in(&self, block: usize, wanted: &Wanted, buffer: &mut Vec<u8>) -> io::Result<u64> {
        let at_once = match (&wanted.prey, &wanted.keep.query, wanted.keep.level) {
            (Prey::Query(query), None, Level::Debug) => Some(query),
            (Prey::Any, Some((query, true)), Level::Debug) => Some(query),
            _ => None,
        };
        let errors = matches!(wanted.prey, Prey::Error);
        if (at_once.is_some() || errors) && self.bytes_of(block, buffer)? {
            if let Some(query) = at_once {
                return Ok(query.count(buffer));
            }
            if !query::may_have_errors(buffer) {
                return Ok(0);
            }
        }
        let mut count = 0;
        self.wanted_in(block, wanted, &mut |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// Meets the lines of a block that count.
    fn wanted_in(&self, block: usize, wanted: &Wanted, visit: &mut impl FnMut(&Met<'_>) -> ControlFlow<()>) -> io::Result<()> {
        let mut sieve = Sieve::new(&wanted.keep);
        let _ = self.walk_block(block, &mut |met| {
            let counts = met.what.bytes().is_some_and(|bytes| sieve.keeps(bytes) && wanted.prey.is(bytes));
            if counts { visit(&met) } else { ControlFlow::Continue(()) }
        })?;
        Ok(())
    }

    /// The how manieth of the lines that count a line is, from 1, as far as that was counted.
    ///
    /// # Errors
    /// What the file system says.
    pub fn rank(&self, tally: &Tally, line: u64) -> io::Result<Option<u64>> {
        let block = self.blocks.find(line.saturating_sub(1));
        if tally.edition != self.grid() || tally.sums.len() < block {
            return Ok(None);
        }
        let mut rank = tally.before(block);
        self.wanted_in(block, &tally.wanted, &mut |met| {
            if met.end > line {
                return ControlFlow::Break(());
            }
            rank += 1;
            ControlFlow::Continue(())
        })?;
        Ok(Some(rank))
    }

    /// In which of so many equal parts of the log there is a line that counts. Of a few blocks it is told by the line, of many
    /// by the block.
    ///
    /// # Errors
    /// What the file system says.
    pub fn spread(&self, tally: &Tally, parts: usize) -> io::Result<Vec<bool>> {
        const FEW: usize = 32;
        let mut spread = vec![false; parts];
        if tally.edition != self.grid() {
            return Ok(spread);
        }
        let total = self.bytes().max(1);
        let part_of = |place: u64| usize::try_from(place.min(total - 1) * parts as u64 / total).unwrap_or(0);
        let has = |block: &usize| if *block < tally.sums.len() { tally.may_have(*block) } else { tally.rest > 0 };
        let blocks: Vec<usize> = (0..self.blocks.len()).filter(has).collect();
        for block in &blocks {
            if blocks.len() > FEW {
                spread[part_of(self.blocks.place(*block))] = true;
                continue;
            }
            self.wanted_in(*block, &tally.wanted, &mut |met| {
                spread[part_of(met.end)] = true;
                ControlFlow::Continue(())
            })?;
        }
        Ok(spread)
    }

    /// Goes on with a hunt through about `budget` bytes. `tally` knows how many lines of each block count.
    ///
    /// # Errors
    /// What the file system says.
    pub fn hunt(&self, hunt: &mut Hunt, tally: Option<&Tally>, budget: u64) -> io::Result<Found> {
        if hunt.edition != self.grid() {
            (hunt.edition, hunt.next) = (self.grid(), None);
        }
        let tally = tally.filter(|tally| tally.edition == self.grid());
        let (mut left, mut buffer) = (budget, Vec::new());
        let mut block = hunt.next.unwrap_or_else(|| self.blocks.find(hunt.from.saturating_sub(1)));
        loop {
            if tally.is_none_or(|tally| tally.may_have(block)) {
                if let Some(found) = self.hunt_in(block, hunt, &mut buffer)? {
                    return Ok(Found::At(found));
                }
                left = left.saturating_sub(self.end_of(block).min(self.bytes()) - self.blocks.place(block));
            }
            block = match (hunt.forward, block) {
                (true, _) if block + 1 < self.blocks.len() => block + 1,
                (false, 1..) => block - 1,
                _ => return Ok(Found::Nothing),
            };
            if left == 0 {
                hunt.next = Some(block);
                return Ok(Found::NotYet);
            }
        }
    }

    fn hunt_in(&self, block: usize, hunt: &Hunt, buffer: &mut Vec<u8>) -> io::Result<Option<u64>> {
        let none = match &hunt.wanted.prey {
            Prey::Any => false,
            Prey::Query(query) => self.bytes_of(block, buffer)? && query.count(buffer) == 0,
            Prey::Error => self.bytes_of(block, buffer)? && !query::may_have_errors(buffer),
        };
        let mut found = None;
        if !none {
            self.wanted_in(block, &hunt.wanted, &mut |met| {
                if hunt.accepts(met.end) {
                    found = Some(met.end);
                    if hunt.forward {
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(found)
    }
}

//! The sparse index of a log: a place at the end of a line about every so many bytes, never one per line.

use super::cursor::{At, Cursor};

/// Bytes between two places, as long as there are not too many of them.
const SPACING: u64 = 64 * 1024;
/// Numbers kept, eight bytes each: when there are more, every second place is given up.
const MAX_NUMBERS: usize = 256 * 1024;

/// Places in the order of a log, the first one before everything.
#[derive(Debug)]
pub struct Blocks {
    sources: usize,
    spacing: u64,
    max_numbers: usize,
    /// Of each place: itself, the lines before it, of each source where its index goes on, of each stream where it is.
    numbers: Vec<u64>,
    /// How often every second place was given up.
    halved: u32,
}

impl Blocks {
    /// Of a log of so many sources.
    pub fn new(sources: usize) -> Self {
        Self::spaced(sources, SPACING, MAX_NUMBERS)
    }

    /// With other limits.
    pub fn spaced(sources: usize, spacing: u64, max_numbers: usize) -> Self {
        let mut blocks = Self { sources, spacing, max_numbers, numbers: Vec::new(), halved: 0 };
        blocks.push(&Cursor::start(sources));
        blocks
    }

    /// Numbers per place. Where an open line begins is told by how far back it is.
    const fn stride(&self) -> usize {
        2 + self.sources + 4 * self.sources
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.numbers.len() / self.stride()
    }

    /// How often every second place was given up: who counts by places counts again.
    pub const fn halved(&self) -> u32 {
        self.halved
    }

    /// Bytes of memory that it takes.
    pub const fn memory(&self) -> usize {
        self.numbers.capacity() * size_of::<u64>()
    }

    /// The number of a place.
    pub fn place(&self, block: usize) -> u64 {
        self.numbers[block * self.stride()]
    }

    /// How to go on from it.
    pub fn cursor(&self, block: usize) -> Cursor {
        let numbers = &self.numbers[block * self.stride()..][..self.stride()];
        let (index, streams) = numbers[2..].split_at(self.sources);
        let streams = streams.chunks(2).map(|pair| At { at: pair[0], start: pair[1] }).collect();
        Cursor { lines: numbers[1], index: index.to_vec(), streams }
    }

    /// The last block that begins at or before that place.
    pub fn find(&self, place: u64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.place(middle) <= place { low = middle } else { high = middle }
        }
        low
    }

    /// Keeps a place if it is far enough from the last one.
    pub fn offer(&mut self, cursor: &Cursor) {
        let place = cursor.place();
        if place >= self.place(self.len() - 1) + self.spacing {
            self.push(cursor);
            if self.numbers.len() > self.max_numbers {
                self.halve();
            }
        }
    }

    fn push(&mut self, cursor: &Cursor) {
        self.numbers.extend([cursor.place(), cursor.lines]);
        self.numbers.extend(&cursor.index);
        self.numbers.extend(cursor.streams.iter().flat_map(|stream| [stream.at, stream.start]));
    }

    fn halve(&mut self) {
        let stride = self.stride();
        let kept = self.numbers.chunks(stride).step_by(2).flatten().copied().collect();
        self.numbers = kept;
        self.spacing *= 2;
        self.halved += 1;
    }
}

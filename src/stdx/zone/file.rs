//! The compiled form of a zone, RFC 8536: the changes of its clocks one by one, and the rule for the time after the last of them.

use super::{Kind, Period, rule::Rule};

/// Bytes of a header: a mark, a version, and how many there are of what follows.
const HEADER: usize = 44;
/// Bytes of a moment.
const TIME: usize = 8;
/// Bytes of what a kind of time is: offset, whether it is summer time, where its name begins.
const KIND: usize = 6;

/// The parts of a file.
pub(super) struct Table {
    /// The moments of the changes, ascending.
    times: &'static [u8],
    /// The kind of time from each of them on.
    changes: &'static [u8],
    kinds: &'static [u8],
    names: &'static [u8],
    /// Empty if the last change is the last.
    rule: &'static str,
}

/// How many of what a header announces.
struct Counts {
    ut_marks: usize,
    wall_marks: usize,
    leap_seconds: usize,
    times: usize,
    kinds: usize,
    names: usize,
}

impl Counts {
    fn read(header: &[u8]) -> Option<Self> {
        let number = |index: usize| {
            let at = 20 + 4 * index;
            header.get(at..at + 4)?.try_into().ok().map(|bytes| u32::from_be_bytes(bytes) as usize)
        };
        (header.get(..4)? == b"TZif").then_some(())?;
        Some(Self {
            ut_marks: number(0)?,
            wall_marks: number(1)?,
            leap_seconds: number(2)?,
            times: number(3)?,
            kinds: number(4)?,
            names: number(5)?,
        })
    }

    /// Bytes after names.
    fn rest(&self, time: usize) -> usize {
        self.leap_seconds * (time + 4) + self.wall_marks + self.ut_marks
    }

    /// Bytes of everything, with moments of `time` bytes.
    fn whole(&self, time: usize) -> usize {
        self.times * (time + 1) + self.kinds * KIND + self.names + self.rest(time)
    }
}

impl Table {
    /// Finds its parts. None if it is no such file.
    pub fn open(file: &'static [u8]) -> Option<Self> {
        // The first half is for readers of before 2005, with moments of half the size.
        let second = file.get(HEADER + Counts::read(file)?.whole(TIME / 2)..)?;
        let counts = Counts::read(second)?;
        let (times, rest) = second.get(HEADER..)?.split_at_checked(counts.times * TIME)?;
        let (changes, rest) = rest.split_at_checked(counts.times)?;
        let (kinds, rest) = rest.split_at_checked(counts.kinds * KIND)?;
        let (names, rest) = rest.split_at_checked(counts.names)?;
        let rule = std::str::from_utf8(rest.get(counts.rest(TIME)..)?).ok()?.trim_matches('\n');
        Some(Self { times, changes, kinds, names, rule })
    }

    /// What holds at a moment, and how long. None if the file is broken.
    pub fn period(&self, at: i64) -> Option<Period> {
        let passed = self.passed(at);
        let begin = if passed == 0 { i64::MIN } else { self.time(passed - 1)? };
        let kind = match passed.checked_sub(1) {
            Some(last) => usize::from(*self.changes.get(last)?),
            None => 0,
        };
        if passed == self.changes.len() {
            if self.rule.is_empty() {
                return Some(Period { begin, end: i64::MAX, kind: self.kind(kind)? });
            }
            let period = Rule::read(self.rule)?.period(at)?;
            return Some(Period { begin: period.begin.max(begin), ..period });
        }
        Some(Period { begin, end: self.time(passed)?, kind: self.kind(kind)? })
    }

    /// How many of the changes have been when it is `at`.
    fn passed(&self, at: i64) -> usize {
        let (mut low, mut high) = (0, self.changes.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.time(middle).is_some_and(|time| time <= at) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn time(&self, index: usize) -> Option<i64> {
        let bytes = self.times.get(index * TIME..(index + 1) * TIME)?;
        bytes.try_into().ok().map(i64::from_be_bytes)
    }

    fn kind(&self, index: usize) -> Option<Kind> {
        let [a, b, c, d, _, name] = *self.kinds.get(index * KIND..(index + 1) * KIND)? else { return None };
        let name = self.names.get(usize::from(name)..)?.split(|byte| *byte == 0).next()?;
        Some(Kind { seconds: i32::from_be_bytes([a, b, c, d]), name: std::str::from_utf8(name).ok()? })
    }
}

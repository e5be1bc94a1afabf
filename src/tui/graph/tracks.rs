//! Which row of a channel each horizontal stretch takes, so that no two lines touch that do not belong together.

use std::collections::{BTreeSet, HashMap};

/// More wires than this are put in by their left ends only; looking at every pair would take too long.
const PAIRWISE: usize = 100;

/// All that hangs together in one channel: it comes in at `tops` and goes out at `bottoms`.
#[derive(Debug, Clone, Default)]
pub struct Net {
    /// Columns where it enters from above.
    pub tops: Vec<usize>,
    /// Columns where it leaves below.
    pub bottoms: Vec<usize>,
}

impl Net {
    /// The column of a net that just goes straight down.
    pub fn straight(&self) -> Option<usize> {
        (self.tops.len() == 1 && self.tops == self.bottoms).then(|| self.tops[0])
    }
}

/// One horizontal stretch of a net. A net has one, or two with a knee between them.
#[derive(Debug, Clone)]
pub struct Wire {
    /// Position of its net.
    pub net: usize,
    /// Columns where it is reached from above the channel.
    pub tops: Vec<usize>,
    /// Columns where it leads out below.
    pub bottoms: Vec<usize>,
    /// The column of the knee, and the wire at its other end.
    pub knee: Option<(usize, Knee)>,
    /// Its row, once assigned.
    pub track: usize,
    left: usize,
    right: usize,
}

/// Which end of a knee a wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knee {
    /// The wire with this position lies below.
    To(usize),
    /// The wire with this position lies above.
    From(usize),
}

impl Wire {
    fn new(net: usize, tops: Vec<usize>, bottoms: Vec<usize>, knee: Option<(usize, Knee)>) -> Self {
        let mut wire = Self { net, tops, bottoms, knee, track: 0, left: 0, right: 0 };
        wire.left = wire.pins().min().unwrap_or(0);
        wire.right = wire.pins().max().unwrap_or(0);
        wire
    }

    /// First and last column.
    pub fn span(&self) -> (usize, usize) {
        (self.left, self.right)
    }

    /// Every column at which something joins it; some may come twice.
    pub fn pins(&self) -> impl Iterator<Item = usize> + '_ {
        self.tops.iter().chain(&self.bottoms).copied().chain(self.knee.map(|(column, _)| column))
    }

    /// Whether it is reached from above at a column.
    pub fn rises_at(&self, column: usize) -> bool {
        self.tops.contains(&column) || matches!(self.knee, Some((knee, Knee::From(_))) if knee == column)
    }

    /// Whether it leads down at a column.
    pub fn falls_at(&self, column: usize) -> bool {
        self.bottoms.contains(&column) || matches!(self.knee, Some((knee, Knee::To(_))) if knee == column)
    }

    fn is_within(&self, column: usize) -> bool {
        self.left < column && column < self.right
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left <= other.right && other.left <= self.right
    }

    /// Crossings of the two if this one lies above.
    fn crossings_above(&self, below: &Self) -> usize {
        let falling = self.pins().filter(|&column| below.is_within(column) && self.falls_at(column)).count();
        let rising = below.pins().filter(|&column| self.is_within(column) && below.rises_at(column)).count();
        falling + rising
    }
}

/// The wires of a channel's nets with their tracks, and how many tracks there are.
pub fn assign(nets: &[Net]) -> (Vec<Wire>, usize) {
    let mut pins: Vec<usize> = nets.iter().flat_map(|net| net.tops.iter().chain(&net.bottoms).copied()).collect();
    pins.sort_unstable();
    pins.dedup();
    let mut wires: Vec<Wire> = nets
        .iter()
        .enumerate()
        .filter(|(_, net)| net.straight().is_none())
        .map(|(at, net)| Wire::new(at, net.tops.clone(), net.bottoms.clone(), None))
        .collect();
    let below = break_cycles(&mut wires, &mut pins);
    let tracks = place(&mut wires, &below, &pins);
    (wires, tracks)
}

/// For each wire, those that must lie below it: where one leaves the channel in the column another enters by.
fn constraints(wires: &[Wire]) -> Vec<Vec<usize>> {
    let entered: HashMap<usize, usize> =
        wires.iter().enumerate().flat_map(|(at, wire)| wire.tops.iter().map(move |&top| (top, at))).collect();
    let mut below = vec![Vec::new(); wires.len()];
    for (at, wire) in wires.iter().enumerate() {
        for bottom in &wire.bottoms {
            if let Some(&above) = entered.get(bottom).filter(|&&above| above != at) {
                below[above].push(at);
            }
        }
        if let Some((_, Knee::To(lower))) = wire.knee {
            below[at].push(lower);
        }
    }
    for list in &mut below {
        list.sort_unstable();
        list.dedup();
    }
    below
}

fn count_above(below: &[Vec<usize>]) -> Vec<usize> {
    let mut above = vec![0; below.len()];
    for &wire in below.iter().flatten() {
        above[wire] += 1;
    }
    above
}

/// Gives a wire of each cycle of constraints a knee: its upper part has nothing that must lie above it, its lower part
/// nothing below, so no cycle leads through it any more.
fn break_cycles(wires: &mut Vec<Wire>, pins: &mut Vec<usize>) -> Vec<Vec<usize>> {
    loop {
        let below = constraints(wires);
        let Some(cycle) = find_cycle(&below) else { return below };
        let Some(&victim) = cycle.iter().min_by_key(|&&wire| (wires[wire].right - wires[wire].left, wire)) else { return below };
        let free = free_column(&wires[victim], pins);
        pins.insert(pins.partition_point(|&pin| pin < free), free);
        let lower = wires.len();
        let old = &wires[victim];
        let (net, tops, bottoms) = (old.net, old.tops.clone(), old.bottoms.clone());
        wires[victim] = Wire::new(net, tops, Vec::new(), Some((free, Knee::To(lower))));
        wires.push(Wire::new(net, Vec::new(), bottoms, Some((free, Knee::From(victim)))));
    }
}

fn find_cycle(below: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut above = count_above(below);
    let mut ready: Vec<usize> = (0..below.len()).filter(|&wire| above[wire] == 0).collect();
    let mut stuck = vec![true; below.len()];
    while let Some(wire) = ready.pop() {
        stuck[wire] = false;
        for &next in &below[wire] {
            above[next] -= 1;
            if above[next] == 0 {
                ready.push(next);
            }
        }
    }
    // Every stuck wire has a stuck one above it: walking upwards must come round.
    let mut upward = vec![None; below.len()];
    for wire in (0..below.len()).filter(|&wire| stuck[wire]) {
        for &next in &below[wire] {
            upward[next] = Some(wire);
        }
    }
    let mut at = (0..below.len()).find(|&wire| stuck[wire])?;
    let mut path = Vec::new();
    let mut seen = vec![false; below.len()];
    while !seen[at] {
        seen[at] = true;
        path.push(at);
        at = upward[at]?;
    }
    let start = path.iter().position(|&wire| wire == at)?;
    Some(path.split_off(start))
}

/// The column nearest to the middle of a wire that nothing stands in.
fn free_column(wire: &Wire, pins: &[usize]) -> usize {
    let middle = wire.left.midpoint(wire.right);
    let is_free = |column: &usize| pins.binary_search(column).is_err();
    (0..).flat_map(|away| [middle.checked_sub(away), Some(middle + away)]).flatten().find(is_free).unwrap_or(middle)
}

/// Puts the wires into tracks from the top, each in the first that is free and below all that must or should lie above it.
fn place(wires: &mut [Wire], below: &[Vec<usize>], pins: &[usize]) -> usize {
    let wishes = wishes(wires);
    let mut least = vec![0; wires.len()];
    let mut tracks: Vec<Vec<(usize, usize)>> = Vec::new();
    for wire in sequence(wires, below, &wishes) {
        let span = wires[wire].span();
        let track = (least[wire]..).find(|&track| tracks.get(track).is_none_or(|taken| fits(taken, span, pins))).unwrap_or(0);
        while tracks.len() <= track {
            tracks.push(Vec::new());
        }
        let at = tracks[track].partition_point(|taken| *taken < span);
        tracks[track].insert(at, span);
        wires[wire].track = track;
        for &next in below[wire].iter().chain(wishes.get(wire).into_iter().flatten().map(|(next, _)| next)) {
            least[next] = least[next].max(track + 1);
        }
    }
    tracks.len()
}

/// For each wire, those it would rather lie above, and how many crossings that saves.
fn wishes(wires: &[Wire]) -> Vec<Vec<(usize, usize)>> {
    if wires.len() > PAIRWISE {
        return Vec::new();
    }
    let mut wishes = vec![Vec::new(); wires.len()];
    for (a, first) in wires.iter().enumerate() {
        for (b, second) in wires.iter().enumerate().skip(a + 1).filter(|(_, second)| first.overlaps(second)) {
            let (over, under) = (first.crossings_above(second), second.crossings_above(first));
            if over < under {
                wishes[a].push((b, under - over));
            } else if under < over {
                wishes[b].push((a, over - under));
            }
        }
    }
    wishes
}

/// An order that keeps every constraint and, as far as it goes, the wishes; otherwise from left to right.
fn sequence(wires: &[Wire], below: &[Vec<usize>], wishes: &[Vec<(usize, usize)>]) -> Vec<usize> {
    let mut above = count_above(below);
    let mut regret = vec![0; wires.len()];
    for &(wire, saved) in wishes.iter().flatten() {
        regret[wire] += saved;
    }
    let key = |wire: usize, regret: &[usize]| (regret[wire], wires[wire].left, wire);
    let mut ready: BTreeSet<_> = (0..wires.len()).filter(|&wire| above[wire] == 0).map(|wire| key(wire, &regret)).collect();
    let mut order = Vec::with_capacity(wires.len());
    let mut is_done = vec![false; wires.len()];
    while let Some((_, _, wire)) = ready.pop_first() {
        order.push(wire);
        is_done[wire] = true;
        for &(next, saved) in wishes.get(wire).into_iter().flatten().filter(|(next, _)| !is_done[*next]) {
            let was_ready = ready.remove(&key(next, &regret));
            regret[next] -= saved;
            if was_ready {
                ready.insert(key(next, &regret));
            }
        }
        for &next in &below[wire] {
            above[next] -= 1;
            if above[next] == 0 {
                ready.insert(key(next, &regret));
            }
        }
    }
    order
}

fn fits(taken: &[(usize, usize)], (left, right): (usize, usize), pins: &[usize]) -> bool {
    let after = taken.partition_point(|other| *other < (left, right));
    let clear_before = after.checked_sub(1).is_none_or(|before| blank_between(taken[before].1, left, pins));
    clear_before && taken.get(after).is_none_or(|next| blank_between(right, next.0, pins))
}

/// Whether a column stays empty between two stretches of one row. Without it, `+|+` could be read as connected.
fn blank_between(end: usize, start: usize, pins: &[usize]) -> bool {
    if start <= end + 1 {
        return false;
    }
    let standing = pins.partition_point(|&pin| pin < start) - pins.partition_point(|&pin| pin <= end);
    standing < start - end - 1
}

//! Where lines leave and reach the pills, and the assembly of the drawing from its channels.

use super::layers::Layered;
use super::paint::{Channel, Post, Run};
use super::tracks::{self, Knee, Net, Wire};
use super::{Drawing, Options, Placed};
use std::collections::{HashMap, HashSet};

/// Columns between two lines into one pill, if there is room.
const PORTS_APART: usize = 4;
/// Isolated tasks fill rows at least this wide before the next row begins.
const ROW_OF_ISOLATED: usize = 76;

/// Routes every channel and puts the drawing together.
pub fn draw(layered: Layered, columns: &[usize], options: Options) -> Drawing {
    let mut router = Router { layered: &layered, columns, owners: (0..layered.tasks).map(|task| vec![task]).collect() };
    let mut drawing = Drawing { nodes: vec![Placed::default(); layered.tasks], ascii: options.ascii, ..Drawing::default() };
    for (at, layer) in layered.layers.iter().enumerate() {
        let y = drawing.height;
        drawing.place_layer(&layered, layer, columns);
        let mut channel = match layered.layers.get(at + 1) {
            Some(next) => router.channel(layer, next, options),
            None => Channel::default(),
        };
        channel.y = y;
        channel.end = y + 1 + channel.tracks.len();
        let dummies = layer.iter().filter(|&&vertex| !layered.is_task(vertex));
        channel.bars = dummies.map(|&vertex| (columns[vertex], layered.source[vertex])).collect();
        let right = channel.tracks.iter().flatten().map(|run| run.right).chain(channel.bars.last().map(|&(column, _)| column)).max();
        drawing.width = drawing.width.max(right.map_or(0, |right| right + 1));
        drawing.height = channel.end;
        drawing.channels.push(channel);
    }
    drawing.owners = router.owners;
    drawing.place_isolated(&layered);
    drawing.upstream = layered.upstream;
    drawing.downstream = layered.downstream;
    drawing
}

impl Drawing {
    fn place_layer(&mut self, layered: &Layered, layer: &[usize], columns: &[usize]) {
        let tasks: Vec<usize> = layer.iter().copied().filter(|&vertex| layered.is_task(vertex)).collect();
        for &task in &tasks {
            let width = layered.width[task];
            self.nodes[task] = Placed { x: columns[task] - width / 2, y: self.height, width, layer: self.layers.len() };
            self.width = self.width.max(self.nodes[task].x + width);
        }
        // A layer of passing lines only is none to stand in.
        if !tasks.is_empty() {
            self.layers.push(tasks);
        }
    }

    fn place_isolated(&mut self, layered: &Layered) {
        let limit = self.width.max(ROW_OF_ISOLATED);
        let (mut x, mut y) = (usize::MAX, if self.height == 0 { 0 } else { self.height + 1 });
        for &task in &layered.isolated {
            let width = layered.width[task];
            if x == usize::MAX || x + width > limit {
                y += usize::from(x != usize::MAX);
                x = 0;
                self.layers.push(Vec::new());
            }
            let layer = self.layers.len() - 1;
            self.layers[layer].push(task);
            self.nodes[task] = Placed { x, y, width, layer };
            self.width = self.width.max(x + width);
            self.height = y + 1;
            x += width + 2;
        }
    }
}

struct Router<'a> {
    layered: &'a Layered,
    columns: &'a [usize],
    owners: Vec<Vec<usize>>,
}

impl Router<'_> {
    fn channel(&mut self, upper: &[usize], lower: &[usize], options: Options) -> Channel {
        let (nets, owners) = self.nets(upper, lower);
        let (wires, count) = tracks::assign(&nets);
        let mut rows: Vec<usize> = (0..count).collect();
        let mut height = count.max(1);
        if options.ascii {
            let covered = |layer: &[usize], column: usize| self.is_covered(layer, column);
            height = spread(&wires, &mut rows, |column| covered(upper, column), |column| covered(lower, column)).max(1);
        }
        let mut channel = Channel { tracks: vec![Vec::new(); height], ..Channel::default() };
        let last = height - 1;
        for (at, net) in nets.iter().enumerate() {
            if let Some(column) = net.straight() {
                let (net, owner) = (at, owners[at].whole);
                channel.posts.push(Post { column, first: 0, last, from_above: true, goes_below: true, net, owner });
            }
        }
        for wire in &wires {
            let (net, owner, row) = (wire.net, owners[wire.net].whole, rows[wire.track]);
            let (left, right) = wire.span();
            channel.tracks[row].push(Run { left, right, net, owner });
            for &column in &wire.tops {
                let owner = owners[net].tops.iter().find(|(top, _)| *top == column).map_or(owner, |(_, owner)| *owner);
                channel.posts.push(Post { column, first: 0, last: row, from_above: true, goes_below: false, net, owner });
            }
            for &column in &wire.bottoms {
                channel.posts.push(Post { column, first: row, last, from_above: false, goes_below: true, net, owner });
            }
            if let Some((column, Knee::To(lower))) = wire.knee {
                let last = rows[wires[lower].track];
                channel.posts.push(Post { column, first: row, last, from_above: false, goes_below: false, net, owner });
            }
        }
        channel.posts.sort_by_key(|post| (post.column, post.first));
        channel.tracks.iter_mut().for_each(|runs| runs.sort_by_key(|run| run.left));
        channel
    }

    /// One net for each vertex above; those that lead only to a joined task share one.
    fn nets(&mut self, upper: &[usize], lower: &[usize]) -> (Vec<Net>, Vec<Owners>) {
        let mut nets: Vec<Net> = Vec::new();
        let mut owners: Vec<Owners> = Vec::new();
        let mut net_of: HashMap<usize, (usize, usize)> = HashMap::new();
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for &vertex in upper {
            let down = self.layered.down.of(vertex);
            let Some(first) = down.clone().next() else { continue };
            let top = self.way_out(vertex);
            let joined = self.joined(first);
            let net = match joined.and_then(|group| shared.get(&group)) {
                Some(&net) => net,
                None => {
                    nets.push(Net::default());
                    owners.push(Owners { whole: self.layered.source[vertex], tops: Vec::new() });
                    nets.len() - 1
                }
            };
            if let Some(group) = joined {
                shared.insert(group, net);
                owners[net].tops.push((top, self.layered.source[vertex]));
            }
            nets[net].tops.push(top);
            net_of.insert(vertex, (net, top));
        }
        for shared in owners.iter_mut().filter(|shared| !shared.tops.is_empty()) {
            shared.whole = self.owners.len();
            self.owners.push(shared.tops.iter().map(|&(_, source)| source).collect());
        }
        let tops: HashMap<usize, usize> = net_of.values().map(|&(net, top)| (top, net)).collect();
        for &vertex in lower {
            for (net, port) in self.ways_in(vertex, &net_of, &tops) {
                nets[net].bottoms.push(port);
            }
        }
        (nets, owners)
    }

    /// The column by which a vertex' line leaves: its middle, or straight to the one line that goes on below it.
    fn way_out(&self, vertex: usize) -> usize {
        let mut down = self.layered.down.of(vertex);
        match (down.len(), down.next()) {
            (1, Some(next)) if self.covers(vertex, self.columns[next]) && !self.layered.is_task(next) => self.columns[next],
            _ => self.columns[vertex],
        }
    }

    /// The nets that reach a vertex, with their columns: in the order of where they come from, straight if possible, and
    /// not in a column by which another net leaves a vertex above.
    fn ways_in(&self, vertex: usize, net_of: &HashMap<usize, (usize, usize)>, tops: &HashMap<usize, usize>) -> Vec<(usize, usize)> {
        let mut sources: Vec<(usize, usize)> =
            self.layered.up.of(vertex).filter_map(|up| net_of.get(&up)).map(|&(net, top)| (top, net)).collect();
        sources.sort_unstable();
        if self.joined(vertex).is_some() {
            // One line comes for all, to the middle: from no column in particular.
            sources.truncate(1);
            sources.iter_mut().for_each(|source| source.0 = usize::MAX);
        }
        let width = self.layered.width[vertex];
        let left = self.columns[vertex] - width / 2;
        let count = sources.len();
        let apart = PORTS_APART.min(width / count.max(1));
        let slot = |at: usize| left + width * at / count..left + width * (at + 1) / count;
        let mut taken: Vec<usize> =
            sources.iter().enumerate().filter(|(at, (top, _))| slot(*at).contains(top)).map(|(_, (top, _))| *top).collect();
        let mut ways = Vec::with_capacity(count);
        for (at, &(top, net)) in sources.iter().enumerate() {
            let slot = slot(at);
            if slot.contains(&top) {
                ways.push((net, top));
                continue;
            }
            let wish = (self.columns[vertex] + apart * at).saturating_sub(apart * (count - 1) / 2).clamp(slot.start, slot.end - 1);
            let near = (0..slot.len()).flat_map(|away| [wish.checked_sub(away), Some(wish + away)]).flatten();
            let is_free = |column: &usize| slot.contains(column) && tops.get(column).is_none_or(|&other| other == net);
            let is_roomy = |column: &usize| taken.iter().all(|other| other.abs_diff(*column) > 1);
            let port =
                near.clone().find(|column| is_free(column) && is_roomy(column)).or_else(|| near.clone().find(is_free)).unwrap_or(wish);
            taken.push(port);
            ways.push((net, port));
        }
        ways
    }

    fn joined(&self, vertex: usize) -> Option<usize> {
        self.layered.joined.get(vertex).copied().flatten()
    }

    fn covers(&self, vertex: usize, column: usize) -> bool {
        let width = self.layered.width[vertex];
        let left = self.columns[vertex] - width / 2;
        (left..left + width).contains(&column)
    }

    fn is_covered(&self, layer: &[usize], column: usize) -> bool {
        let after = layer.partition_point(|&vertex| self.columns[vertex] - self.layered.width[vertex] / 2 <= column);
        after.checked_sub(1).is_some_and(|at| self.layered.is_task(layer[at]) && self.covers(layer[at], column))
    }
}

/// Whom a net's cells belong to: one owner, and for a shared net the task of each line into it.
struct Owners {
    whole: usize,
    tops: Vec<(usize, usize)>,
}

/// Spare rows for ASCII, where `+` does not tell its arms: none may stand next to a pill or another `+` that it could
/// seem to be connected with. Changes each track's row and returns the height.
fn spread(wires: &[Wire], rows: &mut [usize], above: impl Fn(usize) -> bool, below: impl Fn(usize) -> bool) -> usize {
    let count = rows.len();
    let mut spare = vec![false; count + 1];
    let mut closed_below: HashSet<(usize, usize)> = HashSet::new();
    let mut closed_above: Vec<(usize, usize)> = Vec::new();
    for wire in wires {
        let (left, right) = wire.span();
        // At its ends a wire has corners, or junctions that are open above and below.
        for column in wire.pins().filter(|&column| left < column && column < right) {
            if !wire.rises_at(column) {
                spare[0] |= wire.track == 0 && above(column);
                closed_above.push((wire.track, column));
            }
            if !wire.falls_at(column) {
                spare[count] |= wire.track + 1 == count && below(column);
                closed_below.insert((wire.track, column));
            }
        }
    }
    for (track, column) in closed_above {
        if track > 0 && closed_below.contains(&(track - 1, column)) {
            spare[track] = true;
        }
    }
    let mut shift = 0;
    for (track, row) in rows.iter_mut().enumerate() {
        shift += usize::from(spare[track]);
        *row = track + shift;
    }
    count + shift + usize::from(spare[count])
}

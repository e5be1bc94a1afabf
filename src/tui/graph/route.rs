//! Where lines leave and reach the pills, and the assembly of the drawing from its channels.

use super::layers::Layered;
use super::paint::{Bar, Channel, Post, Run};
use super::tracks::{self, Knee, Net, Wire};
use super::{Drawing, Flow, Options, Placed};
use std::collections::{HashMap, HashSet};

/// Columns between two lines into one pill, if there is room.
const PORTS_APART: usize = 4;
/// Isolated tasks fill rows at least this wide before the next row begins.
const ROW_OF_ISOLATED: usize = 76;

/// Routes every channel and puts the drawing together.
pub fn draw(layered: Layered, columns: &[usize], options: Options) -> Drawing {
    let mut router = Router { layered: &layered, columns, owners: (0..layered.tasks).map(|task| vec![task]).collect() };
    let mut drawing = Drawing { nodes: vec![Placed::default(); layered.tasks], ascii: options.ascii, ..Drawing::default() };
    let along = match options.flow {
        Flow::Down => &mut drawing.width,
        Flow::Right => &mut drawing.height,
    };
    let mut start = 0;
    let mut drawn: Vec<Vec<usize>> = Vec::new();
    for (at, layer) in layered.layers.iter().enumerate() {
        let room = Room::of(&layered, layer);
        let mut channel = match layered.layers.get(at + 1) {
            Some(next) => router.channel(layer, next, options),
            None => Channel::default(),
        };
        channel.y = start;
        channel.depth = room.depth;
        channel.end = start + room.depth + channel.tracks.len();
        let came_in = drawing.channels.last();
        channel.bars = router.bars(layer, room, came_in);
        let tasks: Vec<usize> = layer.iter().copied().filter(|&vertex| layered.is_task(vertex)).collect();
        for &task in &tasks {
            let (x, width) = (columns[task] - layered.before(task), layered.width[task]);
            *along = (*along).max(x + width);
            let place = Placed { x, y: start + room.before, width, height: layered.depth[task], layer: drawn.len() };
            drawing.nodes[task] = place.turned(options.flow);
        }
        // A layer of passing lines only is none to stand in.
        if !tasks.is_empty() {
            drawn.push(tasks);
        }
        let right = channel.tracks.iter().flatten().map(|run| run.right).chain(channel.bars.last().map(|bar| bar.column)).max();
        *along = (*along).max(right.map_or(0, |right| right + 1));
        start = channel.end;
        drawing.channels.push(channel);
    }
    match options.flow {
        Flow::Down => drawing.height = start,
        Flow::Right => drawing.width = start,
    }
    drawing.owners = router.owners;
    drawing.flow = options.flow;
    drawing.connected = drawn.len();
    drawing.layers = drawn;
    drawing.place_isolated(&layered, usize::from(options.rows.max(1)));
    drawing.upstream = layered.upstream;
    drawing.downstream = layered.downstream;
    drawing
}

impl Placed {
    /// The same where the flow goes to the right: rows and columns change places.
    const fn turned(self, flow: Flow) -> Self {
        match flow {
            Flow::Down => self,
            Flow::Right => Self { x: self.y, y: self.x, width: self.height, height: self.width, layer: self.layer },
        }
    }
}

/// The rows a layer takes. Where the flow goes to the right, pills are of different depth, and a cell is free before and
/// behind them for the lines that meet them.
#[derive(Debug, Clone, Copy)]
struct Room {
    /// Free before the pills.
    before: usize,
    /// In all.
    depth: usize,
}

impl Room {
    fn of(layered: &Layered, layer: &[usize]) -> Self {
        let tasks = || layer.iter().copied().filter(|&vertex| layered.is_task(vertex));
        let deepest = tasks().map(|task| layered.depth[task]).max().unwrap_or(1);
        if layered.flow == Flow::Down {
            return Self { before: 0, depth: deepest };
        }
        let before = usize::from(tasks().any(|task| layered.up.of(task).next().is_some()));
        let behind = usize::from(tasks().any(|task| layered.down.of(task).next().is_some()));
        Self { before, depth: before + deepest + behind }
    }
}

impl Drawing {
    fn place_isolated(&mut self, layered: &Layered, rows: usize) {
        let limit = self.width.max(ROW_OF_ISOLATED);
        let (mut x, mut y) = (usize::MAX, if self.height == 0 { 0 } else { self.height + 1 });
        for &task in &layered.isolated {
            let width = match layered.flow {
                Flow::Down => layered.width[task],
                Flow::Right => layered.depth[task],
            };
            if x == usize::MAX || x + width > limit {
                y += if x == usize::MAX { 0 } else { rows };
                x = 0;
                self.layers.push(Vec::new());
            }
            let layer = self.layers.len() - 1;
            self.layers[layer].push(task);
            self.nodes[task] = Placed { x, y, width, height: rows, layer };
            self.width = self.width.max(x + width);
            self.height = y + rows;
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
            height = match options.flow {
                Flow::Down => spread(&wires, &mut rows, |column| covered(upper, column), |column| covered(lower, column)),
                Flow::Right => spread_apart(&wires, &mut rows),
            }
            .max(1);
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

    /// The lines beside the pills of a layer: those that pass it and, where the flow goes to the right, those from the channel
    /// before to a pill and from a pill to the channel behind.
    fn bars(&self, layer: &[usize], room: Room, before: Option<&Channel>) -> Vec<Bar> {
        let last = room.depth - 1;
        let mut bars = Vec::new();
        for &vertex in layer {
            let owner = self.layered.source[vertex];
            if !self.layered.is_task(vertex) {
                bars.push(Bar { column: self.columns[vertex], first: 0, last, head: false, owner });
            } else if self.layered.flow == Flow::Right {
                let posts = before.map_or(&[][..], |channel| &channel.posts);
                let from = posts.partition_point(|post| !self.starts_by(vertex, post.column));
                let reach = posts[from..].iter().take_while(|post| self.covers(vertex, post.column)).filter(|post| post.goes_below);
                bars.extend(reach.map(|post| Bar { column: post.column, first: 0, last: 0, head: true, owner: post.owner }));
                let first = room.before + self.layered.depth[vertex];
                if self.layered.down.of(vertex).next().is_some() {
                    bars.push(Bar { column: self.way_out(vertex), first, last, head: false, owner });
                }
            }
        }
        bars.sort_by_key(|bar| (bar.column, bar.first));
        bars
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
            (1, Some(next)) if self.covers_inside(vertex, self.columns[next]) && !self.layered.is_task(next) => self.columns[next],
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
        let inset = if self.layered.is_task(vertex) { self.layered.inset } else { 0 };
        let width = self.layered.width[vertex] - 2 * inset;
        let left = self.columns[vertex] - self.layered.before(vertex) + inset;
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

    fn starts_by(&self, vertex: usize, column: usize) -> bool {
        self.columns[vertex] - self.layered.before(vertex) <= column
    }

    fn covers(&self, vertex: usize, column: usize) -> bool {
        let left = self.columns[vertex] - self.layered.before(vertex);
        (left..left + self.layered.width[vertex]).contains(&column)
    }

    /// Whether a line may meet a vertex in a column.
    fn covers_inside(&self, vertex: usize, column: usize) -> bool {
        let inset = self.layered.inset;
        self.covers(vertex, column)
            && self.covers(vertex, column + inset)
            && column.checked_sub(inset).is_some_and(|at| self.covers(vertex, at))
    }

    fn is_covered(&self, layer: &[usize], column: usize) -> bool {
        let after = layer.partition_point(|&vertex| self.starts_by(vertex, column));
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

/// Spare columns for ASCII where the flow goes to the right: a corner does not tell to which side it turns, so between one
/// that a line reaches from the left and the next that a line leaves to the right, something must be blank in their row.
fn spread_apart(wires: &[Wire], tracks: &mut [usize]) -> usize {
    let mut pins: Vec<(usize, usize, bool, bool)> = Vec::new();
    for wire in wires {
        pins.extend(wire.pins().map(|row| (row, wire.track, wire.rises_at(row), wire.falls_at(row))));
    }
    pins.sort_unstable();
    pins.dedup();
    let count = tracks.len();
    let mut spare = vec![false; count + 1];
    for pair in pins.windows(2) {
        let (row, first, _, goes_on) = pair[0];
        let (same, second, comes, _) = pair[1];
        if row == same && first < second && !goes_on && !comes {
            let is_blank = |track: usize| {
                let covers = |wire: &&Wire| wire.track == track && (wire.span().0..=wire.span().1).contains(&row);
                !wires.iter().any(|wire| covers(&wire))
            };
            if !(first + 1..=second).any(|track| spare[track]) && !(first + 1..second).any(is_blank) {
                spare[second] = true;
            }
        }
    }
    let mut shift = 0;
    for (track, column) in tracks.iter_mut().enumerate() {
        shift += usize::from(spare[track]);
        *column = track + shift;
    }
    count + shift
}

//! The drawing of a graph: layers of pills from top to bottom or from left to right, and lines between them that mean what they look like.
//! Structure in, cells out: no state of a run, no terminal, no clock, so a drawing cannot jump while a run goes on.

mod layers;
mod order;
mod paint;
mod place;
mod route;
#[cfg(test)]
mod tests;
mod tracks;

use paint::{Arms, Channel};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, hash_map::Entry};

/// What the drawing needs to know of a graph: how wide each task's pill is and whom it waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Columns of each pill, by task position; everything in it included.
    pub widths: Vec<u16>,
    /// For each task, the positions of those it waits for. Doubles, unknown positions and edges back are not drawn.
    pub upstream: Vec<Vec<usize>>,
}

/// Which way the flow goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// From top to bottom.
    #[default]
    Down,
    /// From left to right.
    Right,
}

/// How it is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Only `. ' + | - >`, with a spare row or column where these could be misread.
    pub ascii: bool,
    /// Which way the flow goes.
    pub flow: Flow,
    /// Rows of each pill: 1, or those of a box. 0 is 1.
    pub rows: u16,
}

/// Where a task's pill stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Placed {
    /// Its first column.
    pub x: usize,
    /// Its row.
    pub y: usize,
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
    /// Its layer, counted the way the flow goes.
    pub layer: usize,
}

impl Placed {
    /// The column in its middle.
    pub fn middle(&self) -> usize {
        self.x + self.width / 2
    }

    /// The row in its middle.
    pub fn centre(&self) -> usize {
        self.y + (self.height - 1) / 2
    }

    /// Whether it covers a part of `window`.
    pub fn touches(&self, window: Window) -> bool {
        self.x < window.x + window.width
            && window.x < self.x + self.width
            && self.y < window.y + window.height
            && window.y < self.y + self.height
    }
}

/// A part of the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First column.
    pub x: usize,
    /// First row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Window {
    const fn turned(self) -> Self {
        Self { x: self.y, y: self.x, width: self.height, height: self.width }
    }
}

/// One cell of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeCell<'a> {
    /// Column.
    pub x: usize,
    /// Row.
    pub y: usize,
    /// What to print.
    pub glyph: char,
    /// The same in heavy lines, for a path in focus; in ASCII the same glyph.
    pub heavy: char,
    /// Positions of the tasks this line comes from: one, or many where a wide fan-in shares a line.
    pub sources: &'a [usize],
    arms: Arms,
}

/// A step of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the layer above.
    Up,
    /// To the layer below.
    Down,
    /// Within the layer.
    Left,
    /// Within the layer.
    Right,
}

/// A graph, drawn. Made once for a structure; asked for the visible part at each frame.
#[derive(Debug, Clone, Default)]
pub struct Drawing {
    /// Columns of the whole drawing.
    pub width: usize,
    /// Rows of the whole drawing.
    pub height: usize,
    /// Where each task's pill stands, by task position.
    pub nodes: Vec<Placed>,
    /// Which way the flow goes.
    pub flow: Flow,
    ascii: bool,
    /// Tasks of each layer, in order; after the layers of what is connected, the rows of what is not.
    layers: Vec<Vec<usize>>,
    /// How many layers hold what is connected.
    connected: usize,
    upstream: Vec<Vec<usize>>,
    downstream: Vec<Vec<usize>>,
    /// What lies below each layer's row, and the lines that pass the row itself.
    channels: Vec<Channel>,
    /// Who a line belongs to; a line names its entry.
    owners: Vec<Vec<usize>>,
}

impl Drawing {
    /// Draws with box-drawing characters. For large graphs this takes long: not on the thread that answers keys.
    pub fn layout(shape: &Shape) -> Self {
        Self::layout_with(shape, Options::default())
    }

    /// Draws.
    pub fn layout_with(shape: &Shape, options: Options) -> Self {
        let mut layered = layers::layered(shape, options);
        order::reduce_crossings(&mut layered);
        let columns = place::columns(&layered);
        route::draw(layered, &columns, options)
    }

    /// The line at a cell, if one passes there.
    pub fn edge_cell(&self, x: usize, y: usize) -> Option<EdgeCell<'_>> {
        self.cells_in(Window { x, y, width: 1, height: 1 }).into_iter().next()
    }

    /// All cells of lines within `window`. Costs what the window holds, not what the drawing holds.
    pub fn cells_in(&self, window: Window) -> Vec<EdgeCell<'_>> {
        let mut cells = Vec::new();
        let across = self.flow == Flow::Right;
        let window = if across { window.turned() } else { window };
        let last = self.channels.last().map_or(0, |channel| channel.end);
        let end = (window.y + window.height).min(last);
        let mut at = self.channels.partition_point(|channel| channel.end <= window.y);
        let mut y = window.y;
        while y < end && at < self.channels.len() {
            let channel = &self.channels[at];
            if y < channel.end {
                channel.paint_row(y, window, across, |x, arms, owner| {
                    let (x, y, arms) = if across { (y, x, arms.turned()) } else { (x, y, arms) };
                    let sources = self.owners[owner].as_slice();
                    cells.push(EdgeCell { x, y, glyph: arms.glyph(self.ascii), heavy: arms.heavy(self.ascii), sources, arms });
                });
                y += 1;
            } else {
                at += 1;
            }
        }
        cells
    }

    /// Positions of the tasks whose pills touch `window`, layer by layer, in order.
    pub fn nodes_in(&self, window: Window) -> Vec<usize> {
        let mut found = Vec::new();
        let (layers, rows) = self.layers.split_at(self.connected);
        self.search(layers, self.flow, window, &mut found);
        self.search(rows, Flow::Down, window, &mut found);
        found
    }

    /// Finds the pills that touch `window` in layers that follow each other the way `flow` goes.
    fn search(&self, layers: &[Vec<usize>], flow: Flow, window: Window, found: &mut Vec<usize>) {
        // Pills of one layer begin side by side but end where each does, so a layer ends where its longest pill does.
        let begin = |task: usize| if flow == Flow::Down { self.nodes[task].y } else { self.nodes[task].x };
        let window_end = if flow == Flow::Down { window.y + window.height } else { window.x + window.width };
        let window_start = if flow == Flow::Down { window.y } else { window.x };
        let after = layers.partition_point(|layer| layer.first().is_some_and(|&task| begin(task) < window_end));
        let next = layers[..after].partition_point(|layer| layer.first().is_some_and(|&task| begin(task) <= window_start));
        for layer in &layers[next.saturating_sub(1)..after] {
            let ended = |task: &usize| match flow {
                Flow::Down => self.nodes[*task].x + self.nodes[*task].width <= window.x,
                Flow::Right => self.nodes[*task].y + self.nodes[*task].height <= window.y,
            };
            let from = layer.partition_point(ended);
            let begins = |task: &usize| match flow {
                Flow::Down => self.nodes[*task].x < window.x + window.width,
                Flow::Right => self.nodes[*task].y < window.y + window.height,
            };
            let beside = layer[from..].iter().copied().take_while(begins);
            found.extend(beside.filter(|&task| self.nodes[task].touches(window)));
        }
    }

    /// The task whose pill covers a cell.
    pub fn node_at(&self, x: usize, y: usize) -> Option<usize> {
        self.nodes_in(Window { x, y, width: 1, height: 1 }).first().copied()
    }

    /// Where a step from a task leads: sideways to its neighbour in the layer; the way the flow goes, or back, to the nearest
    /// in the next layer, one it is connected with before any other.
    pub fn neighbour(&self, from: usize, direction: Direction) -> Option<usize> {
        let here = self.nodes.get(from)?;
        let layer = self.layers.get(here.layer)?;
        let place = layer.iter().position(|&task| task == from)?;
        let is_row = here.layer >= self.connected;
        if self.flow == Flow::Down || is_row {
            return match direction {
                Direction::Left => place.checked_sub(1).map(|left| layer[left]),
                Direction::Right => layer.get(place + 1).copied(),
                Direction::Up if self.flow == Flow::Right && here.layer == self.connected => self.lowest_above(here),
                Direction::Up => self.nearest(from, here.layer.checked_sub(1)?, &self.upstream[from]),
                Direction::Down => self.nearest(from, here.layer + 1, &self.downstream[from]),
            };
        }
        match direction {
            Direction::Left => self.nearest(from, here.layer.checked_sub(1)?, &self.upstream[from]),
            Direction::Right if here.layer + 1 < self.connected => self.nearest(from, here.layer + 1, &self.downstream[from]),
            Direction::Right => None,
            Direction::Up => place.checked_sub(1).map(|above| layer[above]),
            Direction::Down => layer.get(place + 1).copied().or_else(|| {
                let row = self.layers.get(self.connected)?;
                row.iter().copied().min_by_key(|&task| self.nodes[task].middle().abs_diff(here.middle()))
            }),
        }
    }

    /// From the row of what is not connected up to what is, where layers stand side by side.
    fn lowest_above(&self, here: &Placed) -> Option<usize> {
        let lowest = self.layers[..self.connected].iter().filter_map(|layer| layer.last().copied());
        lowest.min_by_key(|&task| self.nodes[task].middle().abs_diff(here.middle()))
    }

    fn nearest(&self, from: usize, layer: usize, related: &[usize]) -> Option<usize> {
        let middle = |task: usize| match self.flow {
            Flow::Down => self.nodes[task].middle(),
            Flow::Right => self.nodes[task].centre(),
        };
        let by_distance = |task: &usize| middle(*task).abs_diff(middle(from));
        let kin = related.iter().copied().filter(|&task| self.nodes[task].layer == layer).min_by_key(by_distance);
        kin.or_else(|| self.layers.get(layer)?.iter().copied().min_by_key(by_distance))
    }

    /// The cells of the line from one task to another, in no particular order; where it passes under another line there is none.
    pub fn trace(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let (Some(source), Some(target)) = (self.nodes.get(from), self.nodes.get(to)) else { return Vec::new() };
        let ends: Vec<(usize, usize)> = match self.flow {
            Flow::Down => target.y.checked_sub(1).map_or(Vec::new(), |y| (target.x..target.x + target.width).map(|x| (x, y)).collect()),
            Flow::Right => target.x.checked_sub(1).map_or(Vec::new(), |x| (target.y..target.y + target.height).map(|y| (x, y)).collect()),
        };
        let is_begin = |x: usize, y: usize, arms: Arms| match self.flow {
            Flow::Down => arms.up && y == source.y + source.height && (source.x..source.x + source.width).contains(&x),
            Flow::Right => arms.left && x == source.x + source.width && (source.y..source.y + source.height).contains(&y),
        };
        let mine = |x: usize, y: usize| self.edge_cell(x, y).filter(|cell| cell.sources.contains(&from)).map(|cell| cell.arms);
        // Each cell with the one it was reached from, against the flow.
        let mut reached: HashMap<(usize, usize), Option<(usize, usize)>> = HashMap::new();
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (x, y) in ends {
            let meets = |arms: &Arms| if self.flow == Flow::Down { arms.down } else { arms.right };
            if mine(x, y).is_some_and(|arms| meets(&arms)) {
                reached.insert((x, y), None);
                open.push((x, y));
            }
        }
        while let Some(at) = open.pop() {
            let Some(arms) = mine(at.0, at.1) else { continue };
            if is_begin(at.0, at.1, arms) {
                let mut path = vec![at];
                let mut last = at;
                while let Some(Some(before)) = reached.get(&last) {
                    path.push(*before);
                    last = *before;
                }
                return path;
            }
            for (goes, dx, dy) in [(arms.up, 0, -1), (arms.down, 0, 1), (arms.left, -1, 0), (arms.right, 1, 0)] {
                let faces_back = |arms: Arms| match (dx, dy) {
                    (_, -1) => arms.down,
                    (_, 1) => arms.up,
                    (-1, _) => arms.right,
                    _ => arms.left,
                };
                if !goes {
                    continue;
                }
                let mut next = at;
                // Straight on under the lines that cross; a pill or the edge of the drawing ends it.
                while let (Some(x), Some(y)) = (next.0.checked_add_signed(dx), next.1.checked_add_signed(dy)) {
                    next = (x, y);
                    match self.edge_cell(x, y) {
                        None => break,
                        Some(cell) if faces_back(cell.arms) => {
                            if cell.sources.contains(&from)
                                && let Entry::Vacant(place) = reached.entry(next)
                            {
                                place.insert(Some(at));
                                open.push(next);
                            }
                            break;
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        Vec::new()
    }

    /// Whom a task waits for, as drawn.
    pub fn upstream(&self, task: usize) -> &[usize] {
        self.upstream.get(task).map_or(&[], Vec::as_slice)
    }

    /// Who waits for a task, as drawn.
    pub fn downstream(&self, task: usize) -> &[usize] {
        self.downstream.get(task).map_or(&[], Vec::as_slice)
    }
}

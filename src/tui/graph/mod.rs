//! The drawing of a graph: layers of pills from top to bottom, and lines between them that mean what they look like.
//! Structure in, cells out: no state of a run, no terminal, no clock, so a drawing cannot jump while a run goes on.

mod layers;
mod order;
mod paint;
mod place;
mod route;
#[cfg(test)]
mod tests;
mod tracks;

use paint::Channel;

/// What the drawing needs to know of a graph: how wide each task's pill is and whom it waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Columns of each pill, by task position; everything in it included.
    pub widths: Vec<u16>,
    /// For each task, the positions of those it waits for. Doubles, unknown positions and edges back are not drawn.
    pub upstream: Vec<Vec<usize>>,
}

/// How the lines are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// Only `. ' + | -`, with a spare row where these could be misread.
    pub ascii: bool,
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
    /// Its layer, counted from the top.
    pub layer: usize,
}

impl Placed {
    /// The column in its middle.
    pub fn middle(&self) -> usize {
        self.x + self.width / 2
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
    ascii: bool,
    /// Tasks of each layer, left to right.
    layers: Vec<Vec<usize>>,
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
        let mut layered = layers::layered(shape);
        order::reduce_crossings(&mut layered);
        let columns = place::columns(&layered);
        route::draw(layered, &columns, options)
    }

    /// The line at a cell, if one passes there.
    pub fn edge_cell(&self, x: usize, y: usize) -> Option<EdgeCell<'_>> {
        self.cells_in(Window { x, y, width: 1, height: 1 }).into_iter().next()
    }

    /// All cells of lines within `window`, row by row. Costs what the window holds, not what the drawing holds.
    pub fn cells_in(&self, window: Window) -> Vec<EdgeCell<'_>> {
        let mut cells = Vec::new();
        let end = (window.y + window.height).min(self.height);
        let mut at = self.channels.partition_point(|channel| channel.end <= window.y);
        let mut y = window.y;
        while y < end && at < self.channels.len() {
            let channel = &self.channels[at];
            if y < channel.end {
                channel.paint_row(y, window, |x, arms, owner| {
                    let sources = self.owners[owner].as_slice();
                    cells.push(EdgeCell { x, y, glyph: arms.glyph(self.ascii), heavy: arms.heavy(self.ascii), sources });
                });
                y += 1;
            } else {
                at += 1;
            }
        }
        cells
    }

    /// Positions of the tasks whose pills touch `window`, layer by layer, left to right.
    pub fn nodes_in(&self, window: Window) -> Vec<usize> {
        let first = self.layers.partition_point(|layer| layer.first().is_some_and(|&task| self.nodes[task].y < window.y));
        let rows = self.layers[first..]
            .iter()
            .take_while(|layer| layer.first().is_some_and(|&task| self.nodes[task].y < window.y + window.height));
        rows.flat_map(|layer| {
            let from = layer.partition_point(|&task| self.nodes[task].x + self.nodes[task].width <= window.x);
            layer[from..].iter().copied().take_while(|&task| self.nodes[task].x < window.x + window.width)
        })
        .collect()
    }

    /// The task whose pill covers a cell.
    pub fn node_at(&self, x: usize, y: usize) -> Option<usize> {
        self.nodes_in(Window { x, y, width: 1, height: 1 }).first().copied()
    }

    /// Where a step from a task leads: sideways to its neighbour in the layer; up or down to the nearest by column in the
    /// next layer, one it is connected with before any other.
    pub fn neighbour(&self, from: usize, direction: Direction) -> Option<usize> {
        let here = self.nodes.get(from)?;
        let layer = self.layers.get(here.layer)?;
        let place = layer.iter().position(|&task| task == from)?;
        match direction {
            Direction::Left => place.checked_sub(1).map(|left| layer[left]),
            Direction::Right => layer.get(place + 1).copied(),
            Direction::Up => self.nearest(from, here.layer.checked_sub(1)?, &self.upstream[from]),
            Direction::Down => self.nearest(from, here.layer + 1, &self.downstream[from]),
        }
    }

    fn nearest(&self, from: usize, layer: usize, related: &[usize]) -> Option<usize> {
        let middle = self.nodes[from].middle();
        let by_distance = |task: &usize| self.nodes[*task].middle().abs_diff(middle);
        let kin = related.iter().copied().filter(|&task| self.nodes[task].layer == layer).min_by_key(by_distance);
        kin.or_else(|| self.layers.get(layer)?.iter().copied().min_by_key(by_distance))
    }
}

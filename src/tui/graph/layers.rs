//! Which layer each task stands in, and the lines' way through the layers between: a chain of dummies for each task,
//! shared by all it leads to, so that its long edges travel as one line and part late.

use super::{Flow, Options, Shape};
use std::collections::HashMap;

/// Vertices the drawing is made of: tasks first, by position; then dummies, one column wide.
#[derive(Debug, Default)]
pub struct Layered {
    /// How many vertices are tasks.
    pub tasks: usize,
    /// Cells of each vertex along its layer: columns, or rows where the flow goes to the right.
    pub width: Vec<usize>,
    /// Cells of each task the way the flow goes.
    pub depth: Vec<usize>,
    /// Which way the flow goes.
    pub flow: Flow,
    /// Cells at each end of a task's side where no line may meet it.
    pub inset: usize,
    /// Free cells between two vertices of a layer: beside a task, and between two lines.
    pub gaps: (usize, usize),
    /// The task each vertex' line comes from; a task's own position for a task.
    pub source: Vec<usize>,
    /// The layer of each vertex; meaningless for isolated tasks.
    pub layer: Vec<usize>,
    /// Vertices of each layer, left to right.
    pub layers: Vec<Vec<usize>>,
    /// Neighbours in the layer above.
    pub up: Lists,
    /// Neighbours in the layer below.
    pub down: Lists,
    /// Tasks whose upstream lines join into one before they arrive, as there is no room for each at the pill. Those that
    /// wait for the same tasks share that line: each names the first of them.
    pub joined: Vec<Option<usize>>,
    /// Tasks without any edge.
    pub isolated: Vec<usize>,
    /// For each task, whom it waits for, as drawn.
    pub upstream: Vec<Vec<usize>>,
    /// For each task, who waits for it, as drawn.
    pub downstream: Vec<Vec<usize>>,
}

impl Layered {
    /// Whether a vertex is a task, not a dummy.
    pub fn is_task(&self, vertex: usize) -> bool {
        vertex < self.tasks
    }

    /// The cells from the first of a vertex to its middle.
    pub fn before(&self, vertex: usize) -> usize {
        match self.flow {
            Flow::Down => self.width[vertex] / 2,
            Flow::Right => (self.width[vertex] - 1) / 2,
        }
    }

    fn add_dummy(&mut self, source: usize, layer: usize) -> usize {
        self.width.push(1);
        self.source.push(source);
        self.layer.push(layer);
        self.width.len() - 1
    }
}

/// Lists of numbers, one after another in one block of memory.
#[derive(Debug, Default, Clone)]
pub struct Lists {
    start: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    /// `pairs` sorted into lists by their first number, in the order they come.
    pub fn collect(count: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut start = vec![0_u32; count + 1];
        for (key, _) in pairs.clone() {
            start[key + 1] += 1;
        }
        for key in 0..count {
            start[key + 1] += start[key];
        }
        let mut next = start.clone();
        let mut items = vec![0; start[count] as usize];
        for (key, item) in pairs {
            items[next[key] as usize] = item as u32;
            next[key] += 1;
        }
        Self { start, items }
    }

    /// The list of `key`.
    pub fn of(&self, key: usize) -> impl ExactSizeIterator<Item = usize> + DoubleEndedIterator + Clone + '_ {
        self.items[self.start[key] as usize..self.start[key + 1] as usize].iter().map(|&item| item as usize)
    }
}

/// More lines than this into one pill leave less than a column between them.
const fn room_for_lines(width: usize) -> usize {
    width.div_ceil(2)
}

/// Assigns layers and adds the dummies.
pub fn layered(shape: &Shape, options: Options) -> Layered {
    let tasks = shape.widths.len();
    let (upstream, order) = without_cycles(shape);
    let mut downstream = vec![Vec::new(); tasks];
    for (task, ups) in upstream.iter().enumerate() {
        for &up in ups {
            downstream[up].push(task);
        }
    }
    let columns: Vec<usize> = shape.widths.iter().map(|&width| usize::from(width.max(1))).collect();
    let rows = vec![usize::from(options.rows.max(1)); tasks];
    let (width, depth) = match options.flow {
        Flow::Down => (columns, rows),
        Flow::Right => (rows, columns),
    };
    let boxes = options.rows > 1;
    let inset = usize::from(boxes && width.iter().all(|&width| width > 2));
    let gaps = match (options.flow, boxes) {
        (Flow::Down, _) => (2, 1),
        (Flow::Right, false) => (1, 0),
        (Flow::Right, true) => (0, 0),
    };
    let joined = joined(&upstream, &width, inset);
    let layer = assign(&upstream, &downstream, &order, &joined);
    let isolated = (0..tasks).filter(|&task| upstream[task].is_empty() && downstream[task].is_empty()).collect();
    let source = (0..tasks).collect();
    let mut layered = Layered {
        tasks,
        width,
        depth,
        flow: options.flow,
        inset,
        gaps,
        source,
        layer,
        joined,
        isolated,
        upstream,
        downstream,
        ..Layered::default()
    };
    add_dummies(&mut layered);
    layered
}

/// The edges without doubles, unknown positions and those that close a cycle; and an order in which upstream comes first.
fn without_cycles(shape: &Shape) -> (Vec<Vec<usize>>, Vec<usize>) {
    let tasks = shape.widths.len();
    let mut upstream: Vec<Vec<usize>> = (0..tasks)
        .map(|task| {
            let mut ups: Vec<usize> = shape.upstream.get(task).map_or(&[][..], Vec::as_slice).to_vec();
            ups.retain(|&up| up < tasks && up != task);
            ups.sort_unstable();
            ups.dedup();
            ups
        })
        .collect();
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        Open,
        Done,
    }
    let mut seen = vec![Seen::Not; tasks];
    let mut order = Vec::with_capacity(tasks);
    for root in 0..tasks {
        let mut path = Vec::new();
        if seen[root] == Seen::Not {
            seen[root] = Seen::Open;
            path.push((root, 0));
        }
        while let Some((task, next)) = path.last_mut() {
            let Some(&up) = upstream[*task].get(*next) else {
                seen[*task] = Seen::Done;
                order.push(*task);
                path.pop();
                continue;
            };
            match seen[up] {
                Seen::Open => {
                    upstream[*task].remove(*next);
                }
                Seen::Done => *next += 1,
                Seen::Not => {
                    *next += 1;
                    seen[up] = Seen::Open;
                    path.push((up, 0));
                }
            }
        }
    }
    (upstream, order)
}

fn joined(upstream: &[Vec<usize>], width: &[usize], inset: usize) -> Vec<Option<usize>> {
    let mut first_with: HashMap<&[usize], usize> = HashMap::new();
    let full = |task: usize| upstream[task].len() > room_for_lines(width[task] - 2 * inset);
    (0..upstream.len()).map(|task| full(task).then(|| *first_with.entry(&upstream[task]).or_insert(task))).collect()
}

/// For each task, whether its line must part before it joins a shared one: it leads elsewhere too.
fn parting(downstream: &[Vec<usize>], joined: &[Option<usize>]) -> Vec<bool> {
    downstream.iter().map(|downs| downs.iter().any(|&down| joined[down] != joined[downs[0]])).collect()
}

/// The longest path from the sources; then tasks with more outputs than inputs slide down to their nearest child.
fn assign(upstream: &[Vec<usize>], downstream: &[Vec<usize>], order: &[usize], joined: &[Option<usize>]) -> Vec<usize> {
    let parting = parting(downstream, joined);
    // A shared line takes the whole of the lines above it, so a task with other lines needs a layer for them to part.
    let span = |up: usize, down: usize| if parting[up] && joined[down].is_some() { 2 } else { 1 };
    let mut layer = vec![0; upstream.len()];
    for &task in order {
        layer[task] = upstream[task].iter().map(|&up| layer[up] + span(up, task)).max().unwrap_or(0);
    }
    for &task in order.iter().rev() {
        // Those that share a line stay side by side.
        if downstream[task].len() > upstream[task].len() && joined[task].is_none() {
            let nearest = downstream[task].iter().map(|&down| layer[down] - span(task, down)).min();
            layer[task] = nearest.unwrap_or(layer[task]).max(layer[task]);
        }
    }
    layer
}

fn add_dummies(layered: &mut Layered) {
    let parting = parting(&layered.downstream, &layered.joined);
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (task, parting) in parting.into_iter().enumerate() {
        let top = layered.layer[task];
        // For each task it leads to: the layer in which its line parts from the chain, and whether a dummy of its own follows.
        let targets: Vec<(usize, usize, bool)> = layered.downstream[task]
            .iter()
            .map(|&down| {
                let parts = parting && layered.joined[down].is_some();
                (down, layered.layer[down] - if parts { 2 } else { 1 }, parts)
            })
            .collect();
        let bottom = targets.iter().map(|&(_, leaves, _)| leaves).max().unwrap_or(top);
        // chain[i] stands in layer top + i.
        let mut chain = vec![task];
        for layer in top + 1..=bottom {
            let dummy = layered.add_dummy(task, layer);
            edges.push((chain[chain.len() - 1], dummy));
            chain.push(dummy);
        }
        let mut parted: HashMap<Option<usize>, usize> = HashMap::new();
        for (down, leaves, parts) in targets {
            let mut from = chain[leaves - top];
            if parts {
                from = *parted.entry(layered.joined[down]).or_insert_with(|| {
                    let dummy = layered.add_dummy(task, leaves + 1);
                    edges.push((from, dummy));
                    dummy
                });
            }
            edges.push((from, down));
        }
    }
    let count = layered.width.len();
    layered.down = Lists::collect(count, edges.iter().copied());
    layered.up = Lists::collect(count, edges.iter().map(|&(up, down)| (down, up)));
}

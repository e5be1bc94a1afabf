//! How long the layout of a graph takes, and a frame of a large one. Prints medians; asserts nothing.

// A benchmark is where a clock is the point.
#![allow(clippy::disallowed_methods)]

use flowyard::tui::graph::{Drawing, Flow, Options, Shape, Window};
use rust_sugiyama::configure::Config;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;

fn main() {
    println!("{:<22} {:>9} {:>9} {:>11} {:>11} {:>13}", "graph", "tasks", "edges", "layout ms", "frame us", "cells");
    for (name, shape) in graphs() {
        let mut drawing = Drawing::default();
        let layout = median(|| drawing = Drawing::layout(&shape));
        let window = Window { x: drawing.width / 3, y: drawing.height / 3, width: 200, height: 50 };
        let mut sum = 0;
        let frame = median(|| sum = drawing.cells_in(window).len() + drawing.nodes_in(window).len());
        let edges: usize = shape.upstream.iter().map(Vec::len).sum();
        println!(
            "{name:<22} {:>9} {edges:>9} {:>11.2} {:>11.1} {:>13}",
            shape.widths.len(),
            layout.as_secs_f64() * 1e3,
            frame.as_secs_f64() * 1e6,
            format!("{}x{}", drawing.width, drawing.height),
        );
        assert!(sum < usize::MAX);
    }
    ways();
    crossings();
}

/// The other ways to draw the same graph.
fn ways() {
    println!("\n{:<22} {:>9} {:>11} {:>13}", "way", "tasks", "layout ms", "cells");
    for tasks in [1_000, 10_000] {
        let shape = random(tasks, 60, 24);
        for (name, flow, rows) in [("down, boxes", Flow::Down, 4), ("right, pills", Flow::Right, 1), ("right, boxes", Flow::Right, 4)] {
            let mut drawing = Drawing::default();
            let layout = median(|| drawing = Drawing::layout_with(&shape, Options { ascii: false, flow, rows }));
            let cells = format!("{}x{}", drawing.width, drawing.height);
            println!("{name:<22} {tasks:>9} {:>11.2} {cells:>13}", layout.as_secs_f64() * 1e3);
        }
    }
}

/// Crossings beside rust-sugiyama, counted alike: of straight lines between the middles of tasks, as each placed them.
fn crossings() {
    println!("\n{:<22} {:>9} {:>9} {:>9} {:>11} {:>9}", "crossings", "tasks", "edges", "ours", "sugiyama", "ratio");
    for (name, tasks, reach) in
        [("small, deep", 30, 12), ("small, wide", 30, 30), ("deep", 100, 24), ("wide", 100, 100), ("large", 300, 60)]
    {
        let (mut ours, mut theirs, mut all) = (0, 0, 0);
        for seed in 0..GRAPHS {
            let shape = random_from(seed, tasks, reach, 24);
            let edges: Vec<(usize, usize)> =
                shape.upstream.iter().enumerate().flat_map(|(task, ups)| ups.iter().map(move |&up| (up, task))).collect();
            let drawing = Drawing::layout(&shape);
            let placed: Vec<(f64, f64)> = drawing.nodes.iter().map(|node| (node.middle() as f64, node.layer as f64)).collect();
            all += edges.len();
            ours += crossed(&edges, &placed);
            theirs += crossed(&edges, &by_sugiyama(tasks, &edges));
        }
        println!("{name:<22} {tasks:>9} {all:>9} {ours:>9} {theirs:>11} {:>9.2}", ours as f64 / theirs.max(1) as f64);
    }
}

const GRAPHS: u64 = 20;

fn by_sugiyama(tasks: usize, edges: &[(usize, usize)]) -> Vec<(f64, f64)> {
    let vertices: Vec<(u32, (f64, f64))> = (0..tasks as u32).map(|task| (task, (24.0, 1.0))).collect();
    let edges: Vec<(u32, u32)> = edges.iter().map(|&(up, down)| (up as u32, down as u32)).collect();
    let mut placed = vec![(0.0, 0.0); tasks];
    let mut shift = 0.0;
    for (found, width, _) in rust_sugiyama::from_vertices_and_edges(&vertices, &edges, &Config::default()) {
        for (task, (x, y)) in found {
            placed[task] = (x + shift, y);
        }
        // Parts that are not connected stand side by side.
        shift += width + 1_000.0;
    }
    placed
}

/// Pairs of lines that cross each other, not counting those that meet at a task.
fn crossed(edges: &[(usize, usize)], at: &[(f64, f64)]) -> usize {
    let side = |a: usize, b: usize, c: usize| {
        let ((ax, ay), (bx, by), (cx, cy)) = (at[a], at[b], at[c]);
        (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    };
    let mut count = 0;
    for (n, &(a, b)) in edges.iter().enumerate() {
        for &(c, d) in &edges[n + 1..] {
            let meet = a == c || a == d || b == c || b == d;
            let crosses = || side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0;
            count += usize::from(!meet && crosses());
        }
    }
    count
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn graphs() -> Vec<(&'static str, Shape)> {
    let mut graphs = Vec::new();
    for tasks in [30, 100, 1_000, 10_000] {
        graphs.push(("random, deep", random(tasks, 60, 24)));
        graphs.push(("random, wide", random(tasks, tasks / 4, 24)));
    }
    graphs.push(("1,000 in 16-wide rows", random(1_000, 16, 14)));
    graphs.push(("fan 1-1000-1", fan(1_000)));
    graphs.push(("fan 1-10000-1", fan(10_000)));
    graphs.push(("all to all, 200-200", all_to_all(200)));
    graphs.push(("chain", shape(24, (0..1_000).map(|task: usize| task.checked_sub(1).into_iter().collect()).collect())));
    graphs.push(("no edges", shape(24, vec![Vec::new(); 10_000])));
    graphs
}

fn shape(width: u16, upstream: Vec<Vec<usize>>) -> Shape {
    Shape { widths: vec![width; upstream.len()], upstream }
}

fn fan(middle: usize) -> Shape {
    let upstream = (0..middle + 2).map(|task| match task {
        0 => Vec::new(),
        task if task <= middle => vec![0],
        _ => (1..=middle).collect(),
    });
    shape(24, upstream.collect())
}

fn all_to_all(side: usize) -> Shape {
    let mut upstream = vec![Vec::new(); side];
    upstream.extend(vec![(0..side).collect::<Vec<_>>(); side]);
    shape(24, upstream)
}

/// Each task waits for one to three of the `reach` before it.
fn random(tasks: usize, reach: usize, width: u16) -> Shape {
    random_from(0, tasks, reach, width)
}

fn random_from(seed: u64, tasks: usize, reach: usize, width: u16) -> Shape {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(2 * seed + 1);
    let mut roll = move |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % sides.max(1)
    };
    let upstream = (0..tasks).map(|task| {
        let count = if task == 0 { 0 } else { 1 + roll(3) };
        let mut ups: Vec<usize> = (0..count).map(|_| task - 1 - roll(reach.min(task))).collect();
        ups.sort_unstable();
        ups.dedup();
        ups
    });
    shape(width, upstream.collect())
}

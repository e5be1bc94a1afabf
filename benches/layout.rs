//! How long the layout of a graph takes, and a frame of a large one. Prints medians; asserts nothing.

// A benchmark is where a clock is the point.
#![allow(clippy::disallowed_methods)]

use flowyard::tui::graph::{Drawing, Shape, Window};
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
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
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

//! The graphs that are measured, and how each tool is told of them.

use std::fmt::Write as _;

/// A graph: for each task those that it waits for.
pub type Graph = Vec<Vec<usize>>;

/// One after another.
pub fn chain(length: usize) -> Graph {
    (0..length).map(|task| task.checked_sub(1).into_iter().collect()).collect()
}

/// One, then `width` that wait for it, then one that waits for all.
pub fn fan(width: usize) -> Graph {
    let mut graph = vec![Vec::new()];
    graph.extend((0..width).map(|_| vec![0]));
    graph.push((1..=width).collect());
    graph
}

/// Random layers; each task waits for two of the layer before. Numbers by an LCG (Knuth, MMIX), so that every run is alike.
pub fn dag(tasks: usize) -> Graph {
    let mut state = 42_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut graph, mut before): (Graph, Vec<usize>) = (Vec::new(), Vec::new());
    while graph.len() < tasks {
        let width = (1 + random(40)).min(tasks - graph.len());
        let layer: Vec<usize> = (graph.len()..graph.len() + width).collect();
        for _ in 0..width {
            let mut upstream =
                if before.is_empty() { Vec::new() } else { vec![before[random(before.len())], before[random(before.len())]] };
            upstream.sort_unstable();
            upstream.dedup();
            graph.push(upstream);
        }
        before = layer;
    }
    graph
}

/// What a task runs, by its number: program and arguments.
pub type Program<'a> = &'a dyn Fn(usize) -> Vec<String>;

/// Does nothing.
pub fn nothing(_: usize) -> Vec<String> {
    vec!["/bin/true".to_owned()]
}

fn each(tasks: &[usize], form: impl Fn(usize) -> String) -> Vec<String> {
    tasks.iter().map(|task| form(*task)).collect()
}

/// `build.ninja`.
pub fn ninja_file(graph: &Graph, program: Program) -> String {
    let mut text = "rule t\n  command = $words\n".to_owned();
    for (task, upstream) in graph.iter().enumerate() {
        let inputs = each(upstream, |up| format!(" t{up}")).concat();
        let _ = writeln!(text, "build t{task}: t{inputs}\n  words = {}", program(task).join(" "));
    }
    text
}

/// `Makefile`.
pub fn make_file(graph: &Graph, program: Program) -> String {
    let names: String = (0..graph.len()).map(|task| format!("t{task} ")).collect();
    let mut text = format!(".PHONY: all {names}\nall: {names}\n");
    for (task, upstream) in graph.iter().enumerate() {
        let inputs = each(upstream, |up| format!(" t{up}")).concat();
        let _ = writeln!(text, "t{task}:{inputs}\n\t@{}", program(task).join(" "));
    }
    text
}

/// `pipelines/p.toml`.
pub fn pipeline_file(graph: &Graph, program: Program) -> String {
    let mut text = String::new();
    for (task, upstream) in graph.iter().enumerate() {
        let needs = each(upstream, |up| format!("\"t{up}\"")).join(", ");
        let _ = writeln!(text, "[tasks.t{task}]\nargv = {:?}\nneeds = [{needs}]", program(task));
    }
    text
}

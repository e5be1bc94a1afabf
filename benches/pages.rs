//! How long the workbench waits for a page of a long history. Prints medians; asserts nothing.
//!
//! `cargo bench --bench pages -- FOLDER` with a workspace in it; `benches/history --keep FOLDER` makes one.

// A benchmark is where a clock is the point.
#![allow(clippy::disallowed_methods)]

use flowyard::{
    model::RunId,
    runtime::{Attach, Handle, workspace},
    tui::{
        grid::GridAsk,
        pages,
        runs::{Edge, PAGE, RunsAsk},
    },
};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

const ROUNDS: usize = 15;

fn main() {
    let Some(folder) = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from) else {
        return println!("pages: no folder with a workspace was named, so nothing is measured");
    };
    let handle = workspace::find(&folder, Some(&folder), None)
        .and_then(|place| Handle::attach(Attach { place, read_only: true, in_process: false, by: "bench".to_owned() }));
    let handle = match handle {
        Ok(handle) => handle,
        Err(error) => return println!("{error}"),
    };
    let ask = |pipeline: Option<&str>, filter: &str, edge: Edge| RunsAsk {
        pipeline: pipeline.map(Into::into),
        filter: filter.to_owned(),
        edge,
        limit: PAGE,
    };
    let runs = |ask: &RunsAsk| pages::runs(&handle, ask).map_or(0, |page| page.lines.len());
    let middle = || RunId::from("01m80000000000000000050000");
    println!("{:<44} {:>8} {:>8}", "page", "ms", "lines");
    report("pipelines of home", || handle.pipelines().map_or(0, |rows| rows.len()));
    for (name, ask) in [
        ("newest runs", ask(None, "", Edge::Newest)),
        ("runs before one in the middle", ask(None, "", Edge::Older(middle()))),
        ("runs after one in the middle", ask(None, "", Edge::Newer(middle()))),
        ("oldest runs", ask(None, "", Edge::Oldest)),
        ("newest runs of a pipeline", ask(Some("p"), "", Edge::Newest)),
        ("runs of a pipeline before the middle", ask(Some("p"), "", Edge::Older(middle()))),
        ("state=failed", ask(None, "state=failed", Edge::Newest)),
        ("state=failed since=7d", ask(None, "state=failed since=7d", Edge::Newest)),
        ("a filter that keeps nothing, until it tells", ask(None, "param.none<0", Edge::Newest)),
    ] {
        report(name, || runs(&ask));
    }
    for (name, edge) in [("grid of 28 runs by 42 tasks", Edge::Newest), ("the same before the middle", Edge::Older(middle()))] {
        let ask = GridAsk { pipeline: "p".into(), edge, runs: 28, tasks: (0..42).collect() };
        report(name, || pages::grid(&handle, &ask).map_or(0, |grid| grid.cells.len()));
    }
}

fn report(name: &str, mut read: impl FnMut() -> usize) {
    let mut lines = 0;
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            lines = read();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("{name:<44} {:>8.2} {lines:>8}", times[ROUNDS / 2].as_secs_f64() * 1e3);
}

//! Measures the engine against ninja and make on graphs of tasks that do nothing, side by side in one run.
//!
//! `cargo bench --bench engine -- [--rounds N] [--json FILE] [WORKLOAD …]` runs `chain`, `fan`, `dag`, `fan10k` and `ml`
//! in turn, each with every tool, and prints milliseconds per task (medians) and ratios to ninja. History, logs and the shim are
//! on, as in real use. `TMPDIR` says on which disk.

#![allow(clippy::disallowed_methods)]

use flowyard::{
    config::WorkspaceConfig,
    model::{Command as Ask, Reply, Request, RunId, RunRow, TriggerRequest},
    runtime::{Attach, Handle, RunFilter, workspace},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The binary that is measured.
const FLOWYARD: &str = env!("CARGO_BIN_EXE_flowyard");

/// Attempts at once, for every tool: as many as the machines of the goals have processors.
const SLOTS: usize = 2;

/// A graph: for each task those that it waits for.
type Graph = Vec<Vec<usize>>;

fn chain(length: usize) -> Graph {
    (0..length).map(|task| task.checked_sub(1).into_iter().collect()).collect()
}

/// One, then `width` that wait for it, then one that waits for all.
fn fan(width: usize) -> Graph {
    let mut graph = vec![Vec::new()];
    graph.extend((0..width).map(|_| vec![0]));
    graph.push((1..=width).collect());
    graph
}

/// Random layers; each task waits for two of the layer before. Numbers by an LCG (Knuth, MMIX), so that every run is alike.
fn dag(tasks: usize) -> Graph {
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

fn workload(name: &str) -> Option<Graph> {
    Some(match name {
        "chain" => chain(1_000),
        "fan" => fan(1_000),
        "dag" => dag(1_000),
        "fan10k" => fan(9_998),
        "ml" => chain(5),
        _ => return None,
    })
}

fn main() {
    if let Err(error) = measure() {
        eprintln!("engine: {error}");
        std::process::exit(1);
    }
}

fn measure() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut rounds, mut names, mut file) = (5, Vec::new(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().ok_or("--rounds takes a number")?.parse()?,
            "--json" => file = arguments.next(),
            name => names.push(name.to_owned()),
        }
    }
    if names.is_empty() {
        names = ["chain", "fan", "dag", "fan10k", "ml"].map(str::to_owned).to_vec();
    }
    // Removed only when all is measured: ext4 is slow where many files were removed just now.
    let home = tempfile::tempdir()?;
    let mut results = serde_json::Map::new();
    println!("{rounds} rounds, interleaved, {SLOTS} slots, /bin/true; medians");
    println!(
        "| workload | ninja | make | flowyard relaxed | flowyard strict | relaxed : ninja | gap p50 / p99 relaxed | PSS of the engine |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for name in names {
        let graph = workload(&name).ok_or_else(|| format!("there is no workload `{name}`"))?;
        let found = compare(&home.path().join(&name), &name, &graph, if name == "fan10k" { rounds.min(3) } else { rounds })?;
        results.insert(name, found);
    }
    results.insert("start".to_owned(), starts(&home.path().join("one"), rounds)?);
    if let Some(file) = file {
        let all = json!({ "commit": said("git", &["rev-parse", "HEAD"]), "machine": machine(), "rounds": rounds, "results": results });
        fs::write(file, serde_json::to_string_pretty(&all)? + "\n")?;
    }
    Ok(())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn machine() -> Value {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({ "cores": cores, "kernel": said("uname", &["-sr"]), "folder": std::env::temp_dir() })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn percentile(sorted: &[f64], part: f64) -> f64 {
    sorted.get(((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

fn compare(home: &Path, name: &str, graph: &Graph, rounds: usize) -> Outcome<Value> {
    fs::create_dir_all(home)?;
    fs::write(home.join("build.ninja"), ninja_file(graph))?;
    fs::write(home.join("Makefile"), make_file(graph))?;
    let jobs = SLOTS.to_string();
    let mut relaxed = Engine::start(&home.join("relaxed"), "relaxed", graph)?;
    let mut strict = Engine::start(&home.join("strict"), "strict", graph)?;
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let (mut gaps, mut pss) = (Vec::new(), None);
    for _ in 0..rounds {
        let mut note = |tool: &'static str, taken: Duration| {
            times.entry(tool).or_default().push(taken.as_secs_f64() * 1e3);
        };
        note("ninja", timed(Command::new("ninja").args(["-j", &jobs, "--quiet"]).current_dir(home))?);
        note("make", timed(Command::new("make").args(["-j", &jobs, "-s"]).current_dir(home))?);
        let (taken, run) = relaxed.run()?;
        note("relaxed", taken);
        gaps.extend(relaxed.gaps(&run, graph)?);
        // Of an engine that has run the graph once, as somebody who starts it would see.
        pss.get_or_insert_with(|| relaxed.pss());
        note("strict", strict.run()?.0);
    }
    let pss = pss.unwrap_or(f64::NAN);
    gaps.sort_by(f64::total_cmp);
    let mut of = |tool: &str| times.get_mut(tool).map_or(f64::NAN, |found| median(found));
    let (ninja, make, relaxed, strict) = (of("ninja"), of("make"), of("relaxed"), of("strict"));
    let tasks = graph.len() as f64;
    let (p50, p99) = (percentile(&gaps, 0.5), percentile(&gaps, 0.99));
    println!(
        "| {name} | {:.3} | {:.3} | {:.3} | {:.3} | {:.2} | {p50:.2} / {p99:.2} ms | {pss:.1} MB |",
        ninja / tasks,
        make / tasks,
        relaxed / tasks,
        strict / tasks,
        relaxed / ninja
    );
    Ok(json!({
        "tasks": graph.len(), "ninja_ms": ninja, "make_ms": make, "relaxed_ms": relaxed, "strict_ms": strict,
        "ratio": relaxed / ninja, "ratio_strict": strict / ninja, "gap_p50_ms": p50, "gap_p99_ms": p99, "pss_mb": pss,
    }))
}

fn timed(command: &mut Command) -> Outcome<Duration> {
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(begun.elapsed()) } else { Err(format!("{command:?}: {status}").into()) }
}

fn ninja_file(graph: &Graph) -> String {
    let mut text = "rule t\n  command = /bin/true\n".to_owned();
    for (task, upstream) in graph.iter().enumerate() {
        let inputs: String = upstream.iter().map(|up| format!(" t{up}")).collect();
        let _ = writeln!(text, "build t{task}: t{inputs}");
    }
    text
}

fn make_file(graph: &Graph) -> String {
    let mut text = format!(".PHONY: all {}\nall: t{}\n", names(graph), graph.len() - 1);
    for task in 0..graph.len() {
        let _ = writeln!(text, "all: t{task}");
    }
    for (task, upstream) in graph.iter().enumerate() {
        let inputs: String = upstream.iter().map(|up| format!(" t{up}")).collect();
        let _ = writeln!(text, "t{task}:{inputs}\n\t@/bin/true");
    }
    text
}

fn names(graph: &Graph) -> String {
    (0..graph.len()).map(|task| format!("t{task} ")).collect()
}

fn pipeline_file(graph: &Graph) -> String {
    let mut text = String::new();
    for (task, upstream) in graph.iter().enumerate() {
        let needs: Vec<String> = upstream.iter().map(|up| format!("\"t{up}\"")).collect();
        let _ = writeln!(text, "[tasks.t{task}]\nargv = [\"/bin/true\"]\nneeds = [{}]", needs.join(", "));
    }
    text
}

/// A real engine in a process of its own, and a client of it.
struct Engine {
    process: Child,
    handle: Handle,
}

impl Engine {
    fn start(folder: &Path, durability: &str, graph: &Graph) -> Outcome<Self> {
        fs::create_dir_all(folder.join("pipelines"))?;
        fs::write(folder.join("pipelines/p.toml"), pipeline_file(graph))?;
        fs::write(folder.join("flowyard.toml"), format!("[engine]\nslots = {SLOTS}\ndurability = \"{durability}\"\n"))?;
        let mut engine = Command::new(FLOWYARD);
        let process = engine.arg("engine").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let place = workspace::find(folder, Some(folder), None)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        let handle = loop {
            let attach = Attach { place: place.clone(), read_only: false, in_process: false, by: "bench".to_owned() };
            let handle = Handle::attach(attach)?;
            if handle.engine_status()?.is_some() {
                break handle;
            }
            if Instant::now() > deadline {
                return Err("the engine does not come up".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ok(Self { process, handle })
    }

    /// From the request until the end of the run is in the database.
    fn run(&mut self) -> Outcome<(Duration, RunRow)> {
        let passed = WorkspaceConfig::default().pass_env;
        let env = flowyard::runtime::user::environment(&passed).0;
        let request = TriggerRequest { pipeline: "p".into(), params: BTreeMap::new(), env, logical_date: None, idempotency_key: None };
        let begun = Instant::now();
        let reply = self.handle.send(Request { command: Ask::Trigger(request), by: "bench".to_owned(), reason: None })?;
        let Reply::Done { run: Some(id), .. } = reply else { return Err(format!("{reply:?}").into()) };
        loop {
            let rows = self.handle.runs(&RunFilter { limit: 1, ..RunFilter::default() })?;
            let taken = begun.elapsed();
            match rows.into_iter().next().filter(|row| row.run_id == id && row.state.is_terminal()) {
                Some(row) if row.state.word() == "success" => return Ok((taken, row)),
                Some(row) => return Err(format!("the run ended as {}", row.state).into()),
                None if taken > Duration::from_secs(120) => return Err("the run does not end".into()),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// From the end of a task to the start of one that waited for it alone, in milliseconds, as their shims saw it.
    fn gaps(&self, run: &RunRow, graph: &Graph) -> Outcome<Vec<f64>> {
        let run = self.handle.run(&RunId::from(run.run_id.as_str()))?;
        let span = |task: usize| run.tasks.get(task)?.span();
        let gap = |(task, upstream): (usize, &Vec<usize>)| {
            let [up] = upstream[..] else { return None };
            let (started, ended) = (span(task)?.0, span(up)?.1?);
            (started - ended).num_microseconds().map(|micros| micros as f64 / 1e3)
        };
        // In a fan nearly all wait for a slot, not for the one.
        Ok(if graph.len() > 2 && graph[2] == [0] { Vec::new() } else { graph.iter().enumerate().filter_map(gap).collect() })
    }

    /// Memory of the engine and its spawner that is theirs alone, in MB.
    fn pss(&self) -> f64 {
        pss(&self.process.id().to_string()).unwrap_or(f64::NAN)
    }
}

fn pss(pid: &str) -> io::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib = text.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    Ok(kib.unwrap_or(f64::NAN) / 1024.0)
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.handle.stop_engine();
        let _ = self.process.wait();
    }
}

/// How long the program itself takes to start, and to run one task with the engine up and down.
fn starts(folder: &Path, rounds: usize) -> Outcome<Value> {
    let engine = Engine::start(folder, "relaxed", &chain(1))?;
    let command = |arguments: &[&str]| {
        let mut command = Command::new(FLOWYARD);
        command.args(arguments).current_dir(folder);
        command
    };
    let many = |arguments: &[&str]| -> Outcome<f64> {
        let mut times = Vec::new();
        for _ in 0..rounds.max(5) * 4 {
            times.push(timed(&mut command(arguments))?.as_secs_f64() * 1e3);
        }
        Ok(median(&mut times))
    };
    let (version, up) = (many(&["--version"])?, many(&["run", "p"])?);
    let ticks = || fs::read_to_string(format!("/proc/{}/stat", engine.process.id())).unwrap_or_default();
    let used = |text: String| -> f64 {
        text.rsplit_once(')').map_or(0.0, |(_, rest)| rest.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum())
    };
    let before = used(ticks());
    std::thread::sleep(Duration::from_secs(10));
    // A tick is a hundredth of a second: of ten seconds, a tenth of a percent.
    let idle = (used(ticks()) - before) / 10.0;
    drop(engine);
    let mut down = Vec::new();
    for _ in 0..rounds {
        timed(&mut command(&["engine", "stop"]))?;
        down.push(timed(&mut command(&["run", "p"]))?.as_secs_f64() * 1e3);
    }
    timed(&mut command(&["engine", "stop"]))?;
    let down = median(&mut down);
    println!("\n`--version` {version:.1} ms; `run` of one task: engine up {up:.1} ms, down {down:.1} ms; idle engine {idle:.2} % CPU");
    Ok(json!({ "version_ms": version, "run_up_ms": up, "run_down_ms": down, "idle_percent": idle }))
}

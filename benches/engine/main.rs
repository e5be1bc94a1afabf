//! Measures the engine against ninja and make on graphs of tasks that do nothing, side by side in one run.
//!
//! `cargo bench --bench engine -- [--rounds N] [--json FILE] [PART …]` measures `memory` and `disk` (the workloads with their folders on
//! a disk in memory and on the disk of the build), `gap`, `cost`, `peers`, `fan10k` and `start`, or the parts that are named, and prints
//! medians. History, logs and the shim are on, as in real use. A file that is there keeps what it holds of other parts.

#![allow(clippy::disallowed_methods)]

mod costs;
mod engine;
mod gaps;
mod graphs;
mod peers;

use engine::{Engine, FLOWYARD};
use graphs::{Graph, chain, dag, fan, make_file, ninja_file, nothing};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Attempts at once, for every tool: as many as the machines of the goals have processors.
const SLOTS: usize = 2;

const PARTS: [&str; 7] = ["memory", "disk", "gap", "cost", "peers", "fan10k", "start"];

fn main() {
    if let Err(error) = measure() {
        eprintln!("engine: {error}");
        std::process::exit(1);
    }
}

fn measure() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut rounds, mut parts, mut file) = (5, Vec::new(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().ok_or("--rounds takes a number")?.parse()?,
            "--json" => file = arguments.next(),
            part if PARTS.contains(&part) => parts.push(part.to_owned()),
            other => return Err(format!("there is no part `{other}`").into()),
        }
    }
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    // Removed only when all is measured: ext4 is slow where many files were removed just now.
    let (memory, disk) = (home("/dev/shm")?, home(env!("CARGO_TARGET_TMPDIR"))?);
    println!("{rounds} rounds, interleaved, {SLOTS} slots, /bin/true; medians, ms per task");
    for part in parts {
        let found = match part.as_str() {
            "memory" => workloads(&memory, &["chain", "fan", "dag", "ml"], rounds)?,
            "disk" => workloads(&disk, &["chain", "fan", "dag"], rounds)?,
            "fan10k" => json!({ "all": workloads(&memory, &["fan10k"], rounds)?["fan10k"] }),
            "gap" => {
                table(&["end of a task to start of the next, by the tasks' clock", "p50 / p99 ms"]);
                json!({ "memory": gaps::measure(&memory.path.path().join("gap"), rounds)?,
                    "disk": gaps::measure(&disk.path.path().join("gap"), rounds)? })
            }
            "cost" => {
                let heads = ["spawn", "shim's processes", "files", "decisions", "commit relaxed / strict", "whole chain"];
                table(&heads);
                json!({ "memory": costs::measure(&memory.path.path().join("cost"), rounds)?,
                    "disk": costs::measure(&disk.path.path().join("cost"), rounds)? })
            }
            "peers" => {
                table(&["workload", "flowyard relaxed", "HyperQueue", "pueue"]);
                peers::measure(&memory.path.path().join("peers"), rounds)?
            }
            _ => json!({ "all": starts(&memory.path.path().join("one"), rounds)? }),
        };
        println!();
        if let Some(file) = &file {
            keep(Path::new(file), &part, rounds, found)?;
        }
    }
    Ok(())
}

/// A folder to measure in, and the kind of its file system.
struct Home {
    path: tempfile::TempDir,
    kind: String,
}

fn home(wanted: &str) -> Outcome<Home> {
    let wanted = if Path::new(wanted).is_dir() { PathBuf::from(wanted) } else { std::env::temp_dir() };
    let path = tempfile::tempdir_in(wanted)?;
    let kind = said("stat", &["-f", "-c", "%T", &path.path().display().to_string()]);
    Ok(Home { path, kind })
}

fn table(heads: &[&str]) {
    println!("| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()));
}

/// Puts what a part found into the file, with what it was measured on.
fn keep(file: &Path, part: &str, rounds: usize, found: Value) -> Outcome<()> {
    let mut all: Value = fs::read_to_string(file).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(|| json!({}));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    all["machine"] = json!({ "cores": cores, "kernel": said("uname", &["-sr"]) });
    all["measured"][part] = json!({ "commit": said("git", &["rev-parse", "HEAD"]), "rounds": rounds });
    all["results"][part] = found;
    Ok(fs::write(file, serde_json::to_string_pretty(&all)? + "\n")?)
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn percentile(sorted: &[f64], part: f64) -> f64 {
    sorted.get(((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

fn timed(command: &mut Command) -> Outcome<Duration> {
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if status.success() { Ok(begun.elapsed()) } else { Err(format!("{command:?}: {status}").into()) }
}

fn workload(name: &str) -> Graph {
    match name {
        "chain" => chain(1_000),
        "fan" => fan(1_000),
        "dag" => dag(1_000),
        "fan10k" => fan(9_998),
        _ => chain(5),
    }
}

fn workloads(home: &Home, names: &[&str], rounds: usize) -> Outcome<Value> {
    let mut results = serde_json::Map::new();
    table(&[
        &*format!("workload ({})", home.kind),
        "ninja",
        "make",
        "flowyard relaxed",
        "flowyard strict",
        "relaxed : ninja",
        "strict : ninja",
        "gap p50 / p99 relaxed, by the shims' clock",
        "PSS of the engine",
    ]);
    for name in names {
        results.insert((*name).to_owned(), compare(&home.path.path().join(name), name, &workload(name), rounds)?);
    }
    Ok(Value::Object(results))
}

fn compare(home: &Path, name: &str, graph: &Graph, rounds: usize) -> Outcome<Value> {
    fs::create_dir_all(home)?;
    fs::write(home.join("build.ninja"), ninja_file(graph, &nothing))?;
    fs::write(home.join("Makefile"), make_file(graph, &nothing))?;
    let jobs = SLOTS.to_string();
    let mut relaxed = Engine::start(&home.join("relaxed"), "relaxed", graph, &nothing, None)?;
    let mut strict = Engine::start(&home.join("strict"), "strict", graph, &nothing, None)?;
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut gaps = Vec::new();
    for _ in 0..rounds {
        let mut note = |tool: &'static str, taken: Duration| {
            times.entry(tool).or_default().push(taken.as_secs_f64() * 1e3);
        };
        note("ninja", timed(Command::new("ninja").args(["-j", &jobs, "--quiet"]).current_dir(home))?);
        note("make", timed(Command::new("make").args(["-j", &jobs, "-s"]).current_dir(home))?);
        let (taken, run) = relaxed.run()?;
        note("relaxed", taken);
        gaps.extend(relaxed.gaps(&run, graph)?);
        note("strict", strict.run()?.0);
    }
    let pss = relaxed.most_pss;
    gaps.sort_by(f64::total_cmp);
    let mut of = |tool: &str| times.get_mut(tool).map_or(f64::NAN, |found| median(found));
    let (ninja, make, relaxed, strict) = (of("ninja"), of("make"), of("relaxed"), of("strict"));
    let tasks = graph.len() as f64;
    let (p50, p99) = (percentile(&gaps, 0.5), percentile(&gaps, 0.99));
    println!(
        "| {name} | {:.3} | {:.3} | {:.3} | {:.3} | {:.2} | {:.2} | {p50:.2} / {p99:.2} ms | {pss:.1} MB |",
        ninja / tasks,
        make / tasks,
        relaxed / tasks,
        strict / tasks,
        relaxed / ninja,
        strict / ninja
    );
    Ok(json!({
        "tasks": graph.len(), "ninja_ms": ninja, "make_ms": make, "relaxed_ms": relaxed, "strict_ms": strict,
        "ratio": relaxed / ninja, "ratio_strict": strict / ninja, "gap_p50_ms": p50, "gap_p99_ms": p99, "pss_mb": pss,
    }))
}

/// How long the program itself takes to start, and to run one task with the engine up and down.
fn starts(folder: &Path, rounds: usize) -> Outcome<Value> {
    let engine = Engine::start(folder, "relaxed", &chain(1), &nothing, None)?;
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
    // Nanoseconds on a processor, by thread: one that ends meanwhile takes its count along, so only those that stay are compared.
    let used = || -> BTreeMap<std::ffi::OsString, f64> {
        let threads = fs::read_dir(format!("/proc/{}/task", engine.process.id())).into_iter().flatten().flatten();
        let spent = |path: PathBuf| fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse::<f64>().ok();
        threads.filter_map(|thread| Some((thread.file_name(), spent(thread.path())?))).collect()
    };
    let before = used();
    std::thread::sleep(Duration::from_secs(20));
    let spent: f64 = used().iter().filter_map(|(thread, now)| Some(now - before.get(thread)?)).sum();
    let idle = spent / 20e9 * 100.0;
    drop(engine);
    let mut down = Vec::new();
    for _ in 0..rounds {
        timed(&mut command(&["engine", "stop"]))?;
        down.push(timed(&mut command(&["run", "p"]))?.as_secs_f64() * 1e3);
    }
    timed(&mut command(&["engine", "stop"]))?;
    let down = median(&mut down);
    println!("`--version` {version:.1} ms; `run` of one task: engine up {up:.1} ms, down {down:.1} ms; idle engine {idle:.4} % CPU");
    Ok(json!({ "version_ms": version, "run_up_ms": up, "run_down_ms": down, "idle_percent": idle }))
}

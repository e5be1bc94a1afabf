//! From the end of a task to the start of the next, by the clock of the tasks themselves, on a quiet disk and on a slow one.

use crate::{
    Outcome,
    engine::Engine,
    graphs::{chain, ninja_file},
    percentile, timed,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const TASKS: usize = 1_000;

/// Everyone's, in one run, interleaved.
pub fn measure(home: &Path, rounds: usize) -> Outcome<Value> {
    fs::create_dir_all(home)?;
    let clock = compiled(home, "clock", include_str!("clock.c"), &["-static"])?;
    let slow = compiled(home, "slow_sync.so", include_str!("slow_sync.c"), &["-shared", "-fPIC"])?;
    let rows = home.join("rows");
    let program = |task: usize| vec![clock.display().to_string(), rows.display().to_string(), task.to_string()];
    let graph = chain(TASKS);
    fs::write(home.join("build.ninja"), ninja_file(&graph, &program))?;
    let start = |name: &str, durability: &str, preloaded| Engine::start(&home.join(name), durability, &graph, &program, preloaded);
    let mut engines = [
        ("relaxed", start("relaxed", "relaxed", None)?),
        ("relaxed_slow", start("relaxed_slow", "relaxed", Some(&*slow))?),
        ("strict", start("strict", "strict", None)?),
        ("strict_slow", start("strict_slow", "strict", Some(&*slow))?),
    ];
    let mut found: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..rounds {
        timed(Command::new("ninja").args(["-j1", "--quiet"]).current_dir(home))?;
        found.entry("ninja").or_default().extend(read(&rows)?);
        for (name, engine) in &mut engines {
            engine.run()?;
            found.entry(name).or_default().extend(read(&rows)?);
        }
    }
    let mut results = serde_json::Map::new();
    for name in ["ninja", "relaxed", "relaxed_slow", "strict", "strict_slow"] {
        let Some(gaps) = found.get_mut(name) else { continue };
        gaps.sort_by(f64::total_cmp);
        let (p50, p99) = (percentile(gaps, 0.5), percentile(gaps, 0.99));
        println!("| {} | {p50:.2} / {p99:.2} |", name.replace("_slow", ", each sync + 4 ms"));
        results.insert(format!("{name}_p50_ms"), json!(p50));
        results.insert(format!("{name}_p99_ms"), json!(p99));
    }
    results.insert("tasks".to_owned(), json!(TASKS));
    Ok(Value::Object(results))
}

/// Milliseconds between the rows that the tasks wrote, which are gone then.
fn read(rows: &Path) -> Outcome<Vec<f64>> {
    let bytes = fs::read(rows)?;
    fs::remove_file(rows)?;
    let (pairs, _) = bytes.as_chunks::<16>();
    let rows: Vec<(i64, i64)> = pairs.iter().map(|row| (number(&row[..8]), number(&row[8..]))).collect();
    if rows.len() != TASKS {
        return Err(format!("{} of {TASKS} tasks wrote a row", rows.len()).into());
    }
    Ok(rows.windows(2).map(|two| (two[1].0 - two[0].1) as f64 / 1e6).collect())
}

fn number(bytes: &[u8]) -> i64 {
    i64::from_ne_bytes(bytes.try_into().unwrap_or_default())
}

fn compiled(home: &Path, name: &str, source: &str, options: &[&str]) -> Outcome<PathBuf> {
    let (text, made) = (home.join(format!("{name}.c")), home.join(name));
    fs::write(&text, source)?;
    timed(Command::new("cc").arg("-O2").args(options).arg("-o").args([&made, &text]))?;
    Ok(made)
}

//! HyperQueue and pueue beside the engine, where they are on `PATH`.

use crate::{
    Outcome, SLOTS,
    engine::Engine,
    graphs::{Graph, chain, dag, fan, nothing},
    median, timed,
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Shorter where a tool takes long for each task: what is compared is the time per task.
fn workloads() -> [(&'static str, Graph, Option<Graph>); 4] {
    [("chain", chain(200), Some(chain(20))), ("fan", fan(1_000), Some(fan(50))), ("dag", dag(1_000), None), ("fan10k", fan(9_998), None)]
}

/// Milliseconds per task; of a tool that is not there nothing.
pub fn measure(home: &Path, rounds: usize) -> Outcome<Value> {
    fs::create_dir_all(home)?;
    fs::write(home.join("with_hyperqueue.py"), include_str!("with_hyperqueue.py"))?;
    let mut results = serde_json::Map::new();
    for (name, graph, short) in workloads() {
        let mut engine = Engine::start(&home.join(name), "relaxed", &graph, &nothing, None)?;
        let (mut ours, mut hyperqueue, mut pueue) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(engine.run()?.0.as_secs_f64() * 1e3 / graph.len() as f64);
            hyperqueue.extend(run_hyperqueue(home, &graph)?.map(|all| all / graph.len() as f64));
        }
        if let Some(graph) = short {
            pueue.extend(run_pueue(&home.join(format!("pueue-{name}")), &graph)?.map(|all| all / graph.len() as f64));
        }
        let ours = median(&mut ours);
        let [hyperqueue, pueue] = [hyperqueue, pueue].map(|mut times| (!times.is_empty()).then(|| median(&mut times)));
        let said = |of: Option<f64>| of.map_or_else(|| "not present".to_owned(), |of| format!("{of:.3} ({:.4})", ours / of));
        println!("| {name} | {ours:.3} | {} | {} |", said(hyperqueue), said(pueue));
        results.insert(
            name.to_owned(),
            json!({ "relaxed_ms": ours, "hyperqueue_ms": hyperqueue, "pueue_ms": pueue, "ratio_hyperqueue": hyperqueue.map(|of| ours / of) }),
        );
    }
    Ok(Value::Object(results))
}

fn run_hyperqueue(home: &Path, graph: &Graph) -> Outcome<Option<f64>> {
    let mut python = Command::new("python3");
    python.arg("with_hyperqueue.py").arg(home.join("hyperqueue-work")).arg(SLOTS.to_string()).current_dir(home);
    fs::create_dir_all(home.join("hyperqueue-work"))?;
    let Ok(mut process) = python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else { return Ok(None) };
    if let Some(mut input) = process.stdin.take() {
        // One that leaves at once, because there is no HyperQueue, does not read.
        let _ = input.write_all(&serde_json::to_vec(graph)?);
    }
    let output = process.wait_with_output()?;
    match output.status.code() {
        Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).trim().parse()?)),
        Some(3) => Ok(None),
        _ => Err(format!("HyperQueue: {}", output.status).into()),
    }
}

/// A daemon of its own that is asked to leave.
struct Pueue<'a> {
    home: &'a Path,
    daemon: Child,
}

impl Pueue<'_> {
    fn client(&self) -> Command {
        let mut command = Command::new("pueue");
        command.arg("-c").arg(self.home.join("pueue.yml")).current_dir(self.home).stderr(Stdio::null());
        command
    }
}

impl Drop for Pueue<'_> {
    fn drop(&mut self) {
        let _ = timed(self.client().arg("shutdown"));
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// All is added while the queue is paused; what counts is from the first start to the last end, by pueue's own clock.
fn run_pueue(home: &Path, graph: &Graph) -> Outcome<Option<f64>> {
    fs::create_dir_all(home)?;
    let folder = home.display();
    fs::write(
        home.join("pueue.yml"),
        format!(
            "shared:\n  pueue_directory: {folder}\n  runtime_directory: {folder}\n  use_unix_socket: true\nclient: {{}}\ndaemon: {{}}\n"
        ),
    )?;
    let mut daemon = Command::new("pueued");
    daemon.arg("-c").arg(home.join("pueue.yml")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(daemon) = daemon.spawn() else { return Ok(None) };
    let pueue = Pueue { home, daemon };
    let deadline = Instant::now() + Duration::from_secs(10);
    while timed(pueue.client().arg("status")).is_err() {
        if Instant::now() > deadline {
            return Err("pueued does not come up".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    timed(pueue.client().args(["parallel", &SLOTS.to_string()]))?;
    timed(pueue.client().arg("pause"))?;
    for upstream in graph {
        let mut add = pueue.client();
        add.arg("add");
        if !upstream.is_empty() {
            add.arg("--after").args(upstream.iter().map(usize::to_string));
        }
        timed(add.args(["--", "/bin/true"]))?;
    }
    timed(pueue.client().arg("start"))?;
    timed(pueue.client().args(["wait", "--quiet"]))?;
    let status: Value = serde_json::from_slice(&pueue.client().args(["status", "--json"]).output()?.stdout)?;
    let tasks: Vec<&Value> = status["tasks"].as_object().ok_or("pueue tells of no tasks")?.values().collect();
    let at = |task: &Value, what: &str| -> Outcome<i64> {
        let text = task["status"]["Done"][what].as_str().ok_or("a task of pueue is not done")?;
        Ok(chrono::DateTime::parse_from_rfc3339(text)?.timestamp_micros())
    };
    let starts: Vec<i64> = tasks.iter().map(|task| at(task, "start")).collect::<Outcome<_>>()?;
    let ends: Vec<i64> = tasks.iter().map(|task| at(task, "end")).collect::<Outcome<_>>()?;
    let (first, last) = (starts.into_iter().min().unwrap_or(0), ends.into_iter().max().unwrap_or(0));
    Ok(Some((last - first) as f64 / 1e3))
}

//! A real engine in a process of its own, and a client of it.

use crate::{
    Outcome, SLOTS,
    graphs::{Graph, Program, pipeline_file},
};
use flowyard::{
    config::WorkspaceConfig,
    model::{Command as Ask, Reply, Request, RunId, RunRow, TriggerRequest},
    runtime::{Attach, Handle, RunFilter, workspace},
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The binary that is measured.
pub const FLOWYARD: &str = env!("CARGO_BIN_EXE_flowyard");

/// It ends with this value.
pub struct Engine {
    pub process: Child,
    pub handle: Handle,
    /// The most memory of the engine alone that was seen while it ran tasks, in MB.
    pub most_pss: f64,
}

impl Engine {
    /// Starts one in a new workspace with one pipeline, `p`. `preloaded` is a library that takes the place of functions of the system's.
    pub fn start(folder: &Path, durability: &str, graph: &Graph, program: Program, preloaded: Option<&Path>) -> Outcome<Self> {
        fs::create_dir_all(folder.join("pipelines"))?;
        fs::write(folder.join("pipelines/p.toml"), pipeline_file(graph, program))?;
        fs::write(folder.join("flowyard.toml"), format!("[engine]\nslots = {SLOTS}\ndurability = \"{durability}\"\n"))?;
        let mut engine = Command::new(FLOWYARD);
        engine.arg("engine").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        engine.envs(preloaded.map(|library| ("LD_PRELOAD", library)));
        let process = engine.spawn()?;
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
        Ok(Self { process, handle, most_pss: 0.0 })
    }

    /// From the request until the end of the run is in the database.
    pub fn run(&mut self) -> Outcome<(Duration, RunRow)> {
        let passed = WorkspaceConfig::default().pass_env;
        let env = flowyard::runtime::user::environment(&passed).0;
        let request = TriggerRequest {
            pipeline: "p".into(),
            params: BTreeMap::new(),
            env,
            logical_date: None,
            idempotency_key: None,
            watched: false,
        };
        let begun = Instant::now();
        let reply = self.handle.send(Request {
            command: Ask::Trigger(request),
            by: "bench".to_owned(),
            reason: None,
            secrets: Default::default(),
        })?;
        let Reply::Done { run: Some(id), .. } = reply else { return Err(format!("{reply:?}").into()) };
        let mut looked = begun;
        loop {
            // Seldom: reading it costs a millisecond.
            if looked.elapsed() > Duration::from_millis(400) {
                looked = Instant::now();
                self.most_pss = self.most_pss.max(pss(&self.process.id().to_string()).unwrap_or(f64::NAN));
            }
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
    pub fn gaps(&self, run: &RunRow, graph: &Graph) -> Outcome<Vec<f64>> {
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

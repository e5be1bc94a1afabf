//! `flowyard resources`: what attempts share, what each takes, and what waits for what.

use super::{
    Failure,
    context::{Access, Context},
    term::{Cell, Style, table},
    text::{elapsed, instance},
};
use crate::{
    model::{AttemptFiles, GpuSnapshot, QueueEntry, ResourcesSnapshot, RunId, RunState, RunningSnapshot, Usage, Wait},
    runtime::{Handle, RunFilter, clock},
    stdx::{duration, size},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What people call runs.
type Names = BTreeMap<RunId, String>;

/// Show slots, pools, processors, memory, GPUs, what running tasks take, and why the others wait
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard resources")]
pub struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Shows.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let handle = context.handle(Access::Look)?;
    let disk = handle.disk_space();
    let Some(found) = handle.resources()? else {
        if args.json {
            context.json(&json!({ "running_engine": false, "disk": disk }))?;
        } else {
            let open = handle.runs(&RunFilter { state: Some(RunState::Running), limit: 1, ..RunFilter::default() })?;
            let so = if open.is_empty() { "so nothing runs and nothing waits" } else { "but a run is open, and its tasks may go on" };
            context.print(&format!("no engine owns this workspace, {so}\n"))?;
        }
        return Ok(0);
    };
    let usages: Vec<Option<Usage>> = found.running.iter().map(|one| usage(&handle, one)).collect();
    if args.json {
        let mut object = json!(found);
        object["running_engine"] = json!(true);
        object["disk"] = json!(disk);
        for (running, usage) in object["running"].as_array_mut().into_iter().flatten().zip(&usages) {
            running["usage"] = json!(usage);
        }
        for (shown, entry) in object["queue"].as_array_mut().into_iter().flatten().zip(&found.queue) {
            shown["reasons"] = Value::from(reasons(entry));
        }
        context.json(&object)?;
    } else {
        let names = handle.run_names(found.runs())?;
        context.print(&describe(&found, &usages, disk, &names, context))?;
    }
    Ok(0)
}

fn usage(handle: &Handle, running: &RunningSnapshot) -> Option<Usage> {
    handle.usage(&AttemptFiles::new(&running.folder).stdout())
}

/// What an entry of the queue waits for; one that waits for nothing is next.
fn reasons(entry: &QueueEntry) -> Vec<String> {
    if entry.waits.is_empty() { vec!["it starts next".to_owned()] } else { entry.waits.iter().map(Wait::to_string).collect() }
}

fn describe(found: &ResourcesSnapshot, usages: &[Option<Usage>], disk: Option<(u64, u64)>, names: &Names, context: &Context) -> String {
    let mut shares = vec![
        share("slots", found.slots.0.to_string(), found.slots.1.to_string()),
        share("cpu", found.cpu.0.to_string(), found.cpu.1.to_string()),
        share("memory", size::short(found.memory.0), size::short(found.memory.1)),
    ];
    shares.extend(found.pools.iter().map(|pool| share(&format!("pool {}", pool.name), pool.used.to_string(), pool.slots.to_string())));
    shares.extend(found.gpus.iter().map(|gpu| share(&format!("gpu {}", gpu.index), holder(gpu), gpu.name.clone())));
    if let Some((free, all)) = disk {
        shares.push(share("disk", size::short(all - free.min(all)), size::short(all)));
    }
    let mut text = table(&context.out, &["SHARED", "TAKEN", "OF"], &shares);
    text.push('\n');
    if found.running.is_empty() {
        text.push_str("nothing runs\n");
    } else {
        let lines: Vec<Vec<Cell>> = found.running.iter().zip(usages).map(|(one, usage)| running(one, *usage, names)).collect();
        text.push_str(&table(&context.out, &["RUNNING", "RUN", "TRY", "FOR", "CPU", "MEMORY", "PEAK", "READ", "WRITTEN"], &lines));
    }
    if found.sensors() > 0 {
        text.push_str(&format!("\n{}\n", sensors(found.sensors())));
    }
    text.push('\n');
    if found.queue.is_empty() {
        text.push_str("nothing waits\n");
    } else {
        let lines: Vec<Vec<Cell>> = found.queue.iter().map(|entry| waiting(entry, names)).collect();
        text.push_str(&table(&context.out, &["WAITING", "RUN", "FOR", "WHY"], &lines));
    }
    text
}

/// They are among what runs, and take no slot.
fn sensors(number: usize) -> String {
    if number == 1 { "1 sensor waits, without a slot".to_owned() } else { format!("{number} sensors wait, without a slot") }
}

fn share(what: &str, taken: String, all: String) -> Vec<Cell> {
    vec![Cell::from(what), Cell::from(taken), Cell::styled(all, Style::dim())]
}

fn holder(gpu: &GpuSnapshot) -> String {
    match (&gpu.leased_to, &gpu.foreign) {
        (Some(attempt), _) => instance(&attempt.task.task, attempt.task.map_index),
        (None, Some(who)) => format!("pid {} of {}", who.pid, who.user),
        (None, None) => "free".to_owned(),
    }
}

fn name(names: &Names, run: &RunId) -> String {
    names.get(run).cloned().unwrap_or_else(|| run.to_string())
}

fn running(one: &RunningSnapshot, usage: Option<Usage>, names: &Names) -> Vec<Cell> {
    let key = &one.attempt.task;
    let mut cells = vec![
        Cell::from(instance(&key.task, key.map_index)),
        Cell::from(name(names, &key.run)),
        Cell::from(one.attempt.attempt.to_string()),
        Cell::from(duration::short(elapsed(one.since, clock::now()))),
    ];
    // A task that has just begun was not measured yet.
    let measured = |of: fn(&Usage) -> String| Cell::from(usage.as_ref().map(of).unwrap_or_default());
    cells.push(measured(|usage| duration::short(std::time::Duration::from_millis(usage.cpu_millis))));
    cells.push(measured(|usage| size::short(usage.memory)));
    cells.push(measured(|usage| size::short(usage.peak_memory)));
    cells.push(measured(|usage| size::short(usage.read_bytes)));
    cells.push(measured(|usage| size::short(usage.written_bytes)));
    cells
}

fn waiting(entry: &QueueEntry, names: &Names) -> Vec<Cell> {
    vec![
        Cell::from(instance(&entry.task.task, entry.task.map_index)),
        Cell::from(name(names, &entry.task.run)),
        Cell::from(duration::short(elapsed(entry.since, clock::now()))),
        Cell::from(reasons(entry).join("; ")),
    ]
}

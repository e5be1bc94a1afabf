//! The command line, environment and folder of one attempt.

use super::params;
use crate::{
    expr::{
        Scope,
        template::{self, Style},
    },
    model::{
        Action, AttemptFiles, AttemptKey, Condition, DataInterval, InputSource, Job, JobInput, JobOutput, Origin, Pipeline, Secrets,
        Sensor, Task, Ticket, sensor::When,
    },
    stdx::{ids::as_identifier, time::Timestamp},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A longer value stands only in `attempt.json`: one environment string on Linux holds at most 128 KiB, all of them share a few MiB.
const LONGEST_VARIABLE: usize = 32 * 1024;

/// What is known when an attempt is about to start.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// The run's definition.
    pub pipeline: &'a Pipeline,
    /// The task.
    pub task: &'a Task,
    /// The attempt.
    pub key: AttemptKey,
    /// Indices of the GPUs leased to it.
    pub gpus: Vec<u32>,
    /// Counts generations of the task instance from 1; retry keeps it.
    pub generation: u32,
    /// The time the run stands for.
    pub logical_date: Timestamp,
    /// What started the run, where nobody asked for it.
    pub origin: Option<&'a Origin>,
    /// `params`, `tasks`, `run` and `git`; inputs and outputs are filled in by [`ticket`].
    pub scope: Scope,
    /// Artifacts of upstream outputs, by input name.
    pub inputs: BTreeMap<String, JobInput>,
    /// The environment of whoever started the run, filtered.
    pub run_env: &'a BTreeMap<String, String>,
    /// Values of the run's secret params, as far as they are known.
    pub secrets: &'a Secrets,
    /// `[env]` of the workspace.
    pub workspace_env: &'a BTreeMap<String, String>,
    /// The workspace, absolute.
    pub workspace: PathBuf,
    /// The state folder, absolute.
    pub state_dir: PathBuf,
    /// The attempt's folder, absolute.
    pub folder: PathBuf,
    /// This program, for components.
    pub program: PathBuf,
    /// The shell for `run`: `bash` with `pipefail` if it is there, else `sh`.
    pub shell: Shell,
}

/// Which shell runs `run` scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// `bash -euo pipefail -c`.
    Bash,
    /// `sh -eu -c`.
    Sh,
}

impl Shell {
    fn argv(self, script: String) -> Vec<String> {
        let start: &[&str] = match self {
            Self::Bash => &["bash", "-euo", "pipefail", "-c"],
            Self::Sh => &["sh", "-eu", "-c"],
        };
        start.iter().map(|part| (*part).to_owned()).chain([script]).collect()
    }
}

/// What to start, and what the task is told.
///
/// # Errors
/// A sentence that names the template that cannot be rendered, or the value that is too long.
pub fn ticket(launch: &Launch<'_>) -> Result<(Ticket, Job), String> {
    let files = AttemptFiles::new(&launch.folder);
    let mut scope = launch.scope.clone();
    scope.run.entry("id").or_insert_with(|| launch.key.task.run.as_str().into());
    scope.run.entry("logical_date").or_insert_with(|| date(launch.logical_date).into());
    scope.inputs.clear();
    scope.outputs.clear();
    let inputs = inputs(launch, &scope)?;
    scope.inputs = inputs.iter().map(|(name, input)| (name.clone(), text_of(&input.path).into())).collect();
    let outputs = outputs(launch, &files, &scope)?;
    scope.outputs = outputs.iter().map(|(name, output)| (name.clone(), text_of(&output.path).into())).collect();

    let job = job(launch, &files, &scope, inputs, outputs)?;
    let secrets = secrets(launch)?;
    let mut env = environment(launch, &files, &scope, &job)?;
    env.retain(|name, _| !secrets.contains_key(name));
    let ticket = Ticket {
        key: launch.key.clone(),
        folder: launch.folder.clone(),
        argv: argv(launch, &scope)?,
        env,
        secrets,
        cwd: match &launch.task.cwd {
            Some(cwd) => launch.workspace.join(render("cwd", cwd, &scope)?),
            None => launch.workspace.clone(),
        },
        timeout: launch.task.timeout,
        grace: launch.task.grace,
        max_log: None,
    };
    Ok((ticket, job))
}

fn render(key: &str, text: &str, scope: &Scope) -> Result<String, String> {
    template::render(text, Style::Plain, scope).map_err(|error| format!("`{key}`: {error}"))
}

fn date(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn inputs(launch: &Launch<'_>, scope: &Scope) -> Result<BTreeMap<String, JobInput>, String> {
    let mut inputs = BTreeMap::new();
    for input in &launch.task.inputs {
        let value = match &input.source {
            InputSource::Path { path } => {
                let path = render(&format!("inputs.{}", input.name), path, scope)?;
                JobInput { path: launch.workspace.join(path), artifact_type: None, artifact: None }
            }
            InputSource::Output { task, output } => match launch.inputs.get(&input.name) {
                Some(artifact) => artifact.clone(),
                // The task may have been skipped by a person; what it would have written is not there.
                None => return Err(format!("`inputs.{}`: task `{task}` has written no `{output}`", input.name)),
            },
        };
        inputs.insert(input.name.clone(), value);
    }
    Ok(inputs)
}

fn outputs(launch: &Launch<'_>, files: &AttemptFiles, scope: &Scope) -> Result<BTreeMap<String, JobOutput>, String> {
    let mut outputs = BTreeMap::new();
    for output in &launch.task.outputs {
        let path = match &output.path {
            Some(path) => {
                let key = format!("outputs.{}.path", output.name);
                launch.workspace.join(inside(&key, render(&key, path, scope)?)?)
            }
            None => files.staged(&output.name),
        };
        outputs.insert(output.name.clone(), JobOutput { path, artifact_type: output.artifact_type.clone() });
    }
    Ok(outputs)
}

/// A value of a param must not lead a task out of its workspace, as the reader of the file made sure the rest of the path does not.
fn inside(key: &str, path: String) -> Result<String, String> {
    let stays = Path::new(&path).components().all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
    if stays && !path.is_empty() { Ok(path) } else { Err(format!("`{key}` leaves the workspace: `{path}`")) }
}

fn argv(launch: &Launch<'_>, scope: &Scope) -> Result<Vec<String>, String> {
    match &launch.task.action {
        Action::Run { script } => {
            let script = template::render(script, Style::Shell, scope).map_err(|error| format!("`run`: {error}"))?;
            Ok(launch.shell.argv(script))
        }
        Action::Argv { argv } => argv.iter().map(|text| render("argv", text, scope)).collect(),
        Action::Component { name, .. } => Ok(vec![text_of(&launch.program), "__component".into(), name.clone()]),
        Action::Sensor { sensor } => {
            let look = match condition(sensor, launch.logical_date, scope)? {
                Condition::Command { script, .. } => launch.shell.argv(script),
                Condition::Asset { asset } => asset_look(launch, asset),
                Condition::File { .. } | Condition::Time { .. } | Condition::Http { .. } => Vec::new(),
            };
            Ok([text_of(&launch.program), "__sensor".into()].into_iter().chain(look).collect())
        }
    }
}

/// The history is asked by another process, so that the one that waits stays small.
fn asset_look(launch: &Launch<'_>, asset: String) -> Vec<String> {
    let (program, state_dir) = (text_of(&launch.program), text_of(&launch.state_dir));
    let task = &launch.key.task;
    vec![program, "__asset".into(), state_dir, asset, launch.pipeline.id.to_string(), task.task.to_string(), task.run.to_string()]
}

/// What a sensor waits for, with values for names, and a moment for each time.
fn condition(sensor: &Sensor, logical_date: Timestamp, scope: &Scope) -> Result<Condition, String> {
    let mut condition = sensor.condition.clone();
    match &mut condition {
        Condition::File { pattern, .. } => *pattern = inside("file", render("file", pattern, scope)?)?,
        Condition::Command { script, .. } => {
            *script = template::render(script, Style::Shell, scope).map_err(|error| format!("`command`: {error}"))?;
        }
        Condition::Time { time, timezone, offset } => {
            let when = When::parse(&render("time", time, scope)?).map_err(|why| format!("`time`: {why}"))?;
            let zone = timezone.parse().map_err(|_| format!("there is no time zone `{timezone}`"))?;
            let later = chrono::TimeDelta::from_std(*offset).ok().and_then(|offset| when.at(zone, logical_date).checked_add_signed(offset));
            *time = date(later.ok_or("`offset` leads out of the calendar")?);
            *offset = std::time::Duration::ZERO;
        }
        Condition::Asset { .. } => {}
        Condition::Http { url, contains, .. } => {
            *url = render("http", url, scope)?;
            *contains = contains.as_ref().map(|text| render("contains", text, scope)).transpose()?;
        }
    }
    Ok(condition)
}

fn job(
    launch: &Launch<'_>,
    files: &AttemptFiles,
    scope: &Scope,
    inputs: BTreeMap<String, JobInput>,
    outputs: BTreeMap<String, JobOutput>,
) -> Result<Job, String> {
    let mut with = serde_json::Map::new();
    if let Action::Component { with: arguments, .. } = &launch.task.action {
        for (name, value) in &**arguments {
            let value = template::render_json(value, scope).map_err(|error| format!("`with.{name}`: {error}"))?;
            with.insert(name.clone(), value);
        }
    }
    if let Action::Sensor { sensor } = &launch.task.action {
        let rendered = Sensor { condition: condition(sensor, launch.logical_date, scope)?, ..Sensor::clone(sensor) };
        with.insert(Sensor::ARGUMENT.into(), serde_json::to_value(rendered).map_err(|error| error.to_string())?);
    }
    Ok(Job {
        run_id: launch.key.task.run.clone(),
        pipeline: launch.pipeline.id.clone(),
        task: launch.task.id.clone(),
        attempt: launch.key.attempt,
        workspace: launch.workspace.clone(),
        params: scope.params.clone(),
        with,
        inputs,
        outputs,
        metrics_file: match &launch.task.metrics {
            Some(path) => launch.workspace.join(path),
            None => files.metrics(),
        },
        output_file: files.output_parameters(),
    })
}

/// What the task finds in its environment and nobody else is told: each secret under the param's variable and under its own.
/// Components read no environment, and of sensors only a script does.
fn secrets(launch: &Launch<'_>) -> Result<Secrets, String> {
    let mut found = Secrets::new();
    let reads = match &launch.task.action {
        Action::Run { .. } | Action::Argv { .. } => true,
        Action::Component { .. } => false,
        Action::Sensor { sensor } => matches!(sensor.condition, Condition::Command { .. }),
    };
    if !reads {
        return Ok(found);
    }
    for (param, variable) in params::secret_params(&launch.pipeline.params) {
        let Some(secret) = launch.secrets.get(&param.name) else {
            let run = &launch.key.task.run;
            return Err(format!(
                "the value of the secret param `{}` is gone with the engine that had it: export {variable} with it, then `flowyard retry {run}`",
                param.name
            ));
        };
        found.insert(param.task_variable(), secret.clone());
        found.insert(variable.to_owned(), secret.clone());
    }
    Ok(found)
}

fn environment(launch: &Launch<'_>, files: &AttemptFiles, scope: &Scope, job: &Job) -> Result<BTreeMap<String, String>, String> {
    let mut env = launch.run_env.clone();
    env.entry("PYTHONUNBUFFERED".into()).or_insert_with(|| "1".into());
    env.extend(launch.workspace_env.clone());
    for (name, value) in &launch.task.env {
        env.insert(name.clone(), render(&format!("env.{name}"), value, scope)?);
    }
    env.extend(own_variables(launch, files, job));
    Ok(env)
}

/// The `FLOWYARD_*` variables and the leased devices. Nothing that the task is given can replace one of them.
fn own_variables(launch: &Launch<'_>, files: &AttemptFiles, job: &Job) -> BTreeMap<String, String> {
    let key = &launch.key;
    let logical_date = date(launch.logical_date);
    // A run started by a person stands for a moment: its interval is empty.
    let moment = DataInterval { start: launch.logical_date, end: launch.logical_date };
    let interval = launch.origin.and_then(|origin| origin.data_interval).unwrap_or(moment);
    let idempotency = format!("{}/{}/{}", key.task.run, key.task.folder(), launch.generation);
    let mut variables: BTreeMap<String, String> = [
        ("RUN_ID", key.task.run.to_string()),
        ("PIPELINE", launch.pipeline.id.to_string()),
        ("TASK", launch.task.id.to_string()),
        ("ATTEMPT", key.attempt.to_string()),
        ("LOGICAL_DATE", logical_date),
        ("DATA_INTERVAL_START", date(interval.start)),
        ("DATA_INTERVAL_END", date(interval.end)),
        ("IDEMPOTENCY_KEY", idempotency),
        ("OUTPUT", text_of(&files.output_parameters())),
        ("METRICS", text_of(&job.metrics_file)),
        ("WORK_DIR", text_of(files.folder())),
        ("INPUTS_FILE", text_of(&files.plan())),
    ]
    .into_iter()
    .map(|(name, value)| (format!("FLOWYARD_{name}"), value))
    .collect();
    let handed = launch.origin.into_iter().flat_map(|origin| &origin.variables);
    variables.extend(handed.map(|(name, value)| (format!("FLOWYARD_TRIGGER_{name}"), value.clone())));
    if !launch.gpus.is_empty() {
        let devices: Vec<String> = launch.gpus.iter().map(u32::to_string).collect();
        variables.insert("CUDA_VISIBLE_DEVICES".into(), devices.join(","));
        // CUDA counts the fastest first unless it is told to count as nvidia-smi does.
        variables.insert("CUDA_DEVICE_ORDER".into(), "PCI_BUS_ID".into());
    }
    if launch.task.checkpoint {
        variables.insert("FLOWYARD_CHECKPOINT_DIR".into(), text_of(&files.checkpoint()));
    }
    if let Some(index) = key.task.map_index {
        variables.insert("FLOWYARD_MAP_INDEX".into(), index.to_string());
    }
    let mut add = |kind: &str, name: &str, value: String| {
        if value.len() <= LONGEST_VARIABLE {
            variables.insert(format!("FLOWYARD_{kind}_{}", as_identifier(name).to_uppercase()), value);
        }
    };
    for (name, value) in &job.params {
        add("PARAM", name, template::plain(value));
    }
    for (name, input) in &job.inputs {
        add("INPUT", name, text_of(&input.path));
    }
    for (name, output) in &job.outputs {
        add("OUTPUT", name, text_of(&output.path));
    }
    variables
}

#[cfg(test)]
mod tests;

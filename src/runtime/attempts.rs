//! One attempt at its two ends: what must be on disk before it starts, and what it left when it is over.

use super::clock;
use crate::{
    artifacts::{self, Wanted},
    engine::{Report, Run},
    executors::shim::{self, mask, spawner},
    model::{
        AttemptFiles, AttemptKey, End, InputSource, Job, JobInput, Plan, Secrets, Task, Ticket, Verdict, attempt::MAX_OUTPUT_PARAMETERS,
        record::ArtifactRecord,
    },
    plan::launch::{self, Launch, Shell},
    stdx::atomic,
};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Metrics up to this many bytes are read between two decisions; longer ones beside them.
const LIGHT_METRICS: u64 = 256 * 1024;

/// How many bytes at the end of each log a policy of retries looks at.
const LOG_TAIL: u64 = 16 * 1024;

/// What is the same for all attempts of a workspace.
#[derive(Debug, Clone)]
pub struct Yard {
    /// The workspace, absolute.
    pub workspace: PathBuf,
    /// The state folder, absolute.
    pub state_dir: PathBuf,
    /// `[env]` of the workspace.
    pub env: BTreeMap<String, String>,
    /// This program, for components.
    pub program: PathBuf,
    /// The shell of `run` scripts.
    pub shell: Shell,
    /// Longest log of each stream in bytes.
    pub max_log: Option<u64>,
}

/// Why an attempt cannot be given to its executor.
#[derive(Debug)]
pub struct Unprepared {
    /// A sentence.
    pub message: String,
    /// It is for want of something that comes back: a free descriptor, memory.
    pub may_pass: bool,
    /// It is for want of room on the disk.
    pub disk_full: bool,
}

impl From<String> for Unprepared {
    fn from(message: String) -> Self {
        Self { message, may_pass: false, disk_full: false }
    }
}

impl Yard {
    /// The folder of an attempt.
    pub fn folder(&self, key: &AttemptKey) -> PathBuf {
        self.state_dir.join(key.folder())
    }

    /// Makes the attempt's folder with all that the task will read but the secrets, which go with the ticket alone.
    ///
    /// # Errors
    /// A template that cannot be rendered, a secret that is not known, or what the file system says.
    pub fn prepare(&self, run: &Run, position: usize, key: &AttemptKey, secrets: Option<&Secrets>) -> Result<Ticket, Unprepared> {
        let none = Secrets::new();
        let (mut ticket, job) = launch::ticket(&self.launch(run, position, key, secrets.unwrap_or(&none))?)?;
        ticket.max_log = self.max_log;
        if run.task_def(position).checkpoint {
            let folder = AttemptFiles::new(&ticket.folder).checkpoint();
            atomic::create_private_dir(&folder).map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
        }
        let plan = Plan::new(job, &ticket, run.task_def(position).clone());
        self.write_down(&plan, &AttemptFiles::new(&ticket.folder)).map_err(|error| Unprepared {
            message: format!("cannot prepare {}: {error}", ticket.folder.display()),
            may_pass: shim::may_pass(&error),
            disk_full: error.kind() == io::ErrorKind::StorageFull,
        })?;
        Ok(ticket)
    }

    fn launch<'a>(&'a self, run: &'a Run, position: usize, key: &AttemptKey, secrets: &'a Secrets) -> Result<Launch<'a>, String> {
        let task = run.task_def(position);
        Ok(Launch {
            pipeline: &run.record.definition,
            task,
            key: key.clone(),
            generation: run.tasks[position].generation,
            gpus: run.attempts.get(&position).map(|attempt| attempt.gpus.clone()).unwrap_or_default(),
            logical_date: run.record.logical_date,
            origin: run.record.origin.as_deref(),
            scope: run.scope(position),
            inputs: inputs(run, task)?,
            run_env: &run.record.env,
            secrets,
            workspace_env: &self.env,
            workspace: self.ground(run).to_owned(),
            state_dir: self.state_dir.clone(),
            folder: self.folder(key),
            program: spawner::still_there(&self.program).to_owned(),
            shell: self.shell,
        })
    }

    /// The folder in which the tasks of a run start: the workspace, or its own checkout.
    fn ground<'a>(&'a self, run: &'a Run) -> &'a Path {
        run.record.origin.as_ref().and_then(|origin| origin.checkout.as_deref()).unwrap_or(&self.workspace)
    }

    /// Files that only some tasks write, such as metrics, are made by them.
    fn write_down(&self, plan: &Plan, files: &AttemptFiles) -> io::Result<()> {
        atomic::create_private_dir(files.folder())?;
        for output in plan.job.outputs.values() {
            if let Some(parent) = output.path.parent() {
                // An output with a place of its own in the workspace gets ordinary folders; those of ours are private.
                if parent.starts_with(files.folder()) { atomic::create_private_dir(parent)? } else { fs::create_dir_all(parent)? }
            }
        }
        // Nobody looks for it before the attempt begins, so it needs no rename to be whole.
        atomic::create_private(&files.plan())?.write_all(&serde_json::to_vec_pretty(plan)?)
    }

    /// What must be read when the attempt is over; taken from the run beforehand, so that reading can go on beside the engine.
    pub fn leftovers(&self, run: &Run, task: &Task, key: &AttemptKey, secrets: Option<&Secrets>) -> Leftovers {
        let files = AttemptFiles::new(self.folder(key));
        let wanted = task.outputs.iter().map(|output| Wanted {
            name: output.name.clone(),
            artifact_type: output.artifact_type.clone(),
            path: PathBuf::new(),
            fixed: output.path.is_some(),
        });
        Leftovers {
            key: key.clone(),
            wanted: wanted.collect(),
            assets: task.outputs.iter().filter_map(|output| Some((output.name.clone(), output.asset.clone()?))).collect(),
            wants_log: task.retry_on.as_ref().is_some_and(|policy| policy.log.is_some()),
            metrics: task.metrics.as_ref().map_or_else(|| files.metrics(), |path| self.ground(run).join(path)),
            objects: self.state_dir.join("artifacts"),
            secrets: secrets.cloned().unwrap_or_default(),
            files,
        }
    }
}

fn inputs(run: &Run, task: &Task) -> Result<BTreeMap<String, JobInput>, String> {
    let mut found = BTreeMap::new();
    for input in &task.inputs {
        // Plain paths are templates of the file, rendered with the rest.
        let InputSource::Output { task: from, output } = &input.source else { continue };
        let id = run.position(from).and_then(|p| run.tasks[p].outputs.get(output)).and_then(Value::as_str);
        let artifact = id
            .and_then(|id| run.artifacts.get(id))
            .ok_or_else(|| format!("input `{}` is not there: `{from}` did not write its output `{output}`", input.name))?;
        found.insert(
            input.name.clone(),
            JobInput {
                path: PathBuf::from(&artifact.uri),
                artifact_type: Some(artifact.artifact_type.clone()),
                artifact: Some(artifact.id.clone()),
            },
        );
    }
    Ok(found)
}

/// What to read of an attempt that is over.
#[derive(Debug, Clone)]
pub struct Leftovers {
    key: AttemptKey,
    wanted: Vec<Wanted>,
    /// Which outputs are versions of assets.
    assets: BTreeMap<String, String>,
    /// Whether what is tried again depends on the log.
    wants_log: bool,
    metrics: PathBuf,
    objects: PathBuf,
    /// They go into no output parameter.
    secrets: Secrets,
    files: AttemptFiles,
}

impl Leftovers {
    /// Whether reading them may take long: files to hash, many lines of metrics.
    pub fn are_heavy(&self) -> bool {
        !self.wanted.is_empty() || fs::metadata(&self.metrics).is_ok_and(|meta| meta.len() > LIGHT_METRICS)
    }

    /// Reads metrics and output parameters, publishes outputs.
    pub fn collect(mut self, verdict: Verdict) -> Report {
        let mut missing = Vec::new();
        let metrics = read_metrics(&self.metrics).unwrap_or_default();
        let mut report = Report { metrics, ..Report::of(verdict) };
        if !matches!(report.verdict.end, End::Exited { code: 0 }) {
            report.log_tail = self.wants_log.then(|| self.log_tail());
            return report;
        }
        match read_output_parameters(&self.files.output_parameters(), &self.secrets) {
            Ok(parameters) => report.output_parameters = parameters,
            Err(why) => missing.push(why),
        }
        match self.publish() {
            Ok(Ok(artifacts)) => report.artifacts = artifacts,
            Ok(Err(why)) => missing.extend(why),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                report.no_room = Some(format!("no room for its outputs: {error}"));
            }
            Err(error) => missing.push(format!("the outputs cannot be read: {error}")),
        }
        report.missing = missing;
        report
    }

    /// The last lines of standard output, then those of standard error; a log that cannot be read has none.
    fn log_tail(&self) -> String {
        let tails = [self.files.stdout(), self.files.stderr()].map(|path| tail(&path).unwrap_or_default());
        tails.concat()
    }

    /// The artifacts that it made, or what of them is missing.
    fn publish(&mut self) -> io::Result<Result<Vec<ArtifactRecord>, Vec<String>>> {
        if self.wanted.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        // Where each was to be written is what the task itself was told.
        let told = fs::read(self.files.plan())?;
        let job: Job = serde_json::from_slice(&told)?;
        for wanted in &mut self.wanted {
            wanted.path = job.outputs.get(&wanted.name).map(|output| output.path.clone()).unwrap_or_default();
        }
        let published = match artifacts::publish(&self.objects, &self.files.published(), &self.wanted)? {
            Ok(published) => published,
            Err(missing) => return Ok(Err(missing)),
        };
        let record = |one: artifacts::Published| ArtifactRecord {
            asset: self.assets.get(&one.name).cloned(),
            id: clock::new_id(),
            artifact_type: one.artifact_type,
            uri: one.uri.display().to_string(),
            hash: one.hash,
            size: one.size,
            name: one.name,
            producer: self.key.clone(),
            created_at: clock::now(),
        };
        Ok(Ok(published.into_iter().map(record).collect()))
    }
}

/// The last whole lines of a file, as far as [`LOG_TAIL`] goes.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let cut = file.metadata()?.len().saturating_sub(LOG_TAIL);
    file.seek(SeekFrom::Start(cut))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL).read_to_end(&mut bytes)?;
    let first = if cut == 0 { 0 } else { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1) };
    let mut text = String::from_utf8_lossy(&bytes[first..]).into_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// The last value of each key of a file of JSON lines; lines that are no objects are left out.
///
/// # Errors
/// What the file system says; a file that is not there is empty.
pub fn read_metrics(path: &Path) -> io::Result<Map<String, Value>> {
    // A pipe would never end, and opening it would wait for its writer.
    let file = match fs::metadata(path).and_then(|meta| meta.is_file().then(|| fs::File::open(path)).transpose()) {
        Ok(Some(file)) => file,
        Ok(None) => return Ok(Map::new()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(error),
    };
    let mut last = Map::new();
    for line in io::BufReader::new(file).split(b'\n') {
        if let Some(values) = metric_line(&String::from_utf8_lossy(&line?)) {
            last.extend(values);
        }
    }
    last.remove("progress");
    Ok(last)
}

/// One line of metrics. Python writes `NaN` and `Infinity`, which are no JSON: they become null, which no gate lets pass.
pub fn metric_line(line: &str) -> Option<Map<String, Value>> {
    let line = line.trim();
    serde_json::from_str(line).ok().or_else(|| {
        let null = line.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
        serde_json::from_str(&null).ok()
    })
}

/// Reads `$FLOWYARD_OUTPUT`: one JSON object, or lines `key=value`, or `key<<END` … `END` for values of several lines.
fn read_output_parameters(path: &Path, secrets: &Secrets) -> Result<Map<String, Value>, String> {
    let fail = |error: io::Error| format!("$FLOWYARD_OUTPUT cannot be read: {error}");
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(fail(error)),
        Ok(meta) if !meta.is_file() => return Err("$FLOWYARD_OUTPUT is no file any more; write to it, do not replace it".to_owned()),
        Ok(meta) if meta.len() > MAX_OUTPUT_PARAMETERS => {
            return Err(format!(
                "$FLOWYARD_OUTPUT holds {} bytes; at most {MAX_OUTPUT_PARAMETERS} are taken: write large values to an output",
                meta.len()
            ));
        }
        Ok(_) => {}
    }
    let text = String::from_utf8_lossy(&fs::read(path).map_err(fail)?).into_owned();
    parse_output_parameters(&mask::hidden(secrets, text)?)
}

fn parse_output_parameters(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| format!("$FLOWYARD_OUTPUT starts like JSON and is none: {error}"));
    }
    let mut found = Map::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let (key, value) = match (line.split_once("<<"), line.split_once('=')) {
            (Some((key, end)), other) if !end.trim().is_empty() && other.is_none_or(|(short, _)| short.len() > key.len()) => {
                let block: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != end.trim()).collect();
                (key, block.join("\n"))
            }
            (_, Some((key, value))) => (key, value.to_owned()),
            _ => return Err(format!("line {} of $FLOWYARD_OUTPUT is not `key=value`: {line:?}", number + 1)),
        };
        let key = key.trim();
        if !crate::stdx::ids::is_valid(key) {
            return Err(format!("line {} of $FLOWYARD_OUTPUT: {key:?} cannot be a name; use letters, digits, `_` and `-`", number + 1));
        }
        found.insert(key.to_owned(), Value::from(value));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn output_parameters_are_lines_blocks_or_one_json_object() {
        let parsed = |text| parse_output_parameters(text).map(Value::from);
        assert_eq!(parsed("rows=50000\npath=a=b\n\n"), Ok(json!({"rows": "50000", "path": "a=b"})));
        assert_eq!(parsed("note<<END\none\ntwo=2\nEND\nx=1"), Ok(json!({"note": "one\ntwo=2", "x": "1"})));
        assert_eq!(parsed(r#" {"rows": 5, "ok": true}"#), Ok(json!({"rows": 5, "ok": true})));
        assert_eq!(parsed(""), Ok(json!({})));
        assert!(parsed("rows").unwrap_err().contains("line 1"));
        assert!(parsed("a=1\n9x=2").unwrap_err().contains("\"9x\""));
        assert!(parsed("{nonsense").unwrap_err().contains("JSON"));
    }

    #[test]
    fn the_last_value_of_a_metric_counts_and_not_a_number_is_kept_as_null() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("metrics.jsonl");
        fs::write(&file, "{\"step\": 1, \"loss\": 0.9, \"progress\": 0.5}\nnoise\n{\"step\": 2, \"loss\": NaN}\n{\"auc\": 0.7}").unwrap();
        assert_eq!(Value::from(read_metrics(&file).unwrap()), json!({"step": 2, "loss": null, "auc": 0.7}));
        assert!(read_metrics(&home.path().join("none")).unwrap().is_empty());
    }
}

//! What starts an attempt, what its folder holds, and what is known when it ended.

use super::{AttemptKey, Secrets};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// Longest `$FLOWYARD_OUTPUT`, in bytes: output parameters are small values, and are copied into the database.
pub const MAX_OUTPUT_PARAMETERS: u64 = 1024 * 1024;

/// Everything an executor needs to start one attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Which attempt.
    pub key: AttemptKey,
    /// Its folder, absolute; the executor makes it.
    pub folder: PathBuf,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The whole environment but the secrets.
    pub env: BTreeMap<String, String>,
    /// The rest of it: variables whose values are written down nowhere and hidden in the logs.
    #[serde(default, skip_serializing_if = "Secrets::is_empty")]
    pub secrets: Secrets,
    /// Folder to start in, absolute.
    pub cwd: PathBuf,
    /// After this the attempt is ended.
    #[serde(default, with = "crate::stdx::duration::millis::option")]
    pub timeout: Option<Duration>,
    /// Time between TERM and KILL.
    #[serde(with = "crate::stdx::duration::millis")]
    pub grace: Duration,
    /// Longest log of each stream in bytes; the middle of a longer one is dropped.
    #[serde(default)]
    pub max_log: Option<u64>,
}

/// How the program of an attempt ended. A fact told by whoever waited for it, never a guess.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// It exited by itself.
    Exited {
        /// 0 to 255.
        code: i32,
    },
    /// A signal ended it.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// It ran longer than its timeout and was ended.
    TimedOut {
        /// Its code, if it still exited by itself within the grace.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
    /// A cancel ended it.
    Canceled {
        /// Its code, if it still exited by itself within the grace.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
    /// It could not be started.
    SpawnError {
        /// The system's words, with the program's name.
        message: String,
    },
    /// There was no room to promise a verdict, so nothing was started.
    DiskFull {
        /// The system's words.
        message: String,
    },
}

/// What the shim writes when everything of the attempt is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How the program ended.
    #[serde(flatten)]
    pub end: End,
    /// Microseconds since 1970 when the program was started.
    pub started_at_micros: i64,
    /// Microseconds since 1970 when everything below it was gone.
    pub ended_at_micros: i64,
    /// There is evidence that the kernel ended it for want of memory.
    #[serde(default)]
    pub out_of_memory: bool,
    /// What it took of the machine in all.
    #[serde(default)]
    pub usage: Option<Usage>,
}

impl Verdict {
    /// An end of which no more is known than its times.
    pub const fn new(end: End, started_at_micros: i64, ended_at_micros: i64) -> Self {
        Self { end, started_at_micros, ended_at_micros, out_of_memory: false, usage: None }
    }
}

/// What the process tree of an attempt takes, or took, of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time, user and system, in milliseconds.
    pub cpu_millis: u64,
    /// Resident memory now, in bytes; 0 once it is over.
    pub memory: u64,
    /// The most resident memory seen, in bytes; 0 if none was: it was over before anybody looked, and took no more than its shim.
    pub peak_memory: u64,
    /// Bytes read from disks.
    pub read_bytes: u64,
    /// Bytes written to disks.
    pub written_bytes: u64,
    /// Processes now; 0 once it is over.
    pub processes: u32,
}

impl Usage {
    /// The most resident memory, in bytes, if it was seen.
    pub fn peak(&self) -> Option<u64> {
        (self.peak_memory > 0).then_some(self.peak_memory)
    }
}

/// The files in an attempt's folder, named once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFiles(pub PathBuf);

impl AttemptFiles {
    /// The files of the attempt in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }
    /// What the program wrote to its standard output, byte for byte.
    pub fn stdout(&self) -> PathBuf {
        self.file("stdout.log")
    }
    /// What the program wrote to its standard error, byte for byte.
    pub fn stderr(&self) -> PathBuf {
        self.file("stderr.log")
    }
    /// Times and order of both streams.
    pub fn log_index(&self) -> PathBuf {
        self.file("log.index")
    }
    /// Which bytes of the streams are gone because they were too many.
    pub fn log_cut(&self) -> PathBuf {
        self.file("log.cut")
    }
    /// What its process tree takes of the machine, written by the shim about once a second.
    pub fn usage(&self) -> PathBuf {
        self.file("usage")
    }
    /// The folder that is carried from attempt to attempt of a task instance: beside those of its attempts.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.with_file_name("checkpoint")
    }
    /// JSON lines of live metrics.
    pub fn metrics(&self) -> PathBuf {
        self.file("metrics.jsonl")
    }
    /// `key=value` lines or JSON: output parameters.
    pub fn output_parameters(&self) -> PathBuf {
        self.file("output")
    }
    /// What a sensor waits for, and what its last look found; other tasks have none.
    pub fn last_look(&self) -> PathBuf {
        self.file("last_look")
    }
    /// What the attempt was told and how it was started: a [`Plan`], enough to do it again by hand.
    pub fn plan(&self) -> PathBuf {
        self.file("attempt.json")
    }
    /// Where the task writes its output `name`, before it is published.
    pub fn staged(&self, name: &str) -> PathBuf {
        self.file("outputs").join(name)
    }
    /// Which staged outputs were published as which objects: written before the first rename.
    pub fn published(&self) -> PathBuf {
        self.file("published.json")
    }
}

/// The content of `attempt.json`: what the task is told, and how it was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the task is told.
    #[serde(flatten)]
    pub job: Job,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Folder it is started in, absolute.
    pub cwd: PathBuf,
    /// The environment, without the values that are likely to be secrets.
    pub env: BTreeMap<String, String>,
    /// Names of the variables whose values are left out of `env`.
    pub secret_env: Vec<String>,
    /// The task as the file of the pipeline defined it.
    pub definition: super::Task,
}

impl Plan {
    /// The record of an attempt that is about to start.
    pub fn new(job: Job, ticket: &Ticket, definition: super::Task) -> Self {
        let (secret, env): (Vec<_>, Vec<_>) = ticket.env.clone().into_iter().partition(|(name, _)| is_secret(name));
        let secret_env = secret.into_iter().map(|(name, _)| name).chain(ticket.secrets.keys().cloned()).collect();
        Self { job, argv: ticket.argv.clone(), cwd: ticket.cwd.clone(), env: env.into_iter().collect(), secret_env, definition }
    }
}

/// Whether a variable of that name is likely to hold a secret.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 8] = ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "PRIVATE", "APIKEY"];
    let name = name.to_ascii_uppercase();
    // Params of the run are in its history anyway, and `FLOWYARD_PARAM_TOKENS` is a number more often than a secret.
    !name.starts_with("FLOWYARD_") && (WORDS.iter().any(|word| name.contains(word)) || name.ends_with("_KEY") || name.ends_with("_PROXY"))
}

/// What a component or a script is told: part of `attempt.json`, whose path is in `FLOWYARD_INPUTS_FILE`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The run.
    pub run_id: super::RunId,
    /// The pipeline.
    pub pipeline: super::PipelineId,
    /// The task.
    pub task: super::TaskId,
    /// Counted from 1.
    pub attempt: u32,
    /// The workspace, absolute; relative paths in `with` are below it.
    pub workspace: PathBuf,
    /// Values of the run's params.
    pub params: super::Params,
    /// The component's arguments, or what the sensor waits for, rendered.
    pub with: serde_json::Map<String, serde_json::Value>,
    /// What it reads, by name.
    pub inputs: BTreeMap<String, JobInput>,
    /// What it must write, by name.
    pub outputs: BTreeMap<String, JobOutput>,
    /// Where to append JSON lines of metrics.
    pub metrics_file: PathBuf,
    /// Where to write output parameters.
    pub output_file: PathBuf,
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobInput {
    /// File or folder, absolute.
    pub path: PathBuf,
    /// Artifact type, when it comes from a task.
    pub artifact_type: Option<String>,
    /// The artifact's id, when it comes from a task.
    pub artifact: Option<String>,
}

/// Something to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOutput {
    /// File or folder to make, absolute; its parent exists.
    pub path: PathBuf,
    /// Artifact type.
    pub artifact_type: String,
}

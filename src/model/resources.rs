//! What the machine has to give, who has it, and who waits for what: the engine's own account, as clients see it.

use super::{AttemptKey, RunId, TaskId, TaskKey, TaskState};
use crate::stdx::time::{Timestamp, serde_rfc3339};
use serde::{Deserialize, Serialize};

/// Everything that attempts share, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourcesSnapshot {
    /// Attempts that are open and no sensors, and how many may be.
    pub slots: (usize, usize),
    /// Processors accounted to open attempts, and how many there are.
    pub cpu: (f64, f64),
    /// Bytes of memory accounted to open attempts, and how many there are.
    pub memory: (u64, u64),
    /// In order of name.
    pub pools: Vec<PoolSnapshot>,
    /// In order of index.
    pub gpus: Vec<GpuSnapshot>,
    /// Open attempts, oldest first.
    pub running: Vec<RunningSnapshot>,
    /// Task instances that wait for any of it, first the next to start.
    pub queue: Vec<QueueEntry>,
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSnapshot {
    /// Its name.
    pub name: String,
    /// Slots that are taken.
    pub used: u32,
    /// Slots there are.
    pub slots: u32,
}

/// A GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuSnapshot {
    /// As `nvidia-smi` and `CUDA_VISIBLE_DEVICES` count it.
    pub index: u32,
    /// Its name, if known.
    pub name: String,
    /// The attempt it is leased to.
    pub leased_to: Option<AttemptKey>,
    /// A process of somebody else on it; it is not leased meanwhile.
    pub foreign: Option<ForeignProcess>,
}

/// A process that the engine did not start and that holds a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignProcess {
    /// Its pid.
    pub pid: u32,
    /// Whose it is.
    pub user: String,
}

/// An open attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningSnapshot {
    /// Which.
    pub attempt: AttemptKey,
    /// Since when.
    #[serde(with = "serde_rfc3339")]
    pub since: Timestamp,
    /// Its pool.
    pub pool: Option<String>,
    /// GPUs leased to it.
    pub gpus: Vec<u32>,
    /// What it waits for, if it is a sensor: it takes no slot then.
    #[serde(default)]
    pub waits_for: Option<String>,
    /// Absolute path of its folder: where its live usage is read.
    pub folder: std::path::PathBuf,
}

impl ResourcesSnapshot {
    /// How many open attempts only wait.
    pub fn sensors(&self) -> usize {
        self.running.iter().filter(|one| one.waits_for.is_some()).count()
    }

    /// The runs that have or wait for something.
    pub fn runs(&self) -> impl Iterator<Item = &RunId> {
        self.running.iter().map(|one| &one.attempt.task.run).chain(self.queue.iter().map(|entry| &entry.task.run))
    }
}

/// What a look at the GPUs found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GpusSeen {
    /// The devices that may be used, in order of index.
    pub devices: Vec<GpuSnapshot>,
    /// Why there may be others: `nvidia-smi` failed.
    pub trouble: Option<String>,
}

/// A task instance that is ready and waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueEntry {
    /// Which.
    pub task: TaskKey,
    /// Since when.
    #[serde(with = "serde_rfc3339")]
    pub since: Timestamp,
    /// Its weight.
    pub priority_weight: i64,
    /// Everything it waits for; empty: it starts next.
    pub waits: Vec<Wait>,
}

/// One thing that a ready task instance waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Wait {
    /// A slot of the engine.
    Slot {
        /// Slots taken.
        used: usize,
        /// Slots there are.
        all: usize,
    },
    /// Slots of a pool.
    Pool {
        /// Which.
        pool: String,
        /// Slots it needs.
        needs: u32,
        /// Slots taken.
        used: u32,
        /// Slots there are.
        all: u32,
    },
    /// Processors.
    Cpu {
        /// How many it needs.
        needs: f64,
        /// How many are accounted to others.
        used: f64,
        /// How many there are.
        all: f64,
    },
    /// Memory, in bytes.
    Memory {
        /// How much it needs.
        needs: u64,
        /// How much is accounted to others.
        used: u64,
        /// How much there is.
        all: u64,
    },
    /// GPUs.
    Gpu {
        /// How many it needs.
        needs: u32,
        /// How many are free.
        free: u32,
        /// How many there are.
        all: u32,
        /// Devices that processes of others hold: index, and who.
        foreign: Vec<(u32, ForeignProcess)>,
        /// Why what is known of them may be wrong.
        #[serde(default)]
        trouble: Option<String>,
    },
    /// `max_active_tasks` of its run.
    ActiveTasks {
        /// Open attempts of the run.
        used: u32,
        /// Most there may be.
        all: u32,
    },
    /// `max_active_runs` of its pipeline.
    ActiveRuns {
        /// Open runs before it.
        before: Vec<RunId>,
        /// Most there may be.
        all: u32,
    },
    /// Its run is paused.
    Paused,
    /// `depends_on_past`: the same task of the run before.
    Past {
        /// That run.
        run: RunId,
        /// The task.
        task: TaskId,
        /// Its task's state, in a word.
        state: String,
    },
    /// The system had no room for another process; it is tried again.
    System {
        /// The system's words.
        why: String,
    },
    /// One that waited longer needs what is free now.
    Behind {
        /// Which.
        task: TaskKey,
    },
    /// It needs more than there is, and can never start.
    Never {
        /// What, in words.
        why: String,
    },
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MIB: u64 = 1024 * 1024;
        match self {
            Self::Slot { used, all } => write!(f, "waits for a slot: {used} of {all} are in use"),
            Self::Pool { pool, needs, used, all } => {
                write!(f, "waits for {needs} of pool `{pool}`: {used} of {all} slots are in use")
            }
            Self::Cpu { needs, used, all } => write!(f, "waits for {needs} cpu: {used} of {all} are taken"),
            Self::Memory { needs, used, all } => {
                write!(f, "waits for {} MiB of memory: {} of {} MiB are taken", needs / MIB, used / MIB, all / MIB)
            }
            Self::Gpu { needs, free, all, foreign, trouble } => {
                write!(f, "waits for {needs} GPU: {free} of {all} are free")?;
                for (index, who) in foreign {
                    write!(f, "; GPU {index} is held by pid {} of {}", who.pid, who.user)?;
                }
                trouble.iter().try_for_each(|trouble| write!(f, "; {trouble}"))
            }
            Self::ActiveTasks { used, all } => write!(f, "waits for its run: {used} of at most {all} tasks are running (max_active_tasks)"),
            Self::ActiveRuns { before, all } => {
                let before: Vec<_> = before.iter().map(RunId::as_str).collect();
                write!(f, "waits for an earlier run: at most {all} may be open (max_active_runs), and these are: {}", before.join(", "))
            }
            Self::Paused => write!(f, "its run is paused"),
            Self::Past { run, task, state } => {
                write!(f, "waits for the same task of run {run}, which is {state} (depends_on_past)")?;
                let is_over = state.parse().is_ok_and(TaskState::is_terminal);
                if is_over { write!(f, "; `flowyard retry {run} {task}`, or `skip` or `mark` it") } else { Ok(()) }
            }
            Self::System { why } => write!(f, "the system has no room for another process ({why}); it is tried again"),
            Self::Behind { task } => write!(f, "waits behind `{}`, which has waited longer for the same", task.task),
            Self::Never { why } => write!(f, "can never start here: {why}"),
        }
    }
}

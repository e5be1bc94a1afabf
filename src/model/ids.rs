//! Who is who: pipelines, tasks, runs, task instances, attempts.

use serde::{Deserialize, Serialize};

crate::string_id! {
    /// A pipeline: the stem of its file, or its `id`.
    PipelineId
}
crate::string_id! {
    /// A task within its pipeline.
    TaskId
}
crate::string_id! {
    /// One execution of a pipeline: a lower-case ULID, so that sorting the text sorts by time.
    RunId
}

/// A task instance: a task in a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskKey {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// Which of the mapped instances; `None` for a task that is not mapped.
    pub map_index: Option<u32>,
}

impl TaskKey {
    /// The only instance of an unmapped task.
    pub fn new(run: RunId, task: TaskId) -> Self {
        Self { run, task, map_index: None }
    }

    /// The folder and display name: `train` or `train.3`.
    pub fn folder(&self) -> String {
        match self.map_index {
            Some(index) => format!("{}.{index}", self.task),
            None => self.task.to_string(),
        }
    }

    /// The journal's name of this entity: `task/<run>/<task>`, with `[i]` when mapped.
    pub fn entity(&self) -> String {
        format!("task/{}/{}{}", self.run, self.task, self.index_suffix())
    }

    /// `[3]` of a mapped instance, else nothing.
    pub fn index_suffix(&self) -> String {
        self.map_index.map(|i| format!("[{i}]")).unwrap_or_default()
    }
}

/// One try of a task instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptKey {
    /// The task instance.
    pub task: TaskKey,
    /// Counted from 1, never restarted.
    pub attempt: u32,
}

impl AttemptKey {
    /// The journal's name of this entity: `attempt/<run>/<task>[i]/<n>`.
    pub fn entity(&self) -> String {
        format!("attempt/{}/{}{}/{}", self.task.run, self.task.task, self.task.index_suffix(), self.attempt)
    }

    /// Where the attempt's folder is below the state folder: `runs/<run>/<task>[.<i>]/<n>`.
    pub fn folder(&self) -> std::path::PathBuf {
        std::path::PathBuf::from("runs").join(self.task.run.as_str()).join(self.task.folder()).join(self.attempt.to_string())
    }
}

impl std::fmt::Display for AttemptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}#{}", self.task.run, self.task.folder(), self.attempt)
    }
}

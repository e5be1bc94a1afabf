//! Built-in ML components: typed inputs, outputs and `run`. One file each.

use crate::model::{Catalog, ComponentSignature, Job};

/// A reusable, typed template of a task, run as a child process of its own.
pub trait Component: Sync {
    /// What it reads, writes and takes.
    fn signature(&self) -> ComponentSignature;
    /// Does the work. What it prints is the task's log.
    ///
    /// # Errors
    /// What is wrong, with the numbers, and what to do next.
    fn run(&self, job: &Job) -> anyhow::Result<()>;
}

/// Every component.
pub const ALL: &[&dyn Component] = &[];

/// Their signatures, for the reader of files.
pub fn catalog() -> Catalog {
    Catalog { components: ALL.iter().map(|component| component.signature()).collect() }
}

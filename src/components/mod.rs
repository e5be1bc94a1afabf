//! Built-in ML components: typed inputs, outputs and `run`. One file each.

pub mod evaluator;
pub mod example_gen;
pub mod example_validator;
pub mod pusher;
pub mod shared;
pub mod trainer;

use crate::model::{Catalog, ComponentSignature, Job};
use anyhow::{Context, bail};
use std::process::ExitCode;

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
pub const ALL: &[&dyn Component] =
    &[&example_gen::ExampleGen, &example_validator::ExampleValidator, &trainer::Trainer, &evaluator::Evaluator, &pusher::Pusher];

/// Their signatures, for the reader of files.
pub fn catalog() -> Catalog {
    Catalog { components: ALL.iter().map(|component| component.signature()).collect() }
}

/// The variable that holds the path of what the task is told.
const INPUTS_FILE: &str = "FLOWYARD_INPUTS_FILE";

/// Runs the component `name` on the job of `$FLOWYARD_INPUTS_FILE`: the whole of a component's process.
///
/// An error is printed to standard error with its causes; the code is 1 then, else 0.
pub fn main(name: &str) -> ExitCode {
    match run_named(name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run_named(name: &str) -> anyhow::Result<()> {
    let Some(component) = ALL.iter().find(|component| component.signature().name == name) else {
        let known: Vec<&str> = ALL.iter().map(|component| component.signature().name).collect();
        bail!("there is no component `{name}`; there are: {}", known.join(", "));
    };
    let file = std::env::var_os(INPUTS_FILE)
        .with_context(|| format!("{INPUTS_FILE} is not set: a component is started by the engine, not by hand"))?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read the job from {}", file.display()))?;
    let job: Job = serde_json::from_str(&text).with_context(|| format!("{} is not a job", file.display()))?;
    component.run(&job)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_has_its_own_name_and_a_summary() {
        let catalog = catalog();
        for component in &catalog.components {
            assert!(!component.summary.is_empty());
            assert_eq!(catalog.components.iter().filter(|other| other.name == component.name).count(), 1);
        }
    }

    #[test]
    fn an_unknown_component_is_told_with_the_known_ones() {
        let error = run_named("trainerr").unwrap_err().to_string();
        assert!(error.contains("`trainerr`") && error.contains("trainer,"), "{error}");
    }
}

//! Sending a command about a run and saying what became of it: shared by the subcommands that act.

use super::{
    Failure,
    context::{Access, Context, who},
    text,
};
use crate::{
    model::{Command, Reply, Request, RunId, TaskId},
    runtime::Handle,
};

/// The option of everything that acts.
#[derive(clap::Args)]
pub struct Reason {
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", visible_alias = "note")]
    reason: Option<String>,
}

impl Reason {
    /// What the person said, if they said something.
    pub fn text(self) -> Option<String> {
        self.reason.filter(|text| !text.trim().is_empty())
    }
}

/// Finds the run, asks for the command that `build` makes of it and its task, and prints the answer.
pub fn on_run(
    context: &Context,
    run: &str,
    task: Option<&str>,
    reason: Reason,
    build: impl FnOnce(RunId, Option<TaskId>) -> Command,
) -> Result<u8, Failure> {
    let (mut handle, run) = context.handle_and_run(run, Access::Act)?;
    let task = match task {
        Some(task) => Some(text::find_task(&handle.run(&run)?, task)?.task.clone()),
        None => None,
    };
    let (message, _) = send(&mut handle, build(run, task), reason.text())?;
    context.print(&(crate::stdx::sanitize::text(&message) + "\n"))?;
    Ok(0)
}

/// The same for what is always about a task.
pub fn on_task(
    context: &Context,
    run: &str,
    task: &str,
    reason: Reason,
    build: impl FnOnce(RunId, TaskId) -> Command,
) -> Result<u8, Failure> {
    let named = TaskId::from(task);
    on_run(context, run, Some(task), reason, |run, task| build(run, task.unwrap_or(named)))
}

/// Sends a command; the answer is the message and the run it was about, or a failure with the exit code of the contract.
pub fn send(handle: &mut Handle, command: Command, reason: Option<String>) -> Result<(String, Option<RunId>), Failure> {
    match handle.send(Request { command, by: who(), reason })? {
        Reply::Done { message, run } => Ok((message, run)),
        Reply::Refused { why } => Err(Failure::refused(why)),
        Reply::Invalid { diagnostics, .. } if diagnostics.has_errors() => Err(Failure::File(diagnostics)),
        Reply::Invalid { message, .. } => Err(Failure::usage(message)),
        Reply::Failed { message } => Err(Failure::Said { code: 74, message }),
    }
}

//! Sending commands about a run and saying what became of each: shared by the subcommands that act.

use super::{
    Failure,
    context::{Access, Context, who},
    failure::report_error,
    text,
};
use crate::{
    model::{Command, Reply, Request, RunId, Secrets, TaskId},
    runtime::Handle,
    stdx::sanitize,
};
use serde::Serialize;

/// The options of everything that acts.
#[derive(clap::Args)]
pub struct How {
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", visible_alias = "note")]
    reason: Option<String>,
    /// The answers as JSON
    #[arg(long)]
    pub json: bool,
}

/// A run and tasks of it.
#[derive(clap::Args)]
pub struct Tasks {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// The task, or several: each is asked for on its own, in this order
    #[arg(required = true, value_name = "TASK")]
    tasks: Vec<String>,
    #[command(flatten)]
    how: How,
}

impl Tasks {
    /// Asks for the command that `build` makes of the run and each task.
    pub fn each(self, context: &Context, build: impl Fn(RunId, TaskId) -> Command) -> Result<u8, Failure> {
        on_tasks(context, &self.run, &self.tasks, self.how, build)
    }
}

/// What became of one command, as programs read it.
#[derive(Serialize)]
struct Told {
    command: &'static str,
    run_id: Option<RunId>,
    task: Option<TaskId>,
    done: bool,
    message: String,
}

/// Asks for a command about a run as a whole.
pub fn on_run(context: &Context, run: &str, how: How, build: impl FnOnce(RunId) -> Command) -> Result<u8, Failure> {
    let (mut handle, run) = context.handle_and_run(run, Access::Act)?;
    ask(context, &mut handle, vec![build(run)], how)
}

/// Asks for a command about each task; a name that is wrong is said before anything is done.
pub fn on_tasks(context: &Context, run: &str, tasks: &[String], how: How, build: impl Fn(RunId, TaskId) -> Command) -> Result<u8, Failure> {
    let (mut handle, run) = context.handle_and_run(run, Access::Act)?;
    let snapshot = handle.run(&run)?;
    let mut commands = Vec::new();
    for name in tasks {
        let command = build(run.clone(), text::find_task(&snapshot, name)?.task.clone());
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    ask(context, &mut handle, commands, how)
}

/// Sends each command and says each answer. One that is refused does not keep the next from being asked for; the exit
/// code is then that of a refusal.
pub fn ask(context: &Context, handle: &mut Handle, commands: Vec<Command>, how: How) -> Result<u8, Failure> {
    let reason = how.reason.filter(|text| !text.trim().is_empty());
    let (mut told, mut code) = (Vec::new(), 0);
    for command in commands {
        let (word, subject) = (command.word(), command.subject().map(|(run, task)| (run.clone(), task.cloned())));
        let (done, message) = match send(handle, command, reason.clone()) {
            Ok((message, _)) => (true, message),
            Err(Failure::Said { code: Failure::REFUSED, message }) => (false, message),
            Err(other) => {
                say(context, how.json, &told)?;
                return Err(other);
            }
        };
        if !done {
            code = Failure::REFUSED;
        }
        let (run_id, task) = subject.unzip();
        told.push(Told { command: word, run_id, task: task.flatten(), done, message });
    }
    say(context, how.json, &told)?;
    Ok(code)
}

fn say(context: &Context, json: bool, told: &[Told]) -> Result<(), Failure> {
    if json {
        return context.json(&told);
    }
    for answer in told {
        if answer.done {
            context.print(&(sanitize::text(&answer.message) + "\n"))?;
        } else {
            report_error(&Failure::refused(answer.message.as_str()), context);
        }
    }
    Ok(())
}

/// Sends a command; the answer is the message and the run it was about, or a failure with the exit code of the contract.
pub fn send(handle: &mut Handle, command: Command, reason: Option<String>) -> Result<(String, Option<RunId>), Failure> {
    send_with(handle, command, reason, Secrets::new())
}

/// The same, with values of secret params.
pub fn send_with(
    handle: &mut Handle,
    command: Command,
    reason: Option<String>,
    secrets: Secrets,
) -> Result<(String, Option<RunId>), Failure> {
    match handle.send(Request { command, by: who(), reason, secrets })? {
        Reply::Done { message, run } => Ok((message, run)),
        Reply::Refused { why } => Err(Failure::refused(why)),
        Reply::Invalid { diagnostics, .. } if diagnostics.has_errors() => Err(Failure::File(diagnostics)),
        Reply::Invalid { message, .. } => Err(Failure::usage(message)),
        Reply::Failed { message } => Err(Failure::Said { code: 74, message }),
    }
}

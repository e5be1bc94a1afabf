//! `flowyard skip`: does not run a task; what waits for it goes on.

use super::{Failure, act, context::Context};
use crate::model::{Command, TaskId};

/// Skip a task: it is not run, and what waits for it goes on
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard skip latest validate_data --reason 'checked by hand'")]
pub struct Args {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    run: String,
    /// The task
    task: String,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Skips.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    let named = TaskId::from(args.task.as_str());
    act::on_run(context, &args.run, Some(&args.task), args.reason, |run, task| Command::Skip { run, task: task.unwrap_or(named) })
}

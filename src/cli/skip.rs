//! `flowyard skip`: does not run a task; what waits for it goes on.

use super::{
    Failure,
    act::{self, Reason},
    context::Context,
};
use crate::model::Command;

/// Skip a task: it is not run, and what waits for it goes on
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard skip latest validate_data --reason 'checked by hand'")]
pub struct Args {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    run: String,
    /// The task
    task: String,
    #[command(flatten)]
    reason: Reason,
}

/// Skips.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    act::on_task(context, &args.run, &args.task, args.reason, |run, task| Command::Skip { run, task })
}

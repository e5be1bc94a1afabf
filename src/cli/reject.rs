//! `flowyard reject`: does not let a task start that waits for a person.

use super::{
    Failure,
    act::{self, Reason},
    context::Context,
};
use crate::model::Command;

/// Do not let a task that waits for a person start
#[derive(clap::Args)]
#[command(after_help = "Example:\n   it fails:flowyard reject latest deploy --note 'recall is too low'")]
pub struct Args {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    run: String,
    /// The task
    task: String,
    #[command(flatten)]
    reason: Reason,
}

/// Rejects.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    act::on_task(context, &args.run, &args.task, args.reason, |run, task| Command::Reject { run, task })
}

//! `flowyard approve`: lets a task start that waits for a person.

use super::{
    Failure,
    act::{self, Reason},
    context::Context,
};
use crate::model::Command;

/// Let a task that waits for a person start
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard approve latest deploy --note 'checked the report'")]
pub struct Args {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    run: String,
    /// The task
    task: String,
    #[command(flatten)]
    reason: Reason,
}

/// Approves.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    act::on_task(context, &args.run, &args.task, args.reason, |run, task| Command::Approve { run, task })
}

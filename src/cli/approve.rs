//! `flowyard approve`: lets a task start that waits for a person.

use super::{Failure, act, context::Context};
use crate::model::Command;

/// Let a task that waits for a person start
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard approve latest deploy --note 'checked the report'")]
pub struct Args {
    #[command(flatten)]
    tasks: act::Tasks,
}

/// Approves.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    args.tasks.each(context, |run, task| Command::Approve { run, task })
}

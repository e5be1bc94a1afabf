//! `flowyard reject`: does not let a task start that waits for a person.

use super::{Failure, act, context::Context};
use crate::model::Command;

/// Do not let a task that waits for a person start: it fails
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard reject latest deploy --note 'recall is too low'")]
pub struct Args {
    #[command(flatten)]
    tasks: act::Tasks,
}

/// Rejects.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    args.tasks.each(context, |run, task| Command::Reject { run, task })
}

//! `flowyard skip`: does not run a task; what waits for it goes on.

use super::{Failure, act, context::Context};
use crate::model::Command;

/// Skip a task: it is not run, and what waits for it goes on
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard skip latest validate_data --reason 'checked by hand'")]
pub struct Args {
    #[command(flatten)]
    tasks: act::Tasks,
}

/// Skips.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    args.tasks.each(context, |run, task| Command::Skip { run, task })
}

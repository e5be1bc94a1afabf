//! `flowyard cancel`: stops a run or one task of it.

use super::{
    Failure,
    act::{self, Reason},
    context::Context,
};
use crate::model::Command;

/// Cancel a run, or one task of it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard cancel latest\n  flowyard cancel latest train_model --reason 'wrong data'")]
pub struct Args {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    run: String,
    /// The task [default: the whole run]
    task: Option<String>,
    #[command(flatten)]
    reason: Reason,
}

/// Cancels.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    act::on_run(context, &args.run, args.task.as_deref(), args.reason, |run, task| Command::Cancel { run, task })
}

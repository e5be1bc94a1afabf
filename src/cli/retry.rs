//! `flowyard retry`: a new attempt of what did not succeed.

use super::{
    Failure,
    act::{self, Reason},
    context::Context,
};
use crate::model::Command;

/// Try a task again, or every task of a run that did not succeed
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard retry latest train_model\n  flowyard retry latest train_model --downstream --reason 'new data'\n  flowyard retry latest --failed"
)]
pub struct Args {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    run: String,
    /// The task [default: every failed, lost or canceled task]
    task: Option<String>,
    /// Every failed, lost or canceled task, as without TASK
    #[arg(long, conflicts_with_all = ["task", "downstream"])]
    failed: bool,
    /// Also run again everything below the task
    #[arg(long, requires = "task")]
    downstream: bool,
    #[command(flatten)]
    reason: Reason,
}

/// Retries.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    let downstream = args.downstream;
    let task = args.task.as_deref().filter(|_| !args.failed);
    act::on_run(context, &args.run, task, args.reason, |run, task| Command::Retry { run, task, downstream })
}

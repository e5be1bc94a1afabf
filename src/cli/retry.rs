//! `flowyard retry`: a new attempt of what did not succeed.

use super::{
    Failure,
    act::{self, How},
    context::Context,
};
use crate::model::Command;

/// Try a task again, or every task of a run that did not succeed
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard retry latest train_model\n  flowyard retry latest train_model --downstream --reason 'new data'\n  flowyard retry latest --failed"
)]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// The task, or several [default: every failed, lost or canceled task]
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    /// Every failed, lost or canceled task, as without TASK
    #[arg(long, conflicts_with_all = ["tasks", "downstream"])]
    failed: bool,
    /// Also run again everything below the task
    #[arg(long, requires = "tasks")]
    downstream: bool,
    #[command(flatten)]
    how: How,
}

/// Retries.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    let downstream = args.downstream;
    if args.tasks.is_empty() {
        return act::on_run(context, &args.run, args.how, |run| Command::Retry { run, task: None, downstream });
    }
    act::on_tasks(context, &args.run, &args.tasks, args.how, |run, task| Command::Retry { run, task: Some(task), downstream })
}

//! `flowyard clear`: forgets results, so that tasks run again.

use super::{
    Failure,
    act::{self, How},
    context::Context,
};
use crate::model::{ClearScope, Command};

/// Forget the result of a task and of everything below it, so that they run again
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard clear latest train_model\n  flowyard clear latest train_model --upstream --reason 'new data'\n  flowyard clear latest --failed"
)]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// The task, or several [default: every task]
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    /// With everything below the task, as without this flag
    #[arg(long, requires = "tasks", conflicts_with = "alone")]
    downstream: bool,
    /// Also everything above the task
    #[arg(long, requires = "tasks")]
    upstream: bool,
    /// Not what is below the task
    #[arg(long, requires = "tasks")]
    alone: bool,
    /// Of all these only what failed, was lost or canceled, and what could not run because of it
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    how: How,
}

/// Clears.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    let scope = ClearScope { downstream: !args.tasks.is_empty() && !args.alone, upstream: args.upstream, failed_only: args.failed };
    if args.tasks.is_empty() {
        return act::on_run(context, &args.run, args.how, |run| Command::Clear { run, task: None, scope });
    }
    act::on_tasks(context, &args.run, &args.tasks, args.how, |run, task| Command::Clear { run, task: Some(task), scope })
}

//! `flowyard cancel`: stops a run or one task of it.

use super::{
    Failure,
    act::{self, How},
    context::Context,
};
use crate::model::Command;

/// Cancel a run, or one task of it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard cancel latest\n  flowyard cancel latest train_model --reason 'wrong data'")]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// The task, or several [default: the whole run]
    #[arg(value_name = "TASK")]
    tasks: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// Cancels.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    if args.tasks.is_empty() {
        return act::on_run(context, &args.run, args.how, |run| Command::Cancel { run, task: None });
    }
    act::on_tasks(context, &args.run, &args.tasks, args.how, |run, task| Command::Cancel { run, task: Some(task) })
}

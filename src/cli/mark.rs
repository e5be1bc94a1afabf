//! `flowyard mark`: says how a task ended, whatever its attempts did.

use super::{
    Failure,
    act::{self, How},
    context::Context,
};
use crate::model::{Command, MarkedAs};
use clap::ValueEnum;

/// Mark a task as success or failed; its attempts stay as they are
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard mark latest load success --reason 'loaded by hand'")]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// The task, or several: each is asked for on its own, in this order
    #[arg(required = true, value_name = "TASK")]
    tasks: Vec<String>,
    /// With success, what waits for it goes on
    #[arg(value_enum, value_name = "success|failed", hide_possible_values = true)]
    verdict: Verdict,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verdict {
    Success,
    Failed,
}

/// Marks.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    let verdict = match args.verdict {
        Verdict::Success => MarkedAs::Success,
        Verdict::Failed => MarkedAs::Failed,
    };
    act::on_tasks(context, &args.run, &args.tasks, args.how, |run, task| Command::Mark { run, task, verdict })
}

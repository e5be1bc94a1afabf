//! `flowyard resume`: goes on with a run that ended.

use super::{
    Failure,
    act::{self, How},
    context::Context,
};
use crate::model::Command;

/// Go on with a run that ended: what did not succeed runs, what succeeded stays
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard resume latest:ml_training --reason 'the disk has room again'")]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    #[command(flatten)]
    how: How,
}

/// Resumes.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    act::on_run(context, &args.run, args.how, |run| Command::Resume { run })
}

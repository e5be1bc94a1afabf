//! `flowyard undo`: takes the last command about a run back.

use super::{
    Failure,
    act::{self, How},
    context::Context,
};
use crate::model::Command;

/// Take the last command about a run back, while nothing that followed from it has started
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard skip latest validate_data\n  flowyard undo latest")]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    #[command(flatten)]
    how: How,
}

/// Takes back.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    act::on_run(context, &args.run, args.how, |run| Command::Undo { run })
}

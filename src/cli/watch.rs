//! `flowyard watch`: people are told when a run ends.

use super::{
    Failure,
    act::{self, How},
    context::{Access, Context},
};
use crate::model::Command;

/// Be told when a run ends, whichever way: by `on_watched` of [notify], or by the bell of an open workbench
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard watch latest\n  flowyard watch latest:ml_training churn#12\n  flowyard watch latest --off\n\nA run that has ended is refused (exit 3). One that is retried after its end is watched as before."
)]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`; or several
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<String>,
    /// Be told no more
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    how: How,
}

/// Watches. A name that is wrong is said before anything is done.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    let mut handle = context.handle(Access::Act)?;
    let mut commands = Vec::new();
    for name in &args.runs {
        let command = Command::WatchRun { run: handle.find_run(name)?, watched: !args.off };
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    act::ask(context, &mut handle, commands, args.how)
}

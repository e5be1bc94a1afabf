//! `flowyard notify test`: sends one message, to see whether a channel works.

use super::{Failure, context::Context};
use crate::{model::Channel, runtime::herald};
use clap::Subcommand;

/// See whether people can be told
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard notify test email:ada@example.com\n  flowyard notify test webhook:https://hooks.slack.com/services/…\n  flowyard notify test 'command:notify-send \"$FLOWYARD_SUBJECT\"'"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

/// What to see.
#[derive(Subcommand)]
enum Verb {
    /// Send a message through a channel and tell what the other side said: exit 0 if it was taken, 1 if not
    #[command(after_help = "Example:\n  flowyard notify test email:ada@example.com")]
    Test {
        /// email:ADDRESS, webhook:URL, command:LINE or bell
        channel: String,
    },
}

/// Sends.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let Verb::Test { channel } = &args.verb;
    if context.global.read_only {
        return Err(Failure::refused("--read-only looks and never acts; leave it out to send a message"));
    }
    let channel = Channel::parse(channel).map_err(|(message, hint)| Failure::usage(format!("{message}\n  hint: {hint}")))?;
    match herald::test(&context.place()?, &channel) {
        Ok(said) => context.print(&format!("{channel}: {said}\n")).map(|()| 0),
        Err(why) => Err(Failure::Said { code: 1, message: format!("{channel}: {why}") }),
    }
}

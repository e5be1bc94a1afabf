//! `flowyard demo`: writes the demo, or takes it away again.

use super::{Failure, context::Context, init};
use crate::{
    runtime::demo::{self, Removed},
    spec::starter::DEMO,
};

/// Write the demo into this folder, or take it away again
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard demo\n  flowyard demo --remove")]
pub struct Args {
    /// Remove its file, and the history if nothing but the demo is in it
    #[arg(long)]
    remove: bool,
}

/// Writes or removes.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    if !args.remove {
        return init::write(&DEMO, DEMO.name, context).map(|()| 0);
    }
    if context.global.read_only {
        return Err(Failure::refused("--read-only looks and never acts; leave it out to do this"));
    }
    let place = context.place()?;
    let text = match demo::remove(&place)? {
        Removed::Whole => "the demo is gone, and so is everything it left\n",
        Removed::File => "the demo's file is gone; its runs stay in the history, which holds others too\n",
    };
    context.print(text)?;
    Ok(0)
}

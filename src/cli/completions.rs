//! `flowyard completions`: what a shell needs to complete our command line.

use super::{Cli, Failure};
use clap::CommandFactory;
use std::io::{self, Write};

/// Print the completions of a shell
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard completions bash > ~/.local/share/bash-completion/completions/flowyard")]
pub struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints.
pub fn main(args: &Args) -> Result<u8, Failure> {
    // Into memory first: the generator panics where a reader leaves.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "flowyard", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(0)
}

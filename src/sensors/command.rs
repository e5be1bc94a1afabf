//! A script that says by its exit code whether it is time.

use super::Look;
use anyhow::{Context, Result, bail};
use std::{
    ffi::OsString,
    process::{Command, ExitStatus},
};

/// What a shell answers where the program is not there, or is none.
const NO_PROGRAM: [i32; 2] = [126, 127];

/// Runs the script once; what it prints is the task's log.
///
/// # Errors
/// It cannot be run: that is no answer, and waiting does not mend it.
pub fn look(command: &[OsString]) -> Result<Look> {
    let status = run(command)?;
    Ok(match status.code() {
        Some(0) => Look::Met("the command succeeded".to_owned(), Default::default()),
        Some(code) if NO_PROGRAM.contains(&code) => bail!("the command cannot be run (exit code {code})"),
        Some(code) => Look::NotYet(format!("the command ended with exit code {code}")),
        None => Look::NotYet(format!("the command was ended ({status})")),
    })
}

/// Asks our own program for a new version of an asset; it writes down what is handed on.
///
/// # Errors
/// It cannot be run.
pub fn look_at_asset(command: &[OsString], asset: &str) -> Result<Look> {
    let status = run(command)?;
    Ok(match status.code() {
        Some(0) => Look::Met(format!("{asset} has a new version"), Default::default()),
        Some(1) => Look::NotYet(format!("no new version of {asset}")),
        _ => Look::NotYet(format!("the history could not be asked ({status})")),
    })
}

fn run(command: &[OsString]) -> Result<ExitStatus> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    Command::new(program).args(arguments).status().with_context(|| format!("cannot start {}", program.display()))
}

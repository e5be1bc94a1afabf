//! A script that says by its exit code whether it is time.

use super::Look;
use anyhow::{Context, Result, bail};
use std::{ffi::OsString, process::Command};

/// What a shell answers where the program is not there, or is none.
const NO_PROGRAM: [i32; 2] = [126, 127];

/// Runs the script once; what it prints is the task's log.
///
/// # Errors
/// It cannot be run: that is no answer, and waiting does not mend it.
pub fn look(command: &[OsString]) -> Result<Look> {
    let (program, arguments) = command.split_first().context("there is no command")?;
    let status = Command::new(program).args(arguments).status().with_context(|| format!("cannot start {}", program.display()))?;
    Ok(match status.code() {
        Some(0) => Look::Met("the command succeeded".to_owned(), Default::default()),
        Some(code) if NO_PROGRAM.contains(&code) => bail!("the command cannot be run (exit code {code})"),
        Some(code) => Look::NotYet(format!("the command ended with exit code {code}")),
        None => Look::NotYet(format!("the command was ended ({status})")),
    })
}

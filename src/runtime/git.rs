//! The commit a run is started from.

use crate::model::GitState;
use std::{ffi::OsStr, path::Path, process::Command};

/// Asks git about the folder; everything unknown if it is no repository, or git is not there.
///
/// Hooks and the file-system monitor are switched off: both are programs that the repository names.
pub fn state(folder: &Path) -> GitState {
    let output = Command::new("git")
        .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=", "status", "--porcelain=v2", "--branch", "--untracked-files=no"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .current_dir(folder)
        .stdin(std::process::Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => parse(&String::from_utf8_lossy(&output.stdout)),
        _ => GitState::default(),
    }
}

/// What git says, or what it complains of. Nothing of the network is asked for, and no program that the repository names is run.
///
/// # Errors
/// Its own words.
pub fn ask(folder: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String, String> {
    ask_bytes(folder, arguments).map(|said| String::from_utf8_lossy(&said).into_owned())
}

/// The same, byte for byte: names of files are no texts.
///
/// # Errors
/// Its own words.
pub fn ask_bytes(folder: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=", "-c", "core.quotePath=false"]).args(arguments);
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").current_dir(folder);
    let output = command.stdin(std::process::Stdio::null()).output().map_err(|error| format!("git cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Reads `git status --porcelain=v2 --branch`.
fn parse(text: &str) -> GitState {
    let header = |name: &str| text.lines().find_map(|line| line.strip_prefix("# branch.")?.strip_prefix(name)?.strip_prefix(' '));
    GitState {
        commit: header("oid").filter(|oid| *oid != "(initial)").map(str::to_owned),
        branch: header("head").filter(|head| *head != "(detached)").map(str::to_owned),
        dirty: Some(text.lines().any(|line| !line.starts_with('#'))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_commit_branch_and_whether_something_changed() {
        let clean = "# branch.oid 1f0c\n# branch.head main\n# branch.upstream origin/main\n";
        assert_eq!(parse(clean), GitState { commit: Some("1f0c".into()), branch: Some("main".into()), dirty: Some(false) });
        let dirty = "# branch.oid (initial)\n# branch.head (detached)\n1 .M N... 100644 100644 100644 1 2 file\n";
        assert_eq!(parse(dirty), GitState { commit: None, branch: None, dirty: Some(true) });
    }
}

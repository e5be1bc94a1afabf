//! A message to a program: a line for the shell, the message as JSON on its standard input and in variables.

use super::{Failure, Means, Message, Notifier};
use crate::stdx::{sanitize, signals::signal_name};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{self, Child, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// `command:LINE`.
pub struct Command;

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether it ended.
const LOOK: Duration = Duration::from_millis(20);

/// As much of the end of its standard error as is told.
const SHOWN: u64 = 300;

impl Notifier for Command {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn send(&self, target: &str, message: &Message, means: &Means<'_>) -> Result<String, Failure> {
        run(target, message, means, PATIENCE)
    }
}

fn run(line: &str, message: &Message, means: &Means<'_>, patience: Duration) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::passing(format!("the command cannot be started: {error}"));
    // Not a pipe: what the program leaves behind may hold it open for ever.
    let mut said = File::from(rustix::fs::memfd_create("said", rustix::fs::MemfdFlags::CLOEXEC).map_err(|error| failed(error.into()))?);
    let mut child = process::Command::new("sh")
        .args(["-c", line])
        .current_dir(means.workspace)
        .env_clear()
        .envs(means.env)
        .envs(message.variables())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(said.try_clone().map_err(failed)?)
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    // All of it fits into the pipe. Whoever does not read it has no need of it.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(message.json().to_string().as_bytes()));
    let ended = wait(&mut child, patience);
    let complaint = last_line(&mut said);
    match ended.map_err(|error| Failure::passing(format!("the command was lost: {error}")))? {
        None => Err(Failure::passing(format!("the command was ended: it took longer than {} s{complaint}", patience.as_secs()))),
        Some(status) if status.success() => Ok("the command ended with exit code 0".to_owned()),
        Some(status) => Err(Failure::passing(match (status.code(), status.signal()) {
            (Some(code), _) => format!("the command ended with exit code {code}{complaint}"),
            (None, signal) => format!("the command was ended by signal {}{complaint}", signal_name(signal.unwrap_or_default())),
        })),
    }
}

/// How it ended; `None` if it had to be ended. What it started is ended with it, unless it did its work: each further try would leave another.
#[allow(clippy::disallowed_methods, reason = "a deadline of the shell around the engine, not a time that is recorded")]
fn wait(child: &mut Child, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + patience;
    loop {
        let status = child.try_wait()?;
        if status.is_some_and(|status| status.success()) {
            return Ok(status);
        }
        if status.is_some() || Instant::now() >= deadline {
            let group = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
            child.wait()?;
            return Ok(status);
        }
        std::thread::sleep(LOOK);
    }
}

fn last_line(said: &mut File) -> String {
    let mut tail = Vec::new();
    let length = said.metadata().map_or(0, |file| file.len());
    let read = said.seek(SeekFrom::Start(length.saturating_sub(SHOWN))).and_then(|_| said.take(SHOWN).read_to_end(&mut tail));
    let text = String::from_utf8_lossy(&tail);
    match text.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) if read.is_ok() => format!(": {}", sanitize::line(line)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::message::tests::failure, *};
    use std::collections::BTreeMap;

    fn tell(line: &str, patience: Duration) -> (Result<String, Failure>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let env = BTreeMap::from([("PATH".to_owned(), std::env::var("PATH").unwrap())]);
        let means = Means { workspace: folder.path(), env: &env, ..super::super::tests_means() };
        (run(line, &failure(), &means, patience), folder)
    }

    #[test]
    fn the_program_is_told_by_variables_and_on_its_standard_input() {
        let (told, folder) = tell("echo \"$FLOWYARD_OCCASION $FLOWYARD_RUN_ID ${HOME-none}\" > told; cat > message.json", PATIENCE);
        assert_eq!(told.unwrap(), "the command ended with exit code 0");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("told"), "failure 01JRUN none\n");
        let message: serde_json::Value = serde_json::from_str(&read("message.json")).unwrap();
        assert_eq!((&message["number"], &message["cause"]), (&12.into(), &"exit code 3".into()));
    }

    #[test]
    fn what_went_wrong_is_told_with_the_last_word_of_the_program() {
        let (told, _) = tell("echo 'no route \x1b[31m' >&2; exit 7", PATIENCE);
        assert_eq!(told.unwrap_err(), Failure::passing("the command ended with exit code 7: no route ␛[31m"));
        assert_eq!(tell("kill -9 $$", PATIENCE).0.unwrap_err().why, "the command was ended by signal 9 (SIGKILL)");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_all_it_started() {
        let (told, folder) = tell("sleep 600 & echo $! > pid; wait", Duration::from_millis(300));
        assert!(told.unwrap_err().why.starts_with("the command was ended: it took longer"));
        assert_left_is_gone(&folder);
    }

    #[test]
    fn a_program_that_fails_leaves_nothing_behind() {
        let (told, folder) = tell("sleep 600 & echo $! > pid; exit 3", PATIENCE);
        assert_eq!(told.unwrap_err().why, "the command ended with exit code 3");
        assert_left_is_gone(&folder);
    }

    fn assert_left_is_gone(folder: &tempfile::TempDir) {
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        let lives = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "));
        let is_gone = (0..500).any(|_| {
            std::thread::park_timeout(LOOK);
            !lives()
        });
        assert!(is_gone, "{pid}");
    }
}

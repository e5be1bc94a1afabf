//! Starts the program of an attempt: in its own process group, with the environment of the ticket and nothing of ours.

use super::TOKEN_VARIABLE;
use crate::model::Ticket;
use nix::{
    errno::Errno,
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn},
    sys::signal::SigSet,
    unistd::Pid,
};
use std::{
    ffi::CString,
    fs::File,
    io::Read,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

/// Where a program is looked for when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A program's name is cut to this in messages, which must fit into the room kept for the verdict.
const SHOWN: usize = 300;

/// Why a program was not started.
pub struct Refusal {
    /// A sentence: what could not be started, and the system's words.
    pub message: String,
    /// It is for want of something that comes back: room for a process, a file, memory.
    pub may_pass: bool,
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self { message, may_pass: false }
    }
}

/// Starts the program; the text of the error is for people. This process changes into the task's folder for it.
///
/// # Errors
/// What could not be started, and why.
pub fn start(ticket: &Ticket, token: &str, stdout: &File, stderr: &File) -> Result<Pid, Refusal> {
    let program = ticket.argv.first().map(String::as_str).unwrap_or_default();
    if program.is_empty() {
        return Err("cannot start the task: it names no program".to_owned().into());
    }
    std::env::set_current_dir(&ticket.cwd).map_err(|error| {
        format!("cannot start `{}` in the folder `{}`: {}", cut(program), cut(&ticket.cwd.to_string_lossy()), words(&error))
    })?;
    let failed = |errno: Errno| Refusal {
        message: format!("cannot start `{}`: {}", cut(program), words(&errno.into())),
        may_pass: super::may_pass(&errno.into()),
    };
    let has_nul = |_| format!("cannot start `{}`: an argument or a variable holds a NUL byte", cut(program));
    let argv = ticket.argv.iter().map(|a| CString::new(a.as_str())).collect::<Result<Vec<_>, _>>().map_err(has_nul)?;
    let env = environment(ticket, token).collect::<Result<Vec<_>, _>>().map_err(has_nul)?;
    let (attr, actions) = setting(stdout, stderr).map_err(failed)?;

    let mut found: Option<(PathBuf, Errno)> = None;
    for path in candidates(program, ticket.env.get("PATH").map_or(DEFAULT_PATH, String::as_str)) {
        match posix_spawn(path.as_path(), &actions, &attr, &argv, &env) {
            Ok(pid) => return Ok(pid),
            // As the shell does: go on along PATH, but remember a file that was there and could not be run.
            Err(errno @ (Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES)) => {
                if found.is_none() && path.exists() {
                    found = Some((path, errno));
                }
            }
            Err(errno) => return Err(failed(errno)),
        }
    }
    Err(match found {
        None => failed(Errno::ENOENT),
        Some((path, Errno::ENOENT)) => format!("cannot start `{}`: {}", cut(program), missing_interpreter(&path)).into(),
        Some((_, errno)) => failed(errno),
    })
}

fn environment<'a>(ticket: &'a Ticket, token: &'a str) -> impl Iterator<Item = Result<CString, std::ffi::NulError>> + 'a {
    // A task of ours may run flowyard itself: its own token is not inherited.
    let open = ticket.env.iter().map(|(name, value)| (name, value.as_str()));
    let secret = ticket.secrets.iter().map(|(name, value)| (name, value.reveal()));
    let variables = open.chain(secret).filter(|(name, _)| *name != TOKEN_VARIABLE).map(|(name, value)| format!("{name}={value}"));
    variables.chain([format!("{TOKEN_VARIABLE}={token}")]).map(CString::new)
}

/// Own process group, no signal ignored or blocked, output to the logs. Standard input is `/dev/null` already.
fn setting(stdout: &File, stderr: &File) -> nix::Result<(PosixSpawnAttr, PosixSpawnFileActions)> {
    let mut attr = PosixSpawnAttr::init()?;
    let flags = [PosixSpawnFlags::POSIX_SPAWN_SETPGROUP, PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF, PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK];
    attr.set_flags(flags.into_iter().collect())?;
    attr.set_pgroup(Pid::from_raw(0))?;
    attr.set_sigdefault(&SigSet::all())?;
    attr.set_sigmask(&SigSet::empty())?;
    let mut actions = PosixSpawnFileActions::init()?;
    actions.add_dup2(stdout.as_raw_fd(), 1)?;
    actions.add_dup2(stderr.as_raw_fd(), 2)?;
    Ok((attr, actions))
}

/// Where the program may be: a name with a slash is a path, any other is looked for along the task's own `PATH`.
fn candidates(program: &str, path: &str) -> Vec<PathBuf> {
    if program.contains('/') {
        return vec![PathBuf::from(program)];
    }
    path.split(':').map(|folder| Path::new(if folder.is_empty() { "." } else { folder }).join(program)).collect()
}

/// "No such file" about a file that is there means the interpreter of its first line.
fn missing_interpreter(script: &Path) -> String {
    let mut start = [0; 200];
    let length = File::open(script).and_then(|mut file| file.read(&mut start)).unwrap_or(0);
    let text = String::from_utf8_lossy(&start[..length]);
    match text.lines().next().and_then(|line| line.strip_prefix("#!")) {
        Some(line) => {
            let interpreter = line.trim().split(' ').next().unwrap_or_default();
            format!("its interpreter `{interpreter}` does not exist")
        }
        None => "the loader it needs does not exist".into(),
    }
}

/// The system's words without the number.
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN { text.to_owned() } else { text.chars().take(SHOWN).chain(['…']).collect() }
}

//! Reads a big pipeline file in a process of its own. Reading one takes several times its memory, in pieces that the
//! allocator keeps; the engine lives for weeks and keeps only what comes of it.

use super::pipelines::{self, Found};
use std::{
    ffi::OsString,
    fs,
    io::{self, BufReader, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
};

/// The word by which the program is asked to be that process.
pub const WORD: &str = "__read";
/// A file of fewer bytes is read in the same process: starting another takes longer than reading it.
const BIG: u64 = 128 * 1024;

/// Reads one file as [`pipelines::read`] does, a big one in a process of its own. Where that cannot be had, in this one.
pub fn read(path: &Path, name: &str) -> Found {
    if fs::metadata(path).is_ok_and(|found| found.len() >= BIG) {
        match elsewhere(path, name) {
            Ok(found) => return found,
            Err(error) => tracing::warn!(file = name, %error, "read in the engine: no other process could"),
        }
    }
    pipelines::read(path, name)
}

fn elsewhere(path: &Path, name: &str) -> io::Result<Found> {
    // Not the path of the program: another version may lie there by now.
    let mut reader = Command::new("/proc/self/exe")
        .args([WORD.as_ref(), path.as_os_str(), name.as_ref()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let said = reader.stdout.take().map(|pipe| serde_json::from_reader(BufReader::new(pipe)));
    let ended = reader.wait()?;
    match said {
        Some(Ok(found)) if ended.success() => Ok(found),
        Some(Err(error)) => Err(error.into()),
        _ => Err(io::Error::other(format!("it ended with {ended}"))),
    }
}

/// That process: reads the file that its arguments name and writes what it found to standard output, as JSON.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let (path, name) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let found = pipelines::read(Path::new(&path), &name.to_string_lossy());
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = serde_json::to_writer(&mut out, &found).map_err(io::Error::from).and_then(|()| out.flush());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

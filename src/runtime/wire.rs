//! What clients and the engine say to each other: lines of JSON over a socket in the state folder.

use super::{EngineStatus, RuntimeError};
use crate::model::{Reply, Request, ResourcesSnapshot, RunId};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io,
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Grows with every change that an older program would misread.
pub const PROTOCOL: u32 = 7;

/// Longest line either side accepts, in bytes.
pub const MAX_FRAME: usize = 1024 * 1024;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// The first line of a connection.
    Hello {
        /// Its [`PROTOCOL`].
        protocol: u32,
        /// Its version, for messages.
        version: String,
        /// It stays, wants to be told of changes, and keeps the engine from leaving.
        attach: bool,
    },
    /// Do something.
    Command {
        /// What.
        request: Box<Request>,
        /// The id that a new run shall have. A client whose engine dies before it answers asks the next one again
        /// with the same id, and gets one run however often it asked.
        run: RunId,
    },
    /// How is the engine?
    Status,
    /// Who has what, and who waits for what?
    Resources,
    /// Remove these runs, which are over, from the history.
    Forget {
        /// Which.
        runs: Vec<RunId>,
        /// Who asks.
        by: String,
    },
    /// Leave; running tasks go on. Asked without a hello, and the same in every protocol: a new version must be able to take over.
    Stop,
}

/// What the engine tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "snake_case")]
pub enum Tell {
    /// The answer to a command, after the commit.
    Reply(Reply),
    /// The answer to hello and status.
    Status(EngineStatus),
    /// The answer to resources.
    Resources(Box<ResourcesSnapshot>),
    /// The answer to forget: those that are gone.
    Forgot {
        /// Which.
        runs: Vec<RunId>,
    },
    /// The answer to stop.
    Stopping,
    /// Something changed, up to this sequence number of the journal.
    Changed {
        /// The number.
        seq: i64,
    },
    /// Another protocol, or a line that cannot be read.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// Where the socket is, by a path short enough for the kernel however deep the state folder is.
///
/// A socket's path may have 107 bytes; the folder is opened and named by its descriptor instead. Keep the file open while the path is used.
///
/// # Errors
/// What the file system says.
pub fn socket_path(state_dir: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::options().read(true).custom_flags(nix::libc::O_DIRECTORY | nix::libc::O_CLOEXEC).open(state_dir)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/engine.sock", folder.as_raw_fd()));
    Ok((folder, path))
}

/// One line of JSON.
///
/// # Errors
/// A message that is longer than [`MAX_FRAME`], which the other side would cut off.
pub fn line(message: &impl Serialize) -> Result<Vec<u8>, RuntimeError> {
    let mut bytes = serde_json::to_vec(message).map_err(|error| RuntimeError::Io(error.to_string()))?;
    if bytes.len() >= MAX_FRAME {
        return Err(RuntimeError::Usage(format!("the request is {} bytes long; at most {MAX_FRAME} are accepted", bytes.len())));
    }
    bytes.push(b'\n');
    Ok(bytes)
}

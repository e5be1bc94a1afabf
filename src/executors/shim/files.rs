//! What a shim keeps in the attempt's folder, and how each file is written so that a reader never sees half of it.
//!
//! | file | written | says |
//! |---|---|---|
//! | `lock` | once its `flock` is held, which the shim does for life | who the shim is |
//! | `meta.new` | before the program is started | the program may have begun |
//! | `meta` | by rename, after it was started | it began, and who it is |
//! | `exit` | by rename, when everything is over | the verdict |
//! | `fence` | by an engine that holds the lock | it did not begin and never will |
//! | `cancel` | by an engine | it is to be ended |
//! | `usage` | in place, each second | what its processes take |
//! | `log.cut` | in place, before bytes of a log go | which bytes are gone |
//!
//! The last two are single lines with a checksum, see `slot`. Each other one is JSON with a `format` number; readers ignore keys they do not know, so later formats add keys only.

use crate::model::Verdict;
use nix::errno::Errno;
use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Version of the records below.
pub const FORMAT: u32 = 1;

/// Room kept for a verdict: one block, so that writing it needs no space that could be gone by then.
const VERDICT_ROOM: u64 = 4096;

/// A process that cannot be mistaken for another one: pids come back, these three together do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its pid.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start: u64,
    /// Which boot.
    pub boot_id: String,
}

/// Content of `lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRecord {
    /// See [`FORMAT`].
    pub format: u32,
    /// The shim that holds it.
    pub shim: Identity,
}

/// Content of `meta`, and of `meta.new` while nobody knows yet whether the program was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// See [`FORMAT`].
    pub format: u32,
    /// The shim.
    pub shim: Identity,
    /// What every process of the attempt has in its environment.
    pub token: String,
    /// The program; `None` before it was started.
    pub task: Option<Identity>,
    /// Microseconds since 1970 when it was started.
    pub started_at_micros: i64,
    /// The control group that holds all of it; without one it is known by its session and its token only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct VerdictRecord {
    format: u32,
    #[serde(flatten)]
    verdict: Verdict,
}

/// The shim's files of one attempt.
#[derive(Debug, Clone)]
pub struct ShimFiles(PathBuf);

impl ShimFiles {
    /// The files in an attempt's folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
    /// The lock that is held as long as the shim lives.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
    /// Proof that the program was started.
    pub fn meta(&self) -> PathBuf {
        self.0.join("meta")
    }
    /// Sign that it may have been started.
    pub fn intent(&self) -> PathBuf {
        self.0.join("meta.new")
    }
    /// The verdict.
    pub fn verdict(&self) -> PathBuf {
        self.0.join("exit")
    }
    fn verdict_room(&self) -> PathBuf {
        self.0.join("exit.new")
    }
    /// Sign that it may never begin.
    pub fn fence(&self) -> PathBuf {
        self.0.join("fence")
    }
    /// Sign that it is to be ended.
    pub fn cancel(&self) -> PathBuf {
        self.0.join("cancel")
    }

    /// Opens the lock file and tries to hold it; `None` if somebody else does.
    ///
    /// # Errors
    /// What the file system says.
    pub fn try_lock(&self) -> io::Result<Option<File>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(self.lock())?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Says in the lock file who holds it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sign_lock(&self, lock: &File, shim: &Identity) -> io::Result<()> {
        lock.write_all_at(&to_json(&LockRecord { format: FORMAT, shim: shim.clone() })?, 0)
    }

    /// Who says to hold the lock.
    pub fn holder(&self) -> Option<Identity> {
        read::<LockRecord>(&self.lock()).map(|record| record.shim)
    }

    /// Whether the program began, may have begun, or may not begin any more.
    pub fn is_used(&self) -> bool {
        [self.meta(), self.intent(), self.verdict(), self.fence()].iter().any(|path| path.exists())
    }

    /// What is known of the program: from `meta`, else from the intent.
    pub fn begun(&self) -> Option<Meta> {
        read(&self.meta())
    }

    /// The intent to start, if it was never confirmed.
    pub fn intended(&self) -> Option<Meta> {
        read(&self.intent())
    }

    /// The verdict, if there is one.
    pub fn read_verdict(&self) -> Option<Verdict> {
        read::<VerdictRecord>(&self.verdict()).map(|record| record.verdict)
    }

    /// Says that the program may be started from now on.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_intent(&self, meta: &Meta) -> io::Result<File> {
        let mut file = create_new(&self.intent())?;
        file.write_all(&to_json(meta)?)?;
        Ok(file)
    }

    /// Turns the intent into the proof that the program was started. The text replaces a shorter one within one block.
    ///
    /// # Errors
    /// What the file system says.
    pub fn confirm(&self, intent: &File, meta: &Meta) -> io::Result<()> {
        intent.write_all_at(&to_json(meta)?, 0)?;
        fs::rename(self.intent(), self.meta())
    }

    /// Replaces the proof by one that says more.
    ///
    /// # Errors
    /// What the file system says.
    pub fn replace_meta(&self, meta: &Meta) -> io::Result<()> {
        let path = self.0.join("meta.more");
        create_new(&path)?.write_all(&to_json(meta)?)?;
        fs::rename(path, self.meta())
    }

    /// Takes the intent back: the program could not be started.
    pub fn withdraw_intent(&self) {
        let _ = fs::remove_file(self.intent());
    }

    /// Keeps room for the verdict.
    ///
    /// # Errors
    /// What the file system says; nothing is left then.
    pub fn reserve_verdict(&self) -> io::Result<File> {
        let file = create_new(&self.verdict_room())?;
        let reserved = match fallocate(&file, FallocateFlags::empty(), 0, VERDICT_ROOM) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => file.write_all_at(&[0; VERDICT_ROOM as usize], 0),
            other => other.map_err(Into::into),
        };
        if reserved.is_err() {
            self.release_verdict();
        }
        reserved.map(|()| file)
    }

    /// Gives the room back.
    pub fn release_verdict(&self) {
        let _ = fs::remove_file(self.verdict_room());
    }

    /// Writes the verdict into the room kept for it and gives it its name.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_verdict(&self, room: &File, verdict: &Verdict) -> io::Result<()> {
        let text = to_json(&VerdictRecord { format: FORMAT, verdict: verdict.clone() })?;
        room.write_all_at(&text, 0)?;
        room.set_len(text.len() as u64)?;
        fs::rename(self.verdict_room(), self.verdict())
    }

    /// Says that the program may not begin any more. Only for who holds the lock.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_fence(&self) -> io::Result<()> {
        mark(&self.fence())
    }

    /// Says that the attempt is to be ended.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_cancel(&self) -> io::Result<()> {
        mark(&self.cancel())
    }
}

/// Opens a log for appending, private to this user.
///
/// # Errors
/// What the file system says.
pub fn open_log(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Whether an error means that there is no room left.
pub fn is_full(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG))
}

fn mark(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn to_json(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(record)?;
    text.push(b'\n');
    Ok(text)
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::End;

    #[test]
    fn a_verdict_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let files = ShimFiles::new(folder.path());
        let verdict = Verdict::new(End::Canceled { code: None, signal: Some(9) }, 1, 2);
        assert_eq!(files.read_verdict(), None);
        let room = files.reserve_verdict().unwrap();
        assert!(!files.is_used());
        files.write_verdict(&room, &verdict).unwrap();
        assert_eq!(files.read_verdict(), Some(verdict));
        let text = fs::read_to_string(files.verdict()).unwrap();
        assert!(text.starts_with(r#"{"format":1,"end":"canceled""#), "{text}");
        assert!(text.ends_with("}\n"), "{text:?}");
    }

    #[test]
    fn keys_of_a_later_format_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let files = ShimFiles::new(folder.path());
        fs::write(files.verdict(), r#"{"format":9,"end":"exited","code":3,"peak":1,"started_at_micros":5,"ended_at_micros":6}"#).unwrap();
        assert_eq!(files.read_verdict().unwrap().end, End::Exited { code: 3 });
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time_and_says_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let files = ShimFiles::new(folder.path());
        let held = files.try_lock().unwrap().unwrap();
        assert!(files.try_lock().unwrap().is_none());
        assert_eq!(files.holder(), None);
        let shim = Identity { pid: 7, start: 8, boot_id: "b".into() };
        files.sign_lock(&held, &shim).unwrap();
        assert_eq!(files.holder(), Some(shim));
        drop(held);
        assert!(files.try_lock().unwrap().is_some());
    }
}

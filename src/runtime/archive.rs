//! `run.json` in the folder of each run: what the database says of it, kept beside its logs.
//!
//! It shows that a database lost its newest part, and lets `flowyard doctor --rebuild` make history again. It is written by a
//! thread beside the engine, when a run begins and when it is over; nothing waits for it. So is which triggers are on.

use super::{
    RuntimeError,
    switches::{self, Switches},
    workspace::Place,
};
use crate::{
    model::{
        RunId,
        record::{Archive, RunRecord},
    },
    stdx::{atomic, fault},
    store::{Reader, StoreError, Writer},
};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Sender, channel},
    thread::JoinHandle,
};

/// How many of the newest runs are compared with the database when an engine starts: what is lost is lost from the end.
const COMPARED: usize = 50;

/// The file's name.
const FILE: &str = "run.json";

/// Whether there was a run to write down when its folder was there.
pub fn is_kept(run_folder: &Path) -> bool {
    run_folder.join(FILE).exists()
}

/// Something to write down.
enum Keep {
    Begun(Box<RunRecord>, i64),
    Ended(RunId, i64),
    Switched(Switches),
}

/// The thread's other end. Dropping it waits until everything is written.
pub struct Keeper {
    to_thread: Option<Sender<Keep>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(state_dir: PathBuf) -> io::Result<Self> {
        let (to_thread, inbox) = channel();
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
            for keep in inbox {
                let what = match &keep {
                    Keep::Begun(run, _) => format!("run {}", run.run_id),
                    Keep::Ended(id, _) => format!("run {id}"),
                    Keep::Switched(_) => "triggers that are on".to_owned(),
                };
                if let Err(error) = write(&state_dir, keep) {
                    tracing::warn!(what, %error, "not kept beside the database; `doctor --rebuild` could not bring it back whole");
                }
            }
        })?;
        Ok(Self { to_thread: Some(to_thread), thread: Some(thread) })
    }

    /// A run was committed for the first time, up to the entry `seq` of the journal.
    pub fn begun(&self, run: &RunRecord, seq: i64) {
        self.tell(Keep::Begun(Box::new(run.clone()), seq));
    }

    /// The end of a run was committed, up to the entry `seq` of the journal.
    pub fn ended(&self, run: RunId, seq: i64) {
        self.tell(Keep::Ended(run, seq));
    }

    /// It was committed that the triggers of these pipelines are on, or off.
    pub fn switched(&self, said: Switches) {
        self.tell(Keep::Switched(said));
    }

    fn tell(&self, keep: Keep) {
        if let Some(to_thread) = &self.to_thread {
            let _ = to_thread.send(keep);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.to_thread = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes down at once how a run stands.
///
/// # Errors
/// What the system or the database says.
pub fn keep(state_dir: &Path, run: &RunRecord, seq: i64) -> Result<(), RuntimeError> {
    let is_over = run.state.is_terminal();
    write(state_dir, if is_over { Keep::Ended(run.run_id.clone(), seq) } else { Keep::Begun(Box::new(run.clone()), seq) })
}

fn write(state_dir: &Path, keep: Keep) -> Result<(), RuntimeError> {
    match keep {
        Keep::Begun(run, last_seq) => {
            let folder = folder(state_dir, &run.run_id);
            let number = Reader::open(state_dir)?.number_of(&run.run_id)?;
            let archive = Archive::begun(*run, number, last_seq);
            in_folder(&folder, |out| Ok(serde_json::to_writer(out, &archive)?))
        }
        Keep::Ended(id, last_seq) => {
            let reader = Reader::open(state_dir)?;
            if reader.runs_with_prefix(id.as_str())?.is_empty() {
                return Ok(());
            }
            // What others committed since `last_seq` may not be on the disk yet, and must not be missed after a loss of power.
            in_folder(&folder(state_dir, &id), |out| reader.write_archive(&id, last_seq, out).map_err(io::Error::other)?)
        }
        Keep::Switched(said) => {
            switches::note(state_dir, said).map_err(|error| RuntimeError::Io(format!("{}: {error}", state_dir.display())))
        }
    }
}

/// Writes the file as a stream: the text of a run of 10,000 tasks would take as much memory as the engine has for everything.
fn in_folder(folder: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), RuntimeError> {
    let path = folder.join(FILE);
    let stream = |file: &fs::File| -> io::Result<()> {
        let mut buffer = io::BufWriter::new(file);
        fill(&mut buffer)?;
        buffer.flush()
    };
    atomic::create_private_dir(folder)
        .and_then(|()| atomic::write_with(&path, stream))
        .map_err(|error| RuntimeError::Io(format!("{}: {error}", path.display())))
}

/// The folder of a run.
pub fn folder(state_dir: &Path, run: &RunId) -> PathBuf {
    state_dir.join("runs").join(run.as_str())
}

/// What was kept of a run, if it can be read.
///
/// # Errors
/// Why not, in words.
pub fn read(folder: &Path) -> Result<Archive, String> {
    let path = folder.join(FILE);
    let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Folders of runs, oldest first.
pub fn folders(state_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state_dir.join("runs")).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// Compares the newest runs with the database.
///
/// # Errors
/// The database does not know what runs say that it knew: its log was lost, or an older copy was put back.
pub fn compare(place: &Place, store: &Writer) -> Result<(), RuntimeError> {
    let last = store.last_seq()?;
    for folder in folders(&place.state_dir).iter().rev().take(COMPARED) {
        let Ok(archive) = read(folder) else { continue };
        let id = &archive.run.run_id;
        let known = store.has_run(id)?;
        if (!known || archive.last_seq > last) && !fault::is_on("lost-log-unseen") {
            return Err(RuntimeError::Io(format!(
                "the history is not whole: {} ends at entry {last}, but run {id} was recorded up to entry {}{}\n\
                 Its log (flowyard.db-wal) was removed, or an older copy was put back. Nothing was changed.\n\
                 hint: put back the newest copy (`flowyard doctor` lists them), or make history again from the folders of the runs \
                 with `flowyard doctor --rebuild`",
                place.state_dir.join(crate::store::FILE).display(),
                archive.last_seq,
                if known { "" } else { ", and is not in it" },
            )));
        }
    }
    Ok(())
}

/// The trouble for clients, who only read.
///
/// # Errors
/// The database cannot be read.
pub fn is_behind(state_dir: &Path) -> Result<Option<String>, StoreError> {
    let reader = Reader::open(state_dir)?;
    let last = reader.last_seq()?;
    let newest = folders(state_dir).into_iter().rev().take(COMPARED).filter_map(|folder| read(&folder).ok());
    let behind = newest.filter(|archive| archive.last_seq > last).map(|archive| archive.run.run_id.to_string()).collect::<Vec<_>>();
    Ok((!behind.is_empty()).then(|| format!("it ends at entry {last} and does not know all of {}", behind.join(", "))))
}

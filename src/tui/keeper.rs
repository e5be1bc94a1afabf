//! Keeps what is to be found again the next time, on a thread of its own: a disk that is slow or full holds nobody up.

use super::{memory::Memory, worker, world::Msg};
use crate::runtime::{
    clock,
    remembered::{self, Recent, Shelf},
    workspace::{self, Place},
};
use std::{
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

/// At leaving, a disk that does not answer is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was remembered of a workspace, and what is to be said about it.
pub fn recall(workspace: &Path) -> (Memory, Option<String>) {
    remembered::home().map_or_else(Default::default, |home| recall_from(&Shelf::below(&home, workspace)))
}

fn recall_from(shelf: &Shelf) -> (Memory, Option<String>) {
    let text = match shelf.read() {
        Ok(text) => text,
        Err(error) => return (Memory::default(), Some(format!("how you left the views is not known: {error}"))),
    };
    Memory::read(&text).map_or_else(
        |why| {
            let place = shelf.set_aside().map_or_else(|_| shelf.shown(), |aside| aside.display().to_string());
            (Memory::default(), Some(format!("how you left the views is not known: {why} ({place})")))
        },
        |memory| (memory, None),
    )
}

/// The side that has something to be kept.
pub struct Keeper {
    memories: Sender<Memory>,
    done: Receiver<()>,
}

impl Keeper {
    /// For a workspace; `None` if nothing may be written or there is nowhere to.
    pub fn open(place: &Place, read_only: bool, tx: &Sender<Msg>) -> Option<Self> {
        let home = remembered::home().filter(|_| !read_only)?;
        let (shelf, place) = (Shelf::below(&home, &place.workspace), place.clone());
        let ((memories, inbox), (leave, done)) = (channel(), channel());
        worker::spawn("tui-keeper", tx, move |tx| {
            // That it cannot be written is said of what the views are, which is missed more.
            let _ = remembered::remember(&home, used(&place));
            keep(&shelf, &inbox, tx);
            let _ = remembered::remember(&home, used(&place));
            drop(leave);
        });
        Some(Self { memories, done })
    }

    /// Keeps it, soon.
    pub fn keep(&self, memory: Memory) {
        let _ = self.memories.send(memory);
    }

    /// Waits until everything is kept.
    pub fn close(self) {
        drop(self.memories);
        // It is told by the other end being dropped.
        let _ = self.done.recv_timeout(PATIENCE);
    }
}

/// The workspace as it is listed among those that were used.
fn used(place: &Place) -> Recent {
    let usual = workspace::find(&place.workspace, Some(&place.workspace), None).map(|usual| usual.state_dir);
    let state_dir = usual.ok().filter(|usual| *usual != place.state_dir).map(|_| place.state_dir.clone());
    Recent { workspace: place.workspace.clone(), state_dir, used: clock::now() }
}

/// A workspace that was used, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The workspace.
    pub recent: Recent,
    /// Whether its folder is there.
    pub is_there: bool,
}

/// The workspaces that were used, lately used first. A folder on a disk that is gone may take its time.
pub fn known() -> Vec<Known> {
    let recent = remembered::home().map(|home| remembered::recent(&home)).unwrap_or_default();
    recent.into_iter().map(|recent| Known { is_there: recent.workspace.is_dir(), recent }).collect()
}

/// Takes a workspace out of the list.
///
/// # Errors
/// The list cannot be written.
pub fn forget(workspace: &Path) -> Result<(), String> {
    remembered::home().map_or(Ok(()), |home| remembered::forget(&home, workspace).map_err(|error| error.to_string()))
}

/// Writes what comes; of several that came meanwhile only the last. That it cannot be written is said once.
fn keep(shelf: &Shelf, inbox: &Receiver<Memory>, tx: &Sender<Msg>) {
    let mut written = String::new();
    let mut complained = false;
    for first in inbox {
        let text = inbox.try_iter().last().unwrap_or(first).text();
        if text == written {
            continue;
        }
        match shelf.write(&text) {
            Ok(()) => written = text,
            Err(error) if !complained => {
                complained = true;
                let _ = tx.send(Msg::Note(format!("how you leave the views will not be known the next time: {error}")));
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn memory(chosen: &str) -> Memory {
        Memory { chosen: vec![chosen.to_owned()], ..Memory::default() }
    }

    fn kept(shelf: &Shelf, memories: &[Memory]) -> Vec<Msg> {
        let ((tx, inbox), (outbox, said)) = (channel(), channel());
        memories.iter().for_each(|memory| tx.send(memory.clone()).unwrap());
        drop(tx);
        keep(shelf, &inbox, &outbox);
        drop(outbox);
        said.iter().collect()
    }

    #[test]
    fn the_last_that_came_is_found_again() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::below(home.path(), Path::new("/a"));
        assert!(kept(&shelf, &[memory("one"), memory("two")]).is_empty());
        assert_eq!(recall_from(&shelf), (memory("two"), None));
    }

    #[test]
    fn what_is_not_understood_is_set_aside_and_said_and_the_next_time_is_as_the_first() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::below(home.path(), Path::new("/a"));
        shelf.write("{\"version\": 1, \"mem").unwrap();
        let (memory, said) = recall_from(&shelf);
        let said = said.unwrap();
        assert!(memory == Memory::default() && said.contains("damaged") && said.contains(".aside"));
        assert_eq!(recall_from(&shelf), (Memory::default(), None));
    }

    #[test]
    fn a_disk_that_cannot_be_written_is_said_once() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("flowyard"), "a file, not a folder").unwrap();
        let shelf = Shelf::below(home.path(), Path::new("/a"));
        let ((tx, inbox), (outbox, said)) = (channel(), channel());
        let writer = std::thread::spawn(move || keep(&shelf, &inbox, &outbox));
        tx.send(memory("one")).unwrap();
        assert!(matches!(said.recv().unwrap(), Msg::Note(text) if text.contains("cannot be written")));
        tx.send(memory("two")).unwrap();
        drop(tx);
        writer.join().unwrap();
        assert!(said.recv().is_err());
    }

    #[test]
    fn two_that_write_at_once_leave_one_of_both_and_never_a_mixture() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::below(home.path(), Path::new("/a"));
        let (long, short) = (memory(&"x".repeat(100_000)), memory("y"));
        std::thread::scope(|scope| {
            for one in [&long, &short] {
                let shelf = &shelf;
                scope.spawn(move || {
                    for _ in 0..50 {
                        let _ = shelf.write(&one.text());
                        let (seen, said) = recall_from(shelf);
                        assert!(said.is_none() && (seen.chosen == long_or_short(&seen)), "torn");
                    }
                });
            }
        });
        fn long_or_short(seen: &Memory) -> Vec<String> {
            let length = seen.chosen.first().map_or(0, String::len);
            vec![if length == 1 { "y".to_owned() } else { "x".repeat(100_000) }]
        }
    }
}

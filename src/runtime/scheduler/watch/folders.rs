//! Folders of which something is told when it happens in them.

use crate::stdx::names;
use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor},
};
use std::{
    collections::{BTreeMap, HashMap},
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
};

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// To the file or folder of this name, relative to the workspace.
    To {
        /// Its path.
        path: String,
        /// Somebody who wrote to it has closed it, or it came or went whole: nobody is writing it.
        whole: bool,
    },
    /// More than could be told.
    Anything,
}

/// Those that are watched; without inotify none is.
pub struct Folders {
    workspace: PathBuf,
    inotify: Option<Inotify>,
    names: HashMap<WatchDescriptor, String>,
    watched: BTreeMap<String, WatchDescriptor>,
    /// It was said that there are too many.
    told: bool,
}

impl Folders {
    /// None yet.
    pub fn new(workspace: &Path) -> Self {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK);
        if let Err(error) = &inotify {
            tracing::warn!(%error, "changes are noticed within a minute only");
        }
        Self { workspace: workspace.to_owned(), inotify: inotify.ok(), names: HashMap::new(), watched: BTreeMap::new(), told: false }
    }

    /// What to wait for.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// Watches a folder, too. What is read of it afterwards is either what it was before something happened, or that is told.
    pub fn add(&mut self, folder: &str) {
        let Some(inotify) = &self.inotify else { return };
        let what = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        // A folder that was replaced by another of the same name gets another descriptor: so it is asked for each time.
        match inotify.add_watch(&self.workspace.join(names::decode(folder)), what) {
            Ok(descriptor) => {
                if let Some(old) = self.watched.insert(folder.to_owned(), descriptor).filter(|old| *old != descriptor) {
                    self.names.remove(&old);
                }
                self.names.insert(descriptor, folder.to_owned());
            }
            Err(Errno::ENOSPC) if !self.told => {
                self.told = true;
                tracing::warn!("too many folders to watch (fs.inotify.max_user_watches); changes in some are noticed within a minute only");
            }
            // It went away meanwhile, or may not be read: whoever looks at it finds out.
            Err(_) => {}
        }
    }

    /// Watches none but those.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        let gone: Vec<String> = self.watched.keys().filter(|folder| !wanted(folder)).cloned().collect();
        for folder in gone {
            if let (Some(descriptor), Some(inotify)) = (self.watched.remove(&folder), &self.inotify) {
                self.names.remove(&descriptor);
                let _ = inotify.rm_watch(descriptor);
            }
        }
    }

    /// What happened since this was asked last.
    pub fn events(&mut self) -> Vec<Happened> {
        let mut happened = Vec::new();
        while let Some(Ok(events)) = self.inotify.as_ref().map(Inotify::read_events) {
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    happened.push(Happened::Anything);
                    continue;
                }
                let Some(folder) = self.names.get(&event.wd).cloned() else { continue };
                if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                    self.names.remove(&event.wd);
                    self.watched.remove(&folder);
                }
                let path = match event.name.as_ref().map(|name| names::encode(name)) {
                    None => folder,
                    Some(name) if folder.is_empty() => name,
                    Some(name) => format!("{folder}/{name}"),
                };
                happened.push(Happened::To { path, whole: !event.mask.contains(AddWatchFlags::IN_MODIFY) });
            }
        }
        happened
    }
}

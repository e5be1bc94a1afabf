//! Knows which triggers the pipeline files have, as long as any are on: looks when a file changes, and from time to time.

use super::super::{
    apart,
    core::Msg,
    pipelines::{Found, Stamp, stamp},
    workspace::{self, Place},
};
use crate::model::{Notify, PipelineId, TriggerDef};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::{
    collections::{BTreeMap, HashMap},
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

/// How often it looks though nothing was told: some file systems tell nothing.
const LOOK: Duration = Duration::from_secs(60);
/// An editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// The thread that looks.
pub struct Definitions;

impl Definitions {
    /// Starts the thread; it ends with the engine.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(place: Place, to_core: mpsc::Sender<Msg>) -> std::io::Result<()> {
        std::thread::Builder::new().name("definitions".to_owned()).spawn(move || {
            let bell = Bell::on(&place.workspace.join("pipelines"));
            let (mut read, mut told) = (HashMap::new(), None);
            loop {
                let found = look(&place, &mut read);
                let listeners: BTreeMap<PipelineId, Notify> =
                    read.values().filter_map(|(_, id, good)| Some((id.clone(), good.as_ref()?.1.clone()))).collect();
                if told.as_ref() != Some(&(found.clone(), listeners.clone())) {
                    told = Some((found.clone(), listeners.clone()));
                    // Who is told of what they missed is known before they miss anything.
                    if to_core.send(Msg::Listeners(listeners)).is_err() || to_core.send(Msg::Defined(found)).is_err() {
                        return;
                    }
                }
                bell.wait();
            }
        })?;
        Ok(())
    }
}

/// The triggers of each pipeline; none of one whose file is wrong.
type All = BTreeMap<PipelineId, Option<Vec<TriggerDef>>>;

/// What was read of each file: the triggers, and who is told of what; none of one that is wrong.
type Files = HashMap<PathBuf, (Stamp, PipelineId, Option<(Vec<TriggerDef>, Notify)>)>;

fn look(place: &Place, read: &mut Files) -> All {
    let known = |read: &Files| read.values().map(|(_, id, good)| (id.clone(), good.as_ref().map(|good| good.0.clone()))).collect();
    let files = match workspace::pipeline_files(&place.workspace) {
        Ok(files) => files,
        Err(error) => {
            // What was read stays: a folder that cannot be listed for a moment is no reason to forget what is on.
            tracing::warn!(%error, "the pipeline files cannot be listed");
            return known(read);
        }
    };
    read.retain(|path, _| files.contains(path));
    for path in files {
        let stamp = stamp(&path);
        if read.get(&path).is_some_and(|(known, ..)| Some(*known) == stamp) {
            continue;
        }
        let name = path.strip_prefix(&place.workspace).unwrap_or(&path).display().to_string();
        let Found { id, pipeline, diagnostics, .. } = apart::read(&path, &name);
        let good = pipeline.filter(|_| !diagnostics.has_errors());
        read.insert(path, (stamp.unwrap_or_default(), id, good.map(|pipeline| (pipeline.triggers, pipeline.notify))));
    }
    known(read)
}

/// Rings when something happens in a folder.
struct Bell(Option<Inotify>);

impl Bell {
    fn on(folder: &Path) -> Self {
        let made = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).and_then(|inotify| {
            let what = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVE | AddWatchFlags::IN_DELETE;
            inotify.add_watch(folder, what).map(|_| inotify)
        });
        if let Err(error) = &made {
            tracing::warn!(%error, "changes of pipeline files are noticed within a minute only");
        }
        Self(made.ok())
    }

    /// Until it rang and is quiet again, or it is time to look anyway.
    fn wait(&self) {
        let Some(inotify) = &self.0 else { return std::thread::sleep(LOOK) };
        let mut patience = LOOK;
        loop {
            let mut fds = [rustix::event::PollFd::from_borrowed_fd(inotify.as_fd(), rustix::event::PollFlags::IN)];
            let timeout = rustix::event::Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
            match rustix::event::poll(&mut fds, Some(&timeout)) {
                Ok(0) => return,
                Ok(_) => {
                    // What happened does not matter: all is looked at.
                    let _ = inotify.read_events();
                    patience = QUIET;
                }
                Err(_) => return std::thread::sleep(QUIET),
            }
        }
    }
}

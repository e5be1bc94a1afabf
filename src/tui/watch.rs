//! Hears when a theme's file is saved, by one file descriptor that sleeps until then.

use super::{worker, world::Msg};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};
use std::{
    path::{Path, PathBuf},
    sync::mpsc::Sender,
};

/// What happens to a file when an editor saves it, in place or by another name.
const SAVED: AddWatchFlags = AddWatchFlags::IN_CLOSE_WRITE.union(AddWatchFlags::IN_MOVED_TO);

/// Tells of each saving within `themes` of the folder for settings. Where that is not there, nothing is heard: looking makes no folder.
pub fn themes(folder: Option<PathBuf>, tx: &Sender<Msg>) {
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else { return };
    let Ok(watch) = Inotify::init(InitFlags::IN_CLOEXEC) else { return };
    // The folder itself is watched for `themes`, which may be made later.
    let Ok(_) = watch.add_watch(&folder, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_ONLYDIR) else { return };
    worker::spawn("tui-themes", tx, move |tx| listen(&watch, &folder, tx));
}

fn listen(watch: &Inotify, folder: &Path, tx: &Sender<Msg>) {
    let themes = folder.join("themes");
    let mut watched = watch.add_watch(&themes, SAVED).ok();
    while let Ok(events) = watch.read_events() {
        let of_themes = |event: &InotifyEvent| watched.is_some_and(|watched| event.wd == watched);
        let saved = events.iter().any(|event| of_themes(event) && event.name.as_ref().is_some_and(|name| is_theme(name)));
        let made = events.iter().any(|event| !of_themes(event) && event.name.as_deref() == themes.file_name());
        if made {
            watched = watch.add_watch(&themes, SAVED).ok();
        }
        if (saved || made) && tx.send(Msg::ThemesChanged).is_err() {
            return;
        }
    }
}

fn is_theme(name: &std::ffi::OsStr) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "toml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, sync::mpsc::channel, time::Duration};

    #[test]
    fn a_saved_theme_is_heard_also_in_a_folder_that_is_made_later() {
        let folder = tempfile::tempdir().unwrap();
        let (tx, rx) = channel();
        themes(Some(folder.path().to_owned()), &tx);
        let heard = || matches!(rx.recv_timeout(Duration::from_secs(10)), Ok(Msg::ThemesChanged));
        let path = folder.path().join("themes");
        fs::create_dir(&path).unwrap();
        assert!(heard());
        fs::write(path.join("mine.toml.swp"), "").unwrap();
        fs::write(path.join("new"), "").unwrap();
        fs::rename(path.join("new"), path.join("mine.toml")).unwrap();
        assert!(heard());
        assert!(rx.try_recv().is_err());
    }
}

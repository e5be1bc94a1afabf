//! A folder of numbered versions with a link `current` to the one that is served. A reader sees a version whole or not at all.

use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The link to the served version.
pub const CURRENT: &str = "current";
/// The scores kept within a version.
pub const METRICS: &str = "metrics.json";
const PARTIAL: &str = ".partial-";

/// A version that was just added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its number.
    pub version: u64,
    /// Its folder.
    pub folder: PathBuf,
    /// What was served before.
    pub previous: Option<u64>,
}

/// Adds a version to `base` and serves it: `fill` writes into a folder nobody sees yet, which then gets the next number.
/// Whoever adds at the same time waits, so each gets a number of its own and `current` ends at the highest.
///
/// # Errors
/// What `fill` or the file system says; `current` is unchanged then.
pub fn add(base: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Added> {
    fs::create_dir_all(base).with_context(|| format!("cannot make {}", base.display()))?;
    let lock = File::create(base.join(".lock")).with_context(|| format!("cannot write in {}", base.display()))?;
    lock.lock().with_context(|| format!("cannot lock {}", base.display()))?;
    clear_partial(base)?;
    let previous = served(base)?;
    let partial = base.join(format!("{PARTIAL}{}", std::process::id()));
    fs::create_dir(&partial).with_context(|| format!("cannot make {}", partial.display()))?;
    fill(&partial)?;
    sync_tree(&partial)?;
    let version = next(base)?;
    let folder = base.join(version.to_string());
    fs::rename(&partial, &folder).with_context(|| format!("cannot move the new version to {}", folder.display()))?;
    sync(base)?;
    serve(base, version)?;
    Ok(Added { version, folder, previous })
}

/// Which version `current` leads to.
///
/// # Errors
/// `current` is there, but no link to a version.
pub fn served(base: &Path) -> Result<Option<u64>> {
    let current = base.join(CURRENT);
    match fs::read_link(&current) {
        Ok(target) => {
            let number = target.to_str().and_then(|target| target.parse().ok());
            number.map(Some).with_context(|| format!("{} leads to {}, which is no version number", current.display(), target.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            bail!("{} is no link: move it away, it is where the served version is told", current.display())
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", current.display())),
    }
}

// A rename replaces the old link in one step: at no moment is there none.
fn serve(base: &Path, version: u64) -> Result<()> {
    let link = base.join(format!("{PARTIAL}link-{}", std::process::id()));
    std::os::unix::fs::symlink(version.to_string(), &link)
        .and_then(|()| fs::rename(&link, base.join(CURRENT)))
        .with_context(|| format!("cannot switch {} to version {version}", base.join(CURRENT).display()))?;
    sync(base)
}

// Left by one that was killed: the lock is ours, so nobody is writing them.
fn clear_partial(base: &Path) -> Result<()> {
    for entry in fs::read_dir(base)? {
        let path = entry?.path();
        let partial = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PARTIAL));
        if partial {
            let removed = if path.is_symlink() { fs::remove_file(&path) } else { fs::remove_dir_all(&path) };
            removed.with_context(|| format!("cannot remove the unfinished {}", path.display()))?;
        }
    }
    Ok(())
}

fn next(base: &Path) -> Result<u64> {
    let mut highest = 0;
    for entry in fs::read_dir(base)? {
        highest = entry?.file_name().to_str().and_then(|name| name.parse().ok()).unwrap_or(0).max(highest);
    }
    Ok(highest + 1)
}

fn sync_tree(path: &Path) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync_tree(&entry?.path())?;
        }
    }
    sync(path)
}

fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).with_context(|| format!("cannot bring {} to the disk", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn fill(text: &str) -> impl Fn(&Path) -> Result<()> {
        move |folder| Ok(fs::write(folder.join(METRICS), text)?)
    }

    #[test]
    fn versions_count_up_and_current_follows() {
        let base = tempfile::tempdir().unwrap();
        let first = add(base.path(), fill("1")).unwrap();
        let second = add(base.path(), fill("2")).unwrap();
        assert_eq!((first.version, first.previous), (1, None));
        assert_eq!((second.version, second.previous), (2, Some(1)));
        assert_eq!(fs::read_to_string(base.path().join("current/metrics.json")).unwrap(), "2");
        assert_eq!(fs::read_to_string(base.path().join("1/metrics.json")).unwrap(), "1");
    }

    #[test]
    fn a_failed_version_leaves_current_and_takes_no_number() {
        let base = tempfile::tempdir().unwrap();
        add(base.path(), fill("1")).unwrap();
        add(base.path(), |folder| {
            fs::write(folder.join("half"), "")?;
            bail!("the disk is gone")
        })
        .unwrap_err();
        assert_eq!(served(base.path()).unwrap(), Some(1));
        let next = add(base.path(), fill("2")).unwrap();
        assert_eq!(next.version, 2);
        assert!(!next.folder.join("half").exists());
    }

    #[test]
    fn many_at_once_get_a_number_each_while_current_always_leads_somewhere() {
        let base = tempfile::tempdir().unwrap();
        add(base.path(), fill("0")).unwrap();
        let done = AtomicBool::new(false);
        let mut versions = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    fs::read_to_string(base.path().join("current/metrics.json")).unwrap();
                }
            });
            let adders: Vec<_> = (0..8).map(|_| scope.spawn(|| add(base.path(), fill("x")).unwrap().version)).collect();
            let versions: Vec<u64> = adders.into_iter().map(|adder| adder.join().unwrap()).collect();
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
            versions
        });
        versions.sort_unstable();
        assert_eq!(versions, (2..=9).collect::<Vec<u64>>());
        assert_eq!(served(base.path()).unwrap(), Some(9));
    }

    #[test]
    fn a_current_that_is_no_link_is_left_alone_and_told() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join(CURRENT)).unwrap();
        let error = add(base.path(), fill("1")).unwrap_err().to_string();
        assert!(error.contains("is no link"), "{error}");
    }
}

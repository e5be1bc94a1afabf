//! Files that match a pattern, and whether they have stopped changing.

use super::Look;
use crate::{
    model::sensor::FOUND,
    stdx::{duration, glob},
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

/// How a file stood: its size and the time of its last change.
type Standing = (PathBuf, u64, Option<SystemTime>);

/// What the last look found, and since when it is so.
#[derive(Default)]
pub struct Memory(Option<(Vec<Standing>, Instant)>);

impl Memory {
    /// Looks for what matches `pattern` below the workspace.
    ///
    /// # Errors
    /// The pattern is none. A folder that cannot be read may be readable later.
    pub fn look(&mut self, workspace: &Path, pattern: &str, stable: Option<Duration>, now: Instant) -> Result<Look> {
        let found = match glob::entries(workspace, pattern) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => return Err(error).context("`file` cannot be looked for"),
            Err(error) => return Ok(Look::NotYet(error.to_string())),
        };
        let Some(first) = found.first() else {
            self.0 = None;
            return Ok(Look::NotYet(format!("no file matches {pattern}")));
        };
        let name = first.strip_prefix(workspace).unwrap_or(first).display().to_string();
        let others = if found.len() > 1 { format!(" and {} more", found.len() - 1) } else { String::new() };
        if let Some(stable) = stable {
            let standing: Vec<Standing> = found.iter().map(|path| standing(path)).collect();
            let since = match self.0.take() {
                Some((before, since)) if before == standing => since,
                _ => now,
            };
            self.0 = Some((standing, since));
            let left = stable.saturating_sub(now.duration_since(since));
            if !left.is_zero() {
                let kept = duration::exact(now.duration_since(since));
                return Ok(Look::Soon(format!("{name}{others}: unchanged for {kept}"), left));
            }
        }
        let values = [name.clone().into(), found.len().into()];
        let values = FOUND.map(str::to_owned).into_iter().zip(values).collect();
        Ok(Look::Met(format!("found {name}{others}"), values))
    }
}

/// What cannot be asked about is as if it were empty: it may be gone at the next look.
fn standing(path: &Path) -> Standing {
    let meta = fs::metadata(path).ok();
    (path.to_owned(), meta.as_ref().map_or(0, fs::Metadata::len), meta.and_then(|meta| meta.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(look: Look) -> String {
        match look {
            Look::Met(told, values) => format!("{told} {}", serde_json::Value::from(values)),
            Look::NotYet(why) => format!("not yet: {why}"),
            Look::Soon(why, left) => format!("soon: {why}, {}", duration::exact(left)),
        }
    }

    #[test]
    fn files_that_grow_are_waited_for_until_all_of_them_stand_still() {
        let folder = tempfile::tempdir().unwrap();
        let (mut memory, begin) = (Memory::default(), Instant::now());
        let mut look = |second| {
            let now = begin + Duration::from_secs(second);
            said(memory.look(folder.path(), "in/*.csv", Some(Duration::from_secs(5)), now).unwrap())
        };
        let write = |name: &str, text: &str| {
            fs::create_dir_all(folder.path().join("in")).unwrap();
            fs::write(folder.path().join(name), text).unwrap();
        };
        assert_eq!(look(0), "not yet: no file matches in/*.csv");
        write("in/a.csv", "1");
        assert_eq!(look(1), "soon: in/a.csv: unchanged for 0s, 5s");
        write("in/a.csv", "12");
        assert_eq!(look(6), "soon: in/a.csv: unchanged for 0s, 5s");
        write("in/b.csv", "");
        assert_eq!(look(8), "soon: in/a.csv and 1 more: unchanged for 0s, 5s");
        assert_eq!(look(10), "soon: in/a.csv and 1 more: unchanged for 2s, 3s");
        assert_eq!(look(13), r#"found in/a.csv and 1 more {"path":"in/a.csv","count":2}"#);
    }

    #[test]
    fn a_folder_is_found_as_a_file_is_and_a_pattern_that_is_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("day")).unwrap();
        let look = |pattern| Memory::default().look(folder.path(), pattern, None, Instant::now());
        assert_eq!(said(look("day").unwrap()), r#"found day {"path":"day","count":1}"#);
        assert!(look("a**").is_err());
    }
}

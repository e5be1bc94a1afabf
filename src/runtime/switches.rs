//! `triggers.json` in the state folder: the pipelines whose triggers somebody turned on or off, kept beside the database.
//!
//! Only history that is made again reads it: no folder of a run says that triggers were on which have not fired yet.

use crate::{model::PipelineId, stdx::atomic};
use std::{collections::BTreeMap, fs, io, path::Path};

/// The file's name.
const FILE: &str = "triggers.json";

/// Pipelines about whose triggers somebody said something: whether they are on.
pub type Switches = BTreeMap<PipelineId, bool>;

/// What is written down; nothing if there is no such file, or it cannot be understood.
pub fn read(state_dir: &Path) -> Switches {
    fs::read(state_dir.join(FILE)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Writes down what was said. Of pipelines that are not named what was said before stays.
///
/// # Errors
/// What the file system says.
pub fn note(state_dir: &Path, said: Switches) -> io::Result<()> {
    let before = read(state_dir);
    let mut all = before.clone();
    all.extend(said);
    if all == before { Ok(()) } else { atomic::write(&state_dir.join(FILE), &serde_json::to_vec(&all)?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_of_one_pipeline_changes_nothing_of_another() {
        let folder = tempfile::tempdir().unwrap();
        note(folder.path(), Switches::from([("a".into(), true), ("b".into(), true)])).unwrap();
        note(folder.path(), Switches::from([("b".into(), false)])).unwrap();
        assert_eq!(read(folder.path()), Switches::from([("a".into(), true), ("b".into(), false)]));
        fs::write(folder.path().join(FILE), "{\"a\":").unwrap();
        assert_eq!(read(folder.path()), Switches::new());
    }
}

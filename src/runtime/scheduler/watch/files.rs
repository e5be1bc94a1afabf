//! The files of a trigger: finds those that match, and reads what is another one than before.

use super::{
    super::super::workspace::{STATE, words},
    folders::{Folders, Happened},
};
use crate::{
    artifacts,
    model::TriggerKind,
    triggers::files::{File, Look, Patterns, Stamp, Trouble, remembered},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A file that somebody has open and wrote to is waited for; after this time without a change it counts as it is.
const HALF_WRITTEN: Duration = Duration::from_secs(30);
/// Two changes closer than this to each other may have the same time.
const TICK: Duration = Duration::from_millis(20);
/// More files are not looked at.
const MOST: usize = 50_000;
/// So much of a hash is kept.
const DIGITS: usize = 32;

/// What is found without reading a file.
type Survey = (BTreeMap<String, Stamp>, Vec<Trouble>);

/// The files of a trigger.
pub struct Watched {
    texts: Vec<String>,
    patterns: Patterns,
    quiet: Duration,
    /// Hashes of what was read; by the stamp it is known whether they still hold.
    known: BTreeMap<String, File>,
    /// What was found last, told or not.
    found: Option<Survey>,
    /// What was told last.
    told: Option<Look>,
    /// Written to, and not closed yet.
    open: BTreeSet<String>,
    /// What is new was found, not heard of: it may be in the middle of being written.
    in_doubt: bool,
}

impl Watched {
    /// Of a trigger and what it remembers; `None` of one that waits for no files.
    pub fn new(kind: &TriggerKind, memory: Option<&Value>) -> Option<Self> {
        let TriggerKind::Files { patterns: texts, debounce } = kind else { return None };
        Some(Self {
            texts: texts.clone(),
            patterns: Patterns::new(texts),
            quiet: (*debounce).max(TICK),
            known: memory.and_then(remembered).map(|look| look.files).unwrap_or_default(),
            found: None,
            told: None,
            open: BTreeSet::new(),
            in_doubt: true,
        })
    }

    /// Whether what happens in a folder matters.
    pub fn wants(&self, folder: &str) -> bool {
        self.patterns.may_be_below(folder)
    }

    /// How long to wait from now before looking, if this matters.
    pub fn hears(&mut self, happened: &Happened) -> Option<Duration> {
        if let Happened::To { path, whole } = happened {
            match self.patterns.matches(path) {
                true if *whole => drop(self.open.remove(path)),
                true => drop(self.open.insert(path.clone())),
                false if self.patterns.may_be_below(path) => {}
                false => return None,
            }
        }
        self.in_doubt = false;
        Some(if self.open.is_empty() { self.quiet } else { self.quiet.max(HALF_WRITTEN) })
    }

    /// Looks. Gives what is to be told, if anything is, and when to look again before it is time anyway.
    ///
    /// What nobody told of is believed when it is found twice, with a time of quiet between.
    pub fn look(&mut self, workspace: &Path, folders: &mut Folders, is_due: bool) -> (Option<Look>, Option<Duration>) {
        self.in_doubt |= !is_due;
        let survey = self.survey(workspace, Some(folders));
        let is_new = self.found.as_ref() != Some(&survey);
        if !is_new && !is_due {
            return (None, None);
        }
        let age = youngest(&survey, self.found.as_ref()).filter(|_| is_new).unwrap_or(Duration::MAX);
        self.found = Some(survey.clone());
        if is_new && self.in_doubt {
            return (None, Some(self.quiet));
        }
        if age < self.quiet && self.open.is_empty() {
            return (None, Some(self.quiet - age));
        }
        self.open.clear();
        match self.read(workspace, survey) {
            None => (None, Some(self.quiet)),
            Some(look) if self.told.as_ref().is_some_and(|told| told.is_same(&look)) => (None, None),
            Some(look) => {
                self.told = Some(look.clone());
                (Some(look), None)
            }
        }
    }

    /// What is there in this moment, whoever may be writing.
    pub fn look_now(&mut self, workspace: &Path) -> Option<Look> {
        // A file that changes while it is read is read again, but not for ever.
        let mut tries = (0..10).map(|_| {
            let survey = self.survey(workspace, None);
            self.read(workspace, survey)
        });
        tries.find_map(|look| look)
    }

    /// The files with their hashes; `None` if one changed while it was read.
    fn read(&mut self, workspace: &Path, (stamps, mut troubles): Survey) -> Option<Look> {
        let mut files = BTreeMap::new();
        for (path, stamp) in stamps {
            let file = match self.known.get(&path).filter(|known| known.1 == stamp) {
                Some(known) => known.clone(),
                None => match artifacts::hash(&workspace.join(&path)) {
                    Ok((mut hash, _)) => {
                        if fs::metadata(workspace.join(&path)).map_or(true, |meta| stamp_of(&meta) != stamp) {
                            return None;
                        }
                        hash.truncate(DIGITS);
                        // Another change may still get the same time: then the stamp says nothing.
                        File(hash, if age(&stamp).is_some_and(|age| age < TICK) { Stamp::default() } else { stamp })
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                    Err(error) => {
                        troubles.push(Trouble { path, why: format!("cannot be read: {}", words(&error)) });
                        continue;
                    }
                },
            };
            files.insert(path, file);
        }
        self.known.clone_from(&files);
        Some(Look { patterns: self.texts.clone(), files, troubles })
    }

    fn survey(&self, workspace: &Path, mut folders: Option<&mut Folders>) -> Survey {
        let mut survey = (BTreeMap::new(), Vec::new());
        for root in self.patterns.roots() {
            self.walk(workspace, &root, &mut survey, &mut folders, true);
        }
        if survey.0.len() > MOST {
            let why = format!("has more than {MOST} files that match, so that none is looked at; narrower patterns help");
            return (BTreeMap::new(), vec![Trouble { path: String::new(), why }]);
        }
        survey
    }

    fn walk(&self, workspace: &Path, folder: &str, survey: &mut Survey, folders: &mut Option<&mut Folders>, is_root: bool) {
        if let Some(folders) = folders {
            folders.add(folder);
        }
        let entries = match fs::read_dir(workspace.join(folder)) {
            Ok(entries) => entries,
            // Of a folder within the others it is known that it went: its own folder tells.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_root => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                survey.1.push(Trouble { path: folder.to_owned(), why: "is not there".to_owned() });
                // Whoever makes it is heard in the folder above.
                if let (Some(folders), Some(above)) = (folders, there(workspace, folder)) {
                    folders.add(&above);
                }
                return;
            }
            Err(error) => {
                survey.1.push(Trouble { path: folder.to_owned(), why: format!("cannot be read: {}", words(&error)) });
                return;
            }
        };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // Our own state changes with every run, and a run that it started would start the next.
            if folder.is_empty() && name == STATE {
                continue;
            }
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let kind = entry.file_type();
            if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
                if self.patterns.may_be_below(&path) && survey.0.len() <= MOST {
                    self.walk(workspace, &path, survey, folders, false);
                }
            } else if self.patterns.matches(&path) {
                // A link is what it leads to; a link to a folder is not gone into, for it may lead in a circle.
                if let Ok(meta) = fs::metadata(entry.path())
                    && meta.is_file()
                {
                    survey.0.insert(path, stamp_of(&meta));
                }
            }
        }
    }
}

/// The nearest folder above that is there.
fn there(workspace: &Path, folder: &str) -> Option<String> {
    let above = Path::new(folder).ancestors().skip(1).find(|above| workspace.join(above).is_dir())?;
    Some(above.to_string_lossy().into_owned())
}

/// How long ago the youngest of those files changed that are others than before.
fn youngest(now: &Survey, before: Option<&Survey>) -> Option<Duration> {
    let is_known = |path: &String, stamp: &Stamp| before.is_some_and(|before| before.0.get(path) == Some(stamp));
    now.0.iter().filter(|(path, stamp)| !is_known(path, stamp)).filter_map(|(_, stamp)| age(stamp)).min()
}

/// How long ago a file changed; `None` if that is in the future, since its disk has another clock.
fn age(stamp: &Stamp) -> Option<Duration> {
    let changed = Duration::from_nanos(u64::try_from(stamp.4).unwrap_or_default());
    SystemTime::now().duration_since(UNIX_EPOCH).ok()?.checked_sub(changed)
}

fn stamp_of(meta: &Metadata) -> Stamp {
    let nanos = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    (meta.dev(), meta.ino(), meta.len(), nanos(meta.mtime(), meta.mtime_nsec()), nanos(meta.ctime(), meta.ctime_nsec()))
}

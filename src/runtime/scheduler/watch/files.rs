//! The files of a trigger: finds those that match, and reads what is another one than before.

use super::{
    super::super::{
        clock,
        workspace::{STATE, words},
    },
    folders::{Folders, Happened},
};
use crate::{
    artifacts,
    model::TriggerKind,
    stdx::{
        names,
        time::{Timestamp, rfc3339},
    },
    triggers::files::{File, Look, Patterns, Stamp, Trouble, remembered},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
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
    /// How long those that are quiet wait for others.
    most: Duration,
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
    /// When the first change was noticed that is not told yet.
    since: Option<Instant>,
    /// Since when those are being written that were left out.
    growing: BTreeMap<String, Timestamp>,
}

impl Watched {
    /// Of a trigger and what it remembers; `None` of one that waits for no files.
    pub fn new(kind: &TriggerKind, memory: Option<&Value>) -> Option<Self> {
        let TriggerKind::Files { patterns: texts, debounce, debounce_max } = kind else { return None };
        Some(Self {
            texts: texts.clone(),
            patterns: Patterns::new(texts),
            quiet: (*debounce).max(TICK),
            most: *debounce_max,
            known: memory.and_then(remembered).map(|look| look.files).unwrap_or_default(),
            found: None,
            told: None,
            open: BTreeSet::new(),
            in_doubt: true,
            since: None,
            growing: BTreeMap::new(),
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
        let wait = if self.open.is_empty() { self.quiet } else { self.quiet.max(HALF_WRITTEN) };
        Some(wait.min(self.patience()))
    }

    /// How long what has changed may wait still.
    fn patience(&mut self) -> Duration {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.most.saturating_sub(since.elapsed())
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
        let before = self.found.replace(survey.clone()).filter(|_| self.in_doubt);
        let restless = self.restless(&survey, before.as_ref());
        let patience = self.patience();
        if !patience.is_zero() && ((is_new && self.in_doubt) || !restless.is_empty()) {
            let longest = restless.values().max().copied().unwrap_or(self.quiet);
            return (None, Some(longest.clamp(TICK, patience.max(TICK))));
        }
        // Whoever is not quiet by now is left out, and told when it is.
        self.since = None;
        let again = restless.values().min().map(|rest| (*rest).max(self.quiet));
        let now = clock::now();
        self.growing.retain(|path, _| restless.contains_key(path));
        for path in restless.keys() {
            self.growing.entry(path.clone()).or_insert(now);
        }
        self.open.retain(|path| restless.contains_key(path));
        match self.read(workspace, survey, &restless) {
            None => (None, Some(self.quiet)),
            Some(look) if self.told.as_ref().is_some_and(|told| told.is_same(&look)) => (None, again),
            Some(look) => {
                self.told = Some(look.clone());
                (Some(look), again)
            }
        }
    }

    /// Those that are others than they were read, and may be in the middle of being written, with how long each must be left alone still.
    fn restless(&self, (stamps, _): &Survey, before: Option<&Survey>) -> BTreeMap<String, Duration> {
        let rest = |path: &String, stamp: &Stamp| {
            let needed = if self.open.contains(path) { self.quiet.max(HALF_WRITTEN) } else { self.quiet };
            // Of whom nothing was heard, and whose disk may have another clock, it is known by a second look.
            let is_moving = before.is_some_and(|(before, _)| before.get(path).is_some_and(|known| known != stamp));
            age(stamp).map_or(Duration::ZERO, |age| needed.saturating_sub(age)).max(if is_moving { self.quiet } else { Duration::ZERO })
        };
        let changed = stamps.iter().filter(|(path, stamp)| self.known.get(*path).is_none_or(|known| known.1 != **stamp));
        changed.map(|(path, stamp)| (path.clone(), rest(path, stamp))).filter(|(_, rest)| !rest.is_zero()).collect()
    }

    /// What is there in this moment, whoever may be writing.
    pub fn look_now(&mut self, workspace: &Path) -> Option<Look> {
        // A file that changes while it is read is read again, but not for ever.
        let mut tries = (0..10).map(|_| {
            let survey = self.survey(workspace, None);
            self.read(workspace, survey, &BTreeMap::new())
        });
        tries.find_map(|look| look)
    }

    /// The same without those that are being written, as far as their times tell.
    pub fn look_settled(&mut self, workspace: &Path) -> Option<Look> {
        let mut tries = (0..10).map(|_| {
            let survey = self.survey(workspace, None);
            let restless = self.restless(&survey, None);
            self.read(workspace, survey, &restless)
        });
        tries.find_map(|look| look)
    }

    /// The files with their hashes; `None` if one changed while it was read.
    fn read(&mut self, workspace: &Path, (stamps, mut troubles): Survey, restless: &BTreeMap<String, Duration>) -> Option<Look> {
        let mut files = BTreeMap::new();
        // What is known of those that are left out stays known, though they are not told.
        let mut kept = BTreeMap::new();
        for (path, stamp) in stamps {
            if restless.contains_key(&path) {
                let since = self.growing.get(&path).map(|since| format!(" since {}", rfc3339(*since))).unwrap_or_default();
                kept.extend(self.known.get(&path).map(|known| (path.clone(), known.clone())));
                troubles.push(Trouble { path, why: format!("is still being written{since}: it is waited for") });
                continue;
            }
            let file = match self.known.get(&path).filter(|known| known.1 == stamp) {
                Some(known) => known.clone(),
                None => match artifacts::hash(&workspace.join(names::decode(&path))) {
                    Ok((mut hash, _)) => {
                        if fs::metadata(workspace.join(names::decode(&path))).map_or(true, |meta| stamp_of(&meta) != stamp) {
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
        self.known.extend(kept);
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
        let entries = match fs::read_dir(workspace.join(names::decode(folder))) {
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
            let name = names::encode(&entry.file_name());
            // Our own state changes with every run, and a run that it started would start the next.
            if folder.is_empty() && name == STATE {
                continue;
            }
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
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
    let folder = names::decode(folder);
    let above = Path::new(&folder).ancestors().skip(1).find(|above| workspace.join(above).is_dir())?;
    Some(names::encode(above.as_os_str()))
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

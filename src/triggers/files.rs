//! Fires when the content of files changed: compared with what was there at the last fire, by hash, so that touching changes nothing.

use super::{Kind, Looks, Observed, Seen, Wanted, told};
use crate::{
    model::{RunType, TriggerDef, TriggerKind},
    stdx::{glob::OPTIONS, names},
};
use ::glob::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// `files = ["data/**/*.csv"]`.
pub const KIND: Kind = Kind { keys: &["files"], run_type: RunType::File, looks: Looks::AtWorld(decide) };

/// The files that match, as they are now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The patterns that were looked for.
    pub patterns: Vec<String>,
    /// By path relative to the workspace, as [`names`] has it.
    pub files: BTreeMap<String, File>,
    /// Where nothing could be seen.
    #[serde(skip)]
    pub troubles: Vec<Trouble>,
}

/// The content of a file, and by what it is known again without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File(pub String, pub Stamp);

/// Device, inode, size, and the nanoseconds of its last change of content and of anything.
pub type Stamp = (u64, u64, u64, i64, i64);

/// A file or folder of which nothing can be said now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its path relative to the workspace; empty for the workspace.
    pub path: String,
    /// Why, to stand after the path.
    pub why: String,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = if self.path.is_empty() { "the workspace".into() } else { names::shown(&self.path) };
        write!(f, "{path} {}", self.why)
    }
}

/// What is different between two looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// There before, with other content.
    pub modified: Vec<String>,
    /// Not there before.
    pub added: Vec<String>,
    /// No longer there.
    pub removed: Vec<String>,
}

/// What changed since the memory. What cannot be seen is taken to be as it was.
fn decide(def: &TriggerDef, memory: Option<&Value>, observed: &Observed) -> Seen {
    let (TriggerKind::Files { patterns, .. }, Observed::Files(look)) = (&def.kind, observed) else { return Seen::default() };
    let remember = |look: &Look| serde_json::to_value(look).ok();
    // Other patterns under the same id: what they match was not seen before, and is no change.
    let Some(before) = memory.and_then(remembered).filter(|before| before.patterns == *patterns) else {
        return Seen { memory: remember(look), fire: None };
    };
    let mut now = look.clone();
    for (path, file) in before.files.iter().filter(|(path, _)| look.is_hidden(path)) {
        now.files.entry(path.clone()).or_insert_with(|| file.clone());
    }
    let changes = Changes::between(&before, &now);
    match changes.reason() {
        None => Seen::default(),
        Some(reason) => {
            let changed: Vec<String> = changes.all().map(str::to_owned).collect();
            let variables = changes.variables(&changed);
            Seen { memory: remember(&now), fire: Some(Wanted { reason, variables, commit: None, changed }) }
        }
    }
}

/// What was written down.
pub fn remembered(memory: &Value) -> Option<Look> {
    Look::deserialize(memory).ok()
}

impl Look {
    /// Whether nothing can be said of that path.
    fn is_hidden(&self, path: &str) -> bool {
        let covers =
            |folder: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.troubles.iter().any(|trouble| covers(&trouble.path))
    }

    /// Whether it shows the same content, whatever was touched.
    pub fn is_same(&self, other: &Self) -> bool {
        let content = |look: &Self| look.files.iter().map(|(path, file)| (path.clone(), file.0.clone())).collect::<Vec<_>>();
        self.troubles == other.troubles && content(self) == content(other)
    }
}

impl Changes {
    fn between(before: &Look, now: &Look) -> Self {
        let mut changes = Self::default();
        for (path, file) in &now.files {
            match before.files.get(path) {
                None => changes.added.push(path.clone()),
                Some(known) if known.0 != file.0 => changes.modified.push(path.clone()),
                Some(_) => {}
            }
        }
        changes.removed = before.files.keys().filter(|path| !now.files.contains_key(*path)).cloned().collect();
        changes
    }

    /// `data/a.csv and 2 more files changed`; `None` if nothing did.
    fn reason(&self) -> Option<String> {
        let (one, many, what) = match self {
            Self { modified, removed, .. } if modified.is_empty() && removed.is_empty() => ("is", "are", "new"),
            Self { modified, added, .. } if modified.is_empty() && added.is_empty() => ("was", "were", "removed"),
            _ => ("", "", "changed"),
        };
        let first = names::shown(self.all().next()?);
        let (subject, verb) = match self.all().count() - 1 {
            0 => (first.into_owned(), one),
            1 => (format!("{first} and 1 more file"), many),
            more => (format!("{first} and {more} more files"), many),
        };
        Some([subject.as_str(), verb, what].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.modified.iter().chain(&self.added).chain(&self.removed).map(String::as_str)
    }

    fn variables(&self, changed: &[String]) -> BTreeMap<String, String> {
        let count = |paths: &[String]| paths.len().to_string();
        let kinds = [("ADDED", count(&self.added)), ("MODIFIED", count(&self.modified)), ("REMOVED", count(&self.removed))];
        told(changed).into_iter().chain(kinds).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Which files are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns(Vec<(Vec<String>, Pattern)>);

impl Patterns {
    /// Of those in a pipeline file, which were checked; one that is none matches nothing.
    pub fn new(texts: &[String]) -> Self {
        let read = |text: &String| Some((text.split('/').map(str::to_owned).collect(), Pattern::new(text).ok()?));
        Self(texts.iter().filter_map(read).collect())
    }

    /// Whether a file is one of them.
    pub fn matches(&self, path: &str) -> bool {
        self.0.iter().any(|(_, pattern)| pattern.matches_with(path, OPTIONS))
    }

    /// Whether a folder may hold one of them, at any depth.
    pub fn may_be_below(&self, folder: &str) -> bool {
        let folder: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
        self.0.iter().any(|(parts, _)| leads(parts, &folder))
    }

    /// The folders below which they all are: the part of each pattern before its first joker.
    pub fn roots(&self) -> Vec<String> {
        let root = |(parts, _): &(Vec<String>, Pattern)| {
            let plain = parts[..parts.len() - 1].iter().take_while(|part| !part.contains(['*', '?', '[']));
            plain.cloned().collect::<Vec<_>>().join("/")
        };
        let mut roots: Vec<String> = self.0.iter().map(root).collect();
        roots.sort();
        roots.dedup();
        roots
    }
}

/// Whether a path that begins with this folder may match the parts of a pattern.
fn leads(parts: &[String], folder: &[&str]) -> bool {
    let Some((name, below)) = folder.split_first() else { return !parts.is_empty() };
    match parts.split_first() {
        None => false,
        Some((part, rest)) if part == "**" => (!name.starts_with('.') && leads(parts, below)) || leads(rest, folder),
        Some((part, rest)) => {
            !rest.is_empty() && Pattern::new(part).is_ok_and(|part| part.matches_with(name, OPTIONS)) && leads(rest, below)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Overlap;
    use serde_json::json;
    use std::time::Duration;

    fn def() -> TriggerDef {
        let kind = TriggerKind::Files { patterns: vec!["data/*.csv".to_owned()], debounce: Duration::ZERO, debounce_max: Duration::ZERO };
        TriggerDef { id: "t".into(), kind, text: String::new(), overlap: Overlap::Queue, cooldown: None }
    }

    /// `a=1 b=2`: files of these names with this content.
    fn look(files: &str) -> Look {
        let file = |word: &str| word.split_once('=').map(|(name, hash)| (format!("data/{name}"), File(hash.to_owned(), Stamp::default())));
        Look { patterns: vec!["data/*.csv".to_owned()], files: files.split(' ').filter_map(file).collect(), troubles: Vec::new() }
    }

    fn seen(before: &str, now: Look) -> Seen {
        decide(&def(), Some(&serde_json::to_value(look(before)).unwrap()), &Observed::Files(now))
    }

    #[test]
    fn what_is_seen_first_is_where_it_starts_from() {
        let first = decide(&def(), None, &Observed::Files(look("a=1")));
        assert_eq!((first.fire, first.memory), (None, Some(serde_json::to_value(look("a=1")).unwrap())));
        let other = Look { patterns: vec!["other/*".to_owned()], ..look("") };
        let other = decide(&def(), Some(&serde_json::to_value(other).unwrap()), &Observed::Files(look("a=1")));
        assert!(other.fire.is_none() && other.memory.is_some(), "other patterns under the same id start anew");
    }

    #[test]
    fn a_change_is_told_in_a_sentence() {
        for (before, now, reason) in [
            ("a=1", "a=1", None),
            ("", "", None),
            ("a=1", "a=2", Some("data/a changed")),
            ("a=1", "a=1 b=1", Some("data/b is new")),
            ("a=1", "", Some("data/a was removed")),
            ("a=1 b=1", "", Some("data/a and 1 more file were removed")),
            ("", "a=1 b=1 c=1", Some("data/a and 2 more files are new")),
            ("a=1 b=1", "b=2 c=1", Some("data/b and 2 more files changed")),
        ] {
            let fire = seen(before, look(now)).fire;
            assert_eq!(fire.map(|fire| fire.reason).as_deref(), reason, "{before} → {now}");
        }
    }

    #[test]
    fn a_file_that_was_only_touched_changes_nothing() {
        let mut touched = look("a=1");
        touched.files.values_mut().for_each(|file| file.1 = (1, 2, 3, 4, 5));
        assert_eq!(seen("a=1", touched), Seen::default());
    }

    #[test]
    fn what_cannot_be_seen_is_taken_to_be_as_it_was() {
        let gone = |path: &str| Trouble { path: path.to_owned(), why: "is not there".to_owned() };
        for path in ["", "data", "data/a"] {
            assert_eq!(seen("a=1", Look { troubles: vec![gone(path)], ..look("") }), Seen::default(), "{path}");
        }
        assert!(seen("ab=1", Look { troubles: vec![gone("data/a")], ..look("") }).fire.is_some());
        let in_part = seen("a=1 b=1", Look { troubles: vec![gone("data/a")], ..look("b=2") });
        assert_eq!(in_part.memory, Some(serde_json::to_value(look("a=1 b=2")).unwrap()));
    }

    #[test]
    fn what_changed_is_handed_on_and_a_long_list_is_cut_but_counted() {
        let fire = seen("a=1 b=1", look("b=2 c=1")).fire.unwrap();
        let told = json!({"ADDED": "1", "CHANGED": "3", "CHANGED_LISTED": "3", "CHANGED_FILES": "data/b\ndata/c\ndata/a", "MODIFIED": "1", "REMOVED": "1"});
        assert_eq!(serde_json::to_value(fire.variables).unwrap(), told);
        let many: Vec<String> = (0..10_000).map(|number| format!("file-{number:05}=1")).collect();
        let variables = seen("", look(&many.join(" "))).fire.unwrap().variables;
        assert!(
            variables["CHANGED_FILES"].len() <= crate::triggers::LONGEST_LIST
                && variables["CHANGED_FILES"].lines().all(|line| line.len() == 15)
        );
        assert_eq!((variables["CHANGED"].as_str(), variables["CHANGED_LISTED"].as_str()), ("10000", "2048"));
    }

    #[test]
    fn a_name_that_is_no_line_is_counted_and_handed_on_in_the_file_alone() {
        let mut odd = look("b=1");
        odd.files.insert("data/a\nb".to_owned(), File("1".to_owned(), Stamp::default()));
        odd.files.insert("data/c\0e9".to_owned(), File("1".to_owned(), Stamp::default()));
        let fire = seen("", odd).fire.unwrap();
        let variables = ["CHANGED", "CHANGED_LISTED", "CHANGED_FILES"].map(|name| fire.variables[name].as_str());
        assert_eq!(variables, ["3", "2", "data/b\ndata/c\\xe9"]);
        assert_eq!(fire.changed, ["data/a\nb", "data/b", "data/c\0e9"]);
    }

    #[test]
    fn folders_are_looked_into_as_far_as_a_pattern_may_match_below_them() {
        let patterns = Patterns::new(&["data/**/*.csv".to_owned(), "raw/*/x.json".to_owned(), "one.txt".to_owned()]);
        for (path, matches) in [
            ("data/a.csv", true),
            ("data/x/y/a.csv", true),
            ("data/.x/a.csv", false),
            ("data/a.txt", false),
            ("raw/a/x.json", true),
            ("raw/x.json", false),
            ("raw/a/b/x.json", false),
            ("one.txt", true),
        ] {
            assert_eq!(patterns.matches(path), matches, "{path}");
        }
        for (folder, leads) in [
            ("", true),
            ("data", true),
            ("data/x/y", true),
            ("data/.git", false),
            ("raw", true),
            ("raw/a", true),
            ("raw/a/b", false),
            ("other", false),
            ("one.txt", false),
        ] {
            assert_eq!(patterns.may_be_below(folder), leads, "{folder}");
        }
        assert_eq!(patterns.roots(), ["", "data", "raw"]);
        let all = Patterns::new(&["src/**".to_owned()]);
        assert!(all.matches("src/a.rs") && all.matches("src/x/a.rs") && !all.matches("srcx/a.rs") && all.may_be_below("src/x"));
    }
}

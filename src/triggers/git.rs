//! Fires when a branch got new commits: for each branch once, whatever was pushed, merged or rewritten since it fired last.

use super::{Commit, Kind, Looks, Observed, Seen, Wanted, files::Patterns, told};
use crate::model::{RunType, TriggerDef, TriggerKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// `git = { branches = ["main"], paths = ["src/**"] }`.
pub const KIND: Kind = Kind { keys: &["git"], run_type: RunType::Git, looks: Looks::AtWorld(decide) };

/// The commit of each branch.
pub type Tips = BTreeMap<String, String>;

/// The branches of a repository, and what is new on them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refs {
    /// Where each branch is now.
    pub tips: Tips,
    /// Those that are elsewhere than remembered.
    pub moves: Vec<Move>,
    /// Why nothing is seen.
    pub trouble: Option<String>,
}

/// A branch that is at another commit than remembered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Move {
    /// Its name.
    pub branch: String,
    /// Where it was; `None` of a new one, and where that commit is gone.
    pub before: Option<String>,
    /// Where it was as far as is remembered.
    pub remembered: Option<String>,
    /// Where it is.
    pub after: String,
    /// How many commits are new on it.
    pub commits: usize,
    /// What was there before is no longer part of it.
    pub is_rewritten: bool,
    /// The first line of the newest commit's message.
    pub subject: String,
    /// The files that differ, as [`names`](crate::stdx::names) has them.
    pub files: Vec<String>,
}

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Where each branch was that was looked at.
    pub tips: Tips,
}

/// What was written down.
pub fn remembered(memory: &Value) -> Option<Memory> {
    Memory::deserialize(memory).ok()
}

fn decide(def: &TriggerDef, memory: Option<&Value>, observed: &Observed) -> Seen {
    let (TriggerKind::Git { branches, paths, checkout }, Observed::Git(refs)) = (&def.kind, observed) else { return Seen::default() };
    if refs.trouble.is_some() {
        return Seen::default();
    }
    let remember = |tips: Tips, fire| Seen { memory: serde_json::to_value(Memory { tips }).ok(), fire };
    let is_watched = watched(branches);
    let now: Tips = refs.tips.iter().filter(|(branch, _)| is_watched(branch)).map(|(branch, tip)| (branch.clone(), tip.clone())).collect();
    let Some(mut known) = memory.and_then(remembered).map(|memory| memory.tips) else { return remember(now, None) };
    let before = known.clone();
    known.retain(|branch, _| now.contains_key(branch));
    let filter = Patterns::new(paths);
    for one in refs.moves.iter().filter(|one| is_watched(&one.branch)) {
        // A look that was compared with something else is followed by another.
        if known.get(&one.branch) != one.remembered.as_ref() {
            continue;
        }
        known.insert(one.branch.clone(), one.after.clone());
        if one.commits > 0 && (paths.is_empty() || one.files.iter().any(|file| filter.matches(file))) {
            return remember(known, Some(wanted(one, *checkout)));
        }
    }
    if known == before { Seen::default() } else { remember(known, None) }
}

/// Whether a branch is looked at.
pub fn watched(branches: &[String]) -> impl Fn(&str) -> bool {
    let (patterns, all) = (Patterns::new(branches), branches.is_empty());
    move |branch| all || patterns.matches(branch)
}

fn wanted(found: &Move, checkout: bool) -> Wanted {
    let short = found.after.get(..8).unwrap_or(&found.after);
    let commits = if found.commits == 1 { "1 new commit".to_owned() } else { format!("{} new commits", found.commits) };
    let how = match (&found.before, found.is_rewritten) {
        (None, false) => format!("is new, with {commits}"),
        (_, true) => format!("was rewritten, with {commits}"),
        (Some(_), false) => format!("has {commits}"),
    };
    let variables = [
        ("BRANCH", found.branch.clone()),
        ("BEFORE", found.before.clone().unwrap_or_default()),
        ("AFTER", found.after.clone()),
        ("COMMITS", found.commits.to_string()),
    ];
    let variables = variables.into_iter().chain(told(&found.files));
    Wanted {
        reason: format!("{} {how}: {short} {}", found.branch, found.subject).trim_end().to_owned(),
        variables: variables.map(|(name, value)| (name.to_owned(), value)).collect(),
        commit: Some(Commit { id: found.after.clone(), branch: found.branch.clone(), checkout }),
        changed: found.files.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Overlap;

    fn def(branches: &[&str], paths: &[&str]) -> TriggerDef {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let kind = TriggerKind::Git { branches: owned(branches), paths: owned(paths), checkout: false };
        TriggerDef { id: "t".into(), kind, text: String::new(), overlap: Overlap::Queue, cooldown: None }
    }

    fn tips(all: &[(&str, &str)]) -> Tips {
        all.iter().map(|(branch, tip)| ((*branch).to_owned(), (*tip).to_owned())).collect()
    }

    fn moved(branch: &str, before: Option<&str>, after: &str, commits: usize, files: &[&str]) -> Move {
        Move {
            branch: branch.to_owned(),
            before: before.map(str::to_owned),
            remembered: before.map(str::to_owned),
            after: after.to_owned(),
            commits,
            is_rewritten: false,
            subject: "Mend it".to_owned(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
        }
    }

    fn seen(def: &TriggerDef, before: &[(&str, &str)], now: &[(&str, &str)], moves: Vec<Move>) -> (Option<Tips>, Option<String>) {
        let memory = serde_json::to_value(Memory { tips: tips(before) }).unwrap();
        let seen = decide(def, Some(&memory), &Observed::Git(Refs { tips: tips(now), moves, trouble: None }));
        (seen.memory.as_ref().and_then(remembered).map(|memory| memory.tips), seen.fire.map(|fire| fire.reason))
    }

    #[test]
    fn new_commits_on_a_watched_branch_fire_one_branch_after_the_other() {
        let now = [("dev", "2"), ("main", "2"), ("main2", "9")];
        let moves = || vec![moved("dev", Some("1"), "2", 1, &["a"]), moved("main", Some("1"), "2", 3, &["b"])];
        let both = def(&["main", "dev"], &[]);
        let (memory, reason) = seen(&both, &[("dev", "1"), ("main", "1")], &now, moves());
        assert_eq!((memory, reason.as_deref()), (Some(tips(&[("dev", "2"), ("main", "1")])), Some("dev has 1 new commit: 2 Mend it")));
        // The look was compared with the memory before: what it says of `dev` is old now.
        let (memory, reason) = seen(&both, &[("dev", "2"), ("main", "1")], &now, moves());
        assert_eq!((memory, reason.as_deref()), (Some(tips(&[("dev", "2"), ("main", "2")])), Some("main has 3 new commits: 2 Mend it")));
        assert_eq!(seen(&both, &[("dev", "2"), ("main", "2")], &now, moves()), (None, None));
    }

    #[test]
    fn commits_that_no_path_matches_are_passed_over_and_start_nothing_later() {
        let def = def(&["main"], &["src/**"]);
        let only_docs = moved("main", Some("1"), "2", 1, &["docs/a.md"]);
        assert_eq!(seen(&def, &[("main", "1")], &[("main", "2")], vec![only_docs]), (Some(tips(&[("main", "2")])), None));
        let code = moved("main", Some("1"), "2", 1, &["docs/a.md", "src/x/a.rs"]);
        assert!(seen(&def, &[("main", "1")], &[("main", "2")], vec![code]).1.is_some());
    }

    #[test]
    fn a_branch_that_is_new_moved_back_rewritten_or_gone_is_told_from_one_that_went_on() {
        let all = def(&[], &[]);
        let told = |before: &[(&str, &str)], one: Move| {
            let now = [(one.branch.clone(), one.after.clone())];
            let now: Vec<(&str, &str)> = now.iter().map(|(branch, tip)| (branch.as_str(), tip.as_str())).collect();
            seen(&all, before, &now, vec![one.clone()]).1
        };
        assert_eq!(told(&[], moved("new", None, "2", 2, &[])).as_deref(), Some("new is new, with 2 new commits: 2 Mend it"));
        assert_eq!(told(&[], moved("same", None, "1", 0, &[])), None);
        assert_eq!(told(&[("back", "2")], moved("back", Some("2"), "1", 0, &[])), None);
        let rewritten = Move { is_rewritten: true, ..moved("main", Some("1"), "2", 1, &[]) };
        assert_eq!(told(&[("main", "1")], rewritten).as_deref(), Some("main was rewritten, with 1 new commit: 2 Mend it"));
        assert_eq!(seen(&all, &[("gone", "1"), ("main", "1")], &[("main", "1")], vec![]), (Some(tips(&[("main", "1")])), None));
        assert_eq!(decide(&all, None, &Observed::Git(Refs { tips: tips(&[("main", "1")]), ..Refs::default() })).fire, None);
    }
}

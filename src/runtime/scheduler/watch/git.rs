//! The branches of the workspace's repository: where they are, and what is new on them. It asks git, and no network.

use super::{
    super::super::git::{ask, ask_bytes},
    folders::{Folders, Happened},
};
use crate::{
    model::TriggerKind,
    stdx::names,
    triggers::git::{Move, Refs, Tips, remembered, watched},
};
use serde_json::Value;
use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Git moves several refs one after another.
const QUIET: Duration = Duration::from_millis(200);

/// The branches of a trigger.
pub struct Watched {
    branches: Vec<String>,
    /// What is remembered of them: what is new is new since then.
    known: Option<Tips>,
    /// Where git keeps its refs.
    home: Option<PathBuf>,
    /// What was told last.
    told: Option<Refs>,
}

impl Watched {
    /// Of a trigger and what it remembers; `None` of one that waits for no commits.
    pub fn new(kind: &TriggerKind, memory: Option<&Value>) -> Option<Self> {
        let TriggerKind::Git { branches, .. } = kind else { return None };
        let known = memory.and_then(remembered).map(|memory| memory.tips);
        Some(Self { branches: branches.clone(), known, home: None, told: None })
    }

    /// Something else is remembered now: whether it is to be looked at again.
    pub fn remembers(&mut self, memory: Option<&Value>) -> bool {
        let known = memory.and_then(remembered).map(|memory| memory.tips);
        let is_new = known != self.known;
        self.known = known;
        is_new
    }

    /// Whether what happens in a folder matters.
    pub fn wants(&self, folder: &str) -> bool {
        self.home.as_ref().is_some_and(|home| Path::new(folder).starts_with(home))
    }

    /// How long to wait from now before looking, if this matters.
    pub fn hears(&self, happened: &Happened) -> Option<Duration> {
        let Happened::To { path, .. } = happened else { return Some(QUIET) };
        let below = Path::new(path).strip_prefix(self.home.as_ref()?).ok()?;
        (below.starts_with("refs") || below.starts_with("reftable") || below == Path::new("packed-refs")).then_some(QUIET)
    }

    /// Looks; what is to be told, if anything is.
    pub fn look(&mut self, workspace: &Path, folders: &mut Folders) -> Option<Refs> {
        if self.home.is_none() {
            self.home = home(workspace);
        }
        // Watched before it is read: what happens in between is told.
        for folder in self.home.iter().flat_map(|home| [home.clone(), home.join("reftable")]) {
            folders.add(&folder.to_string_lossy());
        }
        if let Some(home) = &self.home {
            add_all(&home.join("refs/heads"), folders);
        }
        let refs = self.look_now(workspace);
        if self.told.as_ref() == Some(&refs) {
            return None;
        }
        self.told = Some(refs.clone());
        Some(refs)
    }

    /// What is there in this moment.
    pub fn look_now(&self, workspace: &Path) -> Refs {
        let format = "--format=%(objectname) %(refname:lstrip=2)";
        let Some(list) = git(workspace, ["for-each-ref", format, "refs/heads"]) else {
            let why = "the workspace is in no git repository, or git is not there".to_owned();
            return Refs { trouble: Some(why), ..Refs::default() };
        };
        let is_watched = watched(&self.branches);
        let tips = list.lines().filter_map(|line| line.split_once(' ')).filter(|(_, branch)| is_watched(branch));
        let tips: Tips = tips.map(|(tip, branch)| (branch.to_owned(), tip.to_owned())).collect();
        let moves = match &self.known {
            None => Vec::new(),
            Some(known) => {
                let is_new = |(branch, tip): &(&String, &String)| known.get(*branch) != Some(*tip);
                tips.iter().filter(is_new).map(|(branch, tip)| moved(workspace, branch, tip, known, &tips)).collect()
            }
        };
        Refs { tips, moves, trouble: None }
    }
}

/// What is new on a branch.
fn moved(workspace: &Path, branch: &str, after: &str, known: &Tips, now: &Tips) -> Move {
    let remembered = known.get(branch).cloned();
    let is_there = |commit: &String| git(workspace, ["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_some();
    let before = remembered.clone().filter(is_there);
    let is_rewritten = match &before {
        // Moved back to where it once was: nothing is new, and nothing is rewritten.
        Some(before) => {
            git(workspace, ["merge-base", "--is-ancestor", before, after]).is_none()
                && git(workspace, ["merge-base", "--is-ancestor", after, before]).is_none()
        }
        None => remembered.is_some(),
    };
    // Of a new branch that is new which no other has: what moved in the same moment fires for another, and of two new ones for the first.
    let is_of_another = |one: &str| one != branch && (known.contains_key(one) || one < branch);
    let have = now.iter().filter(|(one, _)| is_of_another(one)).map(|(_, tip)| tip);
    let others: Vec<String> = match before {
        Some(_) => Vec::new(),
        None => known.values().filter(|tip| is_there(tip)).chain(have).cloned().collect(),
    };
    let count = ["rev-list", "--count", after, "--not"].into_iter().chain(before.iter().chain(&others).map(String::as_str));
    let commits = git(workspace, count).and_then(|count| count.trim().parse().ok()).unwrap_or(0);
    let base = before.clone().or_else(|| {
        let base = ["merge-base", after].into_iter().chain(others.iter().map(String::as_str));
        Some(git(workspace, base).filter(|_| !others.is_empty())?.trim().to_owned())
    });
    let files = match &base {
        Some(base) => ask_bytes(workspace, ["diff", "--name-only", "--no-renames", "--relative", "-z", base, after]),
        None => ask_bytes(workspace, ["ls-tree", "-r", "--name-only", "-z", after]),
    };
    let list = |said: Vec<u8>| {
        let files = said.split(|byte| *byte == 0).filter(|file| !file.is_empty());
        files.map(|file| names::encode(OsStr::from_bytes(file))).collect()
    };
    let subject = git(workspace, ["log", "-1", "--format=%s", after]).unwrap_or_default().trim().to_owned();
    Move {
        branch: branch.to_owned(),
        before,
        remembered,
        after: after.to_owned(),
        commits,
        is_rewritten,
        subject,
        files: files.map(list).unwrap_or_default(),
    }
}

/// The folder in which git keeps the refs of all worktrees.
fn home(workspace: &Path) -> Option<PathBuf> {
    let found = git(workspace, ["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
    Some(PathBuf::from(found.trim_end_matches('\n')))
}

fn add_all(folder: &Path, folders: &mut Folders) {
    folders.add(&folder.to_string_lossy());
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_all(&entry.path(), folders);
        }
    }
}

/// What git says; `None` if it does not do it.
fn git(folder: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Option<String> {
    ask(folder, arguments).ok()
}

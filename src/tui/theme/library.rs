//! Where themes come from: those that come with the program, and the user's own files.

use super::{BUILTIN, Screen, TOKENS, Theme, source::Source};
use crate::{
    model::{Diagnostics, Report, did_you_mean},
    stdx::suggest,
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Every theme there is, and what the user changes of each.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// `flowyard/themes` in the folder for settings.
    folder: Option<PathBuf>,
    /// `[theme.override]`.
    changes: Source,
}

/// A theme and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Found {
    /// With what it inherits; without the user's changes.
    pub source: Source,
    /// What is wrong; a theme with faults still works, the faulty parts fall back.
    pub faults: Diagnostics,
}

/// Themes may inherit from themes; more than this is a circle.
const MAX_PARENTS: usize = 8;

impl Library {
    /// With the user's own in that folder.
    pub const fn new(folder: Option<PathBuf>, changes: Source) -> Self {
        Self { folder, changes }
    }

    /// The file of a user's own theme, if there is one.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let is_plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
        let path = self.folder.as_ref().filter(|_| is_plain)?.join(format!("{name}.toml"));
        path.is_file().then_some(path)
    }

    /// The names of all, those of the program first.
    pub fn names(&self) -> Vec<String> {
        let own = self.folder.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().filter_map(Result::ok);
        let own = own.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "toml") && path.is_file());
        let own: BTreeSet<String> = own.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
        let shipped = BUILTIN.iter().map(|(name, _)| (*name).to_owned());
        shipped.chain(own.into_iter().filter(|name| !BUILTIN.iter().any(|(known, _)| known == name))).collect()
    }

    /// A theme as it looks on a terminal, with the user's changes, and what is wrong with its files.
    ///
    /// # Errors
    /// There is none of that name, or its file cannot be read as TOML.
    pub fn theme(&self, name: &str, screen: Screen) -> Result<(Theme, Diagnostics), String> {
        let found = self.find(name)?;
        if let Some(syntax) = found.faults.0.iter().find(|fault| matches!(fault.code.as_str(), "syntax" | "too-big")) {
            return Err(syntax.to_string());
        }
        let source = found.source.under(self.changes.clone());
        Ok((Theme::new(name, &source, screen), found.faults))
    }

    /// A theme with what it inherits. One of the user's own goes before one of the program of the same name.
    ///
    /// # Errors
    /// There is none of that name, or it cannot be read.
    pub fn find(&self, name: &str) -> Result<Found, String> {
        if let Some(path) = self.file(name) {
            return self.open(&path);
        }
        builtin(name).map(|source| Found { source, faults: Diagnostics::default() }).ok_or_else(|| self.unknown(name))
    }

    /// Reads a theme's file, with what it inherits.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(&self, path: &Path) -> Result<Found, String> {
        let shown = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        Ok(self.read(stem, &shown, &text))
    }

    /// Reads the text of a theme of that name, with what it inherits.
    pub fn read(&self, name: &str, file: &str, text: &str) -> Found {
        let (own, mut faults) = Source::read(file, text);
        let mut report = Report::new(file, text);
        let source = self.inherited(name, &own, &mut report).under(own.clone());
        source.check_references(&own, &mut report);
        faults.0.extend(report.finish().0);
        Found { source, faults }
    }

    fn inherited(&self, name: &str, own: &Source, report: &mut Report<'_>) -> Source {
        let mut seen = vec![name.to_owned()];
        let mut chain = Vec::new();
        let mut next = own.inherits.clone();
        while let Some(parent) = next.take() {
            let is_circle = seen.contains(&parent);
            // A user's theme may have the name of the one that it changes.
            let found = if is_circle { builtin(&parent) } else { self.one(&parent) };
            let Some(found) = found.filter(|_| chain.len() < MAX_PARENTS) else {
                let names = self.names();
                let hint = did_you_mean(&parent, names.iter().map(String::as_str).filter(|_| !is_circle));
                let why = if is_circle { "that goes round in a circle" } else { "there is no such theme" };
                report.error("unknown-theme", own.inherits_span.clone(), format!("inherits `{parent}`, but {why}"), hint);
                break;
            };
            next.clone_from(&found.inherits);
            if is_circle {
                next = None;
            }
            seen.push(parent);
            chain.push(found);
        }
        chain.into_iter().rev().fold(Source::default(), Source::under)
    }

    /// One theme's own text, without what it inherits.
    fn one(&self, name: &str) -> Option<Source> {
        match self.file(name) {
            Some(path) => Some(Source::read(name, &fs::read_to_string(path).ok()?).0),
            None => text_of(name).map(|text| Source::read(name, text).0),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let names = self.names();
        let hint =
            suggest::nearest(name, names.iter().map(String::as_str)).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        format!("there is no theme `{name}`.{hint} Known are {}.", names.join(", "))
    }
}

fn text_of(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A theme of the program.
pub fn builtin(name: &str) -> Option<Source> {
    let own = Source::read(name, text_of(name)?).0;
    let parent = own.inherits.as_deref().filter(|parent| *parent != name).and_then(builtin).unwrap_or_default();
    Some(parent.under(own))
}

/// Reads `[theme.override]`, which says where its faults are.
pub fn read_changes(table: &crate::stdx::toml_tree::Table, report: &mut Report<'_>) -> Source {
    let changes = Source::read_override(table, report);
    // Whatever the theme, every token can be named.
    let all: String = TOKENS.iter().map(|token| format!("\"{token}\" = \"default\"\n")).collect();
    let (any, _) = Source::read("", &format!("[tokens]\n{all}"));
    any.under(changes.clone()).check_references(&changes, report);
    changes
}

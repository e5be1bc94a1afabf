//! `flowyard check`: everything that is wrong with pipeline files, all at once. Reads, and executes nothing.

use super::{Failure, context::Context, failure::findings};
use crate::{
    config,
    model::{Diagnostic, Diagnostics, Severity},
    runtime::{
        definition_file, pipelines,
        workspace::{self, CONFIG_FILE},
    },
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Check pipeline files: every error and warning, with its place
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard check\n  flowyard check pipelines/hello.toml --json")]
pub struct Args {
    /// Files, or names of pipelines [default: every pipeline of the workspace, and flowyard.toml]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Checks; exit 2 if there is an error.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let files = if args.files.is_empty() { of_workspace(context)? } else { args.files.iter().map(|file| meant(file, context)).collect() };
    let here = context.here()?;
    let diagnostics = check(&files, &here);
    if args.json {
        context.json(&diagnostics.0.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        context.print(&(findings(&diagnostics, &context.out) + &summary(&files, &diagnostics)))?;
    }
    Ok(if diagnostics.has_errors() { 2 } else { 0 })
}

/// The file as given, or the pipeline's if the name of one was given.
fn meant(file: &Path, context: &Context) -> PathBuf {
    let is_name = file.extension().is_none() && file.components().count() == 1 && !file.exists();
    let of_pipeline = || Some(context.workspace().ok()?.join("pipelines").join(file).with_extension("toml"));
    is_name.then(of_pipeline).flatten().filter(|found| found.is_file()).unwrap_or_else(|| file.to_owned())
}

fn of_workspace(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let folder = context.workspace()?;
    let mut files = workspace::pipeline_files(&folder)?;
    if files.is_empty() {
        context.note(&format!("no pipelines in {}; `flowyard init` writes one to copy from", folder.display()));
    }
    let settings = folder.join(CONFIG_FILE);
    if settings.exists() {
        files.push(settings);
    }
    Ok(files)
}

/// Every finding of every file, and ids that two files claim.
pub fn check(files: &[PathBuf], here: &Path) -> Diagnostics {
    let named = files.iter().map(|path| (here.join(path), as_typed(path, here)));
    let (settings, definitions): (Vec<_>, Vec<_>) = named.partition(|(path, _)| path.file_name().is_some_and(|file| file == CONFIG_FILE));
    let (asked, others) = (definitions.len(), neighbours(&definitions));
    let found = pipelines::read_all(definitions.into_iter().chain(others)).into_iter().take(asked).flat_map(|found| found.diagnostics.0);
    Diagnostics(found.chain(settings.iter().flat_map(|(path, name)| check_settings(path, name).0)).collect())
}

/// The other files of the same folders: what one file waits for may be in another.
fn neighbours(definitions: &[(PathBuf, String)]) -> Vec<(PathBuf, String)> {
    let folders: BTreeSet<&Path> = definitions.iter().filter_map(|(path, _)| path.parent()).collect();
    let files = folders.into_iter().filter_map(|folder| workspace::definitions_in(folder).ok()).flatten();
    let others = files.filter(|file| definitions.iter().all(|(path, _)| path != file));
    others.map(|file| (file.clone(), file.to_string_lossy().into_owned())).collect()
}

fn check_settings(path: &Path, name: &str) -> Diagnostics {
    match definition_file::read(path, name) {
        Ok(text) => config::read_workspace(name, &text).1,
        Err(diagnostic) => Diagnostics(vec![*diagnostic]),
    }
}

/// The path as the user would type it from here.
fn as_typed(path: &Path, here: &Path) -> String {
    let here = fs::canonicalize(here).unwrap_or_else(|_| here.to_owned());
    path.strip_prefix(&here).unwrap_or(path).to_string_lossy().into_owned()
}

/// A finding as the contract has it.
pub fn as_json(diagnostic: &Diagnostic) -> serde_json::Value {
    json!({
        "severity": diagnostic.severity, "code": diagnostic.code, "message": diagnostic.message, "file": diagnostic.file,
        "line": diagnostic.line, "column": diagnostic.column, "hint": diagnostic.hint,
    })
}

fn summary(files: &[PathBuf], diagnostics: &Diagnostics) -> String {
    let count = |severity| diagnostics.0.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let counted = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    format!(
        "{} checked: {}, {}\n",
        counted(files.len(), "file"),
        counted(count(Severity::Error), "error"),
        counted(count(Severity::Warning), "warning")
    )
}

//! `flowyard init`: the first pipeline file of a workspace, or one more to copy from. Never writes over a file.

use super::{Failure, context::Context};
use crate::{
    runtime::begin,
    spec::starter::{DEMO, NewFile, Starter, TEMPLATES},
    stdx::{sanitize, size},
};
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Begin a workspace here: write a pipeline file to copy from, or the demo
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard init                        pipelines/chain.toml, three steps\n  flowyard init demo                   a retry, a failure to mend, a gate, an approval\n  flowyard init train --name churn     pipelines/churn.toml\n  flowyard init --dry-run              what would be written"
)]
pub struct Args {
    /// What to begin with
    #[arg(value_name = "TEMPLATE", default_value = TEMPLATES[0].name, value_parser = PossibleValuesParser::new(templates()))]
    template: String,
    /// The name of the pipeline [default: the template's]
    #[arg(long)]
    name: Option<String>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

fn templates() -> impl Iterator<Item = PossibleValue> {
    TEMPLATES.iter().chain([&DEMO]).map(|starter| PossibleValue::new(starter.name).help(starter.about))
}

/// Writes, and says what and what comes next.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let name = args.name.as_deref().unwrap_or(&args.template);
    let starter = Starter::named(&args.template).ok_or_else(|| Failure::usage(format!("there is no template `{}`", args.template)))?;
    if !args.dry_run && !args.json {
        return write(&starter, name, context).map(|()| 0);
    }
    let (folder, files) = meant(&starter, name, context)?;
    if !args.dry_run {
        begin(&folder, &files, context)?;
    }
    if args.json {
        let rows: Vec<_> = files.iter().map(|file| json!({ "path": folder.join(&file.path), "bytes": file.text.len() })).collect();
        context.json(&rows)?;
    } else {
        context.print(&told("would write", &folder, &files))?;
    }
    Ok(0)
}

/// Writes a starter under a name, and tells people so.
pub fn write(starter: &Starter, name: &str, context: &Context) -> Result<(), Failure> {
    let (folder, files) = meant(starter, name, context)?;
    begin(&folder, &files, context)?;
    let next = format!("next: `flowyard run {name}` runs it, `flowyard` opens the workbench\n");
    context.print(&(told("wrote", &folder, &files) + &next))
}

fn meant(starter: &Starter, name: &str, context: &Context) -> Result<(PathBuf, Vec<NewFile>), Failure> {
    let files = starter.files(name).map_err(Failure::usage)?;
    Ok((begin::folder(&context.here()?, context.global.workspace.as_deref())?, files))
}

fn begin(folder: &Path, files: &[NewFile], context: &Context) -> Result<(), Failure> {
    if context.global.read_only {
        return Err(Failure::refused("--read-only looks and never writes; leave it out, or see what would be written with --dry-run"));
    }
    Ok(begin::write(folder, files)?)
}

fn told(did: &str, folder: &Path, files: &[NewFile]) -> String {
    let line = |file: &NewFile| {
        let path = sanitize::line(&folder.join(&file.path).to_string_lossy());
        format!("{did} {path} ({})\n", size::short(u64::try_from(file.text.len()).unwrap_or(u64::MAX)))
    };
    files.iter().map(line).collect()
}

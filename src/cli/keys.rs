//! `flowyard keys`: every key of the workbench, and whether the user's own are in order.

use super::{
    Failure,
    context::Context,
    failure::findings,
    term::{Cell, Style, table},
};
use crate::{
    config::keymap::{self, KeyRow},
    runtime::user,
};

/// List the keys of the workbench, with your own
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard keys\n  flowyard keys --check\n\nYour own stand in flowyard/config.toml of the folder for settings:\n  [keys.global]\n  retry = [\"r\", \"f5\"]\n  [[commands]]\n  keys = \"f6\"\n  run = \"less {log}\""
)]
pub struct Args {
    /// Only check your own keys: conflicts, unknown actions, keys that no terminal sends (exit 2)
    #[arg(long)]
    check: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Lists or checks; `builtin` is the table of the interactive face.
pub fn main(args: &Args, context: &Context, builtin: &[KeyRow]) -> Result<u8, Failure> {
    if args.check {
        return check(args, context, builtin);
    }
    let rows = keymap::effective(builtin, &user::config()?);
    if args.json {
        context.json(&rows)?;
    } else {
        let lines: Vec<Vec<Cell>> = rows.iter().map(line).collect();
        context.print(&table(&context.out, &["CONTEXT", "ACTION", "KEYS", "DOES"], &lines))?;
    }
    Ok(0)
}

fn check(args: &Args, context: &Context, builtin: &[KeyRow]) -> Result<u8, Failure> {
    let found = user::check(|file, text, config| keymap::check(file, text, config, builtin))?;
    if args.json {
        context.json(&found.0.iter().map(super::check::as_json).collect::<Vec<_>>())?;
    } else if found.0.is_empty() {
        context.print("the keys are in order\n")?;
    } else {
        context.print(&findings(&found, &context.out))?;
    }
    Ok(if found.has_errors() { 2 } else { 0 })
}

fn line(row: &KeyRow) -> Vec<Cell> {
    vec![
        Cell::styled(row.context, Style::dim()),
        Cell::from(row.action),
        Cell::from(row.keys.join(", ").as_str()),
        Cell::styled(&row.description, Style::dim()),
    ]
}

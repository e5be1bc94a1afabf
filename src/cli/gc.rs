//! `flowyard gc`: forgets old runs, with their logs and what only they made.

use super::{
    Failure,
    context::{Access, Context},
    term::{Cell, Style, table},
    text::some_of,
};
use crate::{
    model::Retention,
    runtime::{clock, retention},
    stdx::{duration, size},
};
use serde_json::json;

/// Remove old runs with their logs and the artifacts that only they made
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard gc --dry-run                 what [retention] in flowyard.toml would remove\n  flowyard gc --older-than 30d --keep 20\n\nThe newest run of each pipeline and its newest good one are always kept, and so is every open run."
)]
pub struct Args {
    /// Runs that ended longer ago, such as 30d [default: [retention] age]
    #[arg(long, value_name = "D")]
    older_than: Option<String>,
    /// Runs beyond so many newer ones of their pipeline [default: [retention] count]
    #[arg(long, value_name = "N")]
    keep: Option<u32>,
    /// The oldest runs until all together hold no more than this, such as 20GiB [default: [retention] bytes]
    #[arg(long, value_name = "B")]
    max_bytes: Option<String>,
    /// Only list them
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Removes.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let mut handle = context.handle(if args.dry_run { Access::Peek } else { Access::Act })?;
    let settings = handle.place().config.retention;
    let given = Retention {
        age: args.older_than.as_deref().map(duration::parse).transpose().map_err(Failure::usage)?,
        count: args.keep,
        bytes: args.max_bytes.as_deref().map(size::parse).transpose().map_err(Failure::usage)?,
    };
    let policy = if given.is_set() { given } else { settings };
    if !policy.is_set() {
        return Err(Failure::usage(
            "nothing says which runs may go\n  hint: give --older-than, --keep or --max-bytes, or write [retention] in flowyard.toml",
        ));
    }
    if handle.last_seq()? == 0 {
        context.print("nothing ran here yet\n")?;
        return Ok(0);
    }
    let found = retention::candidates(handle.state_dir(), &policy, clock::now())?;
    let (removed, bytes) = if args.dry_run || found.is_empty() {
        (Vec::new(), found.iter().map(|one| one.bytes).sum())
    } else {
        handle.forget(found.iter().map(|one| one.run_id.clone()).collect())?
    };
    if args.json {
        context.json(&json!({ "candidates": found, "removed": removed, "bytes": bytes, "dry_run": args.dry_run }))?;
    } else if args.dry_run {
        let row = |one: &retention::Candidate| {
            let name = format!("{} #{}", one.pipeline, one.number);
            vec![
                context.out.state(one.state.look()),
                Cell::from(name),
                Cell::from(size::short(one.bytes)),
                Cell::styled(one.run_id.as_str(), Style::dim()),
            ]
        };
        let rows: Vec<Vec<Cell>> = found.iter().map(row).collect();
        context.print(&table(&context.out, &["STATE", "RUN", "SIZE", "ID"], &rows))?;
        context.print(&format!("{} would go, {}\n", counted(found.len()), size::short(bytes)))?;
    } else {
        let names: Vec<String> = found.iter().map(|one| format!("{} #{}", one.pipeline, one.number)).collect();
        let which = if names.is_empty() { String::new() } else { format!(": {}", some_of(&names)) };
        context.print(&format!("removed {}, {}{which}\n", counted(removed.len()), size::short(bytes)))?;
    }
    Ok(0)
}

fn counted(runs: usize) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

//! `flowyard journal`: every transition and every command, in order.

use super::{
    Failure,
    context::{Access, Context},
    term::{Cell, Style, render},
    text::moment,
};
use crate::{model::JournalEntry, stdx::time::rfc3339};
use serde_json::json;

/// Entries read at a time.
const PAGE: usize = 1_000;

/// Print every transition and every command, oldest first
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard journal --run latest\n  flowyard journal --json")]
pub struct Args {
    /// Only of this run: an id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Prints.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let handle = context.handle(Access::Look)?;
    let run = args.run.as_deref().map(|selector| handle.find_run(selector)).transpose()?;
    let mut after = 0;
    loop {
        let page = handle.journal(run.as_ref(), after, PAGE)?;
        for entry in &page {
            if args.json { context.json_line(&as_json(entry))? } else { context.print(&line(entry, context))? }
        }
        match page.last() {
            Some(last) if last.seq > after => after = last.seq,
            _ => return Ok(0),
        }
    }
}

fn as_json(entry: &JournalEntry) -> serde_json::Value {
    let mut object = json!({
        "seq": entry.seq, "at": rfc3339(entry.at), "entity": entry.entity, "from": entry.from, "to": entry.to,
        "reason": entry.reason, "by": entry.by,
    });
    if let (Some(command), Some(object)) = (&entry.command, object.as_object_mut()) {
        object.insert("command".to_owned(), json!(command));
    }
    object
}

fn line(entry: &JournalEntry, context: &Context) -> String {
    let what = match (&entry.command, &entry.from, &entry.to) {
        (Some(command), _, _) => format!("command {command}"),
        (None, Some(from), Some(to)) => format!("{from} -> {to}"),
        (None, None, Some(to)) => to.clone(),
        (None, _, None) => String::new(),
    };
    let reason = entry.reason.as_deref().map(|reason| format!("  ({reason})")).unwrap_or_default();
    let cells = [
        Cell::styled(format!("{:>6}  {}  ", entry.seq, moment(entry.at)), Style::dim()),
        Cell::from(format!("{}  ", entry.entity)),
        Cell::styled(what, Style::bold("fg")),
        Cell::from(reason),
        Cell::styled(format!("  {}", entry.by), Style::dim()),
    ];
    render(&context.out, &cells, context.out.width()) + "\n"
}

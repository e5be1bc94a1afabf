//! `flowyard why`: why a task or a run is as it is.

use super::{
    Failure,
    context::{Access, Context},
    term::{Cell, Style, render},
    text,
};
use crate::model::{WhyLine, WhyMark};

/// Tell why a task or a run is as it is: what it waits for, why it failed or was skipped
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard why latest deploy_model\n  flowyard why latest")]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// The task [default: the run]
    task: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Tells.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    let (handle, run) = context.handle_and_run(&args.run, Access::Look)?;
    let task = match &args.task {
        Some(task) => Some(text::find_task(&handle.run(&run)?, task)?.task.clone()),
        None => None,
    };
    let why = handle.why(&run, task.as_ref())?;
    if args.json {
        context.json(&why)?;
        return Ok(0);
    }
    // Reasons are sentences: they are wrapped by the terminal, never cut.
    let title = [Cell::styled(&why.about, Style::bold("fg")), Cell::from(": "), Cell::from(&why.state)];
    let mut shown = render(&context.out, &title, usize::MAX) + "\n";
    for line in &why.lines {
        shown.push_str(&(render(&context.out, &cells(line, context), usize::MAX) + "\n"));
    }
    context.print(&shown)?;
    Ok(0)
}

fn cells(line: &WhyLine, context: &Context) -> [Cell; 2] {
    let (glyph, ascii, token) = match line.mark {
        WhyMark::Met => ("✓", "+", "state.success"),
        WhyMark::Waiting => ("◌", ".", "state.pending"),
        WhyMark::Failed => ("✗", "x", "state.failed"),
        WhyMark::Note => ("·", "-", "fg.muted"),
    };
    let mark = if context.out.unicode { glyph } else { ascii };
    [Cell::styled(format!("  {mark} "), Style::of(token)), Cell::from(&line.text)]
}

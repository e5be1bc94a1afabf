//! A failure card in lines: the cause, the end of the log, what is different, and what to do next.

use crate::{
    cli::{
        log_line,
        term::{Cell, Screen, Style},
        text,
    },
    model::{RunSnapshot, RunState},
    runtime::failure::{self, FailureCard},
    stdx::size,
};

/// Failures shown in full; more are told by the list of tasks.
pub const CARDS: usize = 3;

/// How many tasks failed that no card tells of.
pub fn untold(run: &RunSnapshot, cards: &[FailureCard]) -> Option<String> {
    let rest = run.tasks.iter().filter(|task| failure::is_failure(task)).count().saturating_sub(cards.len());
    let tasks = if rest == 1 { "task" } else { "tasks" };
    (rest > 0).then(|| format!("{rest} more {tasks} failed: `flowyard why {} TASK` says why of each", run.run.run_id))
}

/// What to do about a run that failed where no card says it: it took too long.
pub fn next_step(run: &RunSnapshot, cards: &[FailureCard]) -> Option<String> {
    let id = &run.run.run_id;
    let is_told = run.run.state != RunState::Failed || !cards.is_empty() || untold(run, cards).is_some();
    (!is_told).then(|| format!("`flowyard why {id}` says why; `flowyard resume {id}` goes on with it"))
}

/// The lines of a card; each may be wrapped by the terminal.
pub fn lines(card: &FailureCard, screen: &Screen) -> Vec<Vec<Cell>> {
    let bar = if screen.unicode { "  │ " } else { "  | " };
    let dim = |text: String| vec![Cell::styled(text, Style::dim())];
    let attempts = match card.attempts {
        (0, _) => "no attempt was made".to_owned(),
        (tried, of) => format!("attempt {tried} of {of}"),
    };
    let peak = card.usage.and_then(|usage| usage.peak());
    let peak = peak.map(|peak| format!(", {} at its peak", size::short(peak))).unwrap_or_default();
    let mut lines = vec![vec![
        Cell::styled(
            format!("{} {} ", screen.glyph(card.state.look()), text::instance(&card.task, card.map_index)),
            Style::bold("state.failed"),
        ),
        Cell::from(&card.cause),
        Cell::styled(format!("  ({attempts}{peak})"), Style::dim()),
    ]];
    lines.extend(card.log.iter().map(|line| vec![Cell::styled(bar, Style::of("state.failed")), Cell::from(log_line::show(line, false))]));
    if let Some(good) = card.since_good.as_ref().filter(|good| !good.differences.is_empty()) {
        lines.push(vec![Cell::styled(format!("  different from run #{}, which succeeded:", good.number), Style::of("warning"))]);
        let arrow = if screen.unicode { "→" } else { "->" };
        lines.extend(good.differences.iter().map(|d| vec![Cell::from(format!("    {}: {} {arrow} {}", d.what, d.was, d.is))]));
    }
    if !card.not_passed.is_empty() {
        lines.push(vec![
            Cell::styled("  set here, but not passed to tasks: ", Style::of("warning")),
            Cell::from(card.not_passed.join(", ")),
            Cell::styled("  (see [engine] pass_env in flowyard.toml)", Style::dim()),
        ]);
    }
    lines.extend(card.path.iter().map(|path| dim(format!("  log: {}", path.display()))));
    lines.extend(card.commands.iter().map(|command| dim(format!("  {command}"))));
    lines
}

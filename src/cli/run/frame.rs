//! One picture of a run that goes on, as lines that fit the terminal. Pure: the same run gives the same picture.

use crate::{
    cli::{
        term::{Cell, Screen, Style, task_look},
        text::{cause, elapsed, run_name, task_name},
    },
    model::{RunSnapshot, RunState, TaskSnapshot, TaskState},
    stdx::{duration, time::Timestamp},
};
use std::collections::BTreeMap;
use unicode_width::UnicodeWidthStr;

/// Columns of a progress bar.
const BAR: usize = 10;

/// What is known besides the run itself.
pub struct Extras<'a> {
    /// Progress of running tasks, 0 to 1, by position.
    pub progress: &'a BTreeMap<usize, f64>,
    /// The task whose log is shown, by position, and its last lines, already safe to show.
    pub tail: Option<(usize, Vec<String>)>,
    /// A person canceled the run.
    pub canceling: bool,
    /// Keys can be pressed.
    pub keys: bool,
}

/// The picture: at most `rows` lines.
pub fn frame(run: &RunSnapshot, extras: &Extras<'_>, screen: &Screen, now: Timestamp, rows: usize) -> Vec<Vec<Cell>> {
    let mut lines = vec![title(run, screen, now)];
    let room = rows.saturating_sub(2);
    let tail = extras.tail.as_ref().map_or(0, |(_, lines)| lines.len());
    let tail = tail.min(room.saturating_sub(run.tasks.len().min(room / 2)));
    let shown = chosen(&run.tasks, room.saturating_sub(tail));
    let name_width = shown.iter().map(|&i| task_name(&run.tasks[i]).width()).max().unwrap_or(0).min(40);
    for &i in &shown {
        lines.push(task_line(&run.tasks[i], extras.progress.get(&i).copied(), name_width, screen, now));
        if let Some((_, log)) = extras.tail.as_ref().filter(|(task, _)| *task == i) {
            lines.extend(log[log.len() - tail..].iter().map(|line| log_line(line, screen)));
        }
    }
    if shown.len() < run.tasks.len() {
        lines.push(counts(&run.tasks, &shown, screen));
    }
    lines.push(footer(run, extras));
    lines.truncate(rows);
    lines
}

fn title(run: &RunSnapshot, screen: &Screen, now: Timestamp) -> Vec<Cell> {
    let over = run.tasks.iter().filter(|task| task.state.is_terminal()).count();
    let took = duration::short(elapsed(run.run.started_at.unwrap_or(run.run.created_at), run.run.ended_at.unwrap_or(now)));
    vec![
        screen.state(run.run.state.look()),
        Cell::styled(format!("  {}", run_name(&run.run)), Style::bold("fg")),
        Cell::from(format!("  {over}/{} tasks  {took}", run.tasks.len())),
        Cell::styled(format!("  {}", run.run.run_id), Style::dim()),
    ]
}

fn footer(run: &RunSnapshot, extras: &Extras<'_>) -> Vec<Cell> {
    let text = match (extras.canceling || run.run.state == RunState::Canceling, extras.keys) {
        (true, _) => "canceling; Ctrl-C again leaves at once",
        (false, true) => "d detaches, Ctrl-C cancels the run",
        (false, false) => "Ctrl-C cancels the run",
    };
    vec![Cell::styled(text, Style::dim())]
}

/// Positions of the tasks to show, in order of declaration. Where not all fit, the last line is for the counts of the rest.
fn chosen(tasks: &[TaskSnapshot], room: usize) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..tasks.len()).collect();
    if tasks.len() > room {
        positions.sort_by_key(|&i| (urgency(tasks[i].state), recency(&tasks[i]), i));
        positions.truncate(room.saturating_sub(1));
        positions.sort_unstable();
    }
    positions
}

const fn urgency(state: TaskState) -> u8 {
    match state {
        TaskState::Running => 0,
        TaskState::Failed | TaskState::Lost => 1,
        TaskState::UpForRetry | TaskState::AwaitingApproval => 2,
        TaskState::Queued => 3,
        TaskState::Canceled | TaskState::UpstreamFailed => 4,
        TaskState::Pending => 5,
        TaskState::Success | TaskState::Skipped => 6,
    }
}

/// What ended last comes first among what is over.
fn recency(task: &TaskSnapshot) -> i64 {
    let ended = task.span().and_then(|(_, ended)| ended);
    ended.filter(|_| task.state.is_terminal()).map_or(0, |at| -at.timestamp_micros())
}

/// One line about one task.
pub fn task_line(task: &TaskSnapshot, progress: Option<f64>, name_width: usize, screen: &Screen, now: Timestamp) -> Vec<Cell> {
    let look = task_look(task);
    let name = task_name(task);
    let padding = " ".repeat(name_width.saturating_sub(name.width()));
    let took = match (task.span(), task.state) {
        (Some((from, to)), _) => duration::short(elapsed(from, to.unwrap_or(now))),
        _ => String::new(),
    };
    let mut cells = vec![
        Cell::styled(format!("{} {:<4}  ", screen.glyph(look), look.code), Style::of(look.token)),
        Cell::from(format!("{name}{padding}  {took:>7}")),
    ];
    let number = task.attempts.len();
    if task.max_attempts > 1 && number > 0 && (number > 1 || task.state != TaskState::Success) {
        cells.push(Cell::styled(format!("  attempt {number}/{}", (task.max_attempts as usize).max(number)), Style::dim()));
    }
    if let Some(part) = progress.filter(|_| task.state == TaskState::Running) {
        cells.push(Cell::styled(format!("  {}", bar(part, screen)), Style::of("state.running")));
    }
    if let (TaskState::UpForRetry, Some(at)) = (task.state, task.retry_at) {
        cells.push(Cell::styled(format!("  again in {}", duration::short(elapsed(now, at))), Style::of("warning")));
    }
    if let Some(cause) = cause(task).filter(|_| task.state != TaskState::Success && task.state != TaskState::Running) {
        cells.push(Cell::from(format!("  {cause}")));
    }
    cells
}

fn bar(part: f64, screen: &Screen) -> String {
    let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let full = (part * BAR as f64).round() as usize;
    let (done, left) = if screen.unicode { ("━", "─") } else { ("#", ".") };
    format!("{}{} {:>3.0}%", done.repeat(full), left.repeat(BAR - full), (part * 100.0).floor())
}

fn log_line(line: &str, screen: &Screen) -> Vec<Cell> {
    let bar = if screen.unicode { "       │ " } else { "       | " };
    vec![Cell::styled(bar, Style::dim()), Cell::styled(line, Style::dim())]
}

fn counts(tasks: &[TaskSnapshot], shown: &[usize], screen: &Screen) -> Vec<Cell> {
    let mut counted: BTreeMap<TaskState, usize> = BTreeMap::new();
    for (i, task) in tasks.iter().enumerate() {
        if !shown.contains(&i) {
            *counted.entry(task.state).or_default() += 1;
        }
    }
    let mut cells = vec![Cell::styled(format!("{} and ", screen.ellipsis()), Style::dim())];
    for (state, count) in counted {
        let look = state.look();
        cells.push(Cell::styled(format!("{} {} {count}  ", screen.glyph(look), look.code), Style::of(look.token)));
    }
    cells
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;

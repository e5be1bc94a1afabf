//! A run as lines: one a transition, as text for pipes or as JSON for programs.

use super::{
    card,
    follow::{End, Face},
};
use crate::{
    cli::{
        context::Context,
        term::{Cell, Style, render},
        text::{cause, elapsed, run_name, span, task_name, time_of_day},
    },
    model::{JournalEntry, Pipeline, RunId, RunSnapshot, TaskId, TaskState},
    runtime::{Handle, clock},
    stdx::{
        duration,
        time::{Timestamp, rfc3339},
    },
};
use serde_json::json;
use std::{collections::HashMap, time::Duration};

/// What an entry of a run's journal is about.
#[derive(Debug, PartialEq, Eq)]
enum Entity {
    Run,
    Task { task: TaskId, map_index: Option<u32> },
    Attempt { task: TaskId, map_index: Option<u32>, attempt: u32 },
}

fn entity(text: &str) -> Option<Entity> {
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        ["run", _] => Some(Entity::Run),
        ["task", _, name] => {
            let (task, map_index) = crate::cli::text::parse_instance(name);
            Some(Entity::Task { task, map_index })
        }
        ["attempt", _, name, number] => {
            let (task, map_index) = crate::cli::text::parse_instance(name);
            Some(Entity::Attempt { task, map_index, attempt: number.parse().ok()? })
        }
        _ => None,
    }
}

/// One transition of a task, with the attempt it belongs to.
#[derive(Debug, PartialEq)]
struct Step<'a> {
    entry: &'a JournalEntry,
    task: TaskId,
    map_index: Option<u32>,
    state: &'a str,
    attempt: Option<u32>,
    /// How long the task ran, when this ends it.
    took: Option<Duration>,
}

/// Remembers which attempt each task is at, and since when.
#[derive(Default)]
struct Steps {
    attempts: HashMap<(TaskId, Option<u32>), u32>,
    running: HashMap<(TaskId, Option<u32>), Timestamp>,
}

impl Steps {
    /// The transitions of tasks among new journal entries, in order.
    fn of<'a>(&mut self, entries: &'a [JournalEntry]) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            match entity(&entry.entity) {
                Some(Entity::Attempt { task, map_index, attempt }) => drop(self.attempts.insert((task, map_index), attempt)),
                Some(Entity::Task { task, map_index }) => {
                    let Some(state) = entry.to.as_deref() else { continue };
                    let key = (task, map_index);
                    // One commit writes the task and its new attempt, in either order.
                    if state == TaskState::Running.word() {
                        self.attempts.extend(new_attempt(&entries[i + 1..], entry, &key).map(|attempt| (key.clone(), attempt)));
                    }
                    let attempt = self.attempts.get(&key).copied();
                    let took = self.running.remove(&key).map(|since| elapsed(since, entry.at));
                    if state == TaskState::Running.word() {
                        self.running.insert(key.clone(), entry.at);
                    }
                    steps.push(Step { entry, task: key.0, map_index: key.1, state, attempt, took });
                }
                Some(Entity::Run) | None => {}
            }
        }
        steps
    }
}

/// The attempt that begins in the same commit as a task's entry, if it is written after it.
fn new_attempt(later: &[JournalEntry], entry: &JournalEntry, key: &(TaskId, Option<u32>)) -> Option<u32> {
    later.iter().take_while(|other| other.at == entry.at).find_map(|other| match entity(&other.entity) {
        Some(Entity::Attempt { task, map_index, attempt }) if other.from.is_none() && task == key.0 && map_index == key.1 => Some(attempt),
        _ => None,
    })
}

/// What a person can do about a task that waits for one.
fn to_approve(run: &RunSnapshot, task: &TaskId) -> String {
    format!("waits for a person: flowyard approve {} {task}, or reject", run.run.run_id)
}

/// One line of text a transition.
pub struct Plain<'a> {
    context: &'a Context,
    pipeline: Pipeline,
    steps: Steps,
    begun: bool,
}

impl<'a> Plain<'a> {
    /// Nothing is printed yet.
    pub fn new(context: &'a Context, pipeline: Pipeline) -> Self {
        Self { context, pipeline, steps: Steps::default(), begun: false }
    }

    fn say(&self, cells: &[Cell]) {
        // Whoever reads may leave; the run still has a result.
        let _ = self.context.print(&(render(&self.context.out, cells, usize::MAX) + "\n"));
    }
}

impl Face for Plain<'_> {
    fn update(&mut self, run: &RunSnapshot, entries: &[JournalEntry], _: &Handle) {
        if !std::mem::replace(&mut self.begun, true) {
            let at = time_of_day(run.run.created_at);
            self.say(&[Cell::styled(at, Style::dim()), Cell::from(format!("  {}  run {}", run_name(&run.run), run.run.run_id))]);
        }
        let steps = self.steps.of(entries);
        for (i, step) in steps.iter().enumerate() {
            let Ok(state) = step.state.parse::<TaskState>() else { continue };
            if is_silent(state, step, &steps[i + 1..]) {
                continue;
            }
            let retries = self.pipeline.task(&step.task).map_or(0, |task| task.retries);
            let attempt = match step.attempt {
                Some(number) if number > 1 || (retries > 0 && matches!(state, TaskState::Failed | TaskState::UpForRetry)) => {
                    format!("  attempt {number}/{}", (retries + 1).max(number))
                }
                _ => String::new(),
            };
            let known = run.tasks.iter().find(|task| task.task == step.task && task.map_index == step.map_index);
            let took = step.took.map(|took| format!("  {}", duration::short(took))).unwrap_or_default();
            let why = known.filter(|task| task.state == state && state != TaskState::Success).and_then(cause);
            let why = if state == TaskState::AwaitingApproval { Some(to_approve(run, &step.task)) } else { why };
            let why = why.or_else(|| step.entry.reason.clone()).map(|why| format!("  {why}")).unwrap_or_default();
            let look = state.look();
            self.say(&[
                Cell::styled(time_of_day(step.entry.at), Style::dim()),
                Cell::styled(format!("  {} {:<4}  ", self.context.out.glyph(look), look.code), Style::of(look.token)),
                Cell::from(crate::cli::text::instance(&step.task, step.map_index)),
                Cell::styled(took + &attempt + &why, Style::dim()),
            ]);
        }
    }

    fn canceling(&mut self) {
        self.say(&[Cell::from("canceling; Ctrl-C again leaves at once")]);
    }

    fn finish(&mut self, end: &End<'_>) {
        for line in closing(end, self.context) {
            self.say(&line);
        }
    }
}

/// Of no interest to a reader of lines: that a task exists, and that it waited no time at all.
fn is_silent(state: TaskState, step: &Step<'_>, later: &[Step<'_>]) -> bool {
    let same = |other: &&Step<'_>| other.task == step.task && other.map_index == step.map_index;
    match state {
        TaskState::Pending => step.entry.from.is_none(),
        TaskState::Queued => later.iter().find(same).is_some_and(|next| next.entry.at == step.entry.at),
        _ => false,
    }
}

/// The last lines of a run, for people.
pub fn closing(end: &End<'_>, context: &Context) -> Vec<Vec<Cell>> {
    match end {
        End::Over { run, cards } => {
            let mut lines: Vec<Vec<Cell>> =
                cards.iter().flat_map(|card| card::lines(card, &context.out).into_iter().chain([Vec::new()])).collect();
            lines.extend(card::untold(run, cards).or_else(|| card::next_step(run, cards)).map(|text| vec![Cell::from(text)]));
            let took = span(run.run.started_at, run.run.ended_at, clock::now());
            let look = run.run.state.look();
            lines.push(vec![
                Cell::styled(format!("{} {}", context.out.glyph(look), run.run.state), Style::bold(look.token)),
                Cell::from(format!("  {}  {took}  ", run_name(&run.run))),
                Cell::styled(format!("run {}", run.run.run_id), Style::dim()),
            ]);
            lines
        }
        End::Detached { run } => vec![
            vec![Cell::from("detached; the run goes on")],
            vec![Cell::styled(format!("  flowyard show {run}"), Style::dim())],
            vec![Cell::styled(format!("  flowyard cancel {run}"), Style::dim())],
        ],
        End::Abandoned { run } => {
            vec![vec![Cell::from(format!("left while the run is still ending; `flowyard show {run}` tells how it ended"))]]
        }
    }
}

/// One JSON object a transition, and a last one for the run.
pub struct Json<'a> {
    context: &'a Context,
    run: RunId,
    steps: Steps,
}

impl<'a> Json<'a> {
    /// Nothing is printed yet.
    pub fn new(context: &'a Context, run: RunId) -> Self {
        Self { context, run, steps: Steps::default() }
    }
}

impl Face for Json<'_> {
    fn update(&mut self, run: &RunSnapshot, entries: &[JournalEntry], _: &Handle) {
        for step in self.steps.of(entries) {
            let known = run.tasks.iter().find(|task| task.task == step.task && task.map_index == step.map_index);
            let message = known.filter(|task| task.state.word() == step.state).and_then(|task| task.message.clone());
            let _ = self.context.json_line(&json!({
                "at": rfc3339(step.entry.at), "run_id": self.run, "task": step.task, "map_index": step.map_index, "state": step.state,
                "attempt": step.attempt, "from": step.entry.from, "reason": step.entry.reason, "message": message,
            }));
        }
    }

    fn finish(&mut self, end: &End<'_>) {
        if let End::Over { run, .. } = end {
            let row = &run.run;
            let failed: Vec<String> =
                run.tasks.iter().filter(|t| matches!(t.state, TaskState::Failed | TaskState::Lost)).map(task_name).collect();
            let _ = self.context.json_line(&json!({
                "at": rfc3339(row.ended_at.unwrap_or_else(clock::now)), "run_id": self.run, "task": null, "attempt": null,
                "pipeline": row.pipeline, "state": row.state, "started_at": row.started_at.map(rfc3339),
                "ended_at": row.ended_at.map(rfc3339), "failed": failed,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: i64, entity: &str, from: Option<&str>, to: &str) -> JournalEntry {
        let at = crate::stdx::time::from_micros(seq / 10);
        let text = |text: &str| Some(text.to_owned());
        JournalEntry {
            seq,
            at,
            entity: entity.to_owned(),
            from: from.and_then(text),
            to: text(to),
            reason: None,
            by: "engine".to_owned(),
            command: None,
        }
    }

    #[test]
    fn each_transition_of_a_task_knows_its_attempt_whichever_is_written_first() {
        let entries = [
            entry(1, "run/r", None, "queued"),
            entry(2, "task/r/a", None, "queued"),
            entry(11, "task/r/a", Some("queued"), "running"),
            entry(12, "attempt/r/a/1", None, "starting"),
            entry(21, "attempt/r/a/1", Some("running"), "failed"),
            entry(22, "task/r/a", Some("running"), "up_for_retry"),
            entry(31, "attempt/r/a/2", None, "starting"),
            entry(32, "task/r/a", Some("up_for_retry"), "running"),
        ];
        let mut steps = Steps::default();
        let seen: Vec<_> = steps.of(&entries).iter().map(|step| (step.state.to_owned(), step.attempt)).collect();
        let expected = [("queued", None), ("running", Some(1)), ("up_for_retry", Some(1)), ("running", Some(2))];
        assert_eq!(seen, expected.map(|(state, attempt)| (state.to_owned(), attempt)));
    }

    #[test]
    fn entities_of_the_journal_are_read() {
        assert_eq!(entity("run/r"), Some(Entity::Run));
        assert_eq!(entity("attempt/r/t[3]/2"), Some(Entity::Attempt { task: "t".into(), map_index: Some(3), attempt: 2 }));
        assert_eq!(entity("engine/1"), None);
    }
}

//! The command line that does what a key does: for the command log, for copying, and for forms.

use super::{
    views::Selected,
    world::{Backfilling, Start},
};
use crate::{
    model::{BackfillRequest, ClearScope, Command, DEFAULT_MAX_ACTIVE, MarkedAs, Reprocess, RunId, TaskId, TriggerRequest},
    stdx::words::quoted,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What does the same, typed in a shell; `reason` is what the person said about it.
pub fn of(command: &Command, reason: Option<&str>) -> String {
    let mut line = match command {
        Command::Trigger(request) => run(request),
        Command::Retry { run, task, downstream } => {
            verb("retry", run, task.as_ref()) + if *downstream { " --downstream" } else { flag(task.is_none(), " --failed") }
        }
        Command::Skip { run, task } => verb("skip", run, Some(task)),
        Command::Cancel { run, task } => verb("cancel", run, task.as_ref()),
        Command::Clear { run, task, scope } => verb("clear", run, task.as_ref()) + &clear_flags(task.is_some(), *scope),
        Command::Resume { run } => verb("resume", run, None),
        Command::Mark { run, task, verdict: MarkedAs::Success } => verb("mark", run, Some(task)) + " success",
        Command::Mark { run, task, verdict: MarkedAs::Failed } => verb("mark", run, Some(task)) + " failed",
        Command::PauseRun { run, paused } => format!("flowyard {} --run {run}", pause(*paused)),
        Command::WatchRun { run, watched } => verb("watch", run, None) + flag(!watched, " --off"),
        Command::PausePipeline { pipeline, paused, make_up, .. } => {
            let make_up = make_up.map(|make_up| format!(" --catchup {make_up}")).unwrap_or_default();
            format!("flowyard {} {}{make_up}", pause(*paused), quoted(pipeline.as_str()))
        }
        Command::Approve { run, task } => verb("approve", run, Some(task)),
        Command::Reject { run, task } => verb("reject", run, Some(task)),
        Command::Undo { run } => verb("undo", run, None),
        Command::Backfill(request) => backfill(request),
        Command::PauseBackfill { backfill, paused } => format!("flowyard backfill {} {backfill}", pause(*paused)),
        Command::CancelBackfill { backfill } => format!("flowyard backfill cancel {backfill}"),
    };
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        line.push_str(&format!(" --reason {}", quoted(reason)));
    }
    line
}

/// What shows the same as the screen does.
pub fn showing(selected: &Selected) -> Option<String> {
    Some(match (&selected.run, &selected.task, &selected.attempt, &selected.pipeline) {
        (Some(run), Some(task), Some((attempt, _)), _) => verb("logs", run, Some(task)) + &format!(" --attempt {attempt}"),
        (Some(run), Some(task), None, _) => verb("why", run, Some(task)),
        (Some(run), None, _, _) => verb("show", run, None),
        (None, _, _, Some(pipeline)) => format!("flowyard runs {}", quoted(pipeline.as_str())),
        (None, _, _, None) => return None,
    })
}

fn verb(word: &str, run: &RunId, task: Option<&TaskId>) -> String {
    let task = task.map(|task| format!(" {}", quoted(task.as_str()))).unwrap_or_default();
    format!("flowyard {word} {}{task}", quoted(run.as_str()))
}

const fn flag(set: bool, flag: &'static str) -> &'static str {
    if set { flag } else { "" }
}

const fn pause(paused: bool) -> &'static str {
    if paused { "pause" } else { "unpause" }
}

fn clear_flags(one: bool, scope: ClearScope) -> String {
    let alone = flag(one && !scope.downstream, " --alone");
    [alone, flag(scope.upstream, " --upstream"), flag(scope.failed_only, " --failed")].concat()
}

/// What starts the same run. A secret that was typed stands for itself: whoever copies the line has it in a variable.
pub fn start(start: &Start) -> String {
    let secrets = start.variables.iter().map(|name| format!("{name}=\"${name}\" "));
    secrets.collect::<String>() + &run(&start.request)
}

/// What starts the same backfill, secrets as in [`start`].
pub fn start_backfill(start: &Backfilling) -> String {
    let secrets = start.variables.iter().map(|name| format!("{name}=\"${name}\" "));
    secrets.collect::<String>() + &backfill(&start.request)
}

fn run(request: &TriggerRequest) -> String {
    format!("flowyard run {}{}", quoted(request.pipeline.as_str()), params(&request.params))
}

fn params(given: &BTreeMap<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    given.iter().map(|(name, value)| format!(" -p {name}={}", quoted(&text(value)))).collect()
}

fn backfill(request: &BackfillRequest) -> String {
    let mut line = format!("flowyard backfill {} --from {} --to {}", quoted(request.pipeline.as_str()), request.from, request.to);
    line.extend(request.trigger.as_ref().map(|trigger| format!(" --trigger {}", quoted(trigger.as_str()))));
    if request.reprocess != Reprocess::default() {
        line.push_str(&format!(" --reprocess {}", request.reprocess));
    }
    if request.max_active != DEFAULT_MAX_ACTIVE {
        line.push_str(&format!(" --max-active {}", request.max_active));
    }
    line + flag(request.reverse, " --reverse") + &params(&request.params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_line() {
        let (run, task) = (RunId::from("run-1"), TaskId::from("train model"));
        let scope = |downstream, upstream| ClearScope { downstream, upstream, failed_only: false };
        let clear = |scope| Command::Clear { run: run.clone(), task: Some(task.clone()), scope };
        for (command, reason, line) in [
            (Command::Retry { run: run.clone(), task: None, downstream: false }, None, "flowyard retry run-1 --failed"),
            (
                Command::Retry { run: run.clone(), task: Some(task.clone()), downstream: true },
                None,
                "flowyard retry run-1 'train model' --downstream",
            ),
            (clear(scope(true, false)), None, "flowyard clear run-1 'train model'"),
            (clear(scope(false, true)), None, "flowyard clear run-1 'train model' --alone --upstream"),
            (
                Command::Mark { run: run.clone(), task: task.clone(), verdict: MarkedAs::Success },
                Some("by hand"),
                "flowyard mark run-1 'train model' success --reason 'by hand'",
            ),
            (
                Command::PausePipeline { pipeline: "churn".into(), paused: false, env: BTreeMap::new(), make_up: None },
                None,
                "flowyard unpause churn",
            ),
            (
                Command::Backfill(Box::new(BackfillRequest {
                    max_active: 4,
                    reverse: true,
                    reprocess: Reprocess::Failed,
                    params: [("note".to_owned(), "by hand".into())].into(),
                    ..BackfillRequest::new("b-1".into(), "churn".into(), "2024-01-01".parse().unwrap(), "2024-01-31".parse().unwrap())
                })),
                None,
                "flowyard backfill churn --from 2024-01-01 --to 2024-01-31 --reprocess failed --max-active 4 --reverse -p note='by hand'",
            ),
            (Command::PauseBackfill { backfill: "b-1".into(), paused: false }, None, "flowyard backfill unpause b-1"),
        ] {
            assert_eq!(of(&command, reason), line);
        }
    }

    #[test]
    fn the_same_can_be_looked_at_from_a_shell() {
        let mut selected = Selected { pipeline: Some("churn".into()), ..Selected::default() };
        assert_eq!(showing(&selected).as_deref(), Some("flowyard runs churn"));
        selected.run = Some("run-1".into());
        assert_eq!(showing(&selected).as_deref(), Some("flowyard show run-1"));
        selected.task = Some("train".into());
        selected.attempt = Some((2, "/x".into()));
        assert_eq!(showing(&selected).as_deref(), Some("flowyard logs run-1 train --attempt 2"));
        assert_eq!(showing(&Selected::default()), None);
    }
}

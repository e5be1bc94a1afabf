//! Texts that several commands share: times, spans, causes, the names of tasks, dates that people type.

use super::Failure;
use crate::{
    model::{RunRow, RunSnapshot, TaskId, TaskSnapshot},
    stdx::{
        duration, suggest,
        time::{Timestamp, parse_date},
    },
};
use chrono::{Local, TimeDelta};
use std::time::Duration;

pub use crate::runtime::cause::{attempt_cause, cause};

/// Local date and time to the second.
pub fn moment(at: Timestamp) -> String {
    at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Local time of day to the second.
pub fn time_of_day(at: Timestamp) -> String {
    at.with_timezone(&Local).format("%H:%M:%S").to_string()
}

/// How long something took, or has taken so far.
pub fn span(started: Option<Timestamp>, ended: Option<Timestamp>, now: Timestamp) -> String {
    started.map(|from| duration::short(elapsed(from, ended.unwrap_or(now)))).unwrap_or_default()
}

/// From one time to a later one; nothing if the clock went back.
pub fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    (to - from).to_std().unwrap_or_default()
}

/// `train` or `train[3]`.
pub fn task_name(task: &TaskSnapshot) -> String {
    instance(&task.task, task.map_index)
}

/// `train` or `train[3]`.
pub fn instance(task: &TaskId, map_index: Option<u32>) -> String {
    map_index.map_or_else(|| task.to_string(), |index| format!("{task}[{index}]"))
}

/// `ml_training #12`.
pub fn run_name(run: &RunRow) -> String {
    format!("{} #{}", run.pipeline, run.number)
}

/// Reads `task` or `task[3]`.
pub fn parse_instance(text: &str) -> (TaskId, Option<u32>) {
    let mapped = text.strip_suffix(']').and_then(|text| text.split_once('[')).and_then(|(id, index)| Some((id, index.parse().ok()?)));
    mapped.map_or_else(|| (TaskId::from(text), None), |(id, index)| (TaskId::from(id), Some(index)))
}

/// The task instance of a run that was meant.
pub fn find_task<'a>(run: &'a RunSnapshot, text: &str) -> Result<&'a TaskSnapshot, Failure> {
    let (id, index) = parse_instance(text);
    run.tasks.iter().find(|task| task.task == id && (task.map_index == index || index.is_none())).ok_or_else(|| {
        let names: Vec<String> = run.tasks.iter().map(task_name).collect();
        let hint = match suggest::nearest(text, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its tasks are {}", some_of(&names)),
        };
        Failure::usage(format!("{} has no task `{text}`\n  hint: {hint}", run_name(&run.run)))
    })
}

/// At most ten names, and how many more there are.
pub fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// A date, or how long ago: `2h`, `7d`.
pub fn parse_since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let Ok(ago) = duration::parse(text) else {
        return parse_date(text).map_err(|error| format!("{error}, or how long ago, such as 2h or 7d"));
    };
    Ok(TimeDelta::from_std(ago).ok().and_then(|ago| now.checked_sub_signed(ago)).unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_type_them() {
        let written = |text| parse_date(text).map(crate::stdx::time::rfc3339);
        assert_eq!(written("2024-01-31"), Ok("2024-01-31T00:00:00.000Z".to_owned()));
        assert_eq!(written("2024-01-31T06:00"), Ok("2024-01-31T06:00:00.000Z".to_owned()));
        assert_eq!(written("2024-01-31T06:00:00+02:00"), Ok("2024-01-31T04:00:00.000Z".to_owned()));
        assert!(written("yesterday").is_err_and(|error| error.contains("2024-01-31")));
        let now = parse_date("2024-02-01").unwrap();
        assert_eq!(parse_since("1d", now), parse_date("2024-01-31"));
    }

    #[test]
    fn a_mapped_instance_is_named_by_its_index() {
        assert_eq!(parse_instance("train[3]"), (TaskId::from("train"), Some(3)));
        assert_eq!(parse_instance("train"), (TaskId::from("train"), None));
        assert_eq!(parse_instance("train[x]"), (TaskId::from("train[x]"), None));
    }
}

//! The failure card: what went wrong with a task, how this run differs from the last good one, and what to do next.

use super::{RuntimeError, cause, handle::RunFilter, logs::LogReader};
use crate::{
    model::{Action, Condition, Pipeline, RunRow, RunSnapshot, RunState, Task, TaskId, TaskSnapshot, TaskState, Usage},
    runtime::Handle,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// As much of the log's end as is searched for names of variables.
const TAIL: u64 = 64 * 1024;

/// Lines of the log that are kept.
const LINES: usize = 15;

/// One task that failed or was lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailureCard {
    /// The task.
    pub task: TaskId,
    /// Which mapped instance.
    pub map_index: Option<u32>,
    /// `failed` or `lost`.
    pub state: TaskState,
    /// Why, in one sentence.
    pub cause: String,
    /// Attempts that were made, and how many it may use in all.
    pub attempts: (usize, usize),
    /// The last lines of the log, both streams in their order, as the task wrote them.
    pub log: Vec<String>,
    /// Where the end of the log is.
    pub path: Option<PathBuf>,
    /// What its last attempt took of the machine.
    pub usage: Option<Usage>,
    /// How its run differs from the last one of the pipeline that succeeded; `None` if none ever did.
    pub since_good: Option<SinceGood>,
    /// Variables that are set in this shell, that its script or log names, and that were not passed to it.
    pub not_passed: Vec<String>,
    /// Commands that help, most likely first.
    pub commands: Vec<String>,
}

/// How a run differs from the last good one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SinceGood {
    /// The display number of that run.
    pub number: u64,
    /// What is different, before and now; empty if nothing is.
    pub differences: Vec<Difference>,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `param rows`, `commit`, `uncommitted changes`.
    pub what: String,
    /// In the last good run.
    pub was: String,
    /// In this run.
    pub is: String,
}

impl Handle {
    /// Cards of the first `most` tasks of a run that failed or were lost. `env_not_passed` are names of variables of this
    /// process that tasks do not see.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn failure_cards(&self, run: &RunSnapshot, env_not_passed: &[String], most: usize) -> Result<Vec<FailureCard>, RuntimeError> {
        let failed: Vec<&TaskSnapshot> = run.tasks.iter().filter(|task| is_failure(task)).take(most).collect();
        if failed.is_empty() {
            return Ok(Vec::new());
        }
        let definition = self.run_definition(&run.run.run_id)?;
        let good = self.runs(&RunFilter {
            pipeline: Some(run.run.pipeline.clone()),
            state: Some(RunState::Success),
            before: Some(run.run.run_id.clone()),
            limit: 1,
            ..RunFilter::default()
        })?;
        let since_good = good.first().map(|good| SinceGood { number: good.number, differences: differences(good, &run.run) });
        Ok(failed.into_iter().map(|task| card(run, task, &definition, since_good.clone(), env_not_passed)).collect())
    }
}

/// Whether a task is worth a card: what only waited for it is not.
pub fn is_failure(task: &TaskSnapshot) -> bool {
    matches!(task.state, TaskState::Failed | TaskState::Lost)
}

/// Every shell sets these itself.
const SET_BY_SHELLS: &[&str] = &["PWD", "OLDPWD", "SHLVL"];

fn card(
    run: &RunSnapshot,
    task: &TaskSnapshot,
    definition: &Pipeline,
    since_good: Option<SinceGood>,
    env_not_passed: &[String],
) -> FailureCard {
    let last = task.last_attempt();
    let log = last.and_then(|attempt| attempt.stdout.parent()).map(tail).unwrap_or_default();
    let script = definition.task(&task.task).map(script).unwrap_or_default();
    let said = |variable: &&String| reads_variable(&script, variable) || log.iter().any(|line| names_variable(line, variable));
    FailureCard {
        task: task.task.clone(),
        map_index: task.map_index,
        state: task.state,
        cause: cause::cause(task).unwrap_or_else(|| task.state.to_string()),
        attempts: (task.attempts.len(), (task.max_attempts as usize).max(task.attempts.len())),
        path: last.map(|attempt| if is_empty(&attempt.stderr) { attempt.stdout.clone() } else { attempt.stderr.clone() }),
        usage: last.and_then(|attempt| attempt.usage),
        since_good,
        not_passed: env_not_passed.iter().filter(|name| !SET_BY_SHELLS.contains(&name.as_str())).filter(said).cloned().collect(),
        log: log.into_iter().rev().take(LINES).rev().collect(),
        commands: commands(run, task),
    }
}

fn commands(run: &RunSnapshot, task: &TaskSnapshot) -> Vec<String> {
    let name = task.map_index.map_or_else(|| task.task.to_string(), |index| format!("{}[{index}]", task.task));
    let verbs: &[&str] = if task.attempts.is_empty() { &["why", "retry"] } else { &["logs", "why", "shell", "retry"] };
    verbs.iter().map(|verb| format!("flowyard {verb} {} {name}", run.run.run_id)).collect()
}

/// Params and commit that are not as in the last good run.
fn differences(good: &RunRow, now: &RunRow) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |what: String, was: String, is: String| {
        if was != is {
            found.push(Difference { what, was, is });
        }
    };
    let param = |run: &RunRow, name: &str| run.params.get(name).map_or_else(|| "not set".to_owned(), ToString::to_string);
    let added = good.params.keys().filter(|name| !now.params.contains_key(*name));
    for name in now.params.keys().chain(added) {
        compare(format!("param {name}"), param(good, name), param(now, name));
    }
    let commit = |run: &RunRow| run.git.commit.as_deref().map_or("none", |commit| commit.get(..12).unwrap_or(commit)).to_owned();
    compare("commit".to_owned(), commit(good), commit(now));
    let dirty = |run: &RunRow| if run.git.dirty == Some(true) { "yes" } else { "no" }.to_owned();
    compare("uncommitted changes".to_owned(), dirty(good), dirty(now));
    found
}

fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |found| found.len() == 0)
}

/// The lines at the end of a log, without the empty ones after its last word.
pub(super) fn tail(folder: &Path) -> Vec<String> {
    let Ok(mut reader) = LogReader::open(folder, Some(TAIL)) else { return Vec::new() };
    let mut lines = reader.poll().unwrap_or_default();
    lines.extend(reader.rest());
    let kept = lines.iter().rposition(|line| !line.text.trim().is_empty()).map_or(0, |last| last + 1);
    lines.truncate(kept);
    lines.into_iter().map(|line| line.text).collect()
}

fn script(task: &Task) -> String {
    match &task.action {
        Action::Run { script } => script.clone(),
        Action::Argv { argv } => argv.join(" "),
        Action::Component { .. } => String::new(),
        Action::Sensor { sensor } => match &sensor.condition {
            Condition::Command { script, .. } => script.clone(),
            Condition::File { .. } | Condition::Time { .. } | Condition::Asset { .. } | Condition::Http { .. } => String::new(),
        },
    }
}

/// Whether a script reads a variable: `$NAME`, `${NAME…`, or the name in quotes, as other languages do. A bare word is none:
/// `trap '' TERM` names a signal.
fn reads_variable(script: &str, variable: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let named =
        |(at, found): (usize, &str)| script[..at].ends_with(['$', '{', '"', '\'']) && !script[at + found.len()..].starts_with(part_of_word);
    variable.len() > 2 && script.match_indices(variable).any(named)
}

/// Whether a text names a variable as a word of its own. One- and two-letter names and `_` say nothing.
fn names_variable(text: &str, variable: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    variable.len() > 2
        && text
            .match_indices(variable)
            .any(|(at, found)| !text[..at].ends_with(part_of_word) && !text[at + found.len()..].starts_with(part_of_word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_variable_is_named_only_as_a_word_of_its_own() {
        assert!(names_variable("bash: API_TOKEN: unbound variable", "API_TOKEN"));
        assert!(names_variable("curl -H \"$API_TOKEN\"", "API_TOKEN"));
        assert!(reads_variable("curl -H \"$API_TOKEN\"", "API_TOKEN") && reads_variable("${API_TOKEN:-x}", "API_TOKEN"));
        assert!(reads_variable("os.environ['API_TOKEN']", "API_TOKEN"));
        assert!(!reads_variable("trap '' TERM", "TERM") && !reads_variable("echo $TERMINAL", "TERM"));
        assert!(!names_variable("MY_API_TOKEN_2", "API_TOKEN"));
        assert!(!names_variable("a _ b", "_"));
    }

    #[test]
    fn only_what_is_not_as_in_the_last_good_run_is_told() {
        let run = |params: serde_json::Value, commit: &str| RunRow {
            run_id: "r".into(),
            number: 4,
            pipeline: "p".into(),
            state: RunState::Success,
            run_type: crate::model::RunType::Manual,
            by: "ada".to_owned(),
            logical_date: Default::default(),
            created_at: Default::default(),
            started_at: None,
            ended_at: None,
            params: params.as_object().unwrap().clone(),
            git: crate::model::GitState { commit: Some(commit.to_owned()), branch: None, dirty: Some(false) },
            paused: false,
            watched: false,
            undo: None,
            origin: None,
        };
        let (good, now) =
            (run(json!({"rows": 10, "old": "x", "same": 1}), "aaaaaaaaaaaabbbb"), run(json!({"rows": 20, "same": 1}), "cccc"));
        let told: Vec<String> = differences(&good, &now).iter().map(|d| format!("{}: {} → {}", d.what, d.was, d.is)).collect();
        assert_eq!(told, ["param rows: 10 → 20", "param old: \"x\" → not set", "commit: aaaaaaaaaaaa → cccc"]);
        assert_eq!(differences(&good, &good), []);
    }
}

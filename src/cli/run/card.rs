//! What to say about a task that failed: the cause, the end of its log, and where to look further.

use crate::{
    cli::{
        logs::folder,
        term::{Cell, Style, task_look},
        text,
    },
    model::{Action, Pipeline, RunSnapshot, Task, TaskSnapshot, TaskState, state::Look},
    runtime::{Handle, logs::LogReader},
};
use std::path::PathBuf;

/// Lines of the log that are shown.
const LINES: usize = 15;
/// As much of the log's end as is searched for names of variables.
const TAIL: u64 = 64 * 1024;
/// Failures shown in full; more are told by the list of tasks.
const CARDS: usize = 3;

/// One failure.
pub struct Card {
    look: Look,
    task: String,
    cause: String,
    attempts: String,
    log: Vec<String>,
    path: Option<PathBuf>,
    commands: Vec<String>,
    not_passed: Vec<String>,
}

/// The cards of a run that ended.
pub fn of_run(run: &RunSnapshot, handle: &Handle, env_not_passed: &[String]) -> Vec<Card> {
    let definition = handle.run_definition(&run.run.run_id).ok();
    let failed = run.tasks.iter().filter(|task| matches!(task.state, TaskState::Failed | TaskState::Lost));
    failed.take(CARDS).map(|task| Card::of(run, task, definition.as_ref(), env_not_passed)).collect()
}

impl Card {
    fn of(run: &RunSnapshot, task: &TaskSnapshot, definition: Option<&Pipeline>, env_not_passed: &[String]) -> Self {
        let log = task.last_attempt().map(|attempt| tail(folder(attempt))).unwrap_or_default();
        let script = definition.and_then(|pipeline| pipeline.task(&task.task)).map(script).unwrap_or_default();
        let name = text::task_name(task);
        let id = &run.run.run_id;
        let logs = (!task.attempts.is_empty()).then(|| format!("flowyard logs {id} {name}"));
        let commands = logs.into_iter().chain([format!("flowyard why {id} {name}"), format!("flowyard retry {id} {name}")]).collect();
        let said = |variable: &&String| reads_variable(&script, variable) || log.iter().any(|line| names_variable(line, variable));
        Self {
            look: task_look(task),
            cause: text::cause(task).unwrap_or_else(|| task.state.to_string()),
            attempts: match task.attempts.len() {
                0 => "no attempt was made".to_owned(),
                tried => format!("attempt {tried} of {}", (task.max_attempts as usize).max(tried)),
            },
            path: task.last_attempt().map(|attempt| if log_is_in_stderr(task) { attempt.stderr.clone() } else { attempt.stdout.clone() }),
            not_passed: env_not_passed.iter().filter(said).cloned().collect(),
            log: log.into_iter().rev().take(LINES).rev().collect(),
            task: name,
            commands,
        }
    }

    /// Its lines; each may be wrapped by the terminal.
    pub fn lines(&self, screen: &crate::cli::term::Screen) -> Vec<Vec<Cell>> {
        let bar = if screen.unicode { "  │ " } else { "  | " };
        let dim = |text: String| vec![Cell::styled(text, Style::dim())];
        let mut lines = vec![vec![
            Cell::styled(format!("{} {} ", screen.glyph(self.look), self.task), Style::bold("state.failed")),
            Cell::from(&self.cause),
            Cell::styled(format!("  ({})", self.attempts), Style::dim()),
        ]];
        lines.extend(self.log.iter().map(|line| vec![Cell::styled(bar, Style::of("state.failed")), Cell::from(line)]));
        if !self.not_passed.is_empty() {
            let names = self.not_passed.join(", ");
            lines.push(vec![
                Cell::styled("  set here, but not passed to tasks: ", Style::of("warning")),
                Cell::from(names),
                Cell::styled("  (see [engine] pass_env in flowyard.toml)", Style::dim()),
            ]);
        }
        lines.extend(self.path.iter().map(|path| dim(format!("  log: {}", path.display()))));
        lines.extend(self.commands.iter().map(|command| dim(format!("  {command}"))));
        lines
    }
}

/// Where the end of the log was most likely written: the stream that holds something.
fn log_is_in_stderr(task: &TaskSnapshot) -> bool {
    let length = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |found| found.len());
    task.last_attempt().is_some_and(|attempt| length(&attempt.stderr) > 0)
}

/// The lines at the end of a log that hold something.
fn tail(folder: PathBuf) -> Vec<String> {
    let Ok(mut reader) = LogReader::open(&folder, Some(TAIL)) else { return Vec::new() };
    let mut lines = reader.poll().unwrap_or_default();
    lines.extend(reader.rest());
    let kept = lines.iter().rposition(|line| !line.text.trim().is_empty()).map_or(0, |last| last + 1);
    lines.truncate(kept);
    lines.into_iter().map(|line| crate::cli::log_line::show(&line.text, false)).collect()
}

fn script(task: &Task) -> String {
    match &task.action {
        Action::Run { script } => script.clone(),
        Action::Argv { argv } => argv.join(" "),
        Action::Component { .. } => String::new(),
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
}

//! What is said: subject and text of a message, and the same for programs. Pure, and without any byte that a terminal or a mail
//! program would obey.

use crate::{
    model::{Occasion, PipelineId, RunId},
    stdx::{
        sanitize,
        time::{Timestamp, rfc3339},
    },
};
use serde_json::{Value, json};

/// Most characters of one line of a log.
const LINE: usize = 500;

/// Most lines of a log.
pub const LOG_LINES: usize = 15;

/// Most runs that are named where several are told of at once.
const NAMED: usize = 20;

/// What one message is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The same for every try, so that whoever gets it twice can see that.
    pub id: String,
    /// Of what it tells; `None` is a test.
    pub occasion: Option<Occasion>,
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The run it is about; where it is about several, the last.
    pub run: Option<Run>,
    /// When it happened.
    pub at: Timestamp,
    /// What there is to say beside what the run says.
    pub note: String,
    /// What else of the kind happened meanwhile, oldest first: runs by name, or what there is to say.
    pub others: Vec<String>,
    /// How many there are in `others` and beyond.
    pub more: usize,
    /// When the first of them happened.
    pub since: Timestamp,
    /// What went wrong.
    pub trouble: Option<Trouble>,
    /// How many tasks failed beside that one.
    pub other_tasks: usize,
    /// Command lines that show more, most helpful first.
    pub commands: Vec<String>,
    /// The folder of the workspace.
    pub workspace: String,
}

/// A run, as far as a message tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its number among those of its pipeline.
    pub number: u64,
    /// The word of its state.
    pub state: String,
    /// How long it took, or takes, in words.
    pub took: String,
}

/// A task that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its name, with its index if it is mapped.
    pub task: String,
    /// Why, in a sentence.
    pub cause: String,
    /// How often it was tried.
    pub attempts: usize,
    /// The last lines of its log.
    pub log: Vec<String>,
}

impl Message {
    /// A message that says only that the way works.
    pub fn test(workspace: String, at: Timestamp) -> Self {
        Self {
            id: format!("test-{}", at.timestamp_micros()),
            occasion: None,
            pipeline: "test".into(),
            run: None,
            at,
            note: "This is a test: messages of flowyard arrive here.".to_owned(),
            others: Vec::new(),
            more: 0,
            since: at,
            trouble: None,
            other_tasks: 0,
            commands: Vec::new(),
            workspace,
        }
    }

    /// One line.
    pub fn subject(&self) -> String {
        let name = self.run.as_ref().map_or_else(|| self.pipeline.to_string(), |run| format!("{}#{}", self.pipeline, run.number));
        let what = match self.occasion {
            None => "test message",
            Some(Occasion::Failure) => "failed",
            Some(Occasion::Recovery) => "succeeded again",
            Some(Occasion::Success) => "succeeded",
            Some(Occasion::Retry) => "tries again",
            Some(Occasion::Approval) => "waits for approval",
            Some(Occasion::Deadline) => "is late",
            Some(Occasion::Missed) => "missed its time",
            Some(Occasion::Drift) => "found drift",
        };
        let task = self.trouble.as_ref().map(|trouble| format!(": {} ({})", trouble.task, trouble.cause)).unwrap_or_default();
        let more = if self.more > 0 { format!(" and {} more", self.more) } else { String::new() };
        clipped(&sanitize::line(&format!("{name} {what}{more}{task}")), 200)
    }

    /// All of it, for people.
    pub fn text(&self) -> String {
        let mut lines = vec![self.subject(), String::new()];
        if !self.note.is_empty() {
            lines.extend(self.note.lines().map(str::to_owned));
        }
        if let Some(run) = &self.run {
            lines.push(format!("run       {} ({}, {})", run.id, run.state, run.took));
        }
        lines.push(format!("at        {}", rfc3339(self.at)));
        lines.push(format!("workspace {}", self.workspace));
        if let Some(trouble) = &self.trouble {
            let tries = if trouble.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", trouble.attempts) };
            lines.push(format!("task      {} ({tries})", trouble.task));
            lines.push(format!("cause     {}", trouble.cause));
            if self.other_tasks > 0 {
                lines.push(format!("          {} more of its tasks failed", self.other_tasks));
            }
            if !trouble.log.is_empty() {
                lines.extend([String::new(), "last lines of its log:".to_owned()]);
                lines.extend(trouble.log.iter().rev().take(LOG_LINES).rev().map(|line| format!("  {line}")));
            }
        }
        if self.more > 0 {
            lines.extend([String::new(), format!("and {} more since {}:", self.more, rfc3339(self.since))]);
            lines.extend(self.others.iter().take(NAMED).map(|other| format!("  {other}")));
            if self.more > self.others.len().min(NAMED) {
                lines.push(format!("  and {} not named here", self.more - self.others.len().min(NAMED)));
            }
        }
        if !self.commands.is_empty() {
            lines.extend([String::new(), "to see more:".to_owned()]);
            lines.extend(self.commands.iter().map(|command| format!("  {command}")));
        }
        lines.iter().map(|line| clipped(&sanitize::line(line), LINE) + "\n").collect()
    }

    /// All of it, for programs. What stands in it is as it was; escaped as JSON is, no byte of it is active.
    pub fn json(&self) -> Value {
        let run = self.run.as_ref();
        json!({
            "id": self.id,
            "occasion": self.occasion.map_or("test", Occasion::word),
            "pipeline": self.pipeline,
            "run_id": run.map(|run| &run.id),
            "number": run.map(|run| run.number),
            "state": run.map(|run| &run.state),
            "at": rfc3339(self.at),
            "since": rfc3339(self.since),
            "more": self.more,
            "others": self.others.iter().take(NAMED).map(|other| sanitize::line(other)).collect::<Vec<_>>(),
            "task": self.trouble.as_ref().map(|trouble| &trouble.task),
            "cause": self.trouble.as_ref().map(|trouble| clipped(&sanitize::line(&trouble.cause), LINE)),
            "log": self.trouble.as_ref().map_or_else(Vec::new, |trouble| {
                trouble.log.iter().rev().take(LOG_LINES).rev().map(|line| clipped(&sanitize::line(line), LINE)).collect()
            }),
            "subject": self.subject(),
            "text": self.text(),
            "command": self.commands.first(),
            "workspace": self.workspace,
        })
    }

    /// The parts that scripts ask for, as variables.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let run = self.run.as_ref();
        vec![
            ("FLOWYARD_OCCASION", self.occasion.map_or("test", Occasion::word).to_owned()),
            ("FLOWYARD_PIPELINE", self.pipeline.to_string()),
            ("FLOWYARD_RUN_ID", run.map(|run| run.id.to_string()).unwrap_or_default()),
            ("FLOWYARD_RUN_NUMBER", run.map(|run| run.number.to_string()).unwrap_or_default()),
            ("FLOWYARD_RUN_STATE", run.map(|run| run.state.clone()).unwrap_or_default()),
            ("FLOWYARD_TASK", self.trouble.as_ref().map(|trouble| trouble.task.clone()).unwrap_or_default()),
            ("FLOWYARD_CAUSE", self.trouble.as_ref().map(|trouble| sanitize::line(&trouble.cause)).unwrap_or_default()),
            ("FLOWYARD_SUBJECT", self.subject()),
            ("FLOWYARD_MESSAGE", self.text()),
            ("FLOWYARD_WORKSPACE", self.workspace.clone()),
        ]
    }
}

/// At most so many characters, with a sign where it was cut.
fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run of `churn` that failed.
    pub fn failure() -> Message {
        let at = crate::stdx::time::parse_date("2026-11-27T06:03:00Z").unwrap();
        Message {
            id: "7".to_owned(),
            occasion: Some(Occasion::Failure),
            pipeline: "churn".into(),
            run: Some(Run { id: "01JRUN".into(), number: 12, state: "failed".to_owned(), took: "3m00s".to_owned() }),
            at,
            note: String::new(),
            others: Vec::new(),
            more: 0,
            since: at,
            trouble: Some(Trouble {
                task: "train".to_owned(),
                cause: "exit code 3".to_owned(),
                attempts: 2,
                log: vec!["loading".to_owned(), "\x1b]0;evil\x07no such column".to_owned()],
            }),
            other_tasks: 1,
            commands: vec!["flowyard show 01JRUN".to_owned()],
            workspace: "/work/ml".to_owned(),
        }
    }

    #[test]
    fn a_failure_is_told_with_cause_last_lines_and_what_shows_more() {
        let message = failure();
        assert_eq!(message.subject(), "churn#12 failed: train (exit code 3)");
        insta::assert_snapshot!(message.text(), @r"
        churn#12 failed: train (exit code 3)

        run       01JRUN (failed, 3m00s)
        at        2026-11-27T06:03:00.000Z
        workspace /work/ml
        task      train (2 attempts)
        cause     exit code 3
                  1 more of its tasks failed

        last lines of its log:
          loading
          ␛]0;evil^Gno such column

        to see more:
          flowyard show 01JRUN
        ");
    }

    #[test]
    fn several_are_told_with_their_number() {
        let others = (0..30).map(|n| format!("churn#{n}")).collect();
        let message = Message { more: 99, others, ..failure() };
        assert_eq!(message.subject(), "churn#12 failed and 99 more: train (exit code 3)");
        let text = message.text();
        assert!(
            text.contains("and 99 more since 2026-11-27T06:03:00.000Z:\n  churn#0\n") && text.contains("  and 79 not named here\n"),
            "{text}"
        );
    }

    #[test]
    fn no_part_of_a_message_holds_a_control_byte_or_is_endless() {
        let hostile = "\x1b[2J\u{202e}\r\nBcc: all@example.com\0".repeat(1_000);
        let trouble = Trouble { task: "t".to_owned(), cause: hostile.clone(), attempts: 1, log: vec![hostile.clone(); 1_000] };
        let message = Message { note: hostile.clone(), others: vec![hostile; 1_000], more: 1_000, trouble: Some(trouble), ..failure() };
        let active = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'));
        assert!(!message.subject().contains('\n') && !active(&message.subject()));
        assert!(!active(&message.text()));
        assert!(message.variables().iter().all(|(_, value)| !active(value)));
    }
}

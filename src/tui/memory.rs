//! What a person finds again after leaving a view or the program: where they were, and how each view stood. Plain data, read from
//! and written to a text; no files and no values of params.

use super::{
    logs::Position,
    tabs::Beside,
    views::{
        View, grid::GridView, history::HistoryView, log::LogView, resources::ResourcesView, run::RunView, schedule::ScheduleView,
        timeline::TimelineView,
    },
    world::{LogKey, Subject},
};
use crate::model::{PipelineId, TaskId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that is remembered of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The views that were open above home, outermost first.
    pub trail: Vec<Stop>,
    /// How views stood.
    pub stood: Stood,
    /// The columns that were chosen for the runs of a pipeline (`""` is all pipelines).
    pub columns: BTreeMap<String, Vec<String>>,
    /// Where one was in which log, unless that is its end.
    pub logs: Vec<(LogKey, Position)>,
    /// What was chosen by name, newest first.
    pub chosen: Vec<String>,
    /// Whether only the pane that has the keys was shown.
    pub zoomed: bool,
}

/// How views stood when they were left, lately left first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stood(Vec<(String, Value)>);

/// More views are not remembered.
const MOST_VIEWS: usize = 200;
/// Nor places in more logs.
const MOST_LOGS: usize = 200;
/// Texts of another version are not understood.
const VERSION: u64 = 1;

impl Stood {
    /// How the view of that name stood. What is not understood is as if the view had never been open.
    pub fn of<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        serde_json::from_value(value.clone()).ok()
    }

    /// The view of that name stands so.
    pub fn keep(&mut self, standing: Standing) {
        self.0.retain(|(known, _)| *known != standing.0);
        self.0.insert(0, standing);
        self.0.truncate(MOST_VIEWS);
    }
}

/// The name of a view, or of what several views share, and how it stands.
pub type Standing = (String, Value);

/// How something of that name stands.
pub fn standing(name: impl Into<String>, how: &impl Serialize) -> Standing {
    (name.into(), serde_json::to_value(how).unwrap_or_default())
}

/// A view that was open, to be opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The runs of all pipelines.
    Runs,
    /// What starts runs by itself.
    Schedule,
    /// What is shared.
    Resources,
    /// A run, or the graph of a pipeline that never ran.
    Run(Subject),
    /// One log, or two side by side.
    Log {
        /// The run.
        subject: Subject,
        /// Which.
        sides: Vec<Side>,
        /// Which of them had the keys.
        focus: usize,
    },
    /// The runs of a pipeline by its tasks.
    Grid(Tabbed),
    /// When the tasks of a run ran.
    Timeline {
        /// Which.
        of: Tabbed,
        /// The selected task.
        task: Option<TaskId>,
        /// The place of the selected attempt among those of the task.
        attempt: Option<usize>,
    },
    /// The runs of a pipeline.
    History(Tabbed),
}

/// A log that was on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The task; `None` is all of them.
    pub task: Option<TaskId>,
    /// The attempt, if one was chosen.
    pub attempt: Option<u32>,
}

/// A tab that stood beside a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tabbed {
    /// The pipeline.
    pub pipeline: PipelineId,
    /// What the graph is of.
    pub subject: Subject,
    /// Whether the graph was open below.
    pub is_below: bool,
}

impl Tabbed {
    /// That tab.
    pub fn new(pipeline: &PipelineId, beside: &Beside) -> Self {
        Self { pipeline: pipeline.clone(), subject: beside.subject.clone(), is_below: beside.is_below }
    }

    fn beside(&self) -> Beside {
        Beside { subject: self.subject.clone(), is_below: self.is_below, task: 0 }
    }
}

impl Stop {
    /// The view.
    pub fn open(self) -> Box<dyn View> {
        match self {
            Self::Runs => Box::new(HistoryView::of_all()),
            Self::Schedule => Box::new(ScheduleView::default()),
            Self::Resources => Box::new(ResourcesView::default()),
            Self::Run(subject) => Box::new(RunView::new(subject)),
            Self::Log { subject, sides, focus } => Box::new(LogView::again(subject, sides, focus)),
            Self::Grid(of) => Box::new(GridView::new(of.pipeline.clone(), of.beside())),
            Self::Timeline { of, task, attempt } => Box::new(TimelineView::new(of.pipeline.clone(), of.beside()).at(task, attempt)),
            Self::History(of) => Box::new(HistoryView::beside(of.pipeline.clone(), of.beside())),
        }
    }
}

/// The text around what is remembered.
#[derive(Serialize, Deserialize)]
struct Page<T> {
    version: u64,
    memory: T,
}

impl Memory {
    /// Places in logs, as far as they are remembered: those at the end find themselves.
    pub fn places(all: &BTreeMap<LogKey, Position>) -> Vec<(LogKey, Position)> {
        let worth = all.iter().rev().filter(|(_, position)| **position != Position::default()).take(MOST_LOGS);
        worth.map(|(key, position)| (key.clone(), *position)).collect()
    }

    /// As it is written.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&Page { version: VERSION, memory: self }).unwrap_or_default()
    }

    /// As it was written; nothing was ever remembered if the text is empty.
    ///
    /// # Errors
    /// Why it is not understood.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let page: Page<Value> = serde_json::from_str(text).map_err(|_| "it is damaged".to_owned())?;
        if page.version != VERSION {
            return Err(format!("it is of version {}, and this program knows {VERSION}", page.version));
        }
        serde_json::from_value(page.memory).map_err(|_| "it is damaged".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let mut memory = Memory { chosen: vec!["help".to_owned()], ..Memory::default() };
        let side = Side { task: Some("train".into()), attempt: Some(2) };
        memory.trail = vec![Stop::Runs, Stop::Log { subject: Subject::Run("run-1".into()), sides: vec![side], focus: 0 }];
        memory.stood.keep(standing("home", &json!({"sort": "name"})));
        let key = LogKey { run: "run-1".into(), task: "train".into(), attempt: 2 };
        memory.logs = vec![(key, Position { follow: false, top: 7, part: 0, left: 8 })];
        assert_eq!(Memory::read(&memory.text()), Ok(memory));
    }

    #[test]
    fn nothing_is_the_same_as_an_empty_text_and_what_is_not_understood_says_why() {
        assert_eq!(Memory::read(" \n"), Ok(Memory::default()));
        assert_eq!(Memory::read("{\"version\": 1, \"mem"), Err("it is damaged".to_owned()));
        assert_eq!(Memory::read("{\"version\": 1, \"memory\": {\"trail\": [\"moon\"]}}"), Err("it is damaged".to_owned()));
        assert!(Memory::read("{\"version\": 2, \"memory\": 0}").unwrap_err().contains("version 2"));
    }

    #[test]
    fn views_that_were_left_long_ago_are_forgotten_and_one_that_is_not_understood_is_as_new() {
        let mut stood = Stood::default();
        for number in 0..MOST_VIEWS + 5 {
            stood.keep(standing(format!("run {number}"), &number));
        }
        stood.keep(standing("run 7", &"changed"));
        assert_eq!(stood.0.len(), MOST_VIEWS);
        assert_eq!(stood.of::<usize>("run 1"), None);
        assert_eq!(stood.of::<usize>("run 204"), Some(204));
        assert_eq!((stood.of::<usize>("run 7"), stood.of::<String>("run 7")), (None, Some("changed".to_owned())));
    }

    #[test]
    fn of_places_in_logs_only_those_that_are_not_the_end_are_worth_remembering() {
        let key = |attempt| LogKey { run: "run-1".into(), task: "train".into(), attempt };
        let paused = Position { follow: false, top: 3, part: 0, left: 0 };
        let all = BTreeMap::from([(key(1), Position::default()), (key(2), paused)]);
        assert_eq!(Memory::places(&all), [(key(2), paused)]);
    }
}

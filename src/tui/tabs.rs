//! The tabs of a pipeline: in which order they stand, and how one goes from one to the next.

use super::{
    views::{Intent, grid::GridView, history::HistoryView, run::RunView, timeline::TimelineView},
    world::Subject,
};
use crate::model::PipelineId;

/// A tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// The graph of a run, with tasks and log.
    Graph,
    /// Runs by tasks.
    Grid,
    /// When the tasks of a run ran.
    Timeline,
    /// The runs.
    History,
}

impl Tab {
    const fn title(self) -> &'static str {
        match self {
            Self::Graph => "Graph",
            Self::Grid => "Grid",
            Self::Timeline => "Timeline",
            Self::History => "History",
        }
    }
}

/// The run, or the pipeline that never ran, that a tab stands beside.
#[derive(Debug, Clone)]
pub struct Beside {
    /// Which.
    pub subject: Subject,
    /// Its graph is open below, with its selection kept.
    pub is_below: bool,
    /// The task that is selected in it.
    pub task: usize,
}

impl Beside {
    /// Beside a graph that is open.
    pub const fn below(subject: Subject, task: usize) -> Self {
        Self { subject, is_below: true, task }
    }

    /// Beside a graph that is not open yet.
    pub const fn apart(subject: Subject) -> Self {
        Self { subject, is_below: false, task: 0 }
    }

    const fn tabs(&self) -> &'static [Tab] {
        match self.subject {
            Subject::Run(_) => &[Tab::Graph, Tab::Grid, Tab::Timeline, Tab::History],
            Subject::Pipeline(_) => &[Tab::Graph, Tab::Grid, Tab::History],
        }
    }

    /// `Graph [Grid] Timeline History`.
    pub fn titles(&self, at: Tab) -> String {
        let titles = self.tabs().iter().map(|tab| if *tab == at { format!("[{}]", tab.title()) } else { tab.title().to_owned() });
        titles.collect::<Vec<_>>().join(" ")
    }

    /// Goes from a tab to the next or the one before, around the ends.
    pub fn turn(&self, from: Tab, forward: bool, pipeline: &PipelineId) -> Vec<Intent> {
        let tabs = self.tabs();
        let at = tabs.iter().position(|tab| *tab == from).unwrap_or(0);
        let to = tabs[(at + if forward { 1 } else { tabs.len() - 1 }) % tabs.len()];
        let leave = (from != Tab::Graph).then_some(Intent::Back);
        let beside = if from == Tab::Graph { Self { is_below: true, ..self.clone() } } else { self.clone() };
        let open = match to {
            Tab::Graph if self.is_below => None,
            Tab::Graph => Some(Intent::Open(Box::new(RunView::new(self.subject.clone())))),
            Tab::Grid => Some(Intent::Open(Box::new(GridView::new(pipeline.clone(), beside)))),
            Tab::Timeline => Some(Intent::Open(Box::new(TimelineView::new(pipeline.clone(), beside)))),
            Tab::History => Some(Intent::Open(Box::new(HistoryView::beside(pipeline.clone(), beside)))),
        };
        leave.into_iter().chain(open).collect()
    }
}

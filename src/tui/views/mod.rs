//! Full screens. A view is one file here and one line in [`ALL`].

pub mod grid;
pub mod history;
pub mod home;
pub mod log;
pub mod resources;
pub mod run;
pub mod schedule;
pub mod timeline;

use super::{
    actions::{Action, Context},
    coach::Seen,
    dialogs::Dialog,
    keymap::Bound,
    logs::Position,
    memory::{Standing, Stop},
    panes,
    tabs::Beside,
    theme::Theme,
    world::{Ask, LogKey, RunData, Tone, World},
};
use crate::model::{PipelineId, RunId, TaskId};
use crossterm::event::KeyEvent;
use ratatui::{Frame, layout::Rect};
use std::path::PathBuf;

/// A place of the first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Pipelines and everything below them.
    Pipelines,
    /// The runs of all pipelines.
    Runs,
    /// What starts runs by itself.
    Schedule,
    /// What is shared, what runs and what waits.
    Resources,
}

impl Place {
    /// Every place there is.
    pub const ALL: [Self; 4] = [Self::Pipelines, Self::Runs, Self::Schedule, Self::Resources];

    /// Its name, with its key.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Pipelines => "1 Pipelines",
            Self::Runs => "2 Runs",
            Self::Schedule => "5 Schedule",
            Self::Resources => "6 Resources",
        }
    }
}

/// What a view or a dialog wants done.
pub enum Intent {
    /// Go one step in.
    Open(Box<dyn View>),
    /// Go one step out.
    Back,
    /// Go to a place.
    Go(Place),
    /// Show a dialog over what is there.
    Show(Box<dyn Dialog>),
    /// Close the topmost dialog.
    CloseDialog,
    /// Ask the threads that may wait.
    Ask(Ask),
    /// Select the task at that position in the view.
    Choose(usize),
    /// Say something.
    Say(Tone, String),
    /// Do an action as if its key was pressed.
    Do(Action),
    /// Remember what was chosen by name; if something is bound to it, do that and tell its key.
    Chosen {
        /// What is remembered.
        name: String,
        /// What is done.
        bound: Option<Bound>,
    },
    /// Start a program of the user, by its position in the configuration.
    Program(usize),
    /// Put a text into the clipboard.
    Copy(String),
    /// Show everything in that theme.
    Wear(Box<Theme>),
    /// Keep the theme of that name, also for the next time.
    KeepTheme(String),
    /// Remember where one was in a log.
    KeepLogPlace(LogKey, Position),
    /// Show these columns of the runs of a pipeline from now on.
    Columns(String, Vec<String>),
}

impl Intent {
    /// Does what is bound to a key.
    pub const fn bound(bound: Bound) -> Self {
        match bound {
            Bound::Action(action) => Self::Do(action),
            Bound::Program(at) => Self::Program(at),
        }
    }
}

/// What is selected in a view: what can be copied, opened or handed to another program, wherever one is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// The pipeline.
    pub pipeline: Option<PipelineId>,
    /// Its file, as the workspace knows it.
    pub file: Option<String>,
    /// The run.
    pub run: Option<RunId>,
    /// The task.
    pub task: Option<TaskId>,
    /// Which attempt of it, and its folder.
    pub attempt: Option<(u32, PathBuf)>,
}

impl Selected {
    /// A task of a run that is looked at; `attempt` is the newest unless one is chosen.
    pub fn task(data: &RunData, position: usize, attempt: Option<u32>) -> Self {
        let task = data.tasks.get(position);
        let shown = task.and_then(|task| panes::log::chosen(task, attempt));
        let folder = shown.and_then(|attempt| Some((attempt.attempt, attempt.stdout.parent()?.to_owned())));
        Self {
            pipeline: Some(data.pipeline.clone()),
            file: None,
            run: data.run.as_ref().map(|run| run.run_id.clone()),
            task: task.map(|task| task.task.clone()),
            attempt: folder,
        }
    }
}

/// A full screen. Drawing only reads; every change goes through `act`, `typed` or `arrived`.
pub trait View {
    /// Which keys mean something, most specific first.
    fn contexts(&self) -> Vec<Context>;
    /// Which place it belongs to.
    fn place(&self) -> Place;
    /// Where one is, for the second line.
    fn crumbs(&self, world: &World) -> String;
    /// What stands at the right of the second line.
    fn aside(&self, _world: &World) -> String {
        String::new()
    }
    /// Actions for the footer, most useful first.
    fn hints(&self) -> &'static [Action];
    /// What it shows, to be read again when something changed.
    fn asks(&self, world: &World) -> Vec<Ask>;
    /// Whether what it shows moves by itself, such as an elapsed time.
    fn is_live(&self, world: &World) -> bool;

    /// Whether what it shows is to be read each second while it is live; else only the clock moves.
    fn changes_with_time(&self) -> bool {
        true
    }
    /// New data is in the world.
    fn arrived(&mut self, world: &World) -> Vec<Intent>;
    /// How it stands, to be found so again.
    fn stands(&self, _world: &World) -> Vec<Standing> {
        Vec::new()
    }
    /// Stands as it did when it was left; before anything of it is shown.
    fn recall(&mut self, _world: &World) {}
    /// How it is opened again the next time.
    fn stop(&self, _world: &World) -> Option<Stop> {
        None
    }
    /// It is in sight again.
    fn resumed(&mut self, _world: &World) {}
    /// How many panes can have the keys; they are drawn before all others, in the order in which the keys go round.
    fn panes(&self) -> usize {
        1
    }
    /// Shows only the pane that has the keys, or all of them again.
    fn zoom(&mut self, _alone: bool) {}
    /// Why an action does nothing here; `Ok` if it does something.
    ///
    /// # Errors
    /// The reason, for the person.
    fn possible(&self, action: Action, world: &World) -> Result<(), String>;
    /// Does an action that is possible.
    fn act(&mut self, action: Action, world: &World) -> Vec<Intent>;
    /// Selects the task at a position, where tasks are selected.
    fn choose(&mut self, _task: usize, _world: &World) -> Vec<Intent> {
        Vec::new()
    }
    /// What has the keys is moved with the pointer by so many columns and rows; false if it cannot be.
    fn drag(&mut self, _by: (i32, i32), _world: &World) -> bool {
        false
    }
    /// Chooses the lines of a log between two of them.
    fn choose_lines(&mut self, _from: u64, _to: u64) {}
    /// Selects a pipeline as soon as it is there, where pipelines are selected.
    fn point_at(&mut self, _pipeline: &PipelineId) {}
    /// A key or pasted text, where text is typed.
    fn typed(&mut self, _input: Typed, _world: &World) -> Vec<Intent> {
        Vec::new()
    }
    /// A part of a log was saved or copied, or was not; true if it tells the person why not.
    fn handed(&mut self, _outcome: Result<(), &str>) -> bool {
        false
    }
    /// How many logs it shows.
    fn logs(&self) -> usize {
        0
    }
    /// As what the demo's coach sees it; `None` where it says nothing.
    fn coached(&self) -> Option<Seen> {
        None
    }
    /// What is selected.
    fn selected(&self, _world: &World) -> Selected {
        Selected::default()
    }
    /// How the selected line, all of it, or all of it as Markdown is copied (`y y`, `y a`, `y m`); `None` if it cannot be.
    /// Ids, paths and command lines follow from what is selected.
    fn copy(&self, _what: Action, _world: &World) -> Option<Intent> {
        None
    }
    /// Draws it.
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme);
}

/// What is typed where text is typed.
#[derive(Debug, Clone)]
pub enum Typed {
    /// A key that is no command.
    Key(KeyEvent),
    /// Pasted text.
    Text(String),
}

/// A view's name, and how it is opened for what the world holds.
pub type Entry = (&'static str, fn(&World) -> Option<Box<dyn View>>);

/// Every view.
pub const ALL: &[Entry] =
    &[
        ("grid", |world| {
            world
                .run
                .as_ref()
                .map(|run| Box::new(grid::GridView::new(run.pipeline.clone(), Beside::below(run.subject.clone(), 0))) as Box<dyn View>)
        }),
        ("history", |world| {
            world.run.as_ref().map(|run| {
                Box::new(history::HistoryView::beside(run.pipeline.clone(), Beside::below(run.subject.clone(), 0))) as Box<dyn View>
            })
        }),
        ("home", |_| Some(Box::new(home::HomeView::default()))),
        ("log", |world| world.run.as_ref().map(|run| Box::new(log::LogView::new(run.subject.clone(), 0, None)) as Box<dyn View>)),
        ("resources", |_| Some(Box::new(resources::ResourcesView::default()))),
        ("run", |world| world.run.as_ref().map(|run| Box::new(run::RunView::new(run.subject.clone())) as Box<dyn View>)),
        ("schedule", |_| Some(Box::new(schedule::ScheduleView::default()))),
        ("timeline", |world| {
            world.run.as_ref().map(|run| {
                Box::new(timeline::TimelineView::new(run.pipeline.clone(), Beside::below(run.subject.clone(), 0))) as Box<dyn View>
            })
        }),
    ];

/// Between the two lines above and the one below.
pub fn body((width, height): (u16, u16)) -> Rect {
    Rect { x: 0, y: 2.min(height), width, height: height.saturating_sub(3) }
}

/// How far a movement goes: lines, or a page of `height`.
pub fn distance(action: Action, height: usize) -> Option<isize> {
    let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
    Some(match action {
        Action::Up | Action::PromptUp => -1,
        Action::Down | Action::PromptDown => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::Top => isize::MIN / 2,
        Action::Bottom => isize::MAX / 2,
        _ => return None,
    })
}

//! What the screens show, as plain data, and the messages that change it. Owned by the thread that draws.

use super::theme::measure::Rgb;
use super::{
    begin::{Begun, Choice},
    coach::Coach,
    graphs::{Figure, Structure, Wish},
    grid::{GridAsk, GridData},
    keeper::Known,
    logs::{
        Position,
        desk::Handed,
        talk::{LogAnswer, LogPart, LogRequest, SLOTS},
    },
    memory::{Memory, Stood},
    news::Heard,
    record::Record,
    runs::{RunList, RunPage, RunsAsk},
    schedule::{Schedule, TriggerKey, TurnOn},
    tally::{Tallied, Tally},
};
use crate::{
    model::{
        BackfillId, BackfillRequest, BackfillRow, BackfillSnapshot, Command, Diagnostics, Pipeline, PipelineId, PipelineRow, Reply,
        ResourcesSnapshot, RunId, RunRow, RunState, Secrets, TaskId, TaskSnapshot, TriggerRequest, Usage, Why,
    },
    runtime::{BackfillPlan, EngineStatus, failure::FailureCard, scheduler::outlook::TriggerState, surroundings::Surroundings},
    stdx::time::Timestamp,
};
use crossterm::event::{KeyEvent, MouseEvent};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// Everything that is known.
#[derive(Debug, Default)]
pub struct World {
    /// The time of the last message.
    pub now: Timestamp,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The workspace folder, for people.
    pub workspace: String,
    /// Where its state is, for people.
    pub state: String,
    /// Looking only.
    pub read_only: bool,
    /// The engine, as last heard.
    pub engine: Engine,
    /// Pipelines; `None` until they were read.
    pub pipelines: Option<Vec<PipelineRow>>,
    /// A stretch of the runs of one pipeline or of all.
    pub runs: Option<RunList>,
    /// The columns that a person chose for the runs of a pipeline (`""` is all pipelines).
    pub columns: BTreeMap<String, Vec<String>>,
    /// Runs by tasks of one pipeline.
    pub grid: Option<GridData>,
    /// The run or the graph that is looked at.
    pub run: Option<Arc<RunData>>,
    /// The graph that was laid out last; perhaps of another run, or as it was wished for before.
    pub figure: Option<Arc<Figure>>,
    /// The backfills of a pipeline that are looked at.
    pub backfills: Option<(PipelineId, Vec<BackfillRow>)>,
    /// The backfill that is looked at.
    pub backfill: Option<Box<BackfillData>>,
    /// What is shared; `None` until it was read.
    pub resources: Option<Resources>,
    /// What starts runs by itself; `None` until it was read.
    pub schedule: Option<Schedule>,
    /// The logs on the screen, as last told.
    pub logs: [Option<Arc<LogAnswer>>; SLOTS],
    /// Where one was in which log.
    pub log_places: BTreeMap<LogKey, Position>,
    /// How views stood when they were left.
    pub stood: Stood,
    /// What was said lately, newest last.
    pub toasts: Vec<Toast>,
    /// What was said and done since the start.
    pub record: Record,
    /// What the machine has; read where a person begins.
    pub surroundings: Option<Surroundings>,
    /// Why nothing can be written into the workspace, if a person would begin there.
    pub obstacle: Option<String>,
    /// What the terminal can show, in words.
    pub terminal: String,
    /// Leads a person through the demo.
    pub coach: Option<Coach>,
    /// Why the last read failed.
    pub trouble: Option<String>,
}

impl World {
    /// The triggers of a pipeline were turned on or off, as the engine says: shown at once, and read soon.
    pub fn turned(&mut self, pipeline: &PipelineId, paused: bool) {
        for row in self.pipelines.iter_mut().flatten().filter(|row| row.pipeline == *pipeline) {
            row.paused = paused;
            // When it fires next is not known here.
            row.next_fire = row.next_fire.filter(|_| !paused);
        }
        if let Some(schedule) = &mut self.schedule {
            schedule.turned(pipeline, paused);
        }
    }

    /// What is known of a run or graph, if that is the one which was read.
    pub fn run_of(&self, subject: &Subject) -> Option<&RunData> {
        self.run.as_deref().filter(|data| data.subject == *subject)
    }
}

/// Whether an engine owns the workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Engine {
    /// Not asked yet.
    #[default]
    Unknown,
    /// None is needed and none runs.
    Idle,
    /// It runs.
    Up(EngineStatus),
    /// One is there that does not answer, and what can be done.
    Silent(String),
}

/// What attempts share, and what each takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// The engine's account; `None` if no engine runs.
    pub shared: Option<ResourcesSnapshot>,
    /// What people call the runs.
    pub names: BTreeMap<RunId, String>,
    /// What each running attempt takes now, in the same order.
    pub usages: Vec<Option<Usage>>,
    /// Bytes that are free on the disk of the state folder, and how many it has.
    pub disk: Option<(u64, u64)>,
}

/// What the run view looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A run.
    Run(RunId),
    /// A pipeline that never ran: only its graph.
    Pipeline(PipelineId),
}

impl Subject {
    /// What it is called while nothing of it is known.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Run(_) => "the run",
            Self::Pipeline(_) => "the graph of the pipeline",
        }
    }
}

/// A run, or the graph of a pipeline that never ran, ready to draw.
#[derive(Debug, Clone)]
pub struct RunData {
    /// What was asked for.
    pub subject: Subject,
    /// The pipeline.
    pub pipeline: PipelineId,
    /// The run, if there is one.
    pub run: Option<RunRow>,
    /// Its tasks, in order of declaration.
    pub tasks: Vec<TaskSnapshot>,
    /// Progress of running tasks, 0 to 1.
    pub progress: BTreeMap<TaskId, f64>,
    /// What is known of its failures.
    pub cards: Vec<FailureCard>,
    /// What its graph is made of.
    pub graph: Arc<Structure>,
    /// What was counted; see [`RunData::tally`].
    pub tallied: Tallied,
}

impl RunData {
    /// The run's state; `None` if it never ran.
    pub fn state(&self) -> Option<RunState> {
        self.run.as_ref().map(|run| run.state)
    }

    /// Whether something may still happen by itself.
    pub fn is_open(&self) -> bool {
        self.state().is_some_and(|state| !state.is_terminal())
    }

    /// What is asked of all its tasks at once.
    pub fn tally(&self) -> &Tally {
        self.tallied.of(&self.tasks, &self.graph)
    }

    /// The position of a task.
    pub fn position(&self, id: &TaskId) -> Option<usize> {
        let is_it = |at: &usize| self.tasks.get(*at).is_some_and(|task| task.task == *id);
        let known = self.graph.positions.get(id).copied().filter(is_it);
        known.or_else(|| self.tasks.iter().position(|task| task.task == *id))
    }

    /// What is known of the failure of a task.
    pub fn card(&self, task: &TaskSnapshot) -> Option<&FailureCard> {
        self.cards.iter().find(|card| card.task == task.task && card.map_index == task.map_index)
    }

    /// Whether it shows the same as another; what the graph is made of follows from the tasks.
    pub fn same_as(&self, other: &Self) -> bool {
        self.subject == other.subject
            && self.run == other.run
            && self.tasks == other.tasks
            && self.progress == other.progress
            && self.cards == other.cards
    }
}

/// One attempt's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogKey {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// Counted from 1.
    pub attempt: u32,
}

/// A log to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTarget {
    /// Whose log.
    pub key: LogKey,
    /// The attempt's folder.
    pub folder: PathBuf,
    /// Whether more may come.
    pub live: bool,
}

/// How a message to the person is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Worth knowing.
    Note,
    /// It worked.
    Good,
    /// It did not.
    Bad,
}

/// A short message at the top right.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    /// How it is meant.
    pub tone: Tone,
    /// The message.
    pub text: String,
    /// When it goes.
    pub until: Timestamp,
}

/// What is asked of the threads that may wait.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// All pipelines.
    Pipelines,
    /// Runs of one pipeline, or of all.
    Runs(RunsAsk),
    /// Runs by tasks of one pipeline.
    Grid(GridAsk),
    /// A run or the graph of a pipeline.
    Run(Subject),
    /// What is shared, runs and waits.
    Resources,
    /// What starts runs by itself, with the past of that trigger.
    Schedule(Option<TriggerKey>),
    /// What a trigger sees now, and what it cannot see.
    Sight(TriggerKey),
    /// What turning the triggers of a pipeline on would start.
    TurnOn(PipelineId),
    /// A pipeline's file, read now.
    Definition {
        /// Which pipeline, or which file if it could not be read.
        pipeline: String,
        /// What to do with the answer.
        purpose: Purpose,
    },
    /// Why something is as it is.
    Why {
        /// The run.
        run: RunId,
        /// The task; `None` is the run.
        task: Option<TaskId>,
    },
    /// The backfills of a pipeline.
    Backfills {
        /// The pipeline.
        pipeline: PipelineId,
        /// A person wants to see them; else they are read again.
        open: bool,
    },
    /// A backfill with its dates.
    Backfill {
        /// Which.
        backfill: BackfillId,
        /// A person wants to see it; else it is read again.
        open: bool,
    },
    /// What a backfill would do.
    PlanBackfill(Box<Backfilling>),
    /// Start a backfill.
    StartBackfill(Box<Backfilling>),
    /// Start a run.
    Start(Box<Start>),
    /// Something to do.
    Send(Command),
    /// Something to do, and why.
    SendNoted(Command, String),
    /// Lay a graph out.
    Figure(Arc<Structure>, Box<Wish>),
    /// A part of a log, and to go on telling about it.
    Log(Box<LogRequest>),
    /// Nothing more of the log in that place.
    CloseLog(usize),
    /// A part of a log, to be copied or saved.
    LogPart(LogPart),
    /// The newest run of a pipeline or of all, or the newest that failed.
    Newest {
        /// Of which pipeline; `None` is all.
        pipeline: Option<PipelineId>,
        /// Only one that failed.
        failed: bool,
    },
    /// The workspaces that were used.
    Workspaces,
    /// To take a workspace out of the list of those.
    ForgetWorkspace(PathBuf),
    /// What is to be found again the next time.
    Remember(Box<Memory>),
    /// What the machine has.
    Surroundings,
    /// Write files to begin with, or open another folder.
    Begin(Choice),
}

/// A run to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// What is asked for.
    pub request: TriggerRequest,
    /// Secrets that were typed, by param.
    pub secrets: Secrets,
    /// The variables that would hold them in a shell.
    pub variables: Vec<String>,
}

/// A backfill to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Backfilling {
    /// What is asked for; its id is given when it is sent.
    pub request: BackfillRequest,
    /// Secrets that were typed, by param.
    pub secrets: Secrets,
    /// The variables that would hold them in a shell.
    pub variables: Vec<String>,
}

/// A backfill that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct BackfillData {
    /// It, with its dates.
    pub found: BackfillSnapshot,
    /// The numbers of its runs.
    pub names: BTreeMap<RunId, String>,
}

/// A pipeline's file as it is now, and what helps to start it.
#[derive(Debug)]
pub struct Defined {
    /// The pipeline, if it could be read.
    pub pipeline: Option<Pipeline>,
    /// What is wrong with its file.
    pub found: Diagnostics,
    /// The newest run of it.
    pub last: Option<RunRow>,
    /// Values of its secret params that are in the environment.
    pub secrets: Secrets,
}

/// Why a definition is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To start a run.
    Trigger,
    /// To start a backfill.
    Backfill,
    /// To show what is wrong with it.
    Diagnostics,
}

/// What the drawing thread is told.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The pointer moved, or one of its buttons.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal told its ground.
    Ground(Rgb),
    /// A theme's file or the settings changed.
    ThemesChanged,
    /// The terminal has another size, or was written over.
    Resize,
    /// Something changed in the workspace.
    Changed,
    /// The engine, as seen now.
    Engine(Engine),
    /// Pipelines were read.
    Pipelines(Result<Vec<PipelineRow>, String>),
    /// Runs were read.
    Runs(RunsAsk, Result<RunPage, String>),
    /// Runs by tasks were read.
    Grid(Result<Box<GridData>, String>),
    /// A run was read; the same one again if nothing about it changed.
    Run(Subject, Result<Arc<RunData>, String>),
    /// A graph was laid out.
    Figure(Arc<Figure>),
    /// What is shared was read.
    Resources(Result<Resources, String>),
    /// What starts runs by itself was read.
    Schedule(Result<Box<Schedule>, String>),
    /// What turning triggers on would start.
    TurnOn(Result<Box<TurnOn>, String>),
    /// Nothing changed but the time, by which something is told.
    Time,
    /// A definition was read.
    Definition(String, Purpose, Result<Box<Defined>, String>),
    /// The backfills of a pipeline were read; whether a person wanted to see them.
    Backfills(PipelineId, bool, Result<Vec<BackfillRow>, String>),
    /// A backfill was read; whether a person wanted to see it.
    Backfill(bool, Result<Box<BackfillData>, String>),
    /// What a backfill would do.
    BackfillPlan(Box<Backfilling>, Result<BackfillPlan, String>),
    /// An answer to "why".
    Why(Result<Why, String>),
    /// What a trigger sees, asked for by a person.
    Sight(Result<Box<TriggerState>, String>),
    /// A command was answered.
    Reply(Command, Result<Reply, String>),
    /// About a log.
    Log(Box<LogAnswer>),
    /// A part of a log was copied or saved.
    LogPart(Result<Handed, String>),
    /// The newest run was looked for; whether one that failed.
    Newest(bool, Result<Option<RunId>, String>),
    /// The workspaces that were used.
    Workspaces(Vec<Known>),
    /// Something worth knowing.
    Note(String),
    /// Somebody is told something, or could not be.
    News(Heard),
    /// What the machine has, and why nothing can be written into the workspace.
    Surroundings(Surroundings, Option<String>),
    /// Where to go on, or why not.
    Begun(Result<Box<Begun>, String>),
    /// The process was told to end.
    Signal(i32),
    /// A thread cannot go on.
    Fatal(String),
}

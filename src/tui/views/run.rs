//! A run: its graph, its tasks, and the log of the selected one.

use super::{Intent, Place, Selected, Typed, View, body, distance, log::LogView};
use crate::{
    model::{TaskId, TaskState},
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        coach,
        dialogs::pick::Pick,
        list::ListState,
        logs::{LogPanel, News},
        memory::{Standing, Stop, standing},
        panes::{
            absent::Absent,
            graph::{GraphPane, Scene},
            log::{self, LogPane},
            tasks::TasksPane,
        },
        schedule::moment,
        tabs::{Beside, Tab},
        text,
        theme::Theme,
        verbs,
        world::{Ask, LogTarget, RunData, Subject, Tone, World},
    },
};
use ratatui::{Frame, layout::Rect};
use serde::{Deserialize, Serialize};

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Focus {
    Graph,
    Tasks,
    Log,
}

const PANES: [Focus; 3] = [Focus::Graph, Focus::Tasks, Focus::Log];

/// One run, or the graph of a pipeline that never ran.
#[derive(Debug)]
pub struct RunView {
    subject: Subject,
    focus: Focus,
    /// Position in order of declaration, the same in all panes.
    selected: usize,
    /// The task to select as soon as the run was read.
    wanted: Option<TaskId>,
    /// Only that pane is shown.
    alone: bool,
    /// Until a person chooses a task, the selection goes with what happens.
    chosen: bool,
    /// Which attempt of the selected task; `None` is the newest.
    attempt: Option<u32>,
    graph: GraphPane,
    /// Whether the graph was told how graphs of this pipeline stood.
    recalled: bool,
    list: ListState,
    log: LogPanel,
}

/// How a run stood, but for its graph.
#[derive(Serialize, Deserialize)]
struct Stood {
    focus: Focus,
    /// The task that somebody chose.
    task: Option<TaskId>,
    attempt: Option<u32>,
    list: ListState,
}

/// Where the panes are; a pane that is not shown is empty.
struct Layout {
    graph: Rect,
    tasks: Rect,
    log: Rect,
}

impl RunView {
    /// Of that run, or of the graph of that pipeline.
    pub fn new(subject: Subject) -> Self {
        Self {
            subject,
            focus: Focus::Graph,
            alone: false,
            selected: 0,
            wanted: None,
            chosen: false,
            attempt: None,
            graph: GraphPane::default(),
            recalled: false,
            list: ListState::default(),
            log: LogPanel::default(),
        }
    }

    /// Of that run, with that task selected.
    pub fn at(subject: Subject, task: TaskId) -> Self {
        Self { wanted: Some(task), ..Self::new(subject) }
    }

    fn data<'a>(&self, world: &'a World) -> Option<&'a RunData> {
        world.run_of(&self.subject)
    }

    /// Two panes above and the log below; in a narrow terminal only the pane that has the keys.
    fn layout(&self, area: Rect) -> Layout {
        let none = Rect { width: 0, height: 0, ..area };
        if area.width < 80 || self.alone {
            let only = |focus| if self.focus == focus { area } else { none };
            return Layout { graph: only(Focus::Graph), tasks: only(Focus::Tasks), log: only(Focus::Log) };
        }
        let below = (area.height * 2 / 5).clamp(6, 14);
        let above = area.height.saturating_sub(below);
        let right = if area.width >= 100 { (area.width * 3 / 10).clamp(36, 56) } else { 34 };
        let left = area.width - right;
        Layout {
            graph: Rect { width: left, height: above, ..area },
            tasks: Rect { x: area.x + left, width: right, height: above, ..area },
            log: Rect { y: area.y + above, height: below, ..area },
        }
    }

    fn select(&mut self, position: usize, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let layout = self.layout(body(world.size));
        let before = std::mem::replace(&mut self.selected, position.min(data.tasks.len().saturating_sub(1)));
        if before != self.selected {
            self.attempt = None;
        }
        let line = data.graph.rank.get(self.selected).copied().unwrap_or(0);
        self.list.select(line, data.tasks.len(), TasksPane::rows(layout.tasks, data.tasks.len()));
        let mut intents = self.lay_out(world);
        if before != self.selected || !self.graph.is_panned() {
            let scene = self.scene(data, world);
            self.graph.reveal(scene, layout.graph);
        }
        intents.extend(self.follow_log(world));
        intents
    }

    /// What the graph pane shows.
    fn scene<'a>(&self, data: &'a RunData, world: &'a World) -> Scene<'a> {
        let focused = self.focus == Focus::Graph;
        Scene { data, figure: world.figure.as_deref(), selected: self.selected, focused, now: world.now }
    }

    /// Asks for what the graph pane needs now.
    fn lay_out(&mut self, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let area = self.layout(body(world.size)).graph;
        self.graph.arrived(data, world.figure.as_deref(), area).map(Intent::Ask).into_iter().collect()
    }

    /// Does something about the graph; the selection may move.
    fn in_graph(&mut self, world: &World, change: impl FnOnce(&mut GraphPane, Scene<'_>, Rect) -> Option<usize>) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let area = self.layout(body(world.size)).graph;
        let scene = self.scene(data, world);
        match change(&mut self.graph, scene, area) {
            Some(task) => {
                self.chosen = true;
                self.select(task, world)
            }
            None => self.lay_out(world),
        }
    }

    /// To a task above or below the selected one; where there are several, one chooses.
    fn go_beside(&mut self, up: bool, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        match neighbours(data, self.selected, up) {
            [] => Vec::new(),
            [only] => self.choose(*only, world),
            several => {
                let name = data.tasks.get(self.selected).map_or("", |task| task.task.as_str());
                let title = if up { format!("{name} waits for") } else { format!("Waits for {name}") };
                vec![Intent::Show(Box::new(Pick::new(title, several.to_vec())))]
            }
        }
    }

    /// Takes what was told of the log of the selected task, and asks for what is wanted of it now.
    fn follow_log(&mut self, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let inside = LogPane::inside(self.layout(body(world.size)).log);
        let Some(target) = log::target(data, self.selected, self.attempt) else {
            self.log.switch(Default::default());
            return Vec::new();
        };
        if self.log.keys() != [target.key.clone()] {
            self.log.switch(world.log_places.get(&target.key).copied().unwrap_or_default());
        }
        let targets = [target];
        let first = self.log.request(&targets, inside);
        let news = self.log.take(world.logs[self.log.slot()].as_ref(), self.log.measure(inside));
        let request = self.log.request(&targets, inside).or(first);
        let mut intents: Vec<_> = news.map(|News::NoMoreErrors| Intent::Say(Tone::Note, "no more errors".to_owned())).into_iter().collect();
        let position = self.log.position;
        let [LogTarget { key, .. }] = targets;
        if world.log_places.get(&key).copied().unwrap_or_default() != position {
            intents.push(Intent::KeepLogPlace(key, position));
        }
        intents.extend(request.map(|request| Intent::Ask(Ask::Log(Box::new(request)))));
        intents
    }

    /// A movement within the pane that has the keys.
    fn movement(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let layout = self.layout(body(world.size));
        match self.focus {
            Focus::Graph => self.in_graph(world, |graph, scene, area| graph.moved(action, scene, area)),
            Focus::Tasks => {
                let rows = TasksPane::rows(layout.tasks, data.tasks.len());
                let Some(lines) = distance(action, rows) else { return Vec::new() };
                let line = self.list.selected.saturating_add_signed(lines).min(data.tasks.len().saturating_sub(1));
                self.chosen = true;
                self.select(data.graph.order.get(line).copied().unwrap_or(0), world)
            }
            Focus::Log => self.scroll_log(action, world),
        }
    }

    fn scroll_log(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let measure = self.log.measure(LogPane::inside(self.layout(body(world.size)).log));
        let (log, half) = (&mut self.log, isize::try_from(measure.width / 2).unwrap_or(1));
        match action {
            Action::Top => log.to_top(),
            Action::Bottom => log.to_bottom(),
            Action::Left => log.sideways(-8, measure),
            Action::Right => log.sideways(8, measure),
            Action::ScrollLeft => log.sideways(-half, measure),
            Action::ScrollRight => log.sideways(half, measure),
            Action::Follow => log.toggle_follow(measure),
            Action::Wrap => log.options.wrap = !log.options.wrap,
            Action::Timestamps => log.options.times = !log.options.times,
            Action::LineNumbers => log.options.numbers = !log.options.numbers,
            Action::NextError => log.hunt(true, true, measure),
            Action::PreviousError => log.hunt(true, false, measure),
            _ => {
                if let Some(lines) = distance(action, measure.height) {
                    log.by(lines, measure);
                }
            }
        }
        self.follow_log(world)
    }

    /// The attempt of the selected task before or after the one whose log is shown.
    fn beside(&self, data: &RunData, forward: bool) -> Option<u32> {
        let task = data.tasks.get(self.selected)?;
        log::beside(task, log::chosen(task, self.attempt)?.attempt, forward)
    }

    fn full_log(&self, search: bool) -> Vec<Intent> {
        let mut view = LogView::new(self.subject.clone(), self.selected, self.attempt).shown_as(self.log.options);
        if search {
            view.start_search();
        }
        vec![Intent::Open(Box::new(view))]
    }

    fn verb(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        if matches!(action, Action::NextTab | Action::PreviousTab) {
            return self.beside_tabs().turn(Tab::Graph, action == Action::NextTab, &data.pipeline);
        }
        verbs::for_task(action, data, self.selected)
    }

    fn beside_tabs(&self) -> Beside {
        Beside::below(self.subject.clone(), self.selected)
    }

    fn next_pane(&mut self, by: usize, world: &World) -> Vec<Intent> {
        let at = PANES.iter().position(|pane| *pane == self.focus).unwrap_or(0);
        self.focus = PANES[(at + by) % PANES.len()];
        self.select(self.selected, world)
    }
}

/// Under which name it is remembered how lines of logs are shown.
pub(super) const LINES: &str = "lines of logs";

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Run(run) => format!("run {run}"),
        Subject::Pipeline(pipeline) => format!("pipeline {pipeline}"),
    }
}

/// Under which name it is remembered how graphs of its pipeline stand.
fn graph_of(data: &RunData) -> String {
    format!("graph {}", data.pipeline)
}

/// The tasks above or below a task.
fn neighbours(data: &RunData, task: usize, up: bool) -> &[usize] {
    let lists = if up { &data.graph.upstream } else { &data.graph.downstream };
    lists.get(task).map_or(&[], Vec::as_slice)
}

/// Whether an action is possible for the selected task of a run that is looked at.
///
/// # Errors
/// The reason why not.
pub(super) fn possible_for_task(action: Action, data: &RunData, selected: usize) -> Result<(), String> {
    let task = data.tasks.get(selected);
    match action {
        Action::Retry
        | Action::RetryFrom
        | Action::Skip
        | Action::Cancel
        | Action::Why
        | Action::Approve
        | Action::Pause
        | Action::Watch
        | Action::Undo
        | Action::More => verbs::possible_for_task(action, data, task),
        Action::Open | Action::Search if task.is_some_and(|task| task.attempts.is_empty()) => Err("no attempt yet, so no log".into()),
        Action::Failure if verbs::failure(data, selected).is_none() => Err("the selected task did not fail".into()),
        _ => Ok(()),
    }
}

/// What follows the number of tasks that wait for a person.
pub(in crate::tui) const TO_APPROVE: &str = " to approve";

/// Where one is: the pipeline, the run, how it stands.
pub(super) fn crumbs(data: &RunData, now: Timestamp) -> String {
    let pipeline = text::safe(data.pipeline.as_str());
    let Some(run) = &data.run else { return format!("Pipelines ▸ {pipeline} ▸ never ran") };
    let look = run.state.look();
    let took = text::took(run.started_at, run.ended_at, now);
    let mut stands = String::new();
    if run.is_watched() {
        stands.push_str(&format!("  {} WATCHED", text::WATCHED));
    }
    if run.paused {
        stands.push_str("  ‖ PAUSED");
    }
    match data.tally().count(TaskState::AwaitingApproval) {
        0 => {}
        n => stands.push_str(&format!("  {} {n}{TO_APPROVE}", TaskState::AwaitingApproval.look().glyph)),
    }
    let reason = match &run.origin {
        Some(origin) => {
            let data = origin.data_interval.map(|data| format!(", data {} to {}", moment(data.start), moment(data.end)));
            text::safe(&origin.reason) + &data.unwrap_or_default()
        }
        None => format!("{} by {}", run.run_type.word(), text::safe(&run.by)),
    };
    let (number, created) = (run.number, run.created_at.format("%Y-%m-%d %H:%MZ"));
    format!("Pipelines ▸ {pipeline} ▸ run {number}  {} {} {took}{stands}  ({created}, {reason})", look.glyph, look.code)
}

impl View for RunView {
    fn contexts(&self) -> Vec<Context> {
        if self.graph.is_typing() {
            return vec![Context::Prompt];
        }
        let own = match self.focus {
            Focus::Graph => Context::Graph,
            Focus::Tasks => Context::List,
            Focus::Log => Context::Log,
        };
        vec![own, Context::Global]
    }

    fn place(&self) -> Place {
        Place::Pipelines
    }

    fn crumbs(&self, world: &World) -> String {
        let Some(data) = self.data(world) else { return "Pipelines ▸ …".to_owned() };
        crumbs(data, world.now)
    }

    fn aside(&self, _world: &World) -> String {
        self.beside_tabs().titles(Tab::Graph)
    }

    fn hints(&self) -> &'static [Action] {
        match self.focus {
            Focus::Graph => &[
                Action::Approve,
                Action::Failure,
                Action::Open,
                Action::Retry,
                Action::RetryFrom,
                Action::Skip,
                Action::Cancel,
                Action::Why,
                Action::FocusNeighbourhood,
                Action::ViewCycle,
                Action::Undo,
                Action::More,
                Action::Trigger,
                Action::NextTab,
                Action::NextPane,
            ],
            Focus::Tasks => &[
                Action::Approve,
                Action::Failure,
                Action::Open,
                Action::Retry,
                Action::RetryFrom,
                Action::Skip,
                Action::Cancel,
                Action::Why,
                Action::Undo,
                Action::More,
                Action::Trigger,
                Action::NextPane,
            ],
            Focus::Log => {
                &[Action::Open, Action::Follow, Action::Search, Action::Wrap, Action::Retry, Action::Cancel, Action::Why, Action::NextPane]
            }
        }
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Run(self.subject.clone())]
    }

    fn is_live(&self, world: &World) -> bool {
        self.data(world).is_some_and(RunData::is_open)
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let wanted = self.wanted.take().and_then(|task| data.position(&task));
        self.chosen |= wanted.is_some();
        let position = wanted.unwrap_or(if self.chosen { self.selected } else { data.tally().interesting });
        if !std::mem::replace(&mut self.recalled, true) {
            // The attempt and what is seen of the graph are as they were left: the selection did not move.
            self.selected = position;
            if let Some(stood) = world.stood.of(&graph_of(data)) {
                self.graph.recall(stood, data);
            }
        }
        self.select(position, world)
    }

    fn stands(&self, world: &World) -> Vec<Standing> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let task = data.tasks.get(self.selected).filter(|_| self.chosen).map(|task| task.task.clone());
        let stood = Stood { focus: self.focus, task, attempt: self.attempt, list: self.list };
        vec![standing(name(&self.subject), &stood), standing(graph_of(data), &self.graph.stands(data)), standing(LINES, &self.log.options)]
    }

    fn recall(&mut self, world: &World) {
        self.log.options = world.stood.of(LINES).unwrap_or_default();
        // Whoever comes to see a task does not want to see another one.
        if self.wanted.is_some() {
            return;
        }
        let Some(stood) = world.stood.of::<Stood>(&name(&self.subject)) else { return };
        (self.focus, self.wanted, self.attempt, self.list) = (stood.focus, stood.task, stood.attempt, stood.list);
    }

    fn stop(&self, _world: &World) -> Option<Stop> {
        Some(Stop::Run(self.subject.clone()))
    }

    fn panes(&self) -> usize {
        if self.alone { 1 } else { PANES.len() }
    }

    fn zoom(&mut self, alone: bool) {
        self.alone = alone;
    }

    fn resumed(&mut self, world: &World) {
        self.log.options = world.stood.of(LINES).unwrap_or(self.log.options);
        self.log.forget();
        self.graph.resumed();
    }

    fn drag(&mut self, by: (i32, i32), world: &World) -> bool {
        if self.focus != Focus::Graph {
            return false;
        }
        let Some(data) = self.data(world) else { return false };
        let area = self.layout(body(world.size)).graph;
        self.graph.drag(by, self.scene(data, world), area)
    }

    fn choose(&mut self, task: usize, world: &World) -> Vec<Intent> {
        self.chosen = true;
        self.select(task, world)
    }

    fn typed(&mut self, input: Typed, world: &World) -> Vec<Intent> {
        self.in_graph(world, |graph, scene, _| graph.typed(input, scene))
    }

    fn logs(&self) -> usize {
        1
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let Some(data) = self.data(world) else {
            return match action {
                Action::Back | Action::NextPane | Action::PreviousPane => Ok(()),
                _ => Err("the run is still being read".into()),
            };
        };
        match action {
            Action::NextAttempt if self.beside(data, true).is_none() => Err("this is the newest attempt".into()),
            Action::PreviousAttempt if self.beside(data, false).is_none() => Err("this is the first attempt".into()),
            Action::Upstream if neighbours(data, self.selected, true).is_empty() => Err("it waits for no task".into()),
            Action::Downstream if neighbours(data, self.selected, false).is_empty() => Err("no task waits for it".into()),
            Action::Search if self.focus != Focus::Log => Ok(()),
            Action::NextMatch | Action::PreviousMatch if self.focus == Focus::Log => Err("in the full-screen log (Enter)".into()),
            Action::Filter
            | Action::RaiseLevel
            | Action::LowerLevel
            | Action::SelectLines
            | Action::Save
            | Action::AllTasks
            | Action::SideBySide
            | Action::NextTask
            | Action::PreviousTask => Err("in the full-screen log (Enter)".into()),
            Action::Left | Action::Right if self.focus == Focus::Tasks => Err("there is one column here".into()),
            _ if self.focus == Focus::Graph => {
                self.graph.possible(action, self.scene(data, world)).and_then(|()| possible_for_task(action, data, self.selected))
            }
            _ => possible_for_task(action, data, self.selected),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        match action {
            Action::NextPane => self.next_pane(1, world),
            Action::PreviousPane => self.next_pane(PANES.len() - 1, world),
            Action::Open => self.full_log(false),
            Action::Search if self.focus == Focus::Log => self.full_log(true),
            Action::Back if self.graph.back() => self.lay_out(world),
            Action::Back => vec![Intent::Back],
            Action::Upstream | Action::Downstream => self.go_beside(action == Action::Upstream, world),
            Action::Search
            | Action::PromptDone
            | Action::PromptClear
            | Action::PromptErase
            | Action::NextMatch
            | Action::PreviousMatch
            | Action::FocusNeighbourhood
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::Fit
            | Action::Orientation
            | Action::ViewCycle
            | Action::CollapseGroup
            | Action::CollapseAll
            | Action::CriticalPath
            | Action::PanLeft
            | Action::PanDown
            | Action::PanUp
            | Action::PanRight => self.in_graph(world, |graph, scene, area| graph.act(action, scene, area)),
            Action::PromptUp | Action::PromptDown => Vec::new(),
            Action::NextAttempt | Action::PreviousAttempt => {
                self.attempt = self.data(world).and_then(|data| self.beside(data, action == Action::NextAttempt));
                self.chosen = true;
                self.follow_log(world)
            }
            Action::Follow
            | Action::Wrap
            | Action::Timestamps
            | Action::LineNumbers
            | Action::ScrollLeft
            | Action::ScrollRight
            | Action::NextError
            | Action::PreviousError => self.scroll_log(action, world),
            Action::Left | Action::Right => self.movement(action, world),
            _ if distance(action, 1).is_some() => self.movement(action, world),
            _ => self.verb(action, world),
        }
    }

    fn coached(&self) -> Option<coach::Seen> {
        Some(coach::Seen::Run)
    }

    fn selected(&self, world: &World) -> Selected {
        self.data(world).map(|data| Selected::task(data, self.selected, self.attempt)).unwrap_or_default()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some(data) = self.data(world) else {
            return Absent::unread(world).draw(frame, area, "Graph", self.subject.what(), theme);
        };
        let layout = self.layout(area);
        if layout.graph.width > 0 {
            self.graph.draw(frame, layout.graph, self.scene(data, world), theme);
        }
        if layout.tasks.width > 0 {
            let pane = TasksPane { list: self.list, focused: self.focus == Focus::Tasks };
            pane.draw(frame, layout.tasks, data, self.selected, world.now, theme);
        }
        if layout.log.width > 0 {
            let pane =
                LogPane { task: data.tasks.get(self.selected), attempt: self.attempt, panel: &self.log, focused: self.focus == Focus::Log };
            pane.draw(frame, layout.log, theme);
        }
    }
}

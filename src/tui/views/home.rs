//! Home: every pipeline, those that need a person first.

use super::{Intent, Place, Selected, Typed, View, body, distance, run::RunView};
use crate::{
    model::{PipelineId, PipelineRow, RunState},
    spec::starter::DEMO,
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        begin,
        input::Filter,
        list::{self, Column, ListState},
        memory::{Standing, standing},
        panes::{
            self,
            absent::Absent,
            attention::{self, Item},
            pipelines,
            welcome::Welcome,
        },
        query::{self, Key, Kind, Query, Value},
        tabs::{Beside, Tab},
        theme::Theme,
        verbs,
        world::{Ask, Purpose, Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Focus {
    #[default]
    Pipelines,
    Attention,
}

/// In which order pipelines stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    #[default]
    Attention,
    Name,
    LastRun,
}

impl Sort {
    const fn title(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::Name => "name",
            Self::LastRun => "last run",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Attention => Self::Name,
            Self::Name => Self::LastRun,
            Self::LastRun => Self::Attention,
        }
    }

    fn compare(self, a: &PipelineRow, b: &PipelineRow) -> Ordering {
        let by_name = || a.pipeline.cmp(&b.pipeline);
        let began = |row: &PipelineRow| row.last_run.as_ref().map(|run| run.created_at);
        match self {
            Self::Attention => {
                let urgency = |row: &PipelineRow| (attention(row), row.next_fire.is_none(), row.next_fire);
                urgency(a).cmp(&urgency(b)).then_with(by_name)
            }
            Self::Name => by_name(),
            Self::LastRun => began(b).cmp(&began(a)).then_with(by_name),
        }
    }
}

/// The list of pipelines.
#[derive(Debug, Default)]
pub struct HomeView {
    focus: Focus,
    sort: Sort,
    list: ListState,
    /// What is selected, by name, so that a new order does not move it.
    selected: Option<PipelineId>,
    filter: Filter,
    query: Query,
    /// Places in the world's list, of those that the filter keeps, in order.
    order: Vec<usize>,
    items: Vec<Item>,
    at: ListState,
    /// There is no pipeline at all.
    vacant: bool,
    welcome: Welcome,
}

/// How home stood.
#[derive(Serialize, Deserialize)]
struct Stood {
    focus: Focus,
    sort: Sort,
    list: ListState,
    selected: Option<PipelineId>,
    filter: String,
}

const NAME: &str = "home";

const COLUMNS: &[Column<'_>] = &[
    Column { title: "STATE", width: 6, grows: false, drop: 0 },
    Column { title: "PIPELINE", width: 20, grows: true, drop: 0 },
    Column { title: "LAST 10", width: 10, grows: false, drop: 2 },
    Column { title: "LAST RUN", width: 16, grows: false, drop: 0 },
    Column { title: "HEADLINE", width: 15, grows: false, drop: 1 },
    Column { title: "NEXT TRIGGER", width: 20, grows: true, drop: 3 },
];

/// The filter keys of pipelines.
const KEYS: &[Key] = &[
    Key { name: "state", kind: Kind::Choice(states) },
    Key { name: "since", kind: Kind::Since },
    Key { name: "before", kind: Kind::Before },
    Key { name: "owner", kind: Kind::Any },
    Key { name: "tag", kind: Kind::Any },
    Key { name: "name", kind: Kind::Any },
    Key { name: "file", kind: Kind::Any },
];

fn states() -> Vec<&'static str> {
    let words = RunState::ALL.iter().map(|state| state.word());
    words.chain(["ok", "fail", "run", "que", "canc", "appr", "err", "new", "off", "pause"]).collect()
}

impl query::Subject for PipelineRow {
    fn texts(&self) -> Vec<String> {
        [self.pipeline.to_string(), self.description.clone(), self.owner.clone()].into_iter().chain(self.tags.iter().cloned()).collect()
    }

    fn values(&self, key: &str) -> Vec<Value> {
        let text = |text: &str| Value::Text(text.to_owned());
        match key {
            "state" => {
                let run = self.last_run.as_ref().filter(|_| self.error.is_none());
                std::iter::once(text(pipelines::state_of(self).1)).chain(run.map(|run| text(run.state.word()))).collect()
            }
            "owner" => vec![text(&self.owner)],
            "tag" => self.tags.iter().map(|tag| text(tag)).collect(),
            "name" => vec![text(self.pipeline.as_str())],
            "file" => vec![text(&self.file)],
            _ => Vec::new(),
        }
    }

    fn at(&self) -> Option<Timestamp> {
        self.last_run.as_ref().map(|run| run.created_at)
    }
}

/// How soon a person should look: smaller is sooner.
fn attention(row: &PipelineRow) -> u8 {
    match &row.last_run {
        _ if row.error.is_some() => 1,
        Some(run) if run.awaiting > 0 && !run.state.is_terminal() => 0,
        Some(run) => match run.state {
            RunState::Failed => 1,
            RunState::Running | RunState::Queued | RunState::Canceling => 2,
            RunState::Success | RunState::Canceled => 3,
        },
        None => 3,
    }
}

/// Where the panes are; one that is not shown has no lines.
struct Layout {
    pipelines: Rect,
    about: Rect,
    attention: Rect,
}

impl HomeView {
    /// The list above; below it what is known of the selected pipeline and what needs a person, as far as there is room.
    fn layout(&self, area: Rect) -> Layout {
        let below = match area.height {
            26.. => 11,
            18..26 => 7,
            16..18 => 6,
            _ => 0,
        };
        let pipelines = Rect { height: area.height - below, ..area };
        let below = Rect { y: pipelines.bottom(), height: below, ..area };
        let none = Rect { height: 0, ..below };
        if area.width >= 100 {
            let right = area.width * 2 / 5;
            let about = Rect { width: area.width - right, ..below };
            return Layout { pipelines, about, attention: Rect { x: about.right(), width: right, ..below } };
        }
        if self.items.is_empty() {
            Layout { pipelines, about: below, attention: none }
        } else {
            Layout { pipelines, about: none, attention: below }
        }
    }

    fn row<'a>(&self, line: usize, world: &'a World) -> Option<&'a PipelineRow> {
        world.pipelines.as_deref()?.get(*self.order.get(line)?)
    }

    fn current<'a>(&self, world: &'a World) -> Option<&'a PipelineRow> {
        match self.focus {
            Focus::Pipelines => self.row(self.list.selected, world),
            Focus::Attention => {
                let item = self.items.get(self.at.selected)?;
                world.pipelines.iter().flatten().find(|row| row.pipeline == item.pipeline)
            }
        }
    }

    fn height(&self, area: Rect) -> usize {
        usize::from(self.layout(area).pipelines.height.saturating_sub(3))
    }

    fn select(&mut self, line: usize, world: &World) {
        self.list.select(line, self.order.len(), self.height(body(world.size)));
        self.selected = self.row(self.list.selected, world).map(|row| row.pipeline.clone());
    }

    /// Sorts and filters anew; what was selected stays selected.
    fn arrange(&mut self, world: &World) {
        let Some(all) = world.pipelines.as_deref() else { return };
        self.vacant = all.is_empty();
        self.order = (0..all.len()).filter(|&at| self.query.keeps(&all[at])).collect();
        self.order.sort_by(|&a, &b| self.sort.compare(&all[a], &all[b]));
        let before = self.items.get(self.at.selected).cloned();
        self.items = attention::items(all);
        let at = before.and_then(|before| self.items.iter().position(|item| item.is_same(&before))).unwrap_or(self.at.selected);
        self.at.select(at, self.items.len(), attention::rows(self.layout(body(world.size)).attention));
        if self.items.is_empty() {
            self.focus = Focus::Pipelines;
        }
        let line = self.selected.as_ref().and_then(|id| self.order.iter().position(|&at| all[at].pipeline == *id));
        match line {
            Some(line) => self.list.follow(line, self.order.len(), self.height(body(world.size))),
            None => self.select(self.list.selected, world),
        }
    }

    fn filtered(&mut self, world: &World) {
        self.query = Query::parse(self.filter.text(), KEYS, world.now);
        self.arrange(world);
    }

    fn go(&mut self, action: Action, world: &World) -> bool {
        let area = body(world.size);
        match self.focus {
            Focus::Pipelines => {
                let Some(lines) = distance(action, self.height(area)) else { return false };
                self.select(self.list.selected.saturating_add_signed(lines), world);
            }
            Focus::Attention => {
                let rows = attention::rows(self.layout(area).attention);
                let Some(lines) = distance(action, rows) else { return false };
                self.at.by(lines, self.items.len(), rows);
            }
        }
        true
    }

    fn open(&self, row: &PipelineRow) -> Intent {
        let item = self.items.get(self.at.selected).filter(|_| self.focus == Focus::Attention);
        if let Some(backfill) = item.and_then(|item| item.backfill.clone()) {
            return Intent::Ask(Ask::Backfill { backfill, open: true });
        }
        if row.error.is_some() {
            return Intent::Ask(Ask::Definition { pipeline: row.file.clone(), purpose: Purpose::Diagnostics });
        }
        match item.and_then(|item| item.place.clone()) {
            Some((run, task)) => Intent::Open(Box::new(RunView::at(Subject::Run(run), task))),
            None => Intent::Open(Box::new(RunView::new(subject(row)))),
        }
    }

    fn verb(&self, action: Action, world: &World) -> Vec<Intent> {
        let Some(row) = self.current(world) else { return Vec::new() };
        let run = row.last_run.as_ref();
        let intent = match (action, run) {
            (Action::Open, _) => self.open(row),
            (Action::Trigger, _) => Intent::Ask(Ask::Definition { pipeline: row.pipeline.to_string(), purpose: Purpose::Trigger }),
            (Action::Undo, _) => Intent::Show(Box::new(begin::ask_to_remove_demo())),
            (Action::Pause, _) => verbs::pause_pipeline(row.pipeline.clone(), row.paused, !row.triggers.is_empty()),
            (Action::NextTab | Action::PreviousTab, _) => {
                let turned = Beside::apart(subject(row)).turn(Tab::Graph, action == Action::NextTab, &row.pipeline);
                return turned;
            }
            (Action::Watch, Some(run)) => verbs::watch(run.run_id.clone(), run.watched),
            (Action::Retry, Some(run)) => verbs::retry(run.run_id.clone(), None),
            (Action::Cancel, Some(run)) => Intent::Show(Box::new(verbs::ask_cancel_run(&run.run_id, run.number, Some(run.progress)))),
            (Action::Why, Some(run)) => Intent::Ask(Ask::Why { run: run.run_id.clone(), task: None }),
            _ => return Vec::new(),
        };
        vec![intent]
    }
}

/// The newest run, or the pipeline that never ran.
fn subject(row: &PipelineRow) -> Subject {
    match &row.last_run {
        Some(run) => Subject::Run(run.run_id.clone()),
        None => Subject::Pipeline(row.pipeline.clone()),
    }
}

impl View for HomeView {
    fn contexts(&self) -> Vec<Context> {
        if self.vacant {
            return self.welcome.contexts();
        }
        if self.filter.is_typing() { vec![Context::Prompt] } else { vec![Context::List, Context::Global] }
    }

    fn place(&self) -> Place {
        Place::Pipelines
    }

    fn crumbs(&self, world: &World) -> String {
        let Some(all) = &world.pipelines else { return "Pipelines".to_owned() };
        if all.is_empty() {
            return concat!("flowyard ", env!("CARGO_PKG_VERSION")).to_owned();
        }
        let count = |is: fn(&PipelineRow) -> bool| all.iter().filter(|row| is(row)).count();
        let counted = [
            (count(|row| attention(row) == 0), "to approve"),
            (count(|row| row.error.is_some()), "broken"),
            (count(|row| row.error.is_none() && attention(row) == 1), "failed"),
            (count(|row| row.last_run.as_ref().is_some_and(|run| !run.state.is_terminal())), "running"),
            (count(|row| row.backfill.is_some()), "backfilling"),
            (count(|row| row.last_run.as_ref().is_some_and(|run| run.paused && !run.state.is_terminal())), "paused"),
        ];
        let counted = counted.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        std::iter::once(format!("Pipelines  {}", all.len())).chain(counted).collect::<Vec<_>>().join(" · ")
    }

    fn aside(&self, _world: &World) -> String {
        if self.vacant {
            return String::new();
        }
        let sort = format!("sort: {}", self.sort.title());
        if self.filter.is_on() && !self.filter.is_typing() { format!("{sort}  filter: {}", self.filter.text()) } else { sort }
    }

    fn hints(&self) -> &'static [Action] {
        if self.vacant {
            return self.welcome.hints();
        }
        if self.filter.is_typing() {
            return &[Action::PromptDone, Action::PromptClear];
        }
        &[
            Action::Open,
            Action::Trigger,
            Action::Search,
            Action::Pause,
            Action::Retry,
            Action::Cancel,
            Action::NextPane,
            Action::Sort,
            Action::NextTab,
            Action::Why,
            Action::Backfill,
        ]
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Pipelines]
    }

    fn is_live(&self, world: &World) -> bool {
        world.pipelines.iter().flatten().any(|row| row.last_run.as_ref().is_some_and(|run| !run.state.is_terminal()))
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        self.arrange(world);
        if self.vacant && world.surroundings.is_none() { vec![Intent::Ask(Ask::Surroundings)] } else { Vec::new() }
    }

    fn stands(&self, _world: &World) -> Vec<Standing> {
        let (list, selected, filter) = (self.list, self.selected.clone(), self.filter.text().to_owned());
        vec![standing(NAME, &Stood { focus: self.focus, sort: self.sort, list, selected, filter })]
    }

    fn recall(&mut self, world: &World) {
        let Some(stood) = world.stood.of::<Stood>(NAME) else { return };
        (self.focus, self.sort, self.list, self.selected) = (stood.focus, stood.sort, stood.list, stood.selected);
        self.filter.recall(&stood.filter);
        self.query = Query::parse(self.filter.text(), KEYS, world.now);
        self.arrange(world);
    }

    fn panes(&self) -> usize {
        2
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        if self.vacant {
            return self.welcome.possible(action, world);
        }
        if matches!(action, Action::Failure | Action::NextAttempt | Action::PreviousAttempt) {
            return Err("in the run view, with the task selected".into());
        }
        let row = self.current(world);
        let run = row.and_then(|row| row.last_run.as_ref());
        match action {
            Action::Open | Action::Trigger | Action::NextTab | Action::PreviousTab | Action::Pause if row.is_none() => {
                Err("no pipeline is selected".into())
            }
            Action::Pause => row.map_or(Ok(()), verbs::can_pause_pipeline),
            Action::Trigger | Action::NextTab | Action::PreviousTab if row.is_some_and(|row| row.error.is_some()) => {
                Err("its file has errors (Enter shows them)".into())
            }
            Action::Retry | Action::Cancel | Action::Watch | Action::Why if run.is_none() && row.is_some() => {
                Err("this pipeline never ran".into())
            }
            Action::Undo if row.is_some_and(|row| row.pipeline.as_str() == DEMO.name) => Ok(()),
            Action::Undo => Err("open the run first".into()),
            Action::Retry
            | Action::Cancel
            | Action::Watch
            | Action::Why
            | Action::Skip
            | Action::RetryFrom
            | Action::Approve
            | Action::More => verbs::possible_for_run(action, run.map(|run| (run.state, run.number))),
            Action::Back if !self.filter.is_on() && self.focus == Focus::Pipelines => Err("this is home (q leaves)".into()),
            Action::NextPane | Action::PreviousPane if self.items.is_empty() => Err("nothing needs you".into()),
            Action::NextPane | Action::PreviousPane if self.layout(body(world.size)).attention.height == 0 => {
                Err("there is no room for another pane".into())
            }
            Action::Left | Action::Right => Err("there is one column here".into()),
            Action::Mark | Action::ViewCycle => Err("in the runs of a pipeline (])".into()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if self.vacant {
            return self.welcome.act(action, world);
        }
        if self.go(action, world) {
            return Vec::new();
        }
        match action {
            Action::Search => {
                self.focus = Focus::Pipelines;
                self.filter.start();
            }
            Action::PromptDone => self.filter.done(),
            Action::PromptErase => self.filter.erase(),
            Action::Back if self.focus == Focus::Attention => self.focus = Focus::Pipelines,
            Action::PromptClear | Action::Back => self.filter.clear(),
            Action::Sort => self.sort = self.sort.next(),
            Action::NextPane | Action::PreviousPane => {
                self.focus = if self.focus == Focus::Pipelines { Focus::Attention } else { Focus::Pipelines };
            }
            _ => return self.verb(action, world),
        }
        self.filtered(world);
        Vec::new()
    }

    fn point_at(&mut self, pipeline: &PipelineId) {
        self.selected = Some(pipeline.clone());
    }

    fn typed(&mut self, input: Typed, world: &World) -> Vec<Intent> {
        if self.vacant {
            self.welcome.typed(input);
            return Vec::new();
        }
        self.filter.typed(input);
        self.filtered(world);
        self.select(0, world);
        Vec::new()
    }

    fn selected(&self, world: &World) -> Selected {
        let Some(row) = self.current(world) else { return Selected::default() };
        Selected {
            pipeline: Some(row.pipeline.clone()),
            file: Some(row.file.clone()),
            run: row.last_run.as_ref().map(|run| run.run_id.clone()),
            ..Selected::default()
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some(all) = &world.pipelines else {
            return Absent::unread(world).draw(frame, area, "Pipelines", "the pipelines", theme);
        };
        if all.is_empty() {
            return self.welcome.draw(frame, area, world, theme);
        }
        let layout = self.layout(area);
        let right = if self.order.len() == all.len() { String::new() } else { format!("{} of {}", self.order.len(), all.len()) };
        let focused = self.focus == Focus::Pipelines;
        let inner = panes::framed(frame, layout.pipelines, "Pipelines", &right, focused, theme);
        self.table(frame, inner, world, theme);
        if layout.about.height > 0
            && let Some(row) = self.current(world)
        {
            pipelines::about(frame, layout.about, row, world.now, theme);
        }
        if layout.attention.height > 0 {
            attention::draw(frame, layout.attention, &self.items, self.at, !focused, world.now, theme);
        }
        panes::filter(frame, layout.pipelines, &self.filter, &self.query.problems, theme);
    }
}

impl HomeView {
    fn table(&self, frame: &mut Frame<'_>, inner: Rect, world: &World, theme: &Theme) {
        let (fitted, content) = list::head(frame, inner, COLUMNS, theme);
        if self.order.is_empty() {
            return panes::lines(frame, content, [Line::styled("  nothing matches the filter (Esc clears it)", theme.style("fg.muted"))]);
        }
        let window = self.list.window(self.order.len(), usize::from(content.height));
        let lines = window.clone().filter_map(|line| self.row(line, world)).map(|row| {
            let mut line = pipelines::line(row, &fitted, world.now, theme);
            line.spans.insert(0, Span::raw(" "));
            line
        });
        let token = if self.focus == Focus::Pipelines { "selection" } else { "selection.inactive" };
        list::draw(frame, content, lines, Some((self.list.selected - window.start, token)), theme);
    }
}

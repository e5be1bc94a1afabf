//! Timeline: when each task of a run waited, ran and paused between attempts, over one scale.

use super::{Intent, Place, Selected, View, body, distance, log::LogView, run};
use crate::{
    model::{AttemptState, PipelineId, RunRow, TaskId, TaskSnapshot},
    stdx::{duration, time::Timestamp},
    tui::{
        actions::{Action, Context},
        keymap::shown_key,
        list::{self, ListState},
        memory::{Standing, Stop, Tabbed, standing},
        panes::{
            self,
            absent::Absent,
            tasks::{detail, look},
        },
        tabs::{Beside, Tab},
        text,
        theme::Theme,
        timeline::{Kind, Scale, Stretch, Zoom, critical_path, rows},
        verbs,
        world::{Ask, RunData, Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Columns at the right of the longest bar, for the time it took.
const TOOK: usize = 8;
/// Columns before the name: the mark of the selection, of the state and of the critical path.
const MARKS: usize = 5;
/// Lines of what is known of the selected task, where there is room for them.
const DETAIL: u16 = 6;

/// The bars of a run's attempts.
#[derive(Debug)]
pub struct TimelineView {
    pipeline: PipelineId,
    subject: Subject,
    beside: Beside,
    /// Position in order of declaration.
    selected: usize,
    /// The task to select as soon as the run was read.
    wanted: Option<TaskId>,
    /// The place of the selected attempt among those of its task; `None` is the newest.
    attempt: Option<usize>,
    list: ListState,
    zoom: Zoom,
    /// Only tasks on the critical path.
    only_critical: bool,
    /// Positions of the tasks on the critical path; found when data arrives, not at each frame.
    critical: HashSet<usize>,
    /// A line for each attempt: the task's position, the attempt's place.
    lines: Vec<(usize, Option<usize>)>,
}

/// How the bars of a run stood.
#[derive(Serialize, Deserialize)]
struct Stood {
    zoom: Zoom,
    only_critical: bool,
}

impl TimelineView {
    /// Of that run of a pipeline, beside its graph, with the task selected that is selected there.
    pub fn new(pipeline: PipelineId, beside: Beside) -> Self {
        Self {
            pipeline,
            subject: beside.subject.clone(),
            selected: beside.task,
            wanted: None,
            attempt: None,
            beside,
            list: ListState::default(),
            zoom: Zoom::Whole,
            only_critical: false,
            critical: HashSet::new(),
            lines: Vec::new(),
        }
    }

    /// With that attempt of that task selected.
    pub fn at(self, task: Option<TaskId>, attempt: Option<usize>) -> Self {
        Self { wanted: task, attempt, ..self }
    }

    fn name(&self) -> Option<String> {
        match &self.subject {
            Subject::Run(run) => Some(format!("timeline {run}")),
            Subject::Pipeline(_) => None,
        }
    }

    fn data<'a>(&self, world: &'a World) -> Option<&'a RunData> {
        world.run_of(&self.subject)
    }

    /// Lines for bars and for the detail when the view is so large: the frame, the two lines of the scale and the legend go off.
    fn heights(area: Rect) -> (u16, u16) {
        let room = area.height.saturating_sub(5);
        let detail = if room >= DETAIL * 2 { DETAIL } else { 0 };
        (room - detail, detail)
    }

    fn select(&mut self, line: usize, world: &World) {
        self.list.select(line, self.lines.len(), usize::from(Self::heights(body(world.size)).0));
        if let Some((task, attempt)) = self.lines.get(self.list.selected) {
            (self.selected, self.attempt) = (*task, *attempt);
        }
    }

    /// Lists the attempts anew; what was selected stays selected, an attempt that came after it does not take its place.
    fn arrange(&mut self, data: &RunData, world: &World) {
        self.critical = critical(data, world.now);
        let shown = data.graph.order.iter().filter(|at| !self.only_critical || self.critical.contains(at));
        let attempts = |&at: &usize| {
            let count = data.tasks.get(at).map_or(0, |task| task.attempts.len());
            if count == 0 { vec![(at, None)] } else { (0..count).map(|n| (at, Some(n))).collect() }
        };
        self.lines = shown.flat_map(attempts).collect();
        let wanted = |line: &(usize, Option<usize>)| line.0 == self.selected && (self.attempt.is_none() || line.1 == self.attempt);
        let line = self.lines.iter().rposition(wanted).or_else(|| self.lines.iter().position(|line| line.0 >= self.selected)).unwrap_or(0);
        self.select(line, world);
    }

    /// Milliseconds that the run took, and those from its beginning to the selected attempt.
    fn spans(&self, data: &RunData, now: Timestamp) -> (i64, i64) {
        let Some((from, to)) = span(data, now) else { return (1, 0) };
        let task = data.tasks.get(self.selected);
        let began = task.and_then(|task| task.attempts.get(self.attempt?)?.started_at).unwrap_or(from);
        ((to - from).num_milliseconds().max(1), (began - from).num_milliseconds())
    }
}

/// From the beginning of a run to its end, or now.
fn span(data: &RunData, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let run = data.run.as_ref()?;
    let from = run.started_at.unwrap_or(run.created_at);
    Some((from, run.ended_at.unwrap_or(now).max(from)))
}

/// The critical path of a run up to now.
fn critical(data: &RunData, now: Timestamp) -> HashSet<usize> {
    let positions: HashMap<_, _> = data.tasks.iter().enumerate().map(|(at, task)| (&task.task, at)).collect();
    let upstream: Vec<Vec<usize>> =
        data.tasks.iter().map(|task| task.upstream.iter().filter_map(|id| positions.get(id).copied()).collect()).collect();
    let ends: Vec<_> = data.tasks.iter().map(|task| task.span().map(|(_, end)| end.unwrap_or(now))).collect();
    critical_path(&ends, &upstream, &data.graph.order).into_iter().collect()
}

impl View for TimelineView {
    fn contexts(&self) -> Vec<Context> {
        vec![Context::Timeline, Context::Global]
    }

    fn place(&self) -> Place {
        Place::Pipelines
    }

    fn crumbs(&self, world: &World) -> String {
        self.data(world).map_or_else(|| "Pipelines ▸ …".to_owned(), |data| run::crumbs(data, world.now))
    }

    fn aside(&self, _world: &World) -> String {
        self.beside.titles(Tab::Timeline)
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Approve,
            Action::Failure,
            Action::Open,
            Action::ZoomIn,
            Action::Fit,
            Action::CriticalPath,
            Action::Retry,
            Action::RetryFrom,
            Action::Skip,
            Action::Cancel,
            Action::Why,
            Action::Undo,
            Action::More,
            Action::NextTab,
        ]
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Run(self.subject.clone())]
    }

    fn is_live(&self, world: &World) -> bool {
        self.data(world).is_some_and(RunData::is_open)
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        if let Some(task) = self.wanted.take().and_then(|task| data.position(&task)) {
            self.selected = task;
        }
        self.arrange(data, world);
        Vec::new()
    }

    fn stands(&self, _world: &World) -> Vec<Standing> {
        let stood = Stood { zoom: self.zoom, only_critical: self.only_critical };
        self.name().map(|name| standing(name, &stood)).into_iter().collect()
    }

    fn recall(&mut self, world: &World) {
        let Some(stood) = self.name().and_then(|name| world.stood.of::<Stood>(&name)) else { return };
        (self.zoom, self.only_critical) = (stood.zoom, stood.only_critical);
    }

    fn stop(&self, world: &World) -> Option<Stop> {
        let selected = self.data(world).and_then(|data| data.tasks.get(self.selected)).map(|task| task.task.clone());
        let task = selected.or_else(|| self.wanted.clone());
        Some(Stop::Timeline { of: Tabbed::new(&self.pipeline, &self.beside), task, attempt: self.attempt })
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let Some(data) = self.data(world) else {
            let leaves = matches!(action, Action::Back | Action::NextTab | Action::PreviousTab);
            return if leaves { Ok(()) } else { Err("the run is still being read".into()) };
        };
        match action {
            Action::NextAttempt | Action::PreviousAttempt | Action::Search => Err("in the log of the task (Enter)".into()),
            Action::NextPane | Action::PreviousPane => Err("there is one list here".into()),
            Action::Left | Action::Right | Action::ZoomOut | Action::Fit if self.zoom == Zoom::Whole => {
                Err(format!("all of the run is in sight ({} zooms)", shown_key(Action::ZoomIn)))
            }
            Action::CriticalPath if self.critical.is_empty() => Err("nothing ran yet".into()),
            _ => run::possible_for_task(action, data, self.selected),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if matches!(action, Action::NextTab | Action::PreviousTab) {
            let beside = Beside { task: self.selected, ..self.beside.clone() };
            return beside.turn(Tab::Timeline, action == Action::NextTab, &self.pipeline);
        }
        let Some(data) = self.data(world) else { return vec![Intent::Back] };
        if let Some(lines) = distance(action, usize::from(Self::heights(body(world.size)).0)) {
            self.select(self.list.selected.saturating_add_signed(lines), world);
            return Vec::new();
        }
        match action {
            Action::Back => vec![Intent::Back],
            Action::Open => {
                let attempt = data.tasks.get(self.selected).and_then(|task| Some(task.attempts.get(self.attempt?)?.attempt));
                vec![Intent::Open(Box::new(LogView::new(self.subject.clone(), self.selected, attempt)))]
            }
            Action::ZoomIn | Action::ZoomOut => {
                let (whole, focus) = self.spans(data, world.now);
                self.zoom = self.zoom.by(action == Action::ZoomIn, focus, whole);
                Vec::new()
            }
            Action::Left | Action::Right => {
                self.zoom = self.zoom.pan(action == Action::Right, self.spans(data, world.now).0);
                Vec::new()
            }
            Action::Fit => {
                self.zoom = Zoom::Whole;
                Vec::new()
            }
            Action::CriticalPath => {
                self.only_critical = !self.only_critical;
                self.arrange(data, world);
                Vec::new()
            }
            _ => verbs::for_task(action, data, self.selected),
        }
    }

    fn selected(&self, world: &World) -> Selected {
        self.data(world).map(|data| Selected::task(data, self.selected, None)).unwrap_or_default()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some((data, run)) = self.data(world).and_then(|data| Some((data, data.run.as_ref()?))) else {
            return Absent::unread(world).draw(frame, area, "Timeline", self.subject.what(), theme);
        };
        let now = world.now;
        let (from, to) = span(data, now).unwrap_or((now, now));
        let inner = panes::framed(frame, area, self.title(), &self.summary(data, run, area.width, now), true, theme);
        let width = usize::from(inner.width);
        let longest = data.graph.longest + if self.lines.len() > data.tasks.len() { 3 } else { 0 };
        let name = longest.min(width / 3).min(34);
        let (left, length) = self.zoom.part((to - from).num_milliseconds());
        let left = from + chrono::Duration::milliseconds(left);
        let right = if self.zoom == Zoom::Whole { to } else { left + chrono::Duration::milliseconds(length) };
        let scale = Scale { origin: from, from: left, to: right, width: width.saturating_sub(MARKS + name + 1 + TOOK) };
        let muted = theme.style("fg.muted");
        let [labels, axis] = header(scale).map(|line| Line::styled(" ".repeat(MARKS + name + 1) + &line, muted));
        panes::lines(frame, inner, [labels, axis]);
        let (bars, below) = Self::heights(area);
        let rows = Rect { y: inner.y + 2.min(inner.height), height: bars.min(inner.height.saturating_sub(2)), ..inner };
        let window = self.list.window(self.lines.len(), usize::from(rows.height));
        let visible = self.lines.get(window.clone()).unwrap_or_default();
        let open = data.is_open().then_some(now);
        let drawing = Drawing { name, scale, open, now, theme };
        let lines =
            visible.iter().filter_map(|&(at, attempt)| Some(drawing.row(data.tasks.get(at)?, attempt, self.critical.contains(&at))));
        list::draw(frame, rows, lines, Some((self.list.selected.saturating_sub(window.start), "selection")), theme);
        let used = u16::try_from(visible.len() + 1).unwrap_or(u16::MAX).min(rows.height);
        let legend = Rect { x: inner.x + 1, y: rows.y + used, height: inner.bottom().saturating_sub(rows.y + used).min(1), ..inner };
        let legend = Rect { width: inner.width.saturating_sub(2), ..legend };
        let words = "█ attempt  ▒ ended badly  ╌ between attempts  · queued  * critical path";
        panes::lines(frame, legend, [Line::styled(text::cut(words, usize::from(legend.width)), muted)]);
        if let Some(task) = data.tasks.get(self.selected).filter(|_| below > 0) {
            let y = (legend.bottom() + 1).min(inner.bottom().saturating_sub(below));
            let room = Rect { y, height: inner.bottom().saturating_sub(y), ..legend };
            panes::lines(frame, room, detail(task, data, usize::from(room.width), now, theme));
        }
    }
}

impl TimelineView {
    const fn title(&self) -> &'static str {
        if self.only_critical { "Timeline · critical path only" } else { "Timeline" }
    }

    /// How long the run took, how much of that something on its critical path ran, and how much of it nothing of it did.
    fn summary(&self, data: &RunData, run: &RunRow, width: u16, now: Timestamp) -> String {
        let total = run.ended_at.unwrap_or(now) - run.started_at.unwrap_or(run.created_at);
        let attempts = self.critical.iter().filter_map(|&at| data.tasks.get(at)).flat_map(|task| &task.attempts);
        let ran = attempts.filter_map(|attempt| Some(attempt.ended_at.unwrap_or(now) - attempt.started_at?)).sum::<chrono::Duration>();
        let words = |time: chrono::Duration| duration::short(time.to_std().unwrap_or_default());
        let waited = if width >= 100 { format!(" · waited {}", words(total - ran)) } else { String::new() };
        format!("total {} · critical path {}{waited}", words(total), words(ran))
    }
}

/// The ticks of the scale: what they are called, and the axis below.
fn header(scale: Scale) -> [String; 2] {
    let mut labels = String::new();
    let mut axis: Vec<char> = vec!['─'; scale.width];
    for tick in scale.ticks() {
        labels.push_str(&" ".repeat(tick.at.saturating_sub(labels.len())));
        labels.push_str(&tick.label);
        if let Some(cell) = axis.get_mut(tick.at) {
            *cell = if tick.at == 0 { '├' } else { '┬' };
        }
    }
    if let Some(last) = axis.last_mut() {
        *last = '┤';
    }
    [labels, axis.into_iter().collect()]
}

/// How the rows are drawn.
struct Drawing<'a> {
    /// Columns of the name.
    name: usize,
    scale: Scale,
    /// The time, if the run goes on.
    open: Option<Timestamp>,
    now: Timestamp,
    theme: &'a Theme,
}

impl Drawing<'_> {
    fn row(&self, task: &TaskSnapshot, attempt: Option<usize>, is_critical: bool) -> Line<'static> {
        let theme = self.theme;
        let muted = theme.style("fg.muted");
        let is_last = attempt.is_none_or(|at| at + 1 == task.attempts.len());
        let shown = attempt.and_then(|at| task.attempts.get(at));
        let state = shown.filter(|_| !is_last).map_or_else(|| look(task), |attempt| attempt.state.look());
        let mark = if is_critical { "*" } else { " " };
        let number = shown.filter(|_| task.attempts.len() > 1).map(|attempt| format!(" #{}", attempt.attempt)).unwrap_or_default();
        let name = text::cut(&text::safe(task.task.as_str()), self.name.saturating_sub(number.len())) + &number;
        let mut spans = vec![
            Span::styled(format!(" {} ", state.glyph), theme.style(state.token)),
            Span::styled(mark, theme.style("edge.critical")),
            Span::styled(format!("{} ", text::left(&name, self.name)), theme.style("fg")),
        ];
        let row = rows(task, self.now).into_iter().find(|row| row.attempt == attempt);
        let stretches = row.map(|row| row.stretches).unwrap_or_default();
        let cells = self.scale.cells(&stretches);
        let time = shown.and_then(|attempt| attempt.started_at.map(|start| text::took(Some(start), attempt.ended_at, self.now)));
        let Some(last) = cells.iter().rposition(Option::is_some) else {
            spans.extend(self.out_of_sight(&stretches, time));
            return Line::from(spans);
        };
        for same in cells[..=last].chunk_by(|a, b| a == b) {
            let (glyph, token) = same[0].map_or((" ", "fg"), cell);
            spans.push(Span::styled(glyph.repeat(same.len()), theme.style(token)));
        }
        spans.extend(time.map(|time| Span::styled(format!(" {time}"), muted)));
        Line::from(spans)
    }

    /// Where to look for what is not in sight; nothing of it is also where the time has come to.
    fn out_of_sight(&self, stretches: &[Stretch], time: Option<String>) -> Vec<Span<'static>> {
        let muted = self.theme.style("fg.muted");
        match (stretches.first(), time) {
            (Some(first), Some(time)) if first.from > self.scale.to => {
                vec![Span::styled(format!("{} ▸", text::right(&time, self.scale.width.saturating_sub(2))), muted)]
            }
            (Some(_), Some(time)) => vec![Span::styled(format!("◂ {time}"), muted)],
            _ => {
                let now = self.open.and_then(|now| self.scale.at(now));
                now.map(|at| Span::styled(format!("{}┊", " ".repeat(at)), muted)).into_iter().collect()
            }
        }
    }
}

/// How a cell looks.
const fn cell(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Queued => ("·", "state.queued"),
        Kind::Between => ("╌", "state.up_for_retry"),
        Kind::Attempt(AttemptState::Starting) => ("·", AttemptState::Starting.look().token),
        Kind::Attempt(state @ (AttemptState::Running | AttemptState::Success)) => ("█", state.look().token),
        Kind::Attempt(state) => ("▒", state.look().token),
    }
}

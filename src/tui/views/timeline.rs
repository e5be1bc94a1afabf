//! Timeline: when each task of a run waited, ran and paused between attempts, over one scale.

use super::{Intent, Place, Selected, View, body, distance, log::LogView, run};
use crate::{
    model::{AttemptState, TaskSnapshot},
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        list::{self, ListState},
        panes::{
            self,
            tasks::{detail, look},
        },
        tabs::{Beside, Tab},
        text,
        theme::Theme,
        timeline::{Kind, Scale, critical_path, stretches},
        verbs,
        world::{Ask, RunData, Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::collections::{HashMap, HashSet};

/// Columns at the right of the longest bar, for the time it took.
const TOOK: usize = 8;
/// Columns before the name: the mark of the selection, of the state and of the critical path.
const MARKS: usize = 5;
/// Lines of what is known of the selected task, where there is room for them.
const DETAIL: u16 = 6;

/// The bars of a run's tasks.
#[derive(Debug)]
pub struct TimelineView {
    subject: Subject,
    beside: Beside,
    /// Position in order of declaration.
    selected: usize,
    list: ListState,
    /// Positions of the tasks on the critical path; found when data arrives, not at each frame.
    critical: HashSet<usize>,
}

impl TimelineView {
    /// Of that run, beside its graph, with the task selected that is selected there.
    pub fn new(subject: Subject, beside: Beside) -> Self {
        Self { subject, selected: beside.task, beside, list: ListState::default(), critical: HashSet::new() }
    }

    fn data<'a>(&self, world: &'a World) -> Option<&'a RunData> {
        world.run.as_ref().filter(|data| data.subject == self.subject)
    }

    /// Lines for bars and for the detail when the view is so large: the frame, the two lines of the scale and the legend go off.
    fn heights(area: Rect) -> (u16, u16) {
        let room = area.height.saturating_sub(5);
        let detail = if room >= DETAIL * 2 { DETAIL } else { 0 };
        (room - detail, detail)
    }

    fn select(&mut self, line: usize, world: &World) {
        let Some(data) = self.data(world) else { return };
        self.list.select(line, data.tasks.len(), usize::from(Self::heights(body(world.size)).0));
        self.selected = data.graph.order.get(self.list.selected).copied().unwrap_or(0);
    }
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
        self.critical = critical(data, world.now);
        let line = data.graph.order.iter().position(|&at| at == self.selected).unwrap_or(0);
        self.select(line, world);
        Vec::new()
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let Some(data) = self.data(world) else {
            return if action == Action::Back { Ok(()) } else { Err("the run is still being read".into()) };
        };
        match action {
            Action::NextAttempt | Action::PreviousAttempt | Action::Search => Err("in the log of the task (Enter)".into()),
            Action::NextPane | Action::PreviousPane | Action::Left | Action::Right => Err("there is one list here".into()),
            _ => run::possible_for_task(action, data, self.selected),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return vec![Intent::Back] };
        if let Some(lines) = distance(action, usize::from(Self::heights(body(world.size)).0)) {
            self.select(self.list.selected.saturating_add_signed(lines), world);
            return Vec::new();
        }
        match action {
            Action::Back => vec![Intent::Back],
            Action::NextTab | Action::PreviousTab => {
                let beside = Beside { task: self.selected, ..self.beside.clone() };
                beside.turn(Tab::Timeline, action == Action::NextTab, &data.pipeline)
            }
            Action::Open => vec![Intent::Open(Box::new(LogView::new(self.subject.clone(), self.selected, None)))],
            _ => verbs::for_task(action, data, self.selected),
        }
    }

    fn selected(&self, world: &World) -> Selected {
        self.data(world).map(|data| Selected::task(data, self.selected, None)).unwrap_or_default()
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some((data, run)) = self.data(world).and_then(|data| Some((data, data.run.as_ref()?))) else {
            let inner = panes::framed(frame, area, "Timeline", "", true, theme);
            let words = world.trouble.as_deref().unwrap_or("reading…");
            return panes::lines(frame, inner, [Line::styled(format!(" {}", text::safe(words)), theme.style("fg.muted"))]);
        };
        let now = world.now;
        let started = run.started_at.unwrap_or(run.created_at);
        let right = format!(
            "total {} · critical path {} of {}",
            text::took(Some(started), run.ended_at, now),
            self.critical.len(),
            text::count(data.tasks.len(), "task")
        );
        let inner = panes::framed(frame, area, "Timeline", &right, true, theme);
        let width = usize::from(inner.width);
        let name = data.graph.longest.min(width / 3).min(32);
        let scale =
            Scale { from: started, to: run.ended_at.unwrap_or(now).max(started), width: width.saturating_sub(MARKS + name + 1 + TOOK) };
        let muted = theme.style("fg.muted");
        let [labels, axis] = header(scale).map(|line| Line::styled(" ".repeat(MARKS + name + 1) + &line, muted));
        panes::lines(frame, inner, [labels, axis]);
        let (bars, below) = Self::heights(area);
        let rows = Rect { y: inner.y + 2.min(inner.height), height: bars.min(inner.height.saturating_sub(2)), ..inner };
        let window = self.list.window(data.tasks.len(), usize::from(rows.height));
        let visible = data.graph.order.get(window.clone()).unwrap_or_default();
        let lines = visible.iter().filter_map(|&at| Some((at, data.tasks.get(at)?)));
        let lines = lines.map(|(at, task)| row(task, self.critical.contains(&at), name, scale, now, theme));
        list::draw(frame, rows, lines, Some((self.list.selected.saturating_sub(window.start), "selection")), theme);
        let legend = Rect { x: inner.x + 1, y: rows.bottom(), height: inner.bottom().saturating_sub(rows.bottom()).min(1), ..inner };
        let legend = Rect { width: inner.width.saturating_sub(2), ..legend };
        let words = "█ attempt  ▒ ended badly  ╌ between attempts  · queued  * critical path";
        panes::lines(frame, legend, [Line::styled(text::cut(words, usize::from(legend.width)), muted)]);
        if let Some(task) = data.tasks.get(self.selected).filter(|_| below > 0) {
            let room = Rect { y: legend.bottom(), height: inner.bottom().saturating_sub(legend.bottom()), ..legend };
            panes::lines(frame, room, detail(task, data, usize::from(room.width), now, theme));
        }
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

fn row(task: &TaskSnapshot, critical: bool, name: usize, scale: Scale, now: Timestamp, theme: &Theme) -> Line<'static> {
    let state = look(task);
    let (mark, token) = if critical { ("*", "edge.critical") } else { (" ", "fg") };
    let mut spans = vec![
        Span::styled(format!(" {} ", state.glyph), theme.style(state.token)),
        Span::styled(format!("{mark}{} ", text::left(&text::safe(task.task.as_str()), name)), theme.style(token)),
    ];
    let cells = scale.cells(&stretches(task, now));
    let used = cells.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    for same in cells[..used].chunk_by(|a, b| a == b) {
        let (glyph, token) = same[0].map_or((" ", "fg"), cell);
        spans.push(Span::styled(glyph.repeat(same.len()), theme.style(token)));
    }
    if let Some((start, end)) = task.span() {
        spans.push(Span::styled(format!(" {}", text::took(Some(start), end, now)), theme.style("fg.muted")));
    }
    Line::from(spans)
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

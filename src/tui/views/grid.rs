//! Grid: runs by tasks, so that one sees at a glance which task fails since when.

use super::{Intent, Place, Selected, View, body, distance, run::RunView};
use crate::{
    model::{GridCell, PipelineId, RunId, RunRow, TaskId, TaskState, state::Look},
    stdx::{duration, time::Timestamp},
    tui::{
        actions::{Action, Context},
        columns,
        grid::{GridAsk, GridData, bar, letter, parts, took},
        keymap::shown_key,
        list::ListState,
        memory::{Standing, Stop, Tabbed, standing},
        panes::{self, absent::Absent, tasks::value_text},
        runs::Edge,
        tabs::{Beside, Tab},
        text,
        theme::Theme,
        verbs,
        world::{Ask, Purpose, Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ops::Range};

/// What a cell says beside its state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shows {
    /// The state's glyph.
    #[default]
    State,
    /// How long a task that is over took, beside its longest.
    Took,
    /// How many attempts it needed, if more than one.
    Attempts,
}

/// Runs of a pipeline by its tasks.
#[derive(Debug)]
pub struct GridView {
    pipeline: PipelineId,
    beside: Beside,
    /// The page that is looked at.
    edge: Edge,
    /// The selected run and task, by name, so that nothing that comes moves the selection.
    run: Option<RunId>,
    /// `None`: the whole run is selected.
    task: Option<TaskId>,
    /// After a page was turned: where the selection enters the next.
    enters_newest: bool,
    list: ListState,
    marked: BTreeSet<RunId>,
    shows: Shows,
}

/// How the grid stood.
#[derive(Serialize, Deserialize)]
struct Stood {
    /// What the graph is of that it stood beside.
    from: Subject,
    shows: Shows,
    edge: Edge,
    run: Option<RunId>,
    task: Option<TaskId>,
    list: ListState,
    marked: BTreeSet<RunId>,
}

/// A task, and its cell in a run that has it.
type Chosen<'a> = (&'a TaskId, Option<&'a GridCell>);

/// Columns of the detail pane.
const DETAIL: u16 = 38;
/// More runs are not read at once, however wide the terminal is.
const MOST_RUNS: usize = 60;
/// Columns of a run: its cell and a gap.
const STEP: usize = 2;

/// Where everything stands.
struct Layout {
    grid: Rect,
    /// Beside the grid; no columns where there is no room.
    detail: Rect,
    /// Columns of the task names, with what stands before and after them.
    name: usize,
    /// Lines of the bars.
    bars: usize,
    /// Lines of tasks in sight.
    rows: usize,
    /// Lines below the tasks.
    legend: usize,
    /// Runs in sight.
    runs: usize,
}

fn layout(area: Rect, data: Option<&GridData>) -> Layout {
    let right = if area.width >= 100 { DETAIL } else { 0 };
    let grid = Rect { width: area.width - right, ..area };
    let inner = (usize::from(grid.width.saturating_sub(2)), usize::from(grid.height.saturating_sub(2)));
    let longest = data.into_iter().flat_map(|data| &data.tasks).map(|task| text::width(task.as_str())).max().unwrap_or(18);
    let name = longest.clamp(14, (inner.0 / 3).max(14)) + 4;
    let (bars, legend) = if inner.1 >= 16 { (3, 3) } else { (1, 1) };
    Layout {
        detail: Rect { x: grid.right(), width: right, ..area },
        grid,
        name,
        bars,
        rows: inner.1.saturating_sub(bars + 3 + legend),
        legend,
        runs: (inner.0.saturating_sub(name + 1) / STEP).clamp(1, MOST_RUNS),
    }
}

impl GridView {
    /// Of a pipeline, beside a graph of it; the run one comes from is selected.
    pub fn new(pipeline: PipelineId, beside: Beside) -> Self {
        let run = match &beside.subject {
            Subject::Run(run) => Some(run.clone()),
            Subject::Pipeline(_) => None,
        };
        Self {
            pipeline,
            beside,
            edge: Edge::Newest,
            run,
            task: None,
            enters_newest: true,
            list: ListState::default(),
            marked: BTreeSet::new(),
            shows: Shows::default(),
        }
    }

    fn name(&self) -> String {
        format!("grid {}", self.pipeline)
    }

    fn data<'a>(&self, world: &'a World) -> Option<&'a GridData> {
        world.grid.as_ref().filter(|data| data.pipeline == self.pipeline)
    }

    /// The places of the selected run and task.
    fn cursor(&self, data: &GridData) -> (Option<usize>, Option<usize>) {
        let run = self.run.as_ref().and_then(|id| data.runs.iter().position(|run| run.run_id == *id));
        (run, self.task.as_ref().and_then(|id| data.tasks.iter().position(|task| task == id)))
    }

    fn current<'a>(&self, data: &'a GridData) -> Option<(&'a RunRow, Option<Chosen<'a>>)> {
        let (run, task) = self.cursor(data);
        let run = run?;
        Some((&data.runs[run], task.map(|task| (&data.tasks[task], data.cell(task, run)))))
    }

    fn layout(&self, world: &World) -> Layout {
        layout(body(world.size), self.data(world))
    }

    /// The tasks whose cells are wanted: those in sight and a screenful on both sides.
    fn wanted(&self, world: &World) -> Range<usize> {
        let layout = self.layout(world);
        let all = self.data(world).map_or(usize::MAX, |data| data.tasks.len());
        let seen = self.list.window(all, layout.rows);
        seen.start.saturating_sub(layout.rows)..seen.end.saturating_add(layout.rows)
    }

    fn question(&self, world: &World) -> Ask {
        let (runs, tasks) = (self.layout(world).runs, self.wanted(world));
        Ask::Grid(GridAsk { pipeline: self.pipeline.clone(), edge: self.edge.clone(), runs, tasks })
    }

    /// Moves to a task; beyond the first is the run as such.
    fn select_task(&mut self, lines: isize, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let at = self.cursor(data).1;
        let rows = self.layout(world).rows;
        match (at, lines) {
            (None, ..=0) => return Vec::new(),
            (Some(0), ..=-1) => self.task = None,
            _ => {
                let to = at.map_or_else(|| lines.unsigned_abs().saturating_sub(1), |at| at.saturating_add_signed(lines));
                self.list.select(to, data.tasks.len(), rows);
                self.task = data.tasks.get(self.list.selected).cloned();
            }
        }
        self.complete(world)
    }

    /// Asks for what is in sight and not read yet.
    fn complete(&self, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let seen = self.list.window(data.tasks.len(), self.layout(world).rows);
        if data.covers(&seen) { Vec::new() } else { vec![Intent::Ask(self.question(world))] }
    }

    /// Moves to the run before or after; at the edge of the page to the next page.
    fn step(&mut self, older: bool, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let last = data.runs.len().saturating_sub(1);
        let at = self.cursor(data).0.unwrap_or(last);
        if at == if older { 0 } else { last } {
            return self.turn(older, world);
        }
        let to = if older { at - 1 } else { at + 1 };
        self.run = data.runs.get(to).map(|run| run.run_id.clone());
        Vec::new()
    }

    fn turn(&mut self, older: bool, world: &World) -> Vec<Intent> {
        let Some(edge) = self.data(world).and_then(|data| data.beyond(older)) else {
            let words = if older { "these are the oldest runs" } else { "these are the newest runs" };
            return vec![Intent::Say(crate::tui::world::Tone::Note, words.to_owned())];
        };
        self.edge = edge;
        self.enters_newest = older;
        vec![Intent::Ask(self.question(world))]
    }

    fn mark(&mut self) {
        if let Some(run) = self.run.clone()
            && !self.marked.remove(&run)
        {
            self.marked.insert(run);
        }
    }

    fn verb(&self, action: Action, world: &World) -> Vec<Intent> {
        let pipeline = self.pipeline.to_string();
        let current = self.data(world).and_then(|data| self.current(data));
        let task = || current.and_then(|(_, task)| Some((task?.0.clone(), task?.1?)));
        let intent = match (action, current) {
            (Action::Trigger, _) => Intent::Ask(Ask::Definition { pipeline, purpose: Purpose::Trigger }),
            (Action::Open, Some((run, _))) => {
                let subject = Subject::Run(run.run_id.clone());
                Intent::Open(Box::new(task().map_or_else(|| RunView::new(subject.clone()), |(id, _)| RunView::at(subject.clone(), id))))
            }
            (Action::Retry, Some((run, _))) => verbs::retry(run.run_id.clone(), task().map(|(id, _)| id)),
            (Action::Skip, Some((run, _))) => match task() {
                Some((id, _)) => verbs::skip(run.run_id.clone(), id),
                None => return Vec::new(),
            },
            (Action::Cancel, Some((run, _))) => Intent::Show(Box::new(verbs::ask_cancel_run(&run.run_id, run.number, None))),
            (Action::Why, Some((run, _))) => Intent::Ask(Ask::Why { run: run.run_id.clone(), task: task().map(|(id, _)| id) }),
            _ => return Vec::new(),
        };
        vec![intent]
    }
}

impl View for GridView {
    fn contexts(&self) -> Vec<Context> {
        vec![Context::Grid, Context::List, Context::Global]
    }

    fn place(&self) -> Place {
        Place::Pipelines
    }

    fn crumbs(&self, _world: &World) -> String {
        let marked = if self.marked.is_empty() { String::new() } else { format!("  ·  {} marked", self.marked.len()) };
        format!("Pipelines ▸ {} ▸ runs by tasks{marked}", text::safe(self.pipeline.as_str()))
    }

    fn aside(&self, _world: &World) -> String {
        self.beside.titles(Tab::Grid)
    }

    fn hints(&self) -> &'static [Action] {
        &[
            Action::Open,
            Action::Older,
            Action::Newer,
            Action::Mark,
            Action::ViewCycle,
            Action::Retry,
            Action::Skip,
            Action::Cancel,
            Action::Why,
            Action::NextTab,
        ]
    }

    fn asks(&self, world: &World) -> Vec<Ask> {
        vec![self.question(world)]
    }

    fn is_live(&self, world: &World) -> bool {
        self.data(world).is_some_and(|data| data.runs.iter().any(|run| !run.state.is_terminal()))
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        let Some(data) = self.data(world) else { return Vec::new() };
        let (run, task) = self.cursor(data);
        if run.is_none() {
            let enters = if self.enters_newest { data.runs.last() } else { data.runs.first() };
            self.run = enters.map(|run| run.run_id.clone());
        }
        let rows = layout(body(world.size), Some(data)).rows;
        let line = task.unwrap_or(if self.task.is_some() { self.list.selected } else { 0 });
        self.list.select(line, data.tasks.len(), rows);
        if self.task.is_some() {
            self.task = data.tasks.get(self.list.selected).cloned();
        }
        self.complete(world)
    }

    fn stands(&self, _world: &World) -> Vec<Standing> {
        let (from, edge, run, task) = (self.beside.subject.clone(), self.edge.clone(), self.run.clone(), self.task.clone());
        let marked = self.marked.clone();
        vec![standing(self.name(), &Stood { from, shows: self.shows, edge, run, task, list: self.list, marked })]
    }

    fn recall(&mut self, world: &World) {
        let Some(stood) = world.stood.of::<Stood>(&self.name()) else { return };
        (self.shows, self.marked) = (stood.shows, stood.marked);
        // Whoever comes from another run wants to see that one.
        if stood.from == self.beside.subject {
            (self.edge, self.run, self.task, self.list) = (stood.edge, stood.run, stood.task, stood.list);
        }
    }

    fn stop(&self, _world: &World) -> Option<Stop> {
        Some(Stop::Grid(Tabbed::new(&self.pipeline, &self.beside)))
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let data = self.data(world);
        let Some((run, task)) = data.and_then(|data| self.current(data)) else {
            return match action {
                Action::Back | Action::Trigger | Action::NextTab | Action::PreviousTab => Ok(()),
                _ if data.is_none() => Err("the runs are still being read".into()),
                _ => Err(format!("no run yet ({} starts one)", shown_key(Action::Trigger))),
            };
        };
        match action {
            Action::Older if !data.is_some_and(|data| data.older) => Err("these are the oldest runs".into()),
            Action::Newer if !data.is_some_and(|data| data.newer) => Err("these are the newest runs".into()),
            Action::Open | Action::Retry | Action::Skip if matches!(task, Some((_, None))) => {
                Err(format!("run {} had no such task", run.number))
            }
            Action::Retry if task.is_some_and(|(_, cell)| cell.is_some_and(|cell| cell.state == TaskState::Success)) => {
                Err("nothing to retry (task succeeded)".into())
            }
            Action::Retry if task.is_some_and(|(_, cell)| cell.is_some_and(|cell| cell.state.is_terminal())) => Ok(()),
            Action::Skip if task.is_none() => Err("select a task first".into()),
            Action::Skip if task.is_some_and(|(_, cell)| cell.is_some_and(|cell| cell.state == TaskState::Success)) => {
                Err("nothing to skip (task succeeded)".into())
            }
            Action::Skip => Ok(()),
            Action::Retry | Action::Cancel | Action::Why | Action::RetryFrom | Action::Approve | Action::More => {
                verbs::possible_for_run(action, Some((run.state, run.number)))
            }
            Action::Failure | Action::Undo | Action::Pause => Err("open the run first".into()),
            Action::NextAttempt | Action::PreviousAttempt => Err("in the run view, with the task selected".into()),
            Action::NextPane | Action::PreviousPane => Err("there is one pane here".into()),
            Action::Search | Action::Sort => Err("in the history (])".into()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if let Some(lines) = distance(action, self.layout(world).rows) {
            return self.select_task(lines, world);
        }
        match action {
            Action::Back => return vec![Intent::Back],
            Action::NextTab | Action::PreviousTab => return self.beside.turn(Tab::Grid, action == Action::NextTab, &self.pipeline),
            Action::Left | Action::Right => return self.step(action == Action::Left, world),
            Action::Older | Action::Newer => return self.turn(action == Action::Older, world),
            Action::Mark => self.mark(),
            Action::ViewCycle => {
                self.shows = match self.shows {
                    Shows::State => Shows::Took,
                    Shows::Took => Shows::Attempts,
                    Shows::Attempts => Shows::State,
                };
            }
            _ => return self.verb(action, world),
        }
        Vec::new()
    }

    fn selected(&self, world: &World) -> Selected {
        let current = self.data(world).and_then(|data| self.current(data));
        Selected {
            pipeline: Some(self.pipeline.clone()),
            run: current.map(|(run, _)| run.run_id.clone()),
            task: current.and_then(|(_, task)| Some(task?.0.clone())),
            ..Selected::default()
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let layout = layout(area, self.data(world));
        let Some(data) = self.data(world).filter(|data| !data.runs.is_empty()) else {
            let absent = if self.data(world).is_some() { Absent::no_run() } else { Absent::unread(world) };
            return absent.draw(frame, area, "Runs × tasks", "the runs", theme);
        };
        self.grid(frame, &layout, data, world.now, theme);
        if layout.detail.width > 0 {
            self.detail(frame, layout.detail, data, world.now, theme);
        }
    }
}

impl GridView {
    fn grid(&self, frame: &mut Frame<'_>, layout: &Layout, data: &GridData, now: Timestamp, theme: &Theme) {
        let older = if data.older { format!("◂ {} older  ", shown_key(Action::Older)) } else { String::new() };
        let newer = if data.newer { format!("  {} newer ▸", shown_key(Action::Newer)) } else { String::new() };
        let (first, last) = (data.runs.first().map_or(0, |run| run.number), data.runs.last().map_or(0, |run| run.number));
        let inner = panes::framed(frame, layout.grid, "Runs × tasks", &format!("{older}runs {first}–{last}{newer}"), true, theme);
        let columns = Columns { x: usize::from(inner.x) + layout.name + 1, count: layout.runs.min(data.runs.len()), right: inner.right() };
        let line = |n: usize| Rect { y: inner.y + u16::try_from(n).unwrap_or(u16::MAX).min(inner.height), height: 1, ..inner };
        let muted = theme.style("fg.muted");
        let put = |frame: &mut Frame<'_>, n: usize, words: &str| panes::lines(frame, line(n), [Line::styled(format!(" {words}"), muted)]);

        let durations = data.durations(now);
        let longest = durations.iter().flatten().max().copied().unwrap_or_default();
        put(frame, 0, &format!("took, max {}", duration::short(longest)));
        for (at, part) in parts(&durations).into_iter().enumerate().take(columns.count) {
            let token = data.runs[at].state.look().token;
            for (n, glyph) in bar(part.unwrap_or(0.0), layout.bars).into_iter().enumerate() {
                columns.put(frame, line(n).y, at, &glyph.to_string(), theme.style(token));
            }
        }
        let (run, task) = self.cursor(data);
        let numbers = layout.bars;
        put(frame, numbers, "run");
        columns.numbers(frame, line(numbers).y, data, run, theme);
        put(frame, numbers + 1, "trigger");
        let marks = numbers + 2;
        for (at, row) in data.runs.iter().enumerate().take(columns.count) {
            columns.put(frame, line(numbers + 1).y, at, letter(row.run_type), muted);
            if self.marked.contains(&row.run_id) {
                columns.put(frame, line(marks).y, at, "●", theme.style("accent"));
            }
        }
        if let (Some(at), None) = (run, task) {
            columns.around(frame, line(numbers + 1).y, at, theme);
        }

        let window = self.list.window(data.tasks.len(), layout.rows);
        for (n, at_task) in window.clone().enumerate() {
            let y = line(marks + 1 + n).y;
            let is_selected = task == Some(at_task);
            let (mark, style) = if is_selected { (">", theme.style("title")) } else { (" ", theme.style("fg")) };
            let name = text::left(&text::safe(data.tasks[at_task].as_str()), layout.name.saturating_sub(4));
            let line = Line::from(vec![Span::styled(format!(" {mark} "), theme.style("accent")), Span::styled(name, style)]);
            frame.buffer_mut().set_line(inner.x, y, &line, inner.width);
            let longest = (0..columns.count).filter_map(|run| took(data.cell(at_task, run)?)).max();
            for at in 0..columns.count {
                let (glyph, style) = self.glyph(data.cell(at_task, at), longest, theme);
                columns.put(frame, y, at, &glyph, style);
            }
            if let Some(at) = run.filter(|_| is_selected) {
                columns.around(frame, y, at, theme);
            }
        }
        let more = data.tasks.len() - window.end;
        let used = if more > 0 || window.start > 0 { layout.rows } else { (window.len() + 1).min(layout.rows) };
        let below = line(marks + 1 + used).y;
        let below = Rect { x: inner.x + 1, y: below, width: inner.width.saturating_sub(2), height: inner.bottom().saturating_sub(below) };
        self.legend(frame, below, layout, (more, data), now, theme);
    }

    /// What the cells mean, and where there is no detail pane what is selected.
    fn legend(&self, frame: &mut Frame<'_>, area: Rect, layout: &Layout, (more, data): (usize, &GridData), now: Timestamp, theme: &Theme) {
        let muted = theme.style("fg.muted");
        let mut lines = Vec::new();
        let hidden = if more > 0 { format!("▾ {more} more") } else { String::new() };
        if layout.detail.width == 0
            && let Some((run, selected)) = self.current(data)
        {
            let (name, look, time) = match selected {
                Some((task, Some(cell))) => (format!(" {task}"), cell.state.look(), text::took(cell.started_at, cell.ended_at, now)),
                Some((task, None)) => (format!(" {task}: not in this run"), TaskState::Pending.look(), String::new()),
                None => (String::new(), run.state.look(), text::took(run.started_at, run.ended_at, now)),
            };
            lines.push(Line::from(vec![
                Span::styled(text::safe(&format!("run {}{name}  ", run.number)), theme.style("title")),
                Span::styled(format!("{} {}", look.glyph, look.code), theme.style(look.token)),
                Span::styled(format!("  {time}  {hidden}"), muted),
            ]));
        } else if layout.legend > 1 {
            lines.push(Line::styled(hidden, muted));
        }
        let words: &[&str] = match self.shows {
            Shows::State => &[
                "✓ ok  ✗ failed  ▵ upstream failed  ⊜ cache hit  ↻ retry wait",
                "↷ skipped  ⊘ canceled  ▸ running  ◌ waiting  ☐ approval  · none",
            ],
            Shows::Took => &["▁ to █: how long it took, beside its longest here", "any other glyph: its state"],
            Shows::Attempts => &["2 to 9: how many attempts it needed", "any other glyph: its state after one"],
        };
        lines.extend(words.iter().map(|words| Line::styled(text::cut(words, usize::from(area.width)), muted)));
        panes::lines(frame, area, lines);
    }

    fn glyph(&self, cell: Option<&GridCell>, longest: Option<std::time::Duration>, theme: &Theme) -> (String, Style) {
        let Some(cell) = cell else { return ("·".to_owned(), theme.style("edge.dim")) };
        let Look { glyph, token, .. } = cell.state.look();
        let said = match self.shows {
            Shows::Took if cell.state == TaskState::Success => took(cell).map(|time| bar(part(time, longest), 1)[0].to_string()),
            Shows::Attempts if cell.attempt > 1 => Some(if cell.attempt > 9 { "+".to_owned() } else { cell.attempt.to_string() }),
            Shows::State | Shows::Took | Shows::Attempts => None,
        };
        (said.unwrap_or_else(|| glyph.to_string()), theme.style(token))
    }

    fn detail(&self, frame: &mut Frame<'_>, area: Rect, data: &GridData, now: Timestamp, theme: &Theme) {
        let Some((run, selected)) = self.current(data) else { return };
        let cell = selected.and_then(|(_, cell)| cell);
        let look = cell.map_or_else(|| run.state.look(), |cell| cell.state.look());
        let title = selected.map_or_else(|| format!("Run {}", run.number), |(task, _)| format!("Run {} · {task}", run.number));
        let inner = panes::framed(frame, area, &title, &format!("{} {}", look.glyph, look.code), false, theme);
        let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let width = usize::from(inner.width);
        let mut facts = Facts { lines: Vec::new(), width, theme };
        match selected {
            Some((_, Some(cell))) => facts.of_cell(cell, self.cursor(data).1.and_then(|task| data.median(task)), now),
            Some((_, None)) => facts.say("this run had no such task", "fg.muted"),
            None => facts.of_run(run, now),
        }
        facts.fact("params", &columns::params(run));
        let before = data.runs.iter().position(|one| one.run_id == run.run_id).and_then(|at| data.runs.get(at.checked_sub(1)?));
        if let Some(before) = before {
            facts.against(run, before);
        }
        panes::lines(frame, inner, facts.lines);
    }
}

fn part(time: std::time::Duration, longest: Option<std::time::Duration>) -> f64 {
    longest.map_or(1.0, |longest| if longest.is_zero() { 1.0 } else { time.as_secs_f64() / longest.as_secs_f64() })
}

/// Where the runs stand.
struct Columns {
    x: usize,
    count: usize,
    right: u16,
}

impl Columns {
    fn x(&self, at: usize) -> u16 {
        u16::try_from(self.x + at * STEP).unwrap_or(u16::MAX)
    }

    fn put(&self, frame: &mut Frame<'_>, y: u16, at: usize, glyph: &str, style: Style) {
        let x = self.x(at);
        if x < self.right {
            frame.buffer_mut().set_string(x, y, glyph, style);
        }
    }

    /// Marks the selected cell, so that it can be told without colour.
    fn around(&self, frame: &mut Frame<'_>, y: u16, at: usize, theme: &Theme) {
        let x = self.x(at);
        if x + 1 >= self.right {
            return;
        }
        frame.buffer_mut().set_string(x - 1, y, "[", theme.style("accent"));
        frame.buffer_mut().set_string(x + 1, y, "]", theme.style("accent"));
        frame.buffer_mut().set_style(Rect { x: x - 1, y, width: 3, height: 1 }, theme.style("selection"));
    }

    /// Numbers of runs, ending at their column: the selected one, and as many others as have room.
    fn numbers(&self, frame: &mut Frame<'_>, y: u16, data: &GridData, selected: Option<usize>, theme: &Theme) {
        let mut taken: Vec<Range<u16>> = Vec::new();
        let every = (0..self.count).rev().step_by(4);
        for (at, token) in selected.into_iter().map(|at| (at, "title")).chain(every.map(|at| (at, "fg.muted"))) {
            let Some(number) = data.runs.get(at).map(|run| run.number.to_string()) else { continue };
            let end = self.x(at) + 1;
            let start = end.saturating_sub(u16::try_from(number.len()).unwrap_or(0));
            let is_free = taken.iter().all(|other| end < other.start || start > other.end);
            if is_free && end <= self.right && usize::from(start) + 4 > self.x {
                frame.buffer_mut().set_string(start, y, &number, theme.style(token));
                taken.push(start..end);
            }
        }
    }
}

/// Facts below each other: a name, and what is known.
struct Facts<'a> {
    lines: Vec<Line<'static>>,
    width: usize,
    theme: &'a Theme,
}

/// Columns of a fact's name.
const FACT: usize = 9;

impl Facts<'_> {
    fn fact(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        for (n, line) in text::wrap(&text::safe(value), self.width.saturating_sub(FACT + 1)).into_iter().enumerate() {
            let name = text::left(if n == 0 { name } else { "" }, FACT);
            self.lines.push(Line::from(vec![
                Span::styled(format!("{name} "), self.theme.style("fg.muted")),
                Span::styled(line, self.theme.style("fg")),
            ]));
        }
    }

    fn say(&mut self, words: &str, token: &str) {
        let style = self.theme.style(token);
        self.lines.extend(text::wrap(&text::safe(words), self.width).into_iter().map(|line| Line::styled(line, style)));
    }

    fn of_run(&mut self, run: &RunRow, now: Timestamp) {
        self.fact("started", &run.started_at.map(|at| at.format("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default());
        self.fact("took", &text::took(run.started_at, run.ended_at, now));
        self.fact("trigger", &format!("{} by {}", run.run_type.word(), run.by));
        self.fact("code", &columns::commit(run));
    }

    fn of_cell(&mut self, cell: &GridCell, median: Option<std::time::Duration>, now: Timestamp) {
        self.fact("started", &cell.started_at.map(|at| at.format("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default());
        let usual = median.map(|median| format!("  (median {})", duration::short(median))).unwrap_or_default();
        self.fact("took", &format!("{}{usual}", text::took(cell.started_at, cell.ended_at, now)));
        if cell.instances > 1 {
            self.fact("instances", &format!("{} of {} over", cell.over, cell.instances));
        }
        if cell.attempt > 0 {
            let exit = cell.exit_code.map(|code| format!(", exit {code}")).unwrap_or_default();
            self.fact("attempt", &format!("{}{exit}", cell.attempt));
        }
        if let Some(reason) = cell.reason {
            self.fact("reason", &reason.word().replace('_', " "));
        }
        self.fact(
            "metrics",
            &cell.metrics.iter().map(|(name, value)| format!("{name} {}", value_text(value))).collect::<Vec<_>>().join(" · "),
        );
        if let Some(message) = &cell.message {
            self.say(message, if cell.state == TaskState::Failed { "error" } else { "fg" });
        }
        for gate in &cell.gates {
            self.say(&format!("{} {}", if gate.passed { '✓' } else { '✗' }, gate.expression), if gate.passed { "ok" } else { "error" });
        }
        self.lines.push(Line::raw(""));
    }

    /// What is different from the run before.
    fn against(&mut self, run: &RunRow, before: &RunRow) {
        let mut differences = Vec::new();
        if run.git.commit != before.git.commit {
            differences.push(("code", format!("{} → {}", columns::commit(before), columns::commit(run))));
        }
        let names: BTreeSet<&String> = run.params.keys().chain(before.params.keys()).collect();
        let value = |row: &RunRow, name: &str| row.params.get(name).map_or_else(|| "-".to_owned(), value_text);
        for name in names {
            let (was, is) = (value(before, name), value(run, name));
            if was != is {
                differences.push(("param", format!("{name} {was} → {is}")));
            }
        }
        self.lines.push(Line::raw(""));
        let verdict = if differences.is_empty() { " same params, same code" } else { "" };
        self.say(&format!("vs run {}{verdict}", before.number), "fg.muted");
        for (name, what) in differences {
            self.fact(&format!("  {name}"), &what);
        }
    }
}

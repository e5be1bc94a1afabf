//! History: the runs of a pipeline, or of all, newest first.

use super::{Intent, Place, Selected, Typed, View, body, distance, run::RunView, timeline::TimelineView};
use crate::{
    model::{PipelineId, RunId, RunRow},
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        input::Filter,
        list::{self, Column, ListState},
        panes::{self, tasks::value_text},
        text,
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

/// Runs read at once; more are read when the end is near.
const PAGE: usize = 200;

/// The list of runs.
#[derive(Debug)]
pub struct HistoryView {
    pipeline: Option<PipelineId>,
    /// The run whose tabs this one stands beside.
    beside: Option<Subject>,
    list: ListState,
    selected: Option<RunId>,
    filter: Filter,
    limit: usize,
}

const COLUMNS: &[Column] = &[
    Column { title: "RUN", width: 5, grows: false, drop: 0 },
    Column { title: "STATE", width: 6, grows: false, drop: 0 },
    Column { title: "PIPELINE", width: 20, grows: false, drop: 0 },
    Column { title: "STARTED (UTC)", width: 16, grows: false, drop: 0 },
    Column { title: "TOOK", width: 6, grows: false, drop: 0 },
    Column { title: "TRIGGER", width: 9, grows: false, drop: 3 },
    Column { title: "BY", width: 14, grows: true, drop: 4 },
    Column { title: "COMMIT", width: 8, grows: false, drop: 2 },
    Column { title: "PARAMS", width: 18, grows: true, drop: 1 },
];

impl HistoryView {
    /// Of one pipeline, or of all.
    pub fn new(pipeline: Option<PipelineId>) -> Self {
        Self { pipeline, beside: None, list: ListState::default(), selected: None, filter: Filter::default(), limit: PAGE }
    }

    /// Of the pipeline of a run that is looked at.
    pub fn beside(pipeline: PipelineId, run: Subject) -> Self {
        Self { beside: Some(run), ..Self::new(Some(pipeline)) }
    }

    fn all<'a>(&self, world: &'a World) -> Option<&'a [RunRow]> {
        world.runs.as_ref().filter(|runs| runs.pipeline == self.pipeline).map(|runs| runs.rows.as_slice())
    }

    fn rows<'a>(&self, world: &'a World) -> Vec<&'a RunRow> {
        let all = self.all(world).unwrap_or_default();
        let keeps = |run: &RunRow| {
            let words =
                [run.pipeline.to_string(), run.state.word().to_owned(), run.number.to_string(), run.by.clone(), params(run), commit(run)];
            self.filter.keeps(words.iter().map(String::as_str))
        };
        all.iter().filter(|run| keeps(run)).collect()
    }

    fn height(area: Rect) -> usize {
        usize::from(area.height.saturating_sub(3))
    }

    fn select(&mut self, line: usize, world: &World) {
        let rows = self.rows(world);
        self.list.select(line, rows.len(), Self::height(body(world.size)));
        self.selected = rows.get(self.list.selected).map(|run| run.run_id.clone());
    }

    fn keep_selection(&mut self, world: &World) {
        let line = self.selected.as_ref().and_then(|id| self.rows(world).iter().position(|run| run.run_id == *id));
        self.select(line.unwrap_or(self.list.selected), world);
    }

    /// More runs, when the selection nears the end of those that were read.
    fn more(&mut self, world: &World) -> Vec<Intent> {
        let read = self.all(world).map_or(0, <[_]>::len);
        if read < self.limit || self.list.selected + PAGE / 4 < self.rows(world).len() {
            return Vec::new();
        }
        self.limit += PAGE;
        vec![Intent::Ask(Ask::Runs { pipeline: self.pipeline.clone(), limit: self.limit })]
    }

    fn verb(&self, action: Action, world: &World) -> Vec<Intent> {
        let run = self.rows(world).get(self.list.selected).copied();
        let trigger = |pipeline: &PipelineId| Ask::Definition { pipeline: pipeline.to_string(), purpose: Purpose::Trigger };
        let intent = match (action, run) {
            (Action::Trigger, run) => match self.pipeline.as_ref().or(run.map(|run| &run.pipeline)) {
                Some(pipeline) => Intent::Ask(trigger(pipeline)),
                None => return Vec::new(),
            },
            (Action::Open, Some(run)) => Intent::Open(Box::new(RunView::new(Subject::Run(run.run_id.clone())))),
            (Action::Retry, Some(run)) => verbs::retry(run.run_id.clone(), None),
            (Action::Cancel, Some(run)) => Intent::Show(Box::new(verbs::ask_cancel_run(&run.run_id, run.number, None))),
            (Action::Why, Some(run)) => Intent::Ask(Ask::Why { run: run.run_id.clone(), task: None }),
            (Action::Pause, Some(run)) => verbs::pause_run(run),
            (Action::Undo, Some(run)) => match verbs::ask_undo(run) {
                Some(dialog) => Intent::Show(Box::new(dialog)),
                None => return Vec::new(),
            },
            (Action::PreviousTab, _) if self.beside.is_some() => {
                let timeline = self.beside.clone().map(|run| Intent::Open(Box::new(TimelineView::new(run, 0))));
                return std::iter::once(Intent::Back).chain(timeline).collect();
            }
            (Action::Back | Action::NextTab | Action::PreviousTab, _) => Intent::Back,
            _ => return Vec::new(),
        };
        vec![intent]
    }
}

impl View for HistoryView {
    fn contexts(&self) -> Vec<Context> {
        if self.filter.is_typing() { vec![Context::Prompt] } else { vec![Context::List, Context::Global] }
    }

    fn place(&self) -> Place {
        if self.pipeline.is_some() { Place::Pipelines } else { Place::Runs }
    }

    fn crumbs(&self, _world: &World) -> String {
        match &self.pipeline {
            Some(pipeline) => format!("Pipelines ▸ {} ▸ history", text::safe(pipeline.as_str())),
            None => "Runs of all pipelines".to_owned(),
        }
    }

    fn aside(&self, _world: &World) -> String {
        let tabs = match (&self.pipeline, &self.beside) {
            (None, _) => "",
            (Some(_), None) => "Graph [History]",
            (Some(_), Some(_)) => "Graph Timeline [History]",
        };
        let filter =
            if self.filter.is_on() && !self.filter.is_typing() { format!("filter: {}  ", self.filter.text()) } else { String::new() };
        filter + tabs
    }

    fn hints(&self) -> &'static [Action] {
        if self.filter.is_typing() {
            return &[Action::PromptDone, Action::PromptClear];
        }
        &[Action::Open, Action::Trigger, Action::Retry, Action::Cancel, Action::Why, Action::Search]
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Runs { pipeline: self.pipeline.clone(), limit: self.limit }]
    }

    fn is_live(&self, world: &World) -> bool {
        self.all(world).unwrap_or_default().iter().any(|run| !run.state.is_terminal())
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        self.keep_selection(world);
        Vec::new()
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        if matches!(action, Action::Failure | Action::NextAttempt | Action::PreviousAttempt) {
            return Err("in the run view, with the task selected".into());
        }
        let run = self.rows(world).get(self.list.selected).copied();
        match action {
            Action::Open if run.is_none() => Err("no run is selected".into()),
            Action::Trigger if self.pipeline.is_none() && run.is_none() => Err("no pipeline is selected".into()),
            Action::Pause | Action::Undo => {
                run.map_or_else(|| Err("no run is selected".into()), |run| verbs::possible_for_row(action, run))
            }
            Action::Retry | Action::Cancel | Action::Why | Action::Skip | Action::RetryFrom | Action::Approve | Action::More => {
                verbs::possible_for_run(action, run.map(|run| (run.state, run.number)))
            }
            Action::NextTab | Action::PreviousTab if self.pipeline.is_none() => Err("select a run and open it first".into()),
            Action::Back if !self.filter.is_on() && self.pipeline.is_none() => Err("nowhere to go back (1 goes home, q leaves)".into()),
            Action::NextPane | Action::PreviousPane | Action::Left | Action::Right => Err("there is one list here".into()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if let Some(lines) = distance(action, Self::height(body(world.size))) {
            self.select(self.list.selected.saturating_add_signed(lines), world);
            return self.more(world);
        }
        match action {
            Action::Search => self.filter.start(),
            Action::PromptDone => self.filter.done(),
            Action::PromptErase => self.filter.erase(),
            Action::PromptClear => self.filter.clear(),
            Action::Back if self.filter.is_on() => self.filter.clear(),
            _ => return self.verb(action, world),
        }
        self.keep_selection(world);
        Vec::new()
    }

    fn typed(&mut self, input: Typed, world: &World) -> Vec<Intent> {
        self.filter.typed(input);
        self.select(0, world);
        Vec::new()
    }

    fn selected(&self, world: &World) -> Selected {
        let run = self.rows(world).get(self.list.selected).copied();
        let pipeline = run.map(|run| run.pipeline.clone()).or_else(|| self.pipeline.clone());
        Selected { pipeline, run: run.map(|run| run.run_id.clone()), ..Selected::default() }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let all = self.all(world);
        let rows = self.rows(world);
        let right = match all.map(<[_]>::len) {
            Some(n) if n != rows.len() => format!("{} of {n}", rows.len()),
            Some(n) => text::count(n, "run"),
            None => String::new(),
        };
        let inner = panes::framed(frame, area, "Runs", &right, true, theme);
        if rows.is_empty() {
            let words = match (all, self.filter.is_on()) {
                (None, _) => "reading…",
                (_, true) => "nothing matches the filter (Esc clears it)",
                (_, false) => "no run yet: t starts one",
            };
            panes::lines(frame, inner, [Line::styled(format!("  {words}"), theme.style("fg.muted"))]);
        } else {
            self.table(frame, inner, &rows, world.now, theme);
        }
        if self.filter.is_typing() {
            let line = Rect { x: area.x + 2, y: area.bottom().saturating_sub(1), width: area.width.saturating_sub(4).min(40), height: 1 };
            self.filter.draw(frame, line, theme);
        }
    }
}

impl HistoryView {
    fn table(&self, frame: &mut Frame<'_>, inner: Rect, rows: &[&RunRow], now: Timestamp, theme: &Theme) {
        let content = Rect { height: inner.height.saturating_sub(1), y: inner.y + 1, ..inner };
        let columns: Vec<Column> = COLUMNS.iter().copied().filter(|column| self.pipeline.is_none() || column.title != "PIPELINE").collect();
        let fitted = list::fit(&columns, usize::from(inner.width).saturating_sub(3));
        frame.buffer_mut().set_line(inner.x + 2, inner.y, &list::header(&columns, &fitted, theme), inner.width.saturating_sub(2));
        let window = self.list.window(rows.len(), usize::from(content.height));
        let lines = rows[window.clone()].iter().map(|run| {
            let mut cells = cells(run, now, theme);
            if self.pipeline.is_some() {
                cells.remove(2);
            }
            let mut line = list::row(&cells, &fitted);
            line.spans.insert(0, Span::raw(" "));
            line
        });
        list::draw(frame, content, lines, Some((self.list.selected.saturating_sub(window.start), "selection")), theme);
    }
}

fn cells(run: &RunRow, now: Timestamp, theme: &Theme) -> Vec<(String, ratatui::style::Style)> {
    let look = run.state.look();
    let (fg, muted) = (theme.style("fg"), theme.style("fg.muted"));
    vec![
        (run.number.to_string(), fg),
        (format!("{} {}", look.glyph, look.code), theme.style(look.token)),
        (text::safe(run.pipeline.as_str()), fg),
        (run.started_at.unwrap_or(run.created_at).format("%Y-%m-%d %H:%M").to_string(), fg),
        (text::right(&text::took(run.started_at, run.ended_at, now), 6), fg),
        (run.run_type.word().to_owned(), muted),
        (text::safe(&run.by), muted),
        (commit(run), muted),
        (text::safe(&params(run)), muted),
    ]
}

/// The commit's beginning; `*` if files differed from it.
fn commit(run: &RunRow) -> String {
    let Some(commit) = &run.git.commit else { return "-".to_owned() };
    text::safe(text::take(commit, 7)) + if run.git.dirty == Some(true) { "*" } else { "" }
}

/// `epochs=50 lr=0.01`.
fn params(run: &RunRow) -> String {
    let pairs: Vec<_> = run.params.iter().map(|(name, value)| format!("{name}={}", value_text(value))).collect();
    pairs.join(" ")
}

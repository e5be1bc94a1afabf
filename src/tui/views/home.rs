//! Home: every pipeline, those that need a person first.

use super::{Intent, Place, Selected, Typed, View, body, distance, history::HistoryView, run::RunView};
use crate::{
    model::{PipelineId, PipelineRow, RunState, TaskState},
    stdx::time::Timestamp,
    tui::{
        actions::{Action, Context},
        input::Filter,
        list::{self, Column, ListState},
        panes, text,
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

/// The list of pipelines.
#[derive(Debug, Default)]
pub struct HomeView {
    list: ListState,
    /// What is selected, by name, so that a new order does not move it.
    selected: Option<PipelineId>,
    filter: Filter,
}

const COLUMNS: &[Column] = &[
    Column { title: "STATE", width: 6, grows: false, drop: 0 },
    Column { title: "PIPELINE", width: 19, grows: true, drop: 0 },
    Column { title: "LAST 10", width: 10, grows: false, drop: 2 },
    Column { title: "LAST RUN", width: 16, grows: false, drop: 0 },
    Column { title: "NEXT TRIGGER", width: 20, grows: true, drop: 1 },
    Column { title: "OWNER", width: 12, grows: false, drop: 3 },
];

/// How soon a person should look: smaller is sooner.
fn attention(row: &PipelineRow) -> u8 {
    match row.last_run.as_ref().map(|run| run.state) {
        _ if row.error.is_some() => 0,
        Some(RunState::Failed) => 1,
        Some(RunState::Running | RunState::Queued | RunState::Canceling) => 2,
        Some(RunState::Success | RunState::Canceled) | None => 3,
    }
}

impl HomeView {
    /// What the filter keeps, in order of attention.
    fn rows<'a>(&self, world: &'a World) -> Vec<&'a PipelineRow> {
        let all = world.pipelines.as_deref().unwrap_or_default();
        let texts = |row: &'a PipelineRow| {
            [row.pipeline.as_str(), &row.description, &row.owner].into_iter().chain(row.tags.iter().map(String::as_str))
        };
        let mut rows: Vec<_> = all.iter().filter(|row| self.filter.keeps(texts(row))).collect();
        rows.sort_by_key(|row| (attention(row), row.next_fire.is_none(), row.next_fire, row.pipeline.clone()));
        rows
    }

    fn current<'a>(&self, world: &'a World) -> Option<&'a PipelineRow> {
        self.rows(world).get(self.list.selected).copied()
    }

    fn height(area: Rect) -> usize {
        usize::from(list_area(area).height.saturating_sub(3))
    }

    fn select(&mut self, line: usize, world: &World) {
        let rows = self.rows(world);
        self.list.select(line, rows.len(), Self::height(body(world.size)));
        self.selected = rows.get(self.list.selected).map(|row| row.pipeline.clone());
    }

    fn keep_selection(&mut self, world: &World) {
        let line = self.selected.as_ref().and_then(|id| self.rows(world).iter().position(|row| row.pipeline == *id));
        self.select(line.unwrap_or(self.list.selected), world);
    }

    fn open(row: &PipelineRow) -> Intent {
        if row.error.is_some() {
            return Intent::Ask(Ask::Definition { pipeline: row.file.clone(), purpose: Purpose::Diagnostics });
        }
        let subject = match &row.last_run {
            Some(run) => Subject::Run(run.run_id.clone()),
            None => Subject::Pipeline(row.pipeline.clone()),
        };
        Intent::Open(Box::new(RunView::new(subject)))
    }
}

impl View for HomeView {
    fn contexts(&self) -> Vec<Context> {
        if self.filter.is_typing() { vec![Context::Prompt] } else { vec![Context::List, Context::Global] }
    }

    fn place(&self) -> Place {
        Place::Pipelines
    }

    fn crumbs(&self, world: &World) -> String {
        let Some(all) = &world.pipelines else { return "Pipelines".to_owned() };
        let count = |rank| all.iter().filter(|row| attention(row) == rank).count();
        let mut parts = vec![format!("Pipelines  {}", all.len())];
        let runs = || all.iter().filter_map(|row| row.last_run.as_ref()).filter(|run| !run.state.is_terminal());
        let approve = runs().filter(|run| run.awaiting > 0).count();
        let paused = runs().filter(|run| run.paused).count();
        let counted = [(count(0), "broken"), (count(1), "failed"), (count(2), "running"), (approve, "to approve"), (paused, "paused")];
        for (n, what) in counted {
            if n > 0 {
                parts.push(format!("{n} {what}"));
            }
        }
        parts.join(" · ")
    }

    fn aside(&self, _world: &World) -> String {
        if self.filter.is_on() && !self.filter.is_typing() { format!("filter: {}", self.filter.text()) } else { String::new() }
    }

    fn hints(&self) -> &'static [Action] {
        if self.filter.is_typing() {
            return &[Action::PromptDone, Action::PromptClear];
        }
        &[Action::Open, Action::Trigger, Action::NextTab, Action::Retry, Action::Cancel, Action::Why, Action::Pause, Action::Search]
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Pipelines]
    }

    fn is_live(&self, world: &World) -> bool {
        world.pipelines.iter().flatten().any(|row| attention(row) == 2)
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        self.keep_selection(world);
        Vec::new()
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        if matches!(action, Action::Failure | Action::NextAttempt | Action::PreviousAttempt) {
            return Err("in the run view, with the task selected".into());
        }
        let row = self.current(world);
        let run = row.and_then(|row| row.last_run.as_ref());
        match action {
            Action::Open | Action::Trigger | Action::NextTab | Action::PreviousTab if row.is_none() => {
                Err("no pipeline is selected".into())
            }
            Action::Trigger if row.is_some_and(|row| row.error.is_some()) => Err("its file has errors (Enter shows them)".into()),
            Action::Retry | Action::Cancel | Action::Why if run.is_none() && row.is_some() => Err("this pipeline never ran".into()),
            Action::Pause if row.is_none() => Err("no pipeline is selected".into()),
            Action::Undo => Err("open the run first".into()),
            Action::Retry | Action::Cancel | Action::Why | Action::Skip | Action::RetryFrom | Action::Approve | Action::More => {
                verbs::possible_for_run(action, run.map(|run| (run.state, run.number)))
            }
            Action::Back if !self.filter.is_on() => Err("this is home (q leaves)".into()),
            Action::NextPane | Action::PreviousPane | Action::Left | Action::Right => Err("there is one list here".into()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let height = Self::height(body(world.size));
        if let Some(lines) = distance(action, height) {
            self.select(self.list.selected.saturating_add_signed(lines), world);
            return Vec::new();
        }
        match action {
            Action::Search => self.filter.start(),
            Action::PromptDone => self.filter.done(),
            Action::PromptErase => self.filter.erase(),
            Action::PromptClear | Action::Back => self.filter.clear(),
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
            let inner = panes::framed(frame, area, "Pipelines", "", true, theme);
            let words = world.trouble.as_deref().unwrap_or("reading…");
            let width = usize::from(inner.width).saturating_sub(2);
            let lines = text::wrap(&text::safe(words), width).into_iter().map(|line| Line::raw(format!(" {line}")));
            return panes::lines(frame, inner, lines);
        };
        if all.is_empty() {
            return welcome(frame, area, world, theme);
        }
        let rows = self.rows(world);
        let right = if rows.len() == all.len() { String::new() } else { format!("{} of {}", rows.len(), all.len()) };
        let list_area = list_area(area);
        let inner = panes::framed(frame, list_area, "Pipelines", &right, true, theme);
        self.table(frame, inner, &rows, world.now, theme);
        if let (Some(row), true) = (rows.get(self.list.selected), area.height > list_area.height) {
            let below = Rect { y: list_area.bottom(), height: area.height - list_area.height, ..area };
            about(frame, below, row, world.now, theme);
        }
        if self.filter.is_typing() {
            let line =
                Rect { x: area.x + 2, y: list_area.bottom().saturating_sub(1), width: area.width.saturating_sub(4).min(40), height: 1 };
            self.filter.draw(frame, line, theme);
        }
    }
}

impl HomeView {
    fn verb(&self, action: Action, world: &World) -> Vec<Intent> {
        let Some(row) = self.current(world) else { return Vec::new() };
        let run = row.last_run.as_ref();
        let intent = match (action, run) {
            (Action::Open, _) => Self::open(row),
            (Action::Trigger, _) => Intent::Ask(Ask::Definition { pipeline: row.pipeline.to_string(), purpose: Purpose::Trigger }),
            (Action::Pause, _) => verbs::pause_pipeline(row.pipeline.clone(), row.paused),
            (Action::NextTab | Action::PreviousTab, _) => Intent::Open(Box::new(HistoryView::new(Some(row.pipeline.clone())))),
            (Action::Retry, Some(run)) => verbs::retry(run.run_id.clone(), None),
            (Action::Cancel, Some(run)) => Intent::Show(Box::new(verbs::ask_cancel_run(&run.run_id, run.number, Some(run.progress)))),
            (Action::Why, Some(run)) => Intent::Ask(Ask::Why { run: run.run_id.clone(), task: None }),
            _ => return Vec::new(),
        };
        vec![intent]
    }

    fn table(&self, frame: &mut Frame<'_>, inner: Rect, rows: &[&PipelineRow], now: Timestamp, theme: &Theme) {
        let content = Rect { height: inner.height.saturating_sub(1), y: inner.y + 1, ..inner };
        let fitted = list::fit(COLUMNS, usize::from(inner.width).saturating_sub(3));
        let head = list::header(COLUMNS, &fitted, theme);
        frame.buffer_mut().set_line(inner.x + 2, inner.y, &head, inner.width.saturating_sub(2));
        if rows.is_empty() {
            return panes::lines(frame, content, [Line::styled("  nothing matches the filter (Esc clears it)", theme.style("fg.muted"))]);
        }
        let window = self.list.window(rows.len(), usize::from(content.height));
        let lines = rows[window.clone()].iter().map(|row| {
            let mut line = pipeline_line(row, &fitted, now, theme);
            line.spans.insert(0, Span::raw(" "));
            line
        });
        list::draw(frame, content, lines, Some((self.list.selected - window.start, "selection")), theme);
    }
}

/// The list; below it, when there is room, what is known of the selected pipeline.
const fn list_area(area: Rect) -> Rect {
    let below = if area.height >= 16 { 6 } else { 0 };
    Rect { height: area.height - below, ..area }
}

/// Glyph, code and token of a pipeline's state.
fn state_of(row: &PipelineRow) -> (char, &'static str, &'static str) {
    match &row.last_run {
        _ if row.error.is_some() => ('!', "ERR", "error"),
        Some(run) if run.paused && !run.state.is_terminal() => ('‖', "PAUSE", "warning"),
        Some(run) => {
            let look = if run.awaiting > 0 { TaskState::AwaitingApproval.look() } else { run.state.look() };
            (look.glyph, look.code, look.token)
        }
        None if row.paused && !row.triggers.is_empty() => ('‖', "OFF", "fg.muted"),
        None => ('·', "NEW", "accent"),
    }
}

fn pipeline_line(row: &PipelineRow, fitted: &[(usize, usize)], now: Timestamp, theme: &Theme) -> Line<'static> {
    let (glyph, code, token) = state_of(row);
    let muted = theme.style("fg.muted");
    let last = match (&row.error, &row.last_run) {
        (Some(error), _) => (text::safe(error), theme.style("error")),
        (None, Some(run)) => (last_run(run, now), theme.style("fg")),
        (None, None) => ("never ran".to_owned(), muted),
    };
    let next = if row.error.is_some() { String::new() } else { next(row) };
    let cells = [
        (format!("{glyph} {code}"), theme.style(token)),
        (text::safe(row.pipeline.as_str()), theme.style("fg")),
        (String::new(), Style::default()),
        last,
        (next, muted),
        (text::safe(&row.owner), muted),
    ];
    let mut line = list::row(&cells, fitted);
    if row.error.is_some() {
        let rest = fitted.iter().filter(|(column, _)| *column > 1).map(|(_, width)| width + 1).sum::<usize>();
        line.spans.truncate(4);
        line.spans.push(Span::styled(text::cut(&cells[3].0, rest.saturating_sub(1)), theme.style("error")));
        return line;
    }
    if let Some(at) = fitted.iter().position(|&(column, _)| column == 2) {
        line.spans.splice(2 * at..=2 * at, strip(row, theme));
    }
    line
}

/// The states of the last ten runs, newest right.
fn strip(row: &PipelineRow, theme: &Theme) -> Vec<Span<'static>> {
    let known = row.recent.iter().rev().take(10).rev();
    let missing = 10 - known.len();
    let dots = (0..missing).map(|_| Span::styled("·", theme.style("edge.dim")));
    let states = known.map(|state| Span::styled(state.look().glyph.to_string(), theme.style(state.look().token)));
    dots.chain(states).collect()
}

fn last_run(run: &crate::model::LastRun, now: Timestamp) -> String {
    match run.ended_at {
        Some(end) => format!("{:>6}  {}", text::took(Some(run.created_at), Some(end), now), text::ago(end, now)),
        None => format!("{:>6}  {}/{}", text::took(Some(run.created_at), None, now), run.progress.0, run.progress.1),
    }
}

fn next(row: &PipelineRow) -> String {
    match (row.next_fire, row.triggers.first()) {
        (Some(at), _) => at.format("%Y-%m-%d %H:%MZ").to_string(),
        (None, Some(trigger)) if row.paused => format!("{} (off)", text::safe(trigger)),
        (None, Some(trigger)) => text::safe(trigger),
        (None, None) => "manual".to_owned(),
    }
}

/// What is known of the selected pipeline.
fn about(frame: &mut Frame<'_>, area: Rect, row: &PipelineRow, now: Timestamp, theme: &Theme) {
    let inner = panes::framed(frame, area, row.pipeline.as_str(), &row.file, false, theme);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let muted = theme.style("fg.muted");
    let mut lines = Vec::new();
    if let Some(error) = &row.error {
        lines.extend(text::wrap(&text::safe(error), usize::from(inner.width)).into_iter().map(|l| Line::styled(l, theme.style("error"))));
        lines.push(Line::styled("Enter shows everything that is wrong with it", muted));
    } else {
        let description = if row.description.is_empty() { "no description" } else { &row.description };
        lines.push(Line::styled(text::safe(description), theme.style("fg")));
        let facts = [("owner", row.owner.clone()), ("tags", row.tags.join(", ")), ("triggers", row.triggers.join(", "))];
        let known = facts.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name} {}", text::safe(value)));
        lines.push(Line::styled(known.collect::<Vec<_>>().join("  ·  "), muted));
        if let Some(run) = &row.last_run {
            let look = run.state.look();
            lines.push(Line::from(vec![
                Span::styled(format!("run {}  ", run.number), muted),
                Span::styled(format!("{} {}", look.glyph, look.code), theme.style(look.token)),
                Span::styled(format!("  {}/{} tasks  {}", run.progress.0, run.progress.1, text::ago(run.created_at, now)), muted),
            ]));
        }
    }
    panes::lines(frame, inner, lines);
}

/// What to do when there is no pipeline yet.
fn welcome(frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
    let inner = panes::framed(frame, area, "Welcome", "", true, theme);
    let width = usize::from(inner.width).saturating_sub(6);
    let plain = theme.style("fg");
    let code = theme.style("accent");
    let mut lines = vec![Line::raw("")];
    let folder = format!("No pipelines found in {}/pipelines", text::safe(&world.workspace));
    lines.extend(text::wrap(&folder, width).into_iter().map(|line| Line::styled(line, theme.style("title"))));
    lines.push(Line::raw(""));
    lines.push(Line::styled("Make a file pipelines/hello.toml with these lines:", plain));
    lines.push(Line::raw(""));
    for line in ["[tasks.greet]", "run = \"echo hello\"", "", "[tasks.wave]", "needs = [\"greet\"]", "run = \"echo bye\""] {
        lines.push(Line::styled(format!("    {line}"), code));
    }
    lines.push(Line::raw(""));
    lines
        .extend(text::wrap("It appears here as soon as it is saved. Then t starts it.", width).into_iter().map(|l| Line::styled(l, plain)));
    let inner = Rect { x: inner.x + 3, width: inner.width.saturating_sub(6), ..inner };
    panes::lines(frame, inner, lines);
}

//! History: the runs of a pipeline, or of all, newest first.

use super::{Intent, Place, Selected, Typed, View, body, distance, run::RunView};
use crate::{
    model::{PipelineId, RunId, RunRow},
    tui::{
        actions::{Action, Context},
        columns::{self, Shown},
        dialogs::columns::Columns,
        input::Filter,
        keymap::shown_key,
        list::{self, Column, ListState},
        memory::{Standing, Stop, Tabbed, standing},
        panes::{self, absent::Absent},
        query::Query,
        runs::{self, Edge, PAGE, RunLine, RunList, RunsAsk},
        tabs::{Beside, Tab},
        text,
        theme::Theme,
        verbs,
        world::{Ask, Purpose, Subject, World},
    },
};
use ratatui::{Frame, layout::Rect, text::Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The list of runs.
#[derive(Debug)]
pub struct HistoryView {
    pipeline: Option<PipelineId>,
    /// The graph whose tabs this one stands beside.
    beside: Option<Beside>,
    list: ListState,
    selected: Option<RunId>,
    filter: Filter,
    /// What of the filter is not understood.
    problems: Vec<String>,
    marked: BTreeSet<RunId>,
    /// The page that is being read.
    waiting: Option<RunsAsk>,
    /// Where the selection goes when that page is there.
    lands: Option<Landing>,
    /// Whether the selection is of another time: it may stand beyond what is read first.
    recalled: bool,
    /// How many lines are to stand above the selected one as soon as there are so many.
    above: usize,
}

/// How the list stood.
#[derive(Serialize, Deserialize)]
struct Stood {
    /// The run whose graph it stood beside.
    from: Option<Subject>,
    list: ListState,
    selected: Option<RunId>,
    filter: String,
    marked: BTreeSet<RunId>,
}

/// An end of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Landing {
    First,
    Last,
}

impl HistoryView {
    /// Of all pipelines.
    pub fn of_all() -> Self {
        Self {
            pipeline: None,
            beside: None,
            list: ListState::default(),
            selected: None,
            filter: Filter::default(),
            problems: Vec::new(),
            marked: BTreeSet::new(),
            waiting: None,
            lands: None,
            recalled: false,
            above: 0,
        }
    }

    /// Of one pipeline, beside a graph of it; the run one comes from is selected.
    pub fn beside(pipeline: PipelineId, beside: Beside) -> Self {
        let selected = match &beside.subject {
            Subject::Run(run) => Some(run.clone()),
            Subject::Pipeline(_) => None,
        };
        Self { pipeline: Some(pipeline), beside: Some(beside), selected, ..Self::of_all() }
    }

    /// What is known of these runs; of another filter while the answer to this one is awaited.
    fn known<'a>(&self, world: &'a World) -> Option<&'a RunList> {
        world.runs.as_ref().filter(|runs| runs.pipeline == self.pipeline)
    }

    fn lines<'a>(&self, world: &'a World) -> &'a [RunLine] {
        self.known(world).map_or(&[], |list| &list.lines)
    }

    fn current<'a>(&self, world: &'a World) -> Option<&'a RunRow> {
        self.lines(world).get(self.list.selected).map(|line| &line.run)
    }

    /// Whether what is known is what the filter asks for.
    fn is_answered(&self, world: &World) -> bool {
        self.known(world).is_some_and(|list| list.filter == self.filter.text())
    }

    fn height(area: Rect) -> usize {
        usize::from(area.height.saturating_sub(3))
    }

    fn select(&mut self, line: usize, world: &World) {
        let lines = self.lines(world);
        self.list.select(line, lines.len(), Self::height(body(world.size)));
        self.selected = lines.get(self.list.selected).map(|line| line.run.run_id.clone());
    }

    fn name(&self) -> String {
        self.pipeline.as_ref().map_or_else(|| "runs".to_owned(), |pipeline| format!("history {pipeline}"))
    }

    /// A run that was selected another time is looked for where it must stand; if it is gone, what took its place is selected.
    fn seek(&mut self, world: &World) -> Option<Vec<Intent>> {
        if !self.recalled {
            return None;
        }
        let Some(list) = self.known(world).filter(|list| list.filter == self.filter.text()) else { return Some(Vec::new()) };
        self.recalled = false;
        let run = self.selected.clone()?;
        let is_here = list.lines.iter().any(|line| line.run.run_id == run);
        let may_be_below = list.below.is_some() && list.lines.last().is_some_and(|last| last.run.run_id > run);
        if is_here || !may_be_below {
            return None;
        }
        self.lands = Some(Landing::First);
        self.above = self.list.selected.saturating_sub(self.list.offset);
        Some(self.wait_for(self.from(Edge::At(run))))
    }

    /// The selected run stays where it is on the screen, whatever came above it.
    fn keep_selection(&mut self, world: &World) {
        let lines = self.lines(world);
        let height = Self::height(body(world.size));
        let known = self.selected.as_ref().and_then(|id| lines.iter().position(|line| line.run.run_id == *id));
        match (self.lands.take(), known) {
            (Some(Landing::First), _) => self.select(0, world),
            (Some(Landing::Last), _) => self.select(usize::MAX, world),
            (None, Some(at)) => {
                self.list.follow(at, lines.len(), height);
                if self.above > 0 && at >= self.above {
                    self.list.offset = at - std::mem::take(&mut self.above);
                }
            }
            (None, None) => self.select(self.list.selected, world),
        }
    }

    /// The question for a page that is not a step from a known one.
    fn from(&self, edge: Edge) -> RunsAsk {
        RunsAsk { pipeline: self.pipeline.clone(), filter: self.filter.text().to_owned(), edge, limit: PAGE }
    }

    /// Moves; at an end that is not the end of the history, further runs are read.
    fn go(&mut self, action: Action, lines: isize, world: &World) -> Vec<Intent> {
        let list = self.known(world);
        let jump = match action {
            Action::Bottom if list.is_some_and(|list| list.below.is_some()) => Some((Edge::Oldest, Landing::Last)),
            Action::Top if list.is_some_and(|list| list.above.is_some()) => Some((Edge::Front, Landing::First)),
            _ => None,
        };
        if let Some((edge, lands)) = jump {
            self.lands = Some(lands);
            return self.wait_for(self.from(edge));
        }
        self.above = 0;
        self.select(self.list.selected.saturating_add_signed(lines), world);
        self.more(world)
    }

    fn wait_for(&mut self, ask: RunsAsk) -> Vec<Intent> {
        if self.waiting.as_ref() == Some(&ask) {
            return Vec::new();
        }
        self.waiting = Some(ask.clone());
        vec![Intent::Ask(Ask::Runs(ask))]
    }

    /// Runs beyond those that are known, when the selection nears their end or they do not fill the screen.
    fn more(&mut self, world: &World) -> Vec<Intent> {
        let Some(list) = self.known(world).filter(|list| list.filter == self.filter.text()) else { return Vec::new() };
        let near = PAGE / 4;
        let height = Self::height(body(world.size));
        let older = self.list.selected + near.max(height) >= list.lines.len();
        let ask = match list.beyond(true).filter(|_| older) {
            Some(ask) => Some(ask),
            None => list.beyond(false).filter(|_| self.list.selected < near),
        };
        ask.map(|ask| self.wait_for(ask)).unwrap_or_default()
    }

    /// Asks for what the filter says now.
    fn filtered(&mut self, world: &World) -> Vec<Intent> {
        self.problems = Query::parse(self.filter.text(), runs::KEYS, world.now).problems;
        self.lands = Some(Landing::First);
        self.wait_for(self.from(Edge::Newest))
    }

    fn mark(&mut self) {
        if let Some(run) = self.selected.clone()
            && !self.marked.remove(&run)
        {
            self.marked.insert(run);
        }
    }

    /// Whose columns these are, in [`World::columns`].
    fn owner(&self) -> String {
        self.pipeline.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn columns(&self, world: &World) -> Vec<Shown> {
        let lines = self.lines(world);
        let chosen = world.columns.get(&self.owner());
        chosen.map_or_else(|| columns::usual(lines, self.pipeline.is_none()), |names| names.iter().map(|name| Shown::named(name)).collect())
    }

    fn choose_columns(&self, world: &World) -> Intent {
        let chosen = self.columns(world).iter().map(Shown::name).collect();
        let all = columns::all(self.lines(world)).iter().map(Shown::name).collect();
        Intent::Show(Box::new(Columns::new(self.owner(), all, chosen)))
    }

    fn verb(&self, action: Action, world: &World) -> Vec<Intent> {
        let run = self.current(world);
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
            (Action::Watch, Some(run)) => verbs::watch(run.run_id.clone(), run.watched),
            (Action::Undo, Some(run)) => match verbs::ask_undo(run) {
                Some(dialog) => Intent::Show(Box::new(dialog)),
                None => return Vec::new(),
            },
            (Action::NextTab | Action::PreviousTab, _) => {
                let beside = self.beside.as_ref().zip(self.pipeline.as_ref());
                let turned = beside.map(|(beside, pipeline)| beside.turn(Tab::History, action == Action::NextTab, pipeline));
                return turned.unwrap_or_default();
            }
            (Action::ViewCycle, _) => self.choose_columns(world),
            (Action::Back, _) => Intent::Back,
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
        let mut words = match &self.pipeline {
            Some(pipeline) => format!("Pipelines ▸ {} ▸ history", text::safe(pipeline.as_str())),
            None => "Runs of all pipelines".to_owned(),
        };
        if !self.marked.is_empty() {
            words.push_str(&format!("  ·  {} marked", self.marked.len()));
        }
        if self.filter.is_on() && !self.filter.is_typing() {
            words.push_str(&format!("  ·  filter: {}", self.filter.text()));
        }
        words
    }

    fn aside(&self, _world: &World) -> String {
        self.beside.as_ref().map(|beside| beside.titles(Tab::History)).unwrap_or_default()
    }

    fn hints(&self) -> &'static [Action] {
        if self.filter.is_typing() {
            return &[Action::PromptDone, Action::PromptClear];
        }
        &[
            Action::Open,
            Action::Trigger,
            Action::Search,
            Action::Mark,
            Action::ViewCycle,
            Action::Retry,
            Action::Cancel,
            Action::Why,
            Action::NextTab,
        ]
    }

    fn asks(&self, world: &World) -> Vec<Ask> {
        let again = self.known(world).filter(|_| self.is_answered(world)).map(RunList::again);
        vec![Ask::Runs(again.unwrap_or_else(|| self.from(Edge::Newest)))]
    }

    fn is_live(&self, world: &World) -> bool {
        self.lines(world).iter().any(|line| !line.run.state.is_terminal())
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        if let Some(intents) = self.seek(world) {
            return intents;
        }
        let Some(list) = self.known(world) else { return Vec::new() };
        let is_here = self.waiting.as_ref().is_some_and(|ask| match &ask.edge {
            _ if list.filter != ask.filter => false,
            Edge::Newest => true,
            Edge::Front => list.above.is_none(),
            Edge::Oldest => list.below.is_none(),
            Edge::Older(from) => list.below.as_ref() != Some(from),
            Edge::Newer(from) => list.above.as_ref() != Some(from),
            Edge::Upto(_) => true,
            Edge::At(run) => list.lines.first().is_none_or(|first| first.run.run_id <= *run),
        });
        if self.waiting.is_some() && !is_here {
            let lands = self.lands.take();
            self.keep_selection(world);
            self.lands = lands;
            return Vec::new();
        }
        self.keep_selection(world);
        let stepped = self.waiting.take().is_some_and(|ask| !ask.edge.repeats());
        // From now on this is what is looked at, to be read again when time passes.
        let again = stepped.then(|| Intent::Ask(Ask::Runs(list.again())));
        let more = self.more(world);
        if more.is_empty() { again.into_iter().collect() } else { more }
    }

    fn stands(&self, _world: &World) -> Vec<Standing> {
        let from = self.beside.as_ref().map(|beside| beside.subject.clone());
        let (list, selected, filter) = (self.list, self.selected.clone(), self.filter.text().to_owned());
        vec![standing(self.name(), &Stood { from, list, selected, filter, marked: self.marked.clone() })]
    }

    fn recall(&mut self, world: &World) {
        let Some(stood) = world.stood.of::<Stood>(&self.name()) else { return };
        self.marked = stood.marked;
        self.filter.recall(&stood.filter);
        self.problems = Query::parse(self.filter.text(), runs::KEYS, world.now).problems;
        // Whoever comes from another run wants to see that one.
        if stood.from == self.beside.as_ref().map(|beside| beside.subject.clone()) {
            (self.list, self.selected, self.recalled) = (stood.list, stood.selected, true);
        }
    }

    fn stop(&self, _world: &World) -> Option<Stop> {
        match (&self.pipeline, &self.beside) {
            (Some(pipeline), Some(beside)) => Some(Stop::History(Tabbed::new(pipeline, beside))),
            _ => Some(Stop::Runs),
        }
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let run = self.current(world);
        match action {
            Action::Failure | Action::NextAttempt | Action::PreviousAttempt => Err("in the run view, with the task selected".into()),
            Action::Open | Action::Mark if run.is_none() => Err("no run is selected".into()),
            Action::Trigger if self.pipeline.is_none() && run.is_none() => Err("no pipeline is selected".into()),
            Action::Pause | Action::Undo => {
                run.map_or_else(|| Err("no run is selected".into()), |run| verbs::possible_for_row(action, run))
            }
            Action::Retry
            | Action::Cancel
            | Action::Watch
            | Action::Why
            | Action::Skip
            | Action::RetryFrom
            | Action::Approve
            | Action::More => verbs::possible_for_run(action, run.map(|run| (run.state, run.number))),
            Action::NextTab | Action::PreviousTab if self.beside.is_none() => Err("select a run and open it first".into()),
            Action::Back if !self.filter.is_on() && self.pipeline.is_none() => Err("nowhere to go back (1 goes home, q leaves)".into()),
            Action::NextPane | Action::PreviousPane | Action::Left | Action::Right => Err("there is one list here".into()),
            Action::Sort => Err(format!("runs are always newest first ({} filters them)", shown_key(Action::Search))),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if let Some(lines) = distance(action, Self::height(body(world.size))) {
            return self.go(action, lines, world);
        }
        match action {
            Action::Search => self.filter.start(),
            Action::PromptDone => self.filter.done(),
            Action::PromptErase => self.filter.erase(),
            Action::PromptClear => self.filter.clear(),
            Action::Back if self.filter.is_on() => self.filter.clear(),
            Action::Mark => {
                self.mark();
                return self.go(Action::Down, 1, world);
            }
            _ => return self.verb(action, world),
        }
        if self.is_answered(world) { Vec::new() } else { self.filtered(world) }
    }

    fn typed(&mut self, input: Typed, world: &World) -> Vec<Intent> {
        self.filter.typed(input);
        self.filtered(world)
    }

    fn selected(&self, world: &World) -> Selected {
        let run = self.current(world);
        let pipeline = run.map(|run| run.pipeline.clone()).or_else(|| self.pipeline.clone());
        Selected { pipeline, run: run.map(|run| run.run_id.clone()), ..Selected::default() }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let lines = self.lines(world);
        let inner = panes::framed(frame, area, "Runs", &self.extent(world), true, theme);
        if lines.is_empty() {
            let what = if self.filter.is_on() { "the runs that match" } else { "the runs" };
            self.absent(world).inside(frame, inner, what, theme);
        } else {
            self.table(frame, inner, lines, world, theme);
        }
        panes::filter(frame, area, &self.filter, &self.problems, theme);
    }
}

impl HistoryView {
    /// Why no run is shown.
    fn absent(&self, world: &World) -> Absent {
        let is_read = self.known(world).is_some_and(|list| list.below.is_none()) && self.is_answered(world);
        if !is_read {
            return Absent::unread(world);
        }
        if self.filter.is_on() {
            let next = format!("{} changes it · {} clears it", shown_key(Action::Search), shown_key(Action::Back));
            return Absent::Nothing("nothing matches the filter".to_owned(), next);
        }
        if self.pipeline.is_some() {
            return Absent::no_run();
        }
        let (place, trigger) = (shown_key(Action::PlacePipelines), shown_key(Action::Trigger));
        Absent::Nothing("no run yet".to_owned(), format!("{place} goes to the pipelines, {trigger} there starts a run"))
    }

    /// How many runs there are, as far as that is known.
    fn extent(&self, world: &World) -> String {
        let Some(list) = self.known(world) else { return String::new() };
        let found = list.lines.len();
        let whole = list.above.is_none() && list.below.is_none();
        let filtered = !list.filter.is_empty();
        match (list.newest.filter(|_| self.pipeline.is_some() && !filtered), filtered) {
            _ if !self.is_answered(world) => "looking…".to_owned(),
            (_, true) if whole => format!("{found} found"),
            (_, true) => format!("{found} found so far"),
            (Some(newest), _) => match list.lines.get(self.list.selected) {
                Some(line) if !whole => format!("run {} of {newest}", line.run.number),
                _ => text::count(found, "run"),
            },
            (None, _) if whole => text::count(found, "run"),
            (None, _) => format!("{found}+ runs"),
        }
    }

    fn table(&self, frame: &mut Frame<'_>, inner: Rect, lines: &[RunLine], world: &World, theme: &Theme) {
        let shown = self.columns(world);
        let mut titles: Vec<String> = columns::titles(&shown);
        let numbers: Vec<_> = shown.iter().zip(&titles).map(|(shown, title)| shown.digits(title, lines)).collect();
        // Numbers stand below each other's last digit, and their title with them.
        for (title, width) in titles.iter_mut().zip(&numbers) {
            if let Some(width) = width {
                *title = text::right(title, *width);
            }
        }
        let digits = lines.first().map_or(0, |line| line.run.number.to_string().len());
        let digits = digits + usize::from(lines.iter().any(|line| line.run.is_watched()));
        let mut columns = vec![
            Column { title: "RUN", width: digits.max(5), grows: false, drop: 0 },
            Column { title: "STATE", width: 6, grows: false, drop: 0 },
        ];
        columns.extend(shown.iter().zip(&titles).enumerate().map(|(at, (shown, title))| shown.column(title, at, lines)));
        let (fitted, content) = list::head(frame, inner, &columns, theme);
        let window = self.list.window(lines.len(), usize::from(content.height));
        let rows = lines[window.clone()].iter().map(|line| {
            let run = &line.run;
            let look = run.state.look();
            // Nothing of it goes on by itself.
            let state = if run.paused { "‖ PAUS".to_owned() } else { format!("{} {}", look.glyph, look.code) };
            let number = format!("{}{}", run.number, if run.is_watched() { String::from(text::WATCHED) } else { String::new() });
            let mut cells = vec![(number, theme.style("fg")), (state, theme.style(look.token))];
            cells.extend(shown.iter().zip(&numbers).map(|(shown, width)| {
                let (said, style) = shown.cell(line, world.now, theme);
                (width.map_or_else(|| said.clone(), |width| text::right(&said, width)), style)
            }));
            let mut drawn = list::row(&cells, &fitted);
            let mark = if self.marked.contains(&run.run_id) { "●" } else { " " };
            drawn.spans.insert(0, Span::styled(mark, theme.style("accent")));
            drawn
        });
        list::draw(frame, content, rows, Some((self.list.selected.saturating_sub(window.start), "selection")), theme);
    }
}

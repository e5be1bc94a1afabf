//! Grid: runs by tasks, so that one sees at a glance which task fails since when.

mod draw;
mod facts;

use super::{Intent, Place, Selected, View, body, distance, run::RunView};
use crate::{
    model::{GridCell, PipelineId, RunId, RunRow, TaskId, TaskState},
    tui::{
        actions::{Action, Context},
        grid::{GridAsk, GridData, Row},
        keymap::shown_key,
        list::ListState,
        memory::{Standing, Stop, Tabbed, standing},
        panes::absent::Absent,
        runs::Edge,
        tabs::{Beside, Tab},
        text,
        theme::Theme,
        verbs,
        world::{Ask, Purpose, Subject, World},
    },
};
use draw::{Drawn, Layout, layout};
use ratatui::{Frame, layout::Rect};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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

/// What is selected of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum At {
    /// All of it.
    #[default]
    Run,
    /// A group of its tasks.
    Group(String),
    /// A task.
    Task(TaskId),
}

/// Runs of a pipeline by its tasks.
#[derive(Debug)]
pub struct GridView {
    pipeline: PipelineId,
    beside: Beside,
    /// The page that is looked at.
    edge: Edge,
    /// The selected run, and what of it: by name, so that nothing that comes moves the selection.
    run: Option<RunId>,
    at: At,
    /// After a page was turned: where the selection enters the next.
    enters_newest: bool,
    list: ListState,
    marked: BTreeSet<RunId>,
    shows: Shows,
    /// Groups that are one line; `None` until somebody chose: by size.
    folded: Option<BTreeSet<String>>,
}

/// How the grid stood.
#[derive(Serialize, Deserialize)]
struct Stood {
    /// What the graph is of that it stood beside.
    from: Subject,
    shows: Shows,
    edge: Edge,
    run: Option<RunId>,
    at: At,
    list: ListState,
    marked: BTreeSet<RunId>,
    folded: Option<BTreeSet<String>>,
}

/// Up to so many tasks stand one by one unless somebody folds their groups.
const UNFOLDED: usize = 60;

/// What there is, and what is selected of it.
struct Seen<'a> {
    data: &'a GridData,
    /// The lines.
    rows: Vec<Row>,
    /// The place of the selected run.
    run: Option<usize>,
    /// The place of the selected line; `None` if all of the run is selected.
    row: Option<usize>,
}

/// What is selected in a run that is there.
enum Chosen<'a> {
    Run,
    /// A group, by number.
    Group(usize),
    /// A task, and its cell if the run has it.
    Task(&'a TaskId, Option<&'a GridCell>),
}

impl<'a> Seen<'a> {
    fn chosen(&self) -> Option<(&'a RunRow, Chosen<'a>)> {
        let run = self.run?;
        let chosen = match self.row.map(|row| self.rows[row]) {
            None => Chosen::Run,
            Some(Row::Group(group)) => Chosen::Group(group),
            Some(Row::Task(task)) => Chosen::Task(&self.data.tasks[task], self.data.cell(task, run)),
        };
        Some((&self.data.runs[run], chosen))
    }

    /// What stands in a line, by name.
    fn at(&self, row: usize) -> At {
        match self.rows.get(row) {
            None => At::Run,
            Some(Row::Group(group)) => At::Group(self.data.groups[*group].name.clone()),
            Some(Row::Task(task)) => At::Task(self.data.tasks[*task].clone()),
        }
    }

    /// The selected task, by place.
    fn task(&self) -> Option<usize> {
        if let Row::Task(task) = *self.rows.get(self.row?)? { Some(task) } else { None }
    }

    /// The group that is selected, or that the selected task is in.
    fn group(&self) -> Option<usize> {
        match *self.rows.get(self.row?)? {
            Row::Group(group) => Some(group),
            Row::Task(task) => self.data.group_of(task),
        }
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
            at: At::Run,
            enters_newest: true,
            list: ListState::default(),
            marked: BTreeSet::new(),
            shows: Shows::default(),
            folded: None,
        }
    }

    fn name(&self) -> String {
        format!("grid {}", self.pipeline)
    }

    fn data<'a>(&self, world: &'a World) -> Option<&'a GridData> {
        world.grid.as_ref().filter(|data| data.pipeline == self.pipeline)
    }

    fn folded(&self, data: &GridData) -> BTreeSet<String> {
        let all = || data.groups.iter().map(|group| group.name.clone()).collect();
        self.folded.clone().unwrap_or_else(|| if data.tasks.len() > UNFOLDED { all() } else { BTreeSet::new() })
    }

    fn seen<'a>(&self, world: &'a World) -> Option<Seen<'a>> {
        Some(self.see(self.data(world)?))
    }

    fn see<'a>(&self, data: &'a GridData) -> Seen<'a> {
        let rows = data.rows(&self.folded(data));
        let run = self.run.as_ref().and_then(|id| data.runs.iter().position(|run| run.run_id == *id));
        let row = match &self.at {
            At::Run => None,
            At::Group(name) => rows.iter().position(|row| matches!(row, Row::Group(group) if data.groups[*group].name == *name)),
            At::Task(name) => data.tasks.iter().position(|task| task == name).and_then(|task| {
                // A task of a folded group is reached by the line of its group.
                let own = rows.iter().position(|row| *row == Row::Task(task));
                own.or_else(|| rows.iter().position(|row| matches!(row, Row::Group(group) if data.groups[*group].tasks.contains(&task))))
            }),
        };
        Seen { data, rows, run, row }
    }

    fn layout(&self, world: &World) -> Layout {
        layout(body(world.size), self.data(world))
    }

    /// The tasks whose cells are wanted: those in sight and a screenful on both sides.
    fn wanted(&self, world: &World) -> Vec<usize> {
        let height = self.layout(world).rows;
        let Some(seen) = self.seen(world) else { return (0..2 * height).collect() };
        let window = self.list.window(seen.rows.len(), height);
        let more = window.start.saturating_sub(height)..(window.end + height).min(seen.rows.len());
        tasks_of(&seen.rows[more])
    }

    fn question(&self, world: &World) -> Ask {
        let (runs, tasks) = (self.layout(world).runs, self.wanted(world));
        Ask::Grid(GridAsk { pipeline: self.pipeline.clone(), edge: self.edge.clone(), runs, tasks })
    }

    /// Moves to a line; beyond the first is the run as such.
    fn select(&mut self, lines: isize, world: &World) -> Vec<Intent> {
        let Some(seen) = self.seen(world) else { return Vec::new() };
        let to = match (seen.row, lines) {
            (None, ..=0) => return Vec::new(),
            (Some(0), ..=-1) => None,
            (None, _) => Some(lines.unsigned_abs() - 1),
            (Some(row), _) => Some(row.saturating_add_signed(lines)),
        };
        self.stand(&seen, to, world)
    }

    /// Selects a line of what is seen, or the run as such.
    fn stand(&mut self, seen: &Seen<'_>, row: Option<usize>, world: &World) -> Vec<Intent> {
        if let Some(row) = row {
            self.list.select(row, seen.rows.len(), self.layout(world).rows);
            self.at = seen.at(self.list.selected);
        } else {
            self.at = At::Run;
        }
        self.complete(world)
    }

    /// Asks for what is in sight and not read yet.
    fn complete(&self, world: &World) -> Vec<Intent> {
        let Some(seen) = self.seen(world) else { return Vec::new() };
        let window = self.list.window(seen.rows.len(), self.layout(world).rows);
        if seen.data.covers(&tasks_of(&seen.rows[window])) { Vec::new() } else { vec![Intent::Ask(self.question(world))] }
    }

    /// To the next failure of this page, or to the one before.
    fn failure(&mut self, forward: bool, world: &World) -> Vec<Intent> {
        let Some(seen) = self.seen(world) else { return Vec::new() };
        let newest = seen.data.runs.len().saturating_sub(1);
        let Some((run, row)) = seen.data.failure(&seen.rows, (seen.run.unwrap_or(newest), seen.row), forward) else { return Vec::new() };
        self.run = Some(seen.data.runs[run].run_id.clone());
        self.stand(&seen, Some(row), world)
    }

    /// Shows the selected group, or all of them, as one line or by its tasks; the selection stays as near as it can.
    fn fold(&mut self, all: bool, world: &World) -> Vec<Intent> {
        let Some(seen) = self.seen(world) else { return Vec::new() };
        let name = |group: usize| seen.data.groups[group].name.clone();
        let mut folded = self.folded(seen.data);
        if all {
            let every: BTreeSet<String> = (0..seen.data.groups.len()).map(name).collect();
            folded = if every.is_subset(&folded) { BTreeSet::new() } else { every };
        } else if let Some(group) = seen.group().map(name) {
            if !folded.remove(&group) {
                folded.insert(group.clone());
            }
            self.at = At::Group(group);
        }
        self.folded = Some(folded);
        let seen = self.see(seen.data);
        self.stand(&seen, seen.row, world)
    }

    /// Moves to the run before or after; at the edge of the page to the next page.
    fn step(&mut self, older: bool, world: &World) -> Vec<Intent> {
        let Some(Seen { data, run, .. }) = self.seen(world) else { return Vec::new() };
        let last = data.runs.len().saturating_sub(1);
        let at = run.unwrap_or(last);
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
        if action == Action::Trigger {
            return vec![Intent::Ask(Ask::Definition { pipeline, purpose: Purpose::Trigger })];
        }
        let Some(seen) = self.seen(world) else { return Vec::new() };
        let Some((row, chosen)) = seen.chosen() else { return Vec::new() };
        let run = row.run_id.clone();
        let task = match chosen {
            Chosen::Task(task, Some(_)) => Some(task.clone()),
            // Of a group the task that a person should see first.
            Chosen::Group(group) if action == Action::Open => {
                seen.run.and_then(|at| seen.data.worst(group, at)).map(|(_, task)| seen.data.tasks[task].clone())
            }
            Chosen::Run | Chosen::Group(_) | Chosen::Task(_, None) => None,
        };
        let intent = match action {
            Action::Open => {
                let subject = Subject::Run(run);
                Intent::Open(Box::new(task.map_or_else(|| RunView::new(subject.clone()), |task| RunView::at(subject.clone(), task))))
            }
            Action::Retry => verbs::retry(run, task),
            Action::Skip => match task {
                Some(task) => verbs::skip(run, task),
                None => return Vec::new(),
            },
            Action::Cancel => Intent::Show(Box::new(verbs::ask_cancel_run(&run, row.number, None))),
            Action::Why => Intent::Ask(Ask::Why { run, task }),
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
        if self.see(data).run.is_none() {
            let enters = if self.enters_newest { data.runs.last() } else { data.runs.first() };
            self.run = enters.map(|run| run.run_id.clone());
        }
        let seen = self.see(data);
        if self.at != At::Run {
            // What is gone leaves its place to what stands there now.
            return self.stand(&seen, Some(seen.row.unwrap_or(self.list.selected)), world);
        }
        self.list.select(0, seen.rows.len(), self.layout(world).rows);
        self.complete(world)
    }

    fn stands(&self, _world: &World) -> Vec<Standing> {
        let (from, edge, run, at) = (self.beside.subject.clone(), self.edge.clone(), self.run.clone(), self.at.clone());
        let (marked, folded) = (self.marked.clone(), self.folded.clone());
        vec![standing(self.name(), &Stood { from, shows: self.shows, edge, run, at, list: self.list, marked, folded })]
    }

    fn recall(&mut self, world: &World) {
        let Some(stood) = world.stood.of::<Stood>(&self.name()) else { return };
        (self.shows, self.marked, self.folded) = (stood.shows, stood.marked, stood.folded);
        // Whoever comes from another run wants to see that one.
        if stood.from == self.beside.subject {
            (self.edge, self.run, self.at, self.list) = (stood.edge, stood.run, stood.at, stood.list);
        }
    }

    fn stop(&self, _world: &World) -> Option<Stop> {
        Some(Stop::Grid(Tabbed::new(&self.pipeline, &self.beside)))
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let seen = self.seen(world);
        let Some((seen, (run, chosen))) = seen.as_ref().and_then(|seen| Some((seen, seen.chosen()?))) else {
            return match action {
                Action::Back | Action::Trigger | Action::NextTab | Action::PreviousTab => Ok(()),
                _ if seen.is_none() => Err("the runs are still being read".into()),
                _ => Err(format!("no run yet ({} starts one)", shown_key(Action::Trigger))),
            };
        };
        let over = match chosen {
            Chosen::Task(_, Some(cell)) if cell.state.is_terminal() => Some(cell.state),
            _ => None,
        };
        match action {
            Action::Older if !seen.data.older => Err("these are the oldest runs".into()),
            Action::Newer if !seen.data.newer => Err("these are the newest runs".into()),
            Action::Open | Action::Retry | Action::Skip if matches!(chosen, Chosen::Task(_, None)) => {
                Err(format!("run {} had no such task", run.number))
            }
            Action::Retry | Action::Skip | Action::Why if matches!(chosen, Chosen::Group(_)) => {
                Err("select a task of the group first".into())
            }
            Action::Retry if over == Some(TaskState::Success) => Err("nothing to retry (task succeeded)".into()),
            Action::Retry if over.is_some() => Ok(()),
            Action::Skip if matches!(chosen, Chosen::Run) => Err("select a task first".into()),
            Action::Skip if over == Some(TaskState::Success) => Err("nothing to skip (task succeeded)".into()),
            Action::Skip => Ok(()),
            Action::CollapseGroup | Action::CollapseAll if seen.data.groups.is_empty() => Err("there are no groups".into()),
            Action::CollapseGroup if seen.group().is_none() => Err("this task is in no group".into()),
            Action::NextMatch | Action::PreviousMatch if seen.data.failure(&seen.rows, (0, None), true).is_none() => {
                Err("nothing failed in these runs".into())
            }
            Action::Retry | Action::Cancel | Action::Why | Action::RetryFrom | Action::Approve | Action::More => {
                verbs::possible_for_run(action, Some((run.state, run.number)))
            }
            Action::Failure | Action::Undo | Action::Pause | Action::Watch => Err("open the run first".into()),
            Action::NextAttempt | Action::PreviousAttempt => Err("in the run view, with the task selected".into()),
            Action::NextPane | Action::PreviousPane => Err("there is one pane here".into()),
            Action::Search | Action::Sort => Err("in the history (])".into()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if let Some(lines) = distance(action, self.layout(world).rows) {
            return self.select(lines, world);
        }
        match action {
            Action::Back => return vec![Intent::Back],
            Action::NextTab | Action::PreviousTab => return self.beside.turn(Tab::Grid, action == Action::NextTab, &self.pipeline),
            Action::Left | Action::Right => return self.step(action == Action::Left, world),
            Action::Older | Action::Newer => return self.turn(action == Action::Older, world),
            Action::NextMatch | Action::PreviousMatch => return self.failure(action == Action::NextMatch, world),
            Action::CollapseGroup | Action::CollapseAll => return self.fold(action == Action::CollapseAll, world),
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
        let seen = self.seen(world);
        let chosen = seen.as_ref().and_then(Seen::chosen);
        Selected {
            pipeline: Some(self.pipeline.clone()),
            run: chosen.as_ref().map(|(run, _)| run.run_id.clone()),
            task: chosen.and_then(|(_, chosen)| if let Chosen::Task(task, _) = chosen { Some(task.clone()) } else { None }),
            ..Selected::default()
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let layout = layout(area, self.data(world));
        let Some(data) = self.data(world).filter(|data| !data.runs.is_empty()) else {
            let absent = if self.data(world).is_some() { Absent::no_run() } else { Absent::unread(world) };
            return absent.draw(frame, area, "Runs × tasks", "the runs", theme);
        };
        let drawn = Drawn { seen: &self.see(data), layout: &layout, shows: self.shows, now: world.now, theme };
        drawn.grid(frame, self.list, &self.marked, &self.folded(data));
        if layout.detail.width > 0 {
            facts::detail(frame, layout.detail, &drawn);
        }
    }
}

/// The tasks among lines, by place.
fn tasks_of(rows: &[Row]) -> Vec<usize> {
    rows.iter().filter_map(|row| if let Row::Task(task) = row { Some(*task) } else { None }).collect()
}

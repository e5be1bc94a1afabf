//! The graph of a run: how a person looks at it, and what keys do to that.

mod canvas;
mod minimap;
mod tree;

use super::framed;
use crate::{
    model::{TaskId, TaskState},
    stdx::time::Timestamp,
    tui::{
        actions::Action,
        graph::{Direction, Drawing, Flow, Window},
        graphs::{Figure, Focus, Level, Node, Wish, critical_path},
        hits::{self, Hit},
        input::Filter,
        list::{self, ListState},
        text,
        theme::Theme,
        views::{Typed, distance},
        world::{Ask, RunData},
    },
};
use canvas::{Canvas, Ink};
use ratatui::{Frame, layout::Rect, text::Line};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};
use tree::Row;

/// Up to so many tasks are drawn at all unless somebody asks for it; more are a tree.
const DRAWN_FOLDED: usize = 400;
/// The neighbourhood that focus begins with.
const HOPS: usize = 2;
/// Columns and rows that one step of panning goes.
const PAN: (isize, isize) = (8, 4);

/// How the graph is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// A drawing.
    Drawing,
    /// Groups and their tasks, as lines.
    Tree,
    /// All tasks, as a table.
    Table,
}

/// How a person looks at a graph.
#[derive(Debug, Clone, Default)]
pub struct GraphPane {
    /// `None` until somebody chose: by size.
    form: Option<Form>,
    level: Option<Level>,
    flow: Option<Flow>,
    /// `None` until somebody chose: by size.
    folded: Option<Arc<BTreeSet<usize>>>,
    focus: Option<Focus>,
    critical: bool,
    search: Filter,
    /// The first column and row that is seen.
    corner: (usize, usize),
    /// Somebody moved the part that is seen: it does not follow the selection until that moves.
    panned: bool,
    /// The structure all of this is about.
    structure: Option<u64>,
    /// What was asked for last.
    asked: Option<(u64, Wish)>,
    rows: Vec<Row>,
    list: ListState,
}

/// How the graph of a pipeline stood, in words that another run of it knows too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stood {
    form: Option<Form>,
    level: Option<Level>,
    flow: Option<Flow>,
    /// The names of the groups that were shown as one; `None` if nobody chose.
    folded: Option<Vec<String>>,
    /// The task whose surroundings were shown, and how far they went.
    focus: Option<(TaskId, usize)>,
    critical: bool,
    /// The first column and row that was seen, and whether somebody moved there.
    corner: (usize, usize),
    panned: bool,
}

/// What the pane shows, besides how it is looked at.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The run.
    pub data: &'a RunData,
    /// Its drawing, once it was laid out.
    pub figure: Option<&'a Figure>,
    /// The selected task, by position.
    pub selected: usize,
    /// Whether the pane has the keys.
    pub focused: bool,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Scene<'a> {
    /// The drawing, if it is one of this run.
    fn figure(&self) -> Option<&'a Figure> {
        self.figure.filter(|figure| figure.structure.hash == self.data.graph.hash)
    }
}

impl GraphPane {
    fn form(&self, data: &RunData) -> Form {
        self.form.unwrap_or(if data.tasks.len() > DRAWN_FOLDED && self.focus.is_none() { Form::Tree } else { Form::Drawing })
    }

    fn folded<'a>(&'a self, data: &'a RunData) -> &'a Arc<BTreeSet<usize>> {
        self.folded.as_ref().unwrap_or(&data.graph.folded)
    }

    fn wish(&self, data: &RunData, area: Rect) -> Wish {
        let inner = inside(area);
        Wish {
            folded: Arc::clone(self.folded(data)),
            focus: self.focus,
            level: self.level,
            flow: self.flow,
            room: (inner.width, inner.height),
        }
    }

    /// How it stands.
    pub fn stands(&self, data: &RunData) -> Stood {
        let name = |group: &usize| data.graph.groups.get(*group).map(|group| group.name.clone());
        Stood {
            form: self.form,
            level: self.level,
            flow: self.flow,
            folded: self.folded.as_ref().map(|folded| folded.iter().filter_map(name).collect()),
            focus: self.focus.and_then(|focus| Some((data.tasks.get(focus.task)?.task.clone(), focus.hops))),
            critical: self.critical,
            corner: self.corner,
            panned: self.panned,
        }
    }

    /// Stands as it did; groups and tasks that are gone are left out.
    pub fn recall(&mut self, stood: Stood, data: &RunData) {
        let number = |name: &String| data.graph.groups.iter().position(|group| group.name == *name);
        (self.form, self.level, self.flow, self.critical) = (stood.form, stood.level, stood.flow, stood.critical);
        self.folded = stood.folded.map(|folded| Arc::new(folded.iter().filter_map(number).collect()));
        self.focus = stood.focus.and_then(|(task, hops)| Some(Focus { task: data.position(&task)?, hops }));
        (self.corner, self.panned) = (stood.corner, stood.panned);
    }

    /// Takes new data or a new size into account; what is to be laid out, if anything.
    pub fn arrived(&mut self, data: &RunData, figure: Option<&Figure>, area: Rect) -> Option<Ask> {
        if self.structure.replace(data.graph.hash).is_some_and(|known| known != data.graph.hash) {
            // Groups and positions of another structure mean nothing in this one.
            (self.folded, self.focus, self.asked) = (None, None, None);
        }
        match self.form(data) {
            Form::Drawing => return self.ask(data, figure, area),
            Form::Tree => self.rows = tree::tree(data.tally(), self.folded(data)),
            Form::Table => self.rows = tree::table(data.tally()),
        }
        None
    }

    fn ask(&mut self, data: &RunData, figure: Option<&Figure>, area: Rect) -> Option<Ask> {
        if area.width == 0 || data.tasks.is_empty() {
            return None;
        }
        let wish = self.wish(data, area);
        let has = figure.is_some_and(|figure| figure.structure.hash == data.graph.hash && figure.wish == wish);
        let wanted = (data.graph.hash, wish);
        if has || self.asked.as_ref() == Some(&wanted) {
            return None;
        }
        let ask = Ask::Figure(data.graph.clone(), Box::new(wanted.1.clone()));
        self.asked = Some(wanted);
        Some(ask)
    }

    /// Whether somebody moved the part that is seen away from the selection.
    pub const fn is_panned(&self) -> bool {
        self.panned
    }

    /// It is in sight again; what was laid out may be of another run.
    pub fn resumed(&mut self) {
        self.asked = None;
    }

    /// Moves the part that is seen so far that the selected task is in it.
    pub fn reveal(&mut self, scene: Scene<'_>, area: Rect) {
        self.panned = false;
        if self.form(scene.data) == Form::Drawing {
            if let Some(figure) = scene.figure() {
                let window = self.window(figure, scene.selected, inside(area));
                self.corner = (window.x, window.y);
            }
            return;
        }
        let stands_for = |row: &Row| tree::task_of(row, scene.data.tally()) == Some(scene.selected);
        let here = self.rows.get(self.list.selected).is_some_and(stands_for);
        // A task of a folded group is reached by the line of its group.
        let group = scene.data.graph.group_of.get(scene.selected).copied().flatten();
        let own = |row: &Row| matches!(row, Row::Task { task, .. } if *task == scene.selected);
        let of_group = |row: &Row| matches!(row, Row::Group { group: number, .. } if Some(*number) == group);
        let line =
            if here { Some(self.list.selected) } else { self.rows.iter().position(own).or_else(|| self.rows.iter().position(of_group)) };
        self.list.select(line.unwrap_or(self.list.selected), self.rows.len(), self.height(scene.data, area));
    }

    /// Rows of the tree or the table.
    fn height(&self, data: &RunData, area: Rect) -> usize {
        let header = u16::from(self.form(data) == Form::Table);
        usize::from(area.height.saturating_sub(2 + header))
    }

    /// The task that a movement leads to.
    pub fn moved(&mut self, action: Action, scene: Scene<'_>, area: Rect) -> Option<usize> {
        let data = scene.data;
        if self.form(data) != Form::Drawing {
            let height = self.height(data, area);
            let lines = distance(action, height)?;
            self.list.by(lines, self.rows.len(), height);
            // A line that stands for no task is passed by.
            if self.rows.get(self.list.selected).is_some_and(|row| matches!(row, Row::Rest(_))) {
                self.list.by(lines.signum(), self.rows.len(), height);
            }
            return tree::task_of(self.rows.get(self.list.selected)?, data.tally());
        }
        let figure = scene.figure()?;
        let node = figure.node(scene.selected).unwrap_or(0);
        let direction = match action {
            Action::Up | Action::PageUp => Direction::Up,
            Action::Down | Action::PageDown => Direction::Down,
            Action::Left => Direction::Left,
            Action::Right => Direction::Right,
            _ => {
                let mut order = data.graph.order.iter().copied().filter(|&task| figure.node(task).is_some());
                return if action == Action::Top { order.next() } else { order.next_back() };
            }
        };
        let steps = if matches!(action, Action::PageUp | Action::PageDown) { usize::from(area.height / 3).max(1) } else { 1 };
        let walk = (0..steps).fold(node, |at, _| figure.drawing.neighbour(at, direction).unwrap_or(at));
        if walk == node { None } else { task_of_node(walk, figure, data) }
    }

    /// Why something about the graph is not possible now.
    ///
    /// # Errors
    /// The reason.
    pub fn possible(&self, action: Action, scene: Scene<'_>) -> Result<(), String> {
        let data = scene.data;
        let drawing = self.form(data) == Form::Drawing;
        let level = scene.figure().map(|figure| figure.level);
        let group = data.graph.group_of.get(scene.selected).copied().flatten();
        match action {
            Action::Left | Action::Right if !drawing => Err("there is one column here".to_owned()),
            Action::PanLeft | Action::PanRight | Action::PanUp | Action::PanDown | Action::Orientation | Action::Fit if !drawing => {
                Err("only the drawing has it".to_owned())
            }
            Action::PanLeft | Action::PanRight | Action::PanUp | Action::PanDown if scene.figure().is_some_and(Figure::fits) => {
                Err("all of it is in sight".to_owned())
            }
            Action::ZoomIn | Action::ZoomOut if !drawing && self.focus.is_none() => Err("only the drawing has it".to_owned()),
            Action::ZoomIn if self.focus.is_none() && level == Some(Level::Box) => Err("nothing tells more".to_owned()),
            Action::ZoomOut if self.focus.is_none() && level == Some(Level::Glyph) => Err("nothing is smaller".to_owned()),
            Action::ZoomOut if self.focus.is_some_and(|focus| focus.hops <= 1) => Err("one edge away is the least".to_owned()),
            Action::CollapseGroup | Action::CollapseAll if self.focus.is_some() => Err("in focus every task is shown".to_owned()),
            Action::CollapseGroup | Action::CollapseAll if self.form(data) == Form::Table => Err("the table has no groups".to_owned()),
            Action::CollapseGroup if group.is_none() => Err("this task is in no group".to_owned()),
            Action::CollapseGroup if group.is_some_and(|group| data.graph.groups[group].mapped) => {
                Err("the instances of a mapped task are one".to_owned())
            }
            Action::CollapseAll if data.graph.groups.is_empty() => Err("there are no groups".to_owned()),
            Action::NextMatch | Action::PreviousMatch if !self.search.is_on() => Err("nothing is searched for".to_owned()),
            Action::NextMatch | Action::PreviousMatch if self.matches(data).next().is_none() => {
                Err(format!("no task has `{}`", text::safe(self.search.text())))
            }
            _ => Ok(()),
        }
    }

    /// Does what an action asks for, if it is about how the graph is looked at; the task that is selected then.
    pub fn act(&mut self, action: Action, scene: Scene<'_>, area: Rect) -> Option<usize> {
        let data = scene.data;
        let mut selected = None;
        match action {
            Action::PanLeft => self.pan(-PAN.0, 0, scene, area),
            Action::PanRight => self.pan(PAN.0, 0, scene, area),
            Action::PanUp => self.pan(0, -PAN.1, scene, area),
            Action::PanDown => self.pan(0, PAN.1, scene, area),
            Action::Orientation => {
                let now = scene.figure().map_or(Flow::Down, |figure| figure.drawing.flow);
                self.flow = Some(if now == Flow::Down { Flow::Right } else { Flow::Down });
            }
            Action::ViewCycle => {
                self.form = Some(match self.form(data) {
                    Form::Drawing => Form::Tree,
                    Form::Tree => Form::Table,
                    Form::Table => Form::Drawing,
                });
                // The selection is the same task in every form.
                (selected, self.panned) = (Some(scene.selected), false);
            }
            Action::Fit => (self.level, self.flow) = (None, None),
            Action::ZoomIn | Action::ZoomOut => self.zoom(action == Action::ZoomIn, scene),
            Action::FocusNeighbourhood => {
                self.focus = if self.focus.is_some() { None } else { Some(Focus { task: scene.selected, hops: HOPS }) };
                self.form = self.focus.map(|_| Form::Drawing).or(self.form.filter(|form| *form != Form::Drawing));
            }
            Action::CollapseGroup => {
                let mut folded = BTreeSet::clone(self.folded(data));
                if let Some(group) = data.graph.group_of.get(scene.selected).copied().flatten()
                    && !folded.remove(&group)
                {
                    folded.insert(group);
                }
                self.folded = Some(Arc::new(folded));
                (selected, self.panned) = (Some(scene.selected), false);
            }
            Action::CollapseAll => {
                let can = data.graph.groups.iter().enumerate().filter(|(_, group)| !group.mapped).map(|(number, _)| number);
                let all: BTreeSet<usize> = can.collect();
                let all_are = all.is_subset(self.folded(data));
                self.folded = Some(Arc::new(if all_are { BTreeSet::new() } else { all }));
                (selected, self.panned) = (Some(scene.selected), false);
            }
            Action::CriticalPath => self.critical = !self.critical,
            Action::NextMatch | Action::PreviousMatch => selected = self.beside(action == Action::NextMatch, scene),
            Action::Search => self.search.start(),
            Action::PromptDone => {
                self.search.done();
                selected = self.first_match(scene);
            }
            Action::PromptClear => self.search.clear(),
            Action::PromptErase => self.search.erase(),
            _ => {}
        }
        selected
    }

    /// Takes one step back, if there is one to take within the pane.
    pub fn back(&mut self) -> bool {
        if self.search.is_on() {
            self.search.clear();
            return true;
        }
        if self.focus.take().is_some() {
            self.form = self.form.filter(|form| *form != Form::Drawing);
            return true;
        }
        false
    }

    fn zoom(&mut self, more: bool, scene: Scene<'_>) {
        if let Some(focus) = &mut self.focus {
            focus.hops = if more { focus.hops + 1 } else { focus.hops.saturating_sub(1).max(1) };
        } else if let Some(figure) = scene.figure() {
            self.level = figure.level.beside(more);
            self.flow = Some(figure.drawing.flow);
        }
    }

    /// Moves the drawing with the pointer; false where it is none, or all of it is in sight.
    pub fn drag(&mut self, by: (i32, i32), scene: Scene<'_>, area: Rect) -> bool {
        let moves = self.form(scene.data) == Form::Drawing && scene.figure().is_some_and(|figure| !figure.fits());
        if moves {
            self.pan(-by.0 as isize, -by.1 as isize, scene, area);
        }
        moves
    }

    fn pan(&mut self, columns: isize, rows: isize, scene: Scene<'_>, area: Rect) {
        let Some(figure) = scene.figure() else { return };
        let window = self.window(figure, scene.selected, inside(area));
        let x = window.x.saturating_add_signed(columns).min(figure.drawing.width.saturating_sub(window.width));
        let y = window.y.saturating_add_signed(rows).min(figure.drawing.height.saturating_sub(window.height));
        (self.corner, self.panned) = ((x, y), true);
    }

    /// Whether the pane types text.
    pub const fn is_typing(&self) -> bool {
        self.search.is_typing()
    }

    /// Text that is typed: the next task that has it.
    pub fn typed(&mut self, input: Typed, scene: Scene<'_>) -> Option<usize> {
        self.search.typed(input);
        self.first_match(scene)
    }

    /// Tasks whose names have what is searched for, in the order of the graph.
    fn matches<'a>(&'a self, data: &'a RunData) -> impl DoubleEndedIterator<Item = usize> + 'a {
        let is_match = |task: &usize| self.is_match(data.graph.names[*task].as_str());
        data.graph.order.iter().copied().filter(is_match)
    }

    fn is_match(&self, name: &str) -> bool {
        !self.search.text().is_empty() && self.search.keeps([name])
    }

    fn first_match(&self, scene: Scene<'_>) -> Option<usize> {
        let here = scene.data.graph.rank.get(scene.selected).copied().unwrap_or(0);
        let mut after = self.matches(scene.data).filter(|&task| scene.data.graph.rank[task] >= here);
        after.next().or_else(|| self.matches(scene.data).next())
    }

    fn beside(&self, forward: bool, scene: Scene<'_>) -> Option<usize> {
        let rank = &scene.data.graph.rank;
        let here = rank.get(scene.selected).copied().unwrap_or(0);
        if forward {
            self.matches(scene.data).find(|&task| rank[task] > here).or_else(|| self.matches(scene.data).next())
        } else {
            self.matches(scene.data).rev().find(|&task| rank[task] < here).or_else(|| self.matches(scene.data).next_back())
        }
    }

    /// Where each task of the drawing that is seen stands on the screen.
    fn rectangles(&self, figure: &Figure, scene: Scene<'_>, area: Rect) -> Vec<(Rect, usize)> {
        let inner = inside(area);
        let window = self.window(figure, scene.selected, inner);
        let canvas = Canvas::new(inner, window, &figure.drawing);
        let found = figure.drawing.nodes_in(window).into_iter();
        found.filter_map(|node| Some((canvas.rectangle(&figure.drawing.nodes[node])?, task_of_node(node, figure, scene.data)?))).collect()
    }

    /// Draws the pane.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, theme: &Theme) {
        let title = self.title();
        if scene.data.tasks.is_empty() {
            framed(frame, area, &title, "no tasks", scene.focused, theme);
            let words = Line::styled("This pipeline has no tasks.", theme.style("fg.muted"));
            return super::lines(frame, inside(area), [words]);
        }
        match (self.form(scene.data), scene.figure()) {
            (Form::Drawing, Some(figure)) => {
                self.draw_figure(frame, area, &title, figure, scene, theme);
                for (place, task) in self.rectangles(figure, scene, area) {
                    hits::put(place, Hit::Task(task));
                }
            }
            (Form::Drawing, None) => {
                let right = text::count(scene.data.tasks.len(), "task");
                framed(frame, area, &title, &right, scene.focused, theme);
                super::lines(frame, inside(area), [Line::styled("drawing…", theme.style("fg.muted"))]);
            }
            (form, _) => self.draw_rows(frame, area, &title, form, scene, theme),
        }
    }

    fn title(&self) -> String {
        match (self.search.is_on(), self.search.is_typing()) {
            (true, true) => format!("Graph / {}▏", text::safe(self.search.text())),
            (true, false) => format!("Graph / {}", text::safe(self.search.text())),
            _ => "Graph".to_owned(),
        }
    }

    fn draw_rows(&self, frame: &mut Frame<'_>, area: Rect, title: &str, form: Form, scene: Scene<'_>, theme: &Theme) {
        let Scene { data, now, .. } = scene;
        let word = if form == Form::Tree { "tree" } else { "table" };
        let right = format!("{word} · {}", text::count(data.tasks.len(), "task"));
        let inner = framed(frame, area, title, &right, scene.focused, theme);
        let width = usize::from(inner.width).saturating_sub(2);
        let mut rows_area = inner;
        if form == Form::Table {
            super::lines(frame, inner, [tree::header(width.saturating_sub(1), theme)]);
            rows_area = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        }
        let window = self.list.window(self.rows.len(), usize::from(rows_area.height));
        let at = self.list.selected.checked_sub(window.start);
        let lines = self.rows.get(window).unwrap_or_default().iter().map(|row| match row {
            Row::Task { task, .. } if form == Form::Table => {
                data.tasks.get(*task).map_or_else(Line::default, |task| tree::table_line(task, width.saturating_sub(1), now, theme))
            }
            row => tree::tree_line(row, data, width, now, theme),
        });
        let token = if scene.focused { "selection" } else { "selection.inactive" };
        list::draw(frame, rows_area, lines, at.map(|at| (at, token)), theme);
    }

    fn draw_figure(&self, frame: &mut Frame<'_>, area: Rect, title: &str, figure: &Figure, scene: Scene<'_>, theme: &Theme) {
        let inner = inside(area);
        let window = self.window(figure, scene.selected, inner);
        let critical = self.critical.then(|| critical_path(&scene.data.graph, scene.data.tally(), scene.now));
        let took = critical.as_ref().map(|(_, millis)| *millis);
        let long = self.right(figure, window, scene, took);
        // What does not fit in half of the frame is said in fewer words.
        let right = if text::width(&long) * 2 + 6 > usize::from(area.width) { self.short_right(figure, window, scene) } else { long };
        framed(frame, area, title, &right, scene.focused, theme);
        let selected = figure.node(scene.selected);
        let path: Vec<usize> = critical.into_iter().flat_map(|(path, _)| path).filter_map(|task| figure.node(task)).collect();
        let canvas = Canvas::new(inner, window, &figure.drawing);
        let on_path: HashSet<usize> = path.iter().copied().collect();
        let ink = Ink { figure, scene, theme, selected, path: &path, on_path: &on_path };
        canvas.edges(frame, &ink);
        for node in figure.drawing.nodes_in(window) {
            let mut members = figure.plan.nodes[node].members(&figure.structure).iter();
            let is_match = self.search.is_on() && members.any(|&task| self.is_match(scene.data.graph.names[task].as_str()));
            canvas.node(frame, node, &ink, is_match);
        }
        if !figure.fits() {
            canvas.beyond(frame, area, &ink);
            minimap::draw(frame, inner, window, &ink);
        }
    }

    /// What stands at the right of the title.
    fn right(&self, figure: &Figure, window: Window, scene: Scene<'_>, critical: Option<i64>) -> String {
        let drawing = &figure.drawing;
        let flow = if drawing.flow == Flow::Down { "TB" } else { "LR" };
        let level = figure.level.word();
        let mut parts = Vec::new();
        if let Some(millis) = critical {
            let took = crate::stdx::duration::short(std::time::Duration::from_millis(u64::try_from(millis).unwrap_or(0)));
            parts.push(format!("critical * {took}"));
        }
        if let Some(focus) = self.focus {
            let hops = if focus.hops == 1 { "1 hop".to_owned() } else { format!("{} hops", focus.hops) };
            parts.push(format!("{hops}: {} of {}", figure.plan.nodes.len(), text::count(scene.data.tasks.len(), "task")));
        } else if figure.fits() {
            parts.push(format!("{level} {flow}"));
            parts.push(text::count(scene.data.tasks.len(), "task"));
        }
        if !figure.fits() {
            let last = (window.y + window.height).min(drawing.height);
            let arrows = if drawing.width > window.width { "↑↓←→" } else { "↑↓" };
            parts.push(format!("{level} {flow}"));
            parts.push(format!("pan {arrows} {}-{last}/{}", window.y + 1, drawing.height));
        }
        parts.join(" · ")
    }

    /// The same in few words.
    fn short_right(&self, figure: &Figure, window: Window, scene: Scene<'_>) -> String {
        let last = (window.y + window.height).min(figure.drawing.height);
        match self.focus {
            Some(focus) => format!("{} hops: {} of {}", focus.hops, figure.plan.nodes.len(), scene.data.tasks.len()),
            None if figure.fits() => text::count(scene.data.tasks.len(), "task"),
            None => format!("pan {}-{last}/{}", window.y + 1, figure.drawing.height),
        }
    }

    /// The part that is seen: as before, moved as far as the selected task needs.
    fn window(&self, figure: &Figure, selected: usize, inner: Rect) -> Window {
        let drawing = &figure.drawing;
        let (width, height) = (usize::from(inner.width), usize::from(inner.height));
        let mut window = Window { x: self.corner.0, y: self.corner.1, width, height };
        if let Some(node) = figure.node(selected).and_then(|node| drawing.nodes.get(node)).filter(|_| !self.panned) {
            window.x = window.x.max((node.x + node.width).saturating_sub(width)).min(node.x);
            // A row above and below, so that its lines are seen.
            window.y = window.y.max((node.y + node.height + 1).saturating_sub(height)).min(node.y.saturating_sub(1));
        }
        window.x = window.x.min(drawing.width.saturating_sub(width));
        window.y = window.y.min(drawing.height.saturating_sub(height));
        window
    }
}

/// Inside the frame, with a free column on both sides.
const fn inside(area: Rect) -> Rect {
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
}

/// How many things, and how many of them failed, are wholly outside of a part of the drawing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Beyond {
    all: usize,
    failed: usize,
}

impl Beyond {
    /// Above, below, left and right, also what is seen in part; what is above or below counts there only.
    fn of(drawing: &Drawing, window: Window, is_failed: impl Fn(usize) -> bool) -> [Self; 4] {
        let mut sides = [Self::default(); 4];
        for (at, node) in drawing.nodes.iter().enumerate() {
            let side = match () {
                () if node.y < window.y => 0,
                () if node.y + node.height > window.y + window.height => 1,
                () if node.x < window.x => 2,
                () if node.x + node.width > window.x + window.width => 3,
                () => continue,
            };
            sides[side].all += 1;
            sides[side].failed += usize::from(is_failed(at));
        }
        sides
    }

    /// `▾ 12 more (✗1)`.
    fn said(self, arrow: &str) -> Option<String> {
        let failed = if self.failed > 0 { format!(" ({}{})", TaskState::Failed.look().glyph, self.failed) } else { String::new() };
        (self.all > 0).then(|| format!(" {arrow} {} more{failed} ", self.all))
    }
}

/// Of the tasks that a thing stands for the one that needs a person most.
fn task_of_node(node: usize, figure: &Figure, data: &RunData) -> Option<usize> {
    match figure.plan.nodes.get(node)? {
        Node::Task(task) => Some(*task).filter(|&task| task < data.tasks.len()),
        Node::Group(group) => data.tally().groups.get(*group)?.members.first().copied(),
    }
}

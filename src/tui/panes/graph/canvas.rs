//! The part of a drawing that is seen, on the screen: lines, pills and boxes, and how much is out of sight.

use super::{Beyond, Scene, task_of_node};
use crate::{
    model::{
        TaskState,
        state::{CACHED_LOOK, Look},
    },
    tui::{
        graph::{Drawing, Placed, Window},
        graphs::{CODE, Figure, Level, Node, TIME, counts_width},
        panes::tasks,
        tally::{Together, urgency},
        text,
        theme::Theme,
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use std::collections::HashSet;

/// What is drawn, and what stands out of it.
pub struct Ink<'a> {
    /// The drawing.
    pub figure: &'a Figure,
    /// What it shows.
    pub scene: Scene<'a>,
    /// How it looks.
    pub theme: &'a Theme,
    /// The thing that stands for the selected task.
    pub selected: Option<usize>,
    /// The things of the critical path, first to last.
    pub path: &'a [usize],
    /// The same, to look up.
    pub on_path: &'a HashSet<usize>,
}

impl Ink<'_> {
    /// How the tasks stand that a thing stands for.
    fn states(&self, node: usize) -> impl Iterator<Item = TaskState> {
        let states = &self.scene.data.tally().states;
        self.figure.plan.nodes[node].members(&self.figure.structure).iter().filter_map(|&task| states.get(task).copied())
    }

    /// Whether one of the tasks failed that a thing stands for.
    pub fn is_failed(&self, node: usize) -> bool {
        task_of_node(node, self.figure, self.scene.data).is_some_and(|first| self.scene.data.tally().is_failed(first))
    }
}

/// The part that is seen, and where on the screen.
pub struct Canvas {
    inner: Rect,
    window: Window,
}

impl Canvas {
    /// A drawing that is smaller than the pane stands in its middle.
    pub fn new(inner: Rect, window: Window, drawing: &Drawing) -> Self {
        let spare = |room: u16, used: usize| u16::try_from(usize::from(room).saturating_sub(used) / 2).unwrap_or(0);
        let left = spare(inner.width, drawing.width);
        let above = spare(inner.height, drawing.height).min(inner.height / 4);
        let inner = Rect { x: inner.x + left, y: inner.y + above, width: inner.width - left, height: inner.height - above };
        Self { inner, window }
    }

    /// The cell on the screen, if it is seen.
    fn at(&self, x: usize, y: usize) -> Option<(u16, u16)> {
        let column = u16::try_from(x.checked_sub(self.window.x)?).ok()?;
        let row = u16::try_from(y.checked_sub(self.window.y)?).ok()?;
        (column < self.inner.width && row < self.inner.height).then(|| (self.inner.x + column, self.inner.y + row))
    }

    /// What is seen of a pill.
    pub fn rectangle(&self, node: &Placed) -> Option<Rect> {
        let (x, y) = self.at(node.x.max(self.window.x), node.y.max(self.window.y))?;
        let end = |last: usize, from: usize, edge: u16, origin: u16| {
            edge.min(origin.saturating_add(u16::try_from(last.saturating_sub(from)).unwrap_or(u16::MAX)))
        };
        let right = end(node.x + node.width, self.window.x, self.inner.right(), self.inner.x);
        let bottom = end(node.y + node.height, self.window.y, self.inner.bottom(), self.inner.y);
        Some(Rect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) })
    }

    /// Draws the lines: those from the selected task heavy, the critical path heavy, those from skipped tasks dim.
    pub fn edges(&self, frame: &mut Frame<'_>, ink: &Ink<'_>) {
        let theme = ink.theme;
        let styles = ["edge.critical", "edge.focus", "edge.dim", "edge"].map(|token| theme.style(token));
        let critical = self.critical_cells(ink);
        let skipped = |source: &usize| ink.states(*source).all(|state| state == TaskState::Skipped);
        for cell in ink.figure.drawing.cells_in(self.window) {
            let Some(at) = self.at(cell.x, cell.y) else { continue };
            let (glyph, style) = match () {
                () if critical.contains(&(cell.x, cell.y)) => (cell.heavy, styles[0]),
                () if ink.selected.is_some_and(|node| cell.sources.contains(&node)) => (cell.heavy, styles[1]),
                () if cell.sources.iter().all(skipped) => (cell.glyph, styles[2]),
                () => (cell.glyph, styles[3]),
            };
            frame.buffer_mut()[at].set_char(glyph).set_style(style);
        }
    }

    /// The cells of the critical path's lines that may be seen.
    fn critical_cells(&self, ink: &Ink<'_>) -> HashSet<(usize, usize)> {
        let drawing = &ink.figure.drawing;
        let steps = ink.path.windows(2).filter(|pair| pair[0] != pair[1]);
        let may_be_seen = |pair: &&[usize]| {
            let (from, to) = (&drawing.nodes[pair[0]], &drawing.nodes[pair[1]]);
            let (x, y) = (from.x.min(to.x), from.y.min(to.y));
            let right = (from.x + from.width).max(to.x + to.width);
            let bottom = (from.y + from.height).max(to.y + to.height);
            Placed { x, y, width: right - x, height: bottom - y, layer: 0 }.touches(self.window)
        };
        steps.filter(may_be_seen).flat_map(|pair| drawing.trace(pair[0], pair[1])).collect()
    }

    /// Draws a pill or a box.
    pub fn node(&self, frame: &mut Frame<'_>, node: usize, ink: &Ink<'_>, is_match: bool) {
        let (theme, focused) = (ink.theme, ink.scene.focused);
        let place = ink.figure.drawing.nodes[node];
        let is_selected = ink.selected == Some(node);
        let on_path = ink.on_path.contains(&node);
        let words = words(node, ink, on_path, is_match);
        if ink.figure.level == Level::Box {
            self.boxed(frame, &place, &words, is_selected, ink);
        } else {
            let pad = ink.figure.level.pad(ink.figure.drawing.flow);
            self.line(frame, (place.x + pad, place.y), &words.pill(ink.figure.level));
        }
        if on_path
            && ink.figure.level.has_fields()
            && ink.figure.level != Level::Box
            && let Some(at) = self.at(place.x + place.width - ink.figure.level.pad(ink.figure.drawing.flow), place.y)
        {
            // In the gap that every pill has at its right, so that nothing moves.
            frame.buffer_mut()[at].set_char('*').set_style(theme.style("edge.critical"));
        }
        if is_selected && let Some(rectangle) = self.rectangle(&place) {
            frame.buffer_mut().set_style(rectangle, theme.style(if focused { "selection" } else { "selection.inactive" }));
        }
    }

    fn boxed(&self, frame: &mut Frame<'_>, place: &Placed, words: &Words, is_selected: bool, ink: &Ink<'_>) {
        let theme = ink.theme;
        let token = if is_selected { "border.focus" } else { words.border };
        let border = theme.style(token);
        let glyphs = if is_selected { ['┏', '┓', '┗', '┛', '━', '┃'] } else { ['╭', '╮', '╰', '╯', '─', '│'] };
        let room = place.width.saturating_sub(2);
        let across = glyphs[4].to_string().repeat(room);
        let done = words.progress.map_or(0, |part| filled(part, room));
        let (right, bottom) = (place.x + place.width - 1, place.y + place.height - 1);
        self.line(frame, (place.x, place.y), &Line::styled(format!("{}{across}{}", glyphs[0], glyphs[1]), border));
        let foot = vec![
            Span::styled(glyphs[2].to_string(), border),
            Span::styled("█".repeat(done), theme.style("state.running")),
            Span::styled(text::skip(&across, done).to_owned(), border),
            Span::styled(glyphs[3].to_string(), border),
        ];
        self.line(frame, (place.x, bottom), &Line::from(foot));
        for y in place.y + 1..bottom {
            self.line(frame, (place.x, y), &Line::styled(glyphs[5].to_string(), border));
            self.line(frame, (right, y), &Line::styled(glyphs[5].to_string(), border));
        }
        let [first, second] = words.rows(place.width.saturating_sub(4));
        self.line(frame, (place.x + 2, place.y + 1), &first);
        self.line(frame, (place.x + 2, place.y + 2), &second);
    }

    /// Draws spans in one row, as far as they are seen.
    fn line(&self, frame: &mut Frame<'_>, (x, y): (usize, usize), line: &Line<'_>) {
        let mut skip = self.window.x.saturating_sub(x);
        let Some((mut column, row)) = self.at(x.max(self.window.x), y) else { return };
        for span in &line.spans {
            let content = text::skip(&span.content, skip);
            skip = skip.saturating_sub(text::width(&span.content));
            let room = self.inner.right().saturating_sub(column);
            column = frame.buffer_mut().set_span(column, row, &Span::styled(content, span.style.patch(line.style)), room).0;
        }
    }

    /// Says on the frame of the pane how much is out of sight, and how much of that failed.
    pub fn beyond(&self, frame: &mut Frame<'_>, area: Rect, ink: &Ink<'_>) {
        let sides = Beyond::of(&ink.figure.drawing, self.window, |node| ink.is_failed(node));
        let [above, below, left, right] = sides;
        let style = |side: Beyond| ink.theme.style(if side.failed > 0 { "state.failed" } else { "fg.muted" });
        let mut put = |side: Beyond, arrow: &str, y: u16, place: fn(u16, u16) -> u16| {
            let Some(said) = side.said(arrow) else { return };
            let width = u16::try_from(text::width(&said)).unwrap_or(u16::MAX);
            if width + 4 <= area.width {
                let x = area.x + place(area.width, width);
                frame.buffer_mut().set_string(x, y, &said, style(side));
            }
        };
        let bottom = area.bottom().saturating_sub(1);
        put(below, "▾", bottom, |area, width| (area - width) / 2);
        put(left, "◂", bottom, |_, _| 2);
        put(right, "▸", bottom, |area, width| area - width - 2);
        // The title has the ends of the upper edge.
        if area.width >= 76 {
            put(above, "▴", area.y, |area, width| (area / 3).saturating_sub(width / 2));
        } else if let Some(said) = above.said("▴") {
            let x = area.x + 9;
            if usize::from(area.width) > 50 {
                frame.buffer_mut().set_string(x, area.y, &said, style(above));
            }
        }
    }
}

fn filled(part: f64, room: usize) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let cells = (part.clamp(0.0, 1.0) * room as f64).round() as usize;
    cells.min(room)
}

/// What a thing says.
struct Words {
    glyph: Span<'static>,
    /// Between glyph and name: a star where the critical path is not told by the time.
    gap: Span<'static>,
    name: Span<'static>,
    code: Vec<Span<'static>>,
    time: Span<'static>,
    /// How many tasks a group has.
    count: Span<'static>,
    border: &'static str,
    progress: Option<f64>,
}

impl Words {
    fn pill(self, level: Level) -> Line<'static> {
        let mut spans = vec![self.glyph];
        if level != Level::Glyph {
            spans.extend([self.gap, self.name]);
        }
        if level.has_fields() {
            spans.push(Span::raw(" "));
            spans.extend(self.code);
            spans.push(self.time);
        } else if level != Level::Glyph {
            spans.push(self.count);
        }
        Line::from(spans)
    }

    /// Two rows of a box: glyph and name, code and time.
    fn rows(&self, width: usize) -> [Line<'static>; 2] {
        let fields = self.code.iter().chain([&self.time]).map(|span| text::width(&span.content)).sum::<usize>();
        let lead = if self.time.content.is_empty() { 0 } else { 2 };
        let between = " ".repeat(width.saturating_sub(fields + lead));
        [
            Line::from(vec![self.glyph.clone(), self.gap.clone(), self.name.clone()]),
            Line::from_iter(
                [Span::raw(" ".repeat(lead))].into_iter().chain(self.code.clone()).chain([Span::raw(between), self.time.clone()]),
            ),
        ]
    }
}

fn words(node: usize, ink: &Ink<'_>, on_path: bool, is_match: bool) -> Words {
    let (Scene { data, now, .. }, theme) = (ink.scene, ink.theme);
    let level = ink.figure.level;
    let thing = &ink.figure.plan.nodes[node];
    let structure = &ink.figure.structure;
    let told = thing.name(structure);
    let name = text::left(&text::safe(told), level.name_width(told, ink.figure.longest));
    let name = Span::styled(name, theme.style(if is_match { "match" } else { "fg" }));
    let star = on_path && !matches!(level, Level::Full | Level::Snug);
    let gap = if star { Span::styled("*", theme.style("edge.critical")) } else { Span::raw(" ") };
    match thing {
        Node::Task(position) => {
            let Some(task) = data.tasks.get(*position) else { return Words::blank(name) };
            let look = tasks::look(task);
            let style = theme.style(look.token);
            Words {
                glyph: Span::styled(look.glyph.to_string(), style),
                gap,
                name,
                code: vec![Span::styled(format!("{:<CODE$} ", look.code), style)],
                time: Span::styled(text::right(&tasks::time(task, now), TIME), theme.style("fg.muted")),
                count: Span::raw(""),
                border: if urgency(task.state) <= 3 { look.token } else { "border" },
                progress: data.progress.get(&task.task).copied().filter(|_| task.state == TaskState::Running),
            }
        }
        Node::Group(number) => {
            let group = &structure.groups[*number];
            let first = task_of_node(node, ink.figure, data).and_then(|task| data.tasks.get(task));
            let token = first.map_or("fg", |task| tasks::look(task).token);
            let glyph = if group.mapped { first.map_or(' ', |task| tasks::look(task).glyph) } else { '⊞' };
            Words {
                glyph: Span::styled(glyph.to_string(), theme.style(token)),
                gap,
                name,
                code: group_fields(*number, group.mapped, ink),
                time: Span::raw(""),
                count: Span::styled(format!(" ×{}", group.members.len()), theme.style("fg.muted")),
                border: if first.is_some_and(|task| urgency(task.state) <= 3) { token } else { "border" },
                progress: None,
            }
        }
    }
}

/// What is known of the tasks of a group, in as many columns as it may ever take: `7 tasks  ✓3 ▸1 ⊜2 ◌1`, or of a mapped task
/// `17/40 ✗1`.
fn group_fields(group: usize, mapped: bool, ink: &Ink<'_>) -> Vec<Span<'static>> {
    let theme = ink.theme;
    let tally = ink.scene.data.tally();
    let Together { members, looks } = &tally.groups[group];
    let all = members.len();
    let mut spans = Vec::new();
    if mapped {
        let done = members.iter().filter(|&&task| tally.states[task].is_terminal()).count();
        spans.push(Span::styled(format!("{done}/{all} "), theme.style("fg.muted")));
    } else {
        spans.push(Span::styled(format!("{}  ", text::count(all, "task")), theme.style("fg.muted")));
    }
    // Of a mapped task what is done and what is to come follows from the fraction.
    let calm = |look: &Look| [TaskState::Success.look(), CACHED_LOOK, TaskState::Pending.look()].contains(look);
    for (look, n) in looks.iter().filter(|(look, _)| !mapped || !calm(look)) {
        spans.push(Span::styled(format!("{}{n} ", look.glyph), theme.style(look.token)));
    }
    // As many columns as it may ever take, so that nothing moves.
    let mut room = counts_width(all);
    for span in &mut spans {
        let cut = text::take(&span.content, room).to_owned();
        room -= text::width(&cut);
        span.content = cut.into();
    }
    spans.push(Span::raw(" ".repeat(room)));
    spans
}

impl Words {
    fn blank(name: Span<'static>) -> Self {
        let none = || Span::raw("");
        Self {
            glyph: Span::raw(" "),
            gap: Span::raw(" "),
            name,
            code: Vec::new(),
            time: none(),
            count: none(),
            border: "border",
            progress: None,
        }
    }
}

//! How a form looks: groups, fields with what they take beside them, what is wrong below them, and at the foot the button and what
//! pressing it comes to.

use super::{
    Form,
    field::{Editor, Field, plain},
};
use crate::{
    model::ParamType,
    tui::{
        actions::Action,
        dialogs::placed,
        hits::{self, Hit},
        keymap::shown_key,
        panes, text,
        theme::Theme,
    },
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};
use serde_json::Value;

/// Columns inside, where there is room.
const WIDTH: usize = 92;
/// Widest column of names.
const NAMES: usize = 24;
/// Columns of an ordinary field where there is room; a long text gets more while it is typed.
const FIELD: usize = 28;
/// A form with fewer lines does without empty ones around its parts.
const ROOMY: u16 = 16;
/// Lines of the command line, kept free for it so that the form does not grow while it is filled in.
const COMMAND: usize = 2;

/// What stands around the fields.
#[derive(Debug)]
pub struct Around<'a> {
    /// What it is for.
    pub title: &'a str,
    /// Said where there are no fields.
    pub empty: &'a str,
    /// The button.
    pub label: &'a str,
    /// What is good to know before it is pressed.
    pub note: &'a str,
    /// The command line that does the same, if there is one.
    pub command: &'a str,
}

/// A line of the list of fields.
enum Row<'f> {
    Blank,
    Heading(&'f str),
    Field(usize),
    /// What is wrong with a field, or what it is for: of the lines that it takes that one.
    Below(usize, usize),
}

/// Draws it in the middle of the screen.
pub fn form(form: &Form, frame: &mut Frame<'_>, area: Rect, around: &Around<'_>, theme: &Theme) {
    let most = placed(area, WIDTH, usize::from(area.height));
    let is_roomy = most.height >= ROOMY;
    let width = usize::from(most.width.saturating_sub(4)).max(1);
    let most_lines = match (around.command.is_empty(), is_roomy) {
        (true, _) => 0,
        (false, true) => COMMAND,
        (false, false) => 1,
    };
    let command = shell_lines(around.command, width, most_lines);
    let foot = most_lines + if is_roomy { 4 } else { 2 };
    let top = usize::from(is_roomy);
    // A line for what may be wrong: of more, what each field is for makes room.
    let spare = usize::from(!form.fields.is_empty());
    let outer = placed(area, WIDTH, top + rows(&form.fields, |_, field| usize::from(field.is_told()), true).len().max(1) + spare + foot);
    let problems = form.problems();
    let place = if form.at < form.fields.len() { format!("field {} of {}", form.at + 1, form.fields.len()) } else { String::new() };
    let right = if problems > 0 { text::count(problems, "problem") } else { place };
    let inner = panes::popup(frame, outer, around.title, &right, theme);
    let [_, above, below] =
        Layout::vertical([Constraint::Length(clamped(top)), Constraint::Fill(1), Constraint::Length(clamped(foot))]).areas(inner);
    if form.fields.is_empty() {
        panes::lines(frame, above, [Line::styled(around.empty, theme.style("fg.muted"))]);
    }
    fields(form, frame, above, theme);
    foot_of(form, frame, below, &Foot { around, command, is_roomy }, theme);
}

/// The command line, broken into at most so many lines; what is missing ends with `…`.
pub fn shell_lines(command: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = text::wrap(&text::safe(command), width);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = text::cut(&format!("{last} …"), width);
        }
    }
    lines
}

fn clamped(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// The lines of all fields; `below` says how many stand below each.
fn rows<'f>(fields: &'f [Field], below: impl Fn(usize, &Field) -> usize, airy: bool) -> Vec<Row<'f>> {
    let mut rows = Vec::new();
    let mut group = "";
    for (at, field) in fields.iter().enumerate() {
        if field.def.group != group {
            group = &field.def.group;
            if airy && at > 0 {
                rows.push(Row::Blank);
            }
            rows.push(Row::Heading(group));
        }
        rows.push(Row::Field(at));
        rows.extend((0..below(at, field)).map(|line| Row::Below(at, line)));
    }
    rows
}

fn fields(form: &Form, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let height = usize::from(area.height);
    // Where not everything fits, empty lines go first; then only the field that has the keys says what it is for.
    let ways = [(true, true), (true, false), (false, true)].into_iter();
    let sheet = Sheet::new(&form.fields, area);
    let below = |all: bool, at: usize, field: &Field| match &field.error {
        Some(_) => sheet.said(field).len(),
        None => usize::from(field.is_told() && (all || at == form.at)),
    };
    let told = |all: bool, airy| rows(&form.fields, |at, field| below(all, at, field), airy);
    let shown = ways.map(|(all, airy)| told(all, airy)).find(|rows| rows.len() <= height).unwrap_or_else(|| told(false, false));
    let focus = shown.iter().position(|row| matches!(row, Row::Field(at) if *at == form.at)).unwrap_or(shown.len().saturating_sub(1));
    let hidden = shown.len().saturating_sub(height);
    let from = (focus + 1).saturating_sub(height / 2).min(hidden);
    for (y, row) in (area.y..area.bottom()).zip(shown.iter().skip(from)) {
        let line = Rect { y, height: 1, ..area };
        match row {
            Row::Blank => {}
            Row::Heading(group) => {
                let words = text::cut(&text::safe(group), usize::from(area.width));
                panes::lines(frame, line, [Line::styled(words, theme.style("title"))]);
            }
            Row::Field(at) => sheet.field(form, *at, frame, line, theme),
            Row::Below(at, part) => sheet.below(&form.fields[*at], *part, frame, line, theme),
        }
    }
    let mut more = |y: u16, sign: &'static str| {
        frame.buffer_mut().set_span(area.right().saturating_sub(1), y, &Span::styled(sign, theme.style("accent")), 1);
    };
    if from > 0 {
        more(area.y, "▴");
    }
    if from < hidden && height > 0 {
        more(area.bottom() - 1, "▾");
    }
}

/// Where the columns are.
struct Sheet {
    names: usize,
    /// From the left of the area.
    at: u16,
    room: usize,
    /// Columns of an ordinary field.
    usual: usize,
}

impl Sheet {
    fn new(fields: &[Field], area: Rect) -> Self {
        let longest = fields.iter().map(|field| text::width(&field.def.name)).max().unwrap_or(0);
        let names = longest.min(NAMES).min(usize::from(area.width) / 3);
        let at = u16::try_from(names + 5).unwrap_or(0);
        // The last column is for the marks of what is out of sight.
        let room = usize::from(area.width.saturating_sub(at + 2));
        Self { names, at, room, usual: (room * 2 / 5).min(FIELD) }
    }

    fn field(&self, form: &Form, at: usize, frame: &mut Frame<'_>, line: Rect, theme: &Theme) {
        let (field, focused) = (&form.fields[at], at == form.at);
        let by = isize::try_from(at).unwrap_or(0) - isize::try_from(form.at).unwrap_or(0);
        let picks = focused && matches!(field.editor, Editor::Pick(_));
        hits::put(line, if picks { Hit::Act(Action::FormForward) } else { Hit::Line(by) });
        let name = text::left(&text::safe(&field.def.name), self.names);
        let mark = if field.is_needed() { " *" } else { "  " };
        let spans = vec![
            Span::styled(if focused { "> " } else { "  " }, theme.style("accent")),
            Span::styled(name, theme.style(if focused { "fg.strong" } else { "fg" })),
            Span::styled(mark, theme.style("accent")),
        ];
        panes::lines(frame, line, [Line::from(spans)]);
        let place = Rect { x: line.x + self.at, width: u16::try_from(self.room).unwrap_or(0), ..line };
        let used = value(field, focused, self.usual, frame, place, theme);
        let rest = Rect { x: place.x + used + 2, width: place.width.saturating_sub(used + 2), ..line };
        if rest.width > 4 {
            let words = text::cut(&text::safe(&beside(field)), usize::from(rest.width));
            panes::lines(frame, rest, [Line::styled(words, theme.style("fg.muted"))]);
        }
    }

    /// What is wrong with a field in as many lines as it takes, or what it is for in one.
    fn said(&self, field: &Field) -> Vec<String> {
        match &field.error {
            Some(error) => text::wrap(&format!("✗ {}", text::safe(error)), self.room),
            None => vec![text::cut(&text::safe(&field.def.description), self.room)],
        }
    }

    fn below(&self, field: &Field, part: usize, frame: &mut Frame<'_>, line: Rect, theme: &Theme) {
        let place = Rect { x: line.x + self.at, width: u16::try_from(self.room).unwrap_or(0), ..line };
        let token = if field.error.is_some() { "input.error" } else { "fg.muted" };
        let words = self.said(field).into_iter().nth(part);
        panes::lines(frame, place, words.map(|words| Line::styled(words, theme.style(token))));
    }
}

/// Draws where the value is given; the columns that it takes.
fn value(field: &Field, focused: bool, usual: usize, frame: &mut Frame<'_>, place: Rect, theme: &Theme) -> u16 {
    let room = usize::from(place.width);
    let columns = |n: usize| u16::try_from(n).unwrap_or(0).min(place.width);
    match &field.editor {
        Editor::Text(input) => {
            let wide = if focused { (text::width(&text::safe(input.text())) + 1).clamp(usual, room.max(usual)) } else { usual };
            let area = Rect { width: columns(wide), ..place };
            input.draw(frame, area, focused, "input", theme);
            if !focused && text::width(&text::safe(input.text())) > wide {
                frame.buffer_mut().set_span(area.right().saturating_sub(1), area.y, &Span::styled("…", theme.style("input")), 1);
            }
            columns(wide)
        }
        Editor::Hidden(hidden) => {
            let area = Rect { width: columns(usual), ..place };
            frame.buffer_mut().set_style(area, theme.style("input"));
            let shown = hidden.length().min(usual.saturating_sub(1));
            let words = match &field.def.kind {
                ParamType::Secret { variable } if shown == 0 && field.is_provided => text::cut(&format!("from ${variable}"), usual),
                _ => "*".repeat(shown),
            };
            let token = if shown == 0 { "fg.muted" } else { "input" };
            frame.buffer_mut().set_span(area.x, area.y, &Span::styled(words, theme.style("input").patch(theme.style(token))), area.width);
            if focused && area.width > 0 {
                frame.buffer_mut()[(area.x + columns(shown), area.y)].set_style(theme.style("cursor"));
            }
            columns(usual)
        }
        Editor::Pick(at) => {
            let line = Line::from(picked(field, *at, focused, room, theme));
            let used = line.width().max(usual);
            panes::lines(frame, place, [line]);
            columns(used)
        }
    }
}

/// A box to tick, or all choices with the one that is chosen between `<` and `>`, or that one alone where all are too many.
fn picked(field: &Field, at: Option<usize>, focused: bool, room: usize, theme: &Theme) -> Vec<Span<'static>> {
    let chosen = theme.style(if focused { "selection" } else { "input" });
    let plain = theme.style(if focused { "fg" } else { "fg.muted" });
    if field.def.kind == ParamType::Bool {
        let (mark, word) = match at {
            Some(0) => ("[x]", "true"),
            Some(_) => ("[ ]", "false"),
            None => ("[?]", "true or false"),
        };
        return vec![Span::styled(mark, chosen), Span::styled(format!(" {word}"), plain)];
    }
    let options: Vec<String> = field.options().into_iter().map(text::safe).collect();
    let mut spans = Vec::new();
    for (number, option) in options.iter().enumerate() {
        let (words, style) = if at == Some(number) { (format!("< {option} >"), chosen) } else { (format!("  {option}  "), plain) };
        spans.push(Span::styled(words, style));
    }
    let width: usize = spans.iter().map(Span::width).sum();
    if width <= room && at.is_some() {
        return spans;
    }
    let word = at.and_then(|at| options.get(at)).map_or("choose", String::as_str);
    vec![Span::styled(format!("< {} >", text::cut(word, room.min(FIELD).saturating_sub(4))), chosen)]
}

/// What it takes, and what else could stand there.
fn beside(field: &Field) -> String {
    let elsewhere = |value: &Option<Value>| value.as_ref().map(plain).filter(|value| !value.is_empty() && *value != field.text());
    let parts = [
        Some(field.kind()),
        elsewhere(&field.def.default).map(|default| format!("default {default}")),
        elsewhere(&field.last).map(|last| format!("last {last}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What stands below the fields.
struct Foot<'a> {
    around: &'a Around<'a>,
    command: Vec<String>,
    is_roomy: bool,
}

fn foot_of(form: &Form, frame: &mut Frame<'_>, area: Rect, foot: &Foot<'_>, theme: &Theme) {
    let width = usize::from(area.width);
    let muted = theme.style("fg.muted");
    let on_button = form.at == form.fields.len();
    let label = format!(" {} ", foot.around.label);
    let used = text::width(&label) + 2;
    let button = Span::styled(label, theme.style(if on_button { "selection" } else { "input" }));
    let keys = format!("  {} does it from any field, {} leaves", shown_key(Action::FormSubmit), shown_key(Action::FormLeave));
    let mark = Span::styled(if on_button { "> " } else { "  " }, theme.style("accent"));
    let start = Rect { y: area.y + u16::from(foot.is_roomy), height: 1, width: area.width.min(clamped(used)), ..area };
    let note = if form.is_leaving {
        let words = format!("Something was typed: {} again leaves, any other key goes on", shown_key(Action::FormLeave));
        Line::styled(text::cut(&words, width), theme.style("warning"))
    } else {
        Line::styled(text::cut(&text::safe(foot.around.note), width), muted)
    };
    let start_line = Line::from(vec![mark, button, Span::styled(text::cut(&keys, width.saturating_sub(used)), muted)]);
    let blank = || foot.is_roomy.then(|| Line::raw(""));
    let shell = foot.command.iter().map(|line| Line::styled(line.as_str(), theme.style("fg")));
    let all: Vec<_> = blank().into_iter().chain([start_line]).chain(blank()).chain([note]).chain(shell).collect();
    panes::lines(frame, area, all);
    hits::put(start.intersection(area), Hit::Act(Action::FormSubmit));
}

//! The frame around every view: places and engine above, hints below, messages and dialogs over it.

use super::{
    actions::Action,
    app::App,
    hits::{self, Hit},
    keymap::shown_key,
    panes, text,
    theme::Theme,
    views::{Place, body, run::TO_APPROVE},
    which_key,
    world::{Engine, Toast, Tone, World},
};
use crate::model::TaskState;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// Smaller than this nothing can be shown.
const SMALLEST: (u16, u16) = (60, 15);

/// Draws everything.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, app.theme.base());
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let words = format!("too small: {}x{}, need {}x{}", area.width, area.height, SMALLEST.0, SMALLEST.1);
        panes::lines(frame, area, [Line::raw(words)]);
    } else {
        whole(app, frame, area);
    }
    text::guard(frame.buffer_mut(), app.theme.screen.glyphs);
}

fn whole(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    hits::begin();
    if let Some(view) = app.views.last() {
        places(frame, line(area, 0), view.place(), &app.world, theme);
        crumbs(frame, line(area, 1), &view.crumbs(&app.world), &view.aside(&app.world), theme);
        let frameless = app.zoomed.then(|| theme.without_frames());
        view.draw(frame, body((area.width, area.height)), &app.world, frameless.as_ref().unwrap_or(theme));
    }
    if !app.dialogs.is_empty() {
        hits::begin();
    }
    footer(frame, line(area, area.height - 1), &app.hints(), theme);
    if app.dialogs.is_empty() {
        coach(app, frame, line(area, area.height - 2), theme);
    }
    if let Some(pending) = app.waiting() {
        which_key::draw(frame, area, pending, &app.contexts(), |bound| app.allowed(bound).is_ok(), theme);
    }
    // A dialog may begin right below the crumbs; the tabs are of no use while it is open.
    let above = if app.dialogs.is_empty() { 2 } else { 1 };
    toasts(frame, Rect { y: area.y + above, height: area.height - above, ..area }, &app.world.toasts, theme);
    for dialog in &app.dialogs {
        dialog.draw(frame, area, &app.world, theme);
    }
}

const fn line(area: Rect, y: u16) -> Rect {
    Rect { y: area.y + y, height: 1, ..area }
}

fn places(frame: &mut Frame<'_>, area: Rect, at: Place, world: &World, theme: &Theme) {
    let mut spans = Vec::new();
    for place in Place::ALL {
        let x = area.x + u16::try_from(spans.iter().map(Span::width).sum::<usize>()).unwrap_or(0);
        hits::put(Rect { x, width: u16::try_from(place.title().len() + 2).unwrap_or(0), ..area }, Hit::Place(place));
        if place == at {
            spans.push(Span::styled(format!("▌{}▐", place.title()), theme.style("title").patch(theme.style("selection"))));
        } else {
            spans.push(Span::styled(format!(" {} ", place.title()), theme.style("fg.muted")));
        }
    }
    let line = Line::from(spans);
    let used = u16::try_from(line.width()).unwrap_or(area.width).min(area.width);
    panes::lines(frame, area, [line]);
    // What is shown may be of before.
    let unseen = match world.record.unseen {
        _ if world.trouble.is_some() => format!("✗ reading fails ({})   ", shown_key(Action::Messages)),
        0 => String::new(),
        n => format!("{} {n} to read   ", shown_key(Action::Messages)),
    };
    let engine = unseen + &engine(world);
    let token = match world.engine {
        _ if world.trouble.is_some() => "error",
        Engine::Up(_) => "ok",
        Engine::Silent(_) => "warning",
        Engine::Idle if triggers_wait(world) => "warning",
        Engine::Idle | Engine::Unknown => "fg.muted",
    };
    right(frame, Rect { x: area.x + used, width: area.width - used, ..area }, &engine, token, theme);
}

/// Whether the engine runs, and how many attempts are open of how many.
fn engine(world: &World) -> String {
    let mode = if world.read_only { "read-only  " } else { "" };
    match &world.engine {
        Engine::Unknown => mode.to_owned(),
        Engine::Silent(_) => format!("{mode}engine does not answer"),
        Engine::Idle if triggers_wait(world) => format!("{mode}✗ no engine: nothing fires"),
        Engine::Idle => format!("{mode}engine idle"),
        Engine::Up(status) => format!("{mode}engine up  slots {}/{}", status.slots.0, status.slots.1),
    }
}

/// Whether triggers are on: they fire only while an engine runs.
fn triggers_wait(world: &World) -> bool {
    world.pipelines.iter().flatten().any(|row| !row.paused && !row.triggers.is_empty())
}

fn right(frame: &mut Frame<'_>, area: Rect, words: &str, token: &str, theme: &Theme) {
    let words = text::cut(words, usize::from(area.width).saturating_sub(1));
    let width = u16::try_from(text::width(&words)).unwrap_or(0);
    let x = area.right().saturating_sub(width + 1).max(area.x);
    frame.buffer_mut().set_span(x, area.y, &Span::styled(words, theme.style(token)), width);
}

fn crumbs(frame: &mut Frame<'_>, area: Rect, crumbs: &str, aside: &str, theme: &Theme) {
    let aside = text::cut(&text::safe(aside), usize::from(area.width) / 2);
    let room = usize::from(area.width).saturating_sub(text::width(&aside) + 4);
    let shown = shortened(&text::safe(crumbs), room);
    panes::lines(frame, area, [standing(&text::cut(&shown, room), theme)]);
    crumb_hits(area, crumbs, room);
    tab_hits(area, &aside);
    right(frame, area, &aside, "fg.muted", theme);
}

/// The crumb line: what begins with the glyph of a state has its colour, what stands in brackets is less.
fn standing(shown: &str, theme: &Theme) -> Line<'static> {
    let token = |part: &str| {
        let looks = TaskState::ALL.iter().map(|state| state.look());
        let look = looks.into_iter().find(|look| part.starts_with(&format!("{} ", look.glyph)));
        if part.starts_with('(') { "fg.muted" } else { look.map_or("fg", |look| look.token) }
    };
    let parts = shown.split(APART).enumerate();
    let span = |(at, part): (usize, &str)| {
        let before = if at == 0 { " " } else { APART };
        Span::styled(format!("{before}{part}"), theme.style(token(part)))
    };
    parts.map(span).collect()
}

/// What stands between where one is, how it stands, and the rest.
const APART: &str = "  ";

/// Where one is; where there is no room, with as many of the parts in brackets as there is room for, without all of it, and at last with
/// the number alone of what is to be approved.
fn shortened(crumbs: &str, room: usize) -> String {
    let Some((head, aside)) = crumbs.split_once("  (").filter(|_| text::width(crumbs) > room) else { return crumbs.to_owned() };
    let parts: Vec<&str> = aside.strip_suffix(')').unwrap_or(aside).split(", ").collect();
    let fewer = (1..=parts.len()).rev().map(|kept| format!("{head}  ({})", parts[..kept].join(", ")));
    let fewest = head.replace(TO_APPROVE, "");
    fewer.chain([head.to_owned()]).find(|line| text::width(line) <= room).unwrap_or(fewest)
}

/// The parts of the crumb line but the last: home, then the run.
fn crumb_hits(area: Rect, crumbs: &str, room: usize) {
    const BETWEEN: &str = " ▸ ";
    let parts: Vec<_> = crumbs.split(BETWEEN).collect();
    let mut x = 1;
    for (at, part) in parts.iter().enumerate().take(parts.len().saturating_sub(1)) {
        let width = text::width(&text::safe(part));
        if x + width <= room {
            let place = Rect { x: area.x + u16::try_from(x).unwrap_or(0), width: u16::try_from(width).unwrap_or(0), ..area };
            hits::put(place, Hit::Depth(at.min(1)));
        }
        x += width + text::width(BETWEEN);
    }
}

/// The tabs at the right of the crumb line, where the one that is shown stands in brackets.
fn tab_hits(area: Rect, aside: &str) {
    let names: Vec<_> = aside.split(' ').collect();
    let Some(shown) = names.iter().position(|name| name.starts_with('[') && name.ends_with(']')) else { return };
    let mut x = usize::from(area.right()).saturating_sub(text::width(aside) + 1);
    for (at, name) in names.iter().enumerate() {
        let by = isize::try_from(at).unwrap_or(0) - isize::try_from(shown).unwrap_or(0);
        let width = text::width(name);
        hits::put(Rect { x: u16::try_from(x).unwrap_or(0), width: u16::try_from(width).unwrap_or(0), ..area }, Hit::Tab(by));
        x += width + 1;
    }
}

fn footer(frame: &mut Frame<'_>, area: Rect, hints: &[(Action, String, &'static str)], theme: &Theme) {
    let mut spans = vec![Span::raw(" ")];
    let mut room = usize::from(area.width).saturating_sub(1);
    // The last two, help and leaving, are always shown.
    let always: usize = hints.iter().rev().take(2).map(|(_, key, what)| text::width(key) + text::width(what) + 3).sum();
    for (at, (action, key, what)) in hints.iter().enumerate() {
        let width = text::width(key) + text::width(what) + 3;
        let is_last = at + 2 >= hints.len();
        if width > room || (!is_last && width + always > room) {
            continue;
        }
        let x = area.right() - u16::try_from(room).unwrap_or(0).min(area.width);
        hits::put(Rect { x, width: u16::try_from(width).unwrap_or(0), ..area }, Hit::Act(*action));
        room -= width;
        spans.push(Span::styled(format!(" {key}"), theme.style("hint.key")));
        spans.push(Span::styled(format!(" {what} "), theme.style("hint.text")));
    }
    panes::lines(frame, area, [Line::from(spans)]);
}

/// What the demo's coach says, over the lower edge of the panes.
fn coach(app: &App, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let Some((view, coach)) = app.views.last().zip(app.world.coach) else { return };
    let selected = view.selected(&app.world).task;
    let Some(words) = view.coached().and_then(|seen| coach.says(seen, selected.as_ref(), &app.world)) else { return };
    let words = format!(" ▸ {} ", text::cut(&text::safe(&words), usize::from(area.width).saturating_sub(8)));
    let place = Rect { x: area.x + 2, width: u16::try_from(text::width(&words)).unwrap_or(0).min(area.width.saturating_sub(4)), ..area };
    frame.render_widget(ratatui::widgets::Clear, place);
    frame.buffer_mut().set_style(place, theme.base());
    panes::lines(frame, place, [Line::styled(words, theme.style("hint.key"))]);
}

/// The sign of a message and its token.
pub const fn sign(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Note => ("·", "info"),
        Tone::Good => ("✓", "ok"),
        Tone::Bad => ("✗", "error"),
    }
}

/// Messages at the right, newest below; each is one line, so that it hides little.
fn toasts(frame: &mut Frame<'_>, area: Rect, toasts: &[Toast], theme: &Theme) {
    for (y, toast) in (area.y..area.bottom()).zip(toasts) {
        let (sign, token) = sign(toast.tone);
        let words = text::cut(&text::safe(&toast.text), usize::from(area.width).saturating_sub(16));
        let line =
            Line::from(vec![Span::styled(format!(" {sign} "), theme.style(token)), Span::styled(format!("{words} "), theme.style("fg"))]);
        let width = u16::try_from(line.width()).unwrap_or(area.width).min(area.width);
        let place = Rect { x: area.right() - width, y, width, height: 1 };
        frame.render_widget(ratatui::widgets::Clear, place);
        frame.buffer_mut().set_style(place, theme.base().patch(theme.style("input")));
        panes::lines(frame, place, [line]);
    }
}

//! What attempts share, what each that runs takes of it, and what waits for which of it.

use super::{Intent, Place, View, body, distance, run::RunView};
use crate::{
    model::{GpuSnapshot, QueueEntry, ResourcesSnapshot, RunningSnapshot, TaskKey, Usage, Wait},
    stdx::{duration, size},
    tui::{
        actions::{Action, Context},
        list::{self, Column, ListState},
        panes, text,
        theme::Theme,
        world::{Ask, Resources, Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

/// The place; the selection is among what waits.
#[derive(Debug, Default)]
pub struct ResourcesView {
    list: ListState,
}

const RUNNING: &[Column<'_>] = &[
    Column { title: "RUNNING", width: 18, grows: true, drop: 0 },
    Column { title: "FOR", width: 7, grows: false, drop: 0 },
    Column { title: "CPU TIME", width: 8, grows: false, drop: 0 },
    Column { title: "MEMORY", width: 7, grows: false, drop: 0 },
    Column { title: "PEAK", width: 7, grows: false, drop: 2 },
    Column { title: "READ", width: 7, grows: false, drop: 1 },
    Column { title: "WRITTEN", width: 7, grows: false, drop: 1 },
    Column { title: "POOL, GPU", width: 12, grows: false, drop: 3 },
];

const WAITING: &[Column<'_>] = &[
    Column { title: "WAITING", width: 18, grows: false, drop: 0 },
    Column { title: "FOR", width: 7, grows: false, drop: 0 },
    Column { title: "WHY", width: 20, grows: true, drop: 0 },
];

/// Where the panes are.
struct Layout {
    shared: Rect,
    running: Rect,
    waiting: Rect,
}

fn layout(area: Rect, found: &ResourcesSnapshot, disk: bool) -> Layout {
    let lines = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let shares = 3 + found.pools.len() + found.gpus.len() + usize::from(disk);
    let third = (area.height / 3).max(3);
    let above = lines(shares.div_ceil(2).saturating_add(2)).min(third);
    let middle = lines(found.running.len().max(1).saturating_add(3)).min(third);
    let shared = Rect { height: above, ..area };
    let running = Rect { y: shared.bottom(), height: middle, ..area };
    Layout { shared, running, waiting: Rect { y: running.bottom(), height: area.height.saturating_sub(above + middle), ..area } }
}

/// Rows of the list of what waits: a heading above, the selected one's reasons below.
fn rows(waiting: Rect) -> usize {
    usize::from(waiting.height.saturating_sub(3 + REASONS))
}

/// Lines for the reasons of the selected one.
const REASONS: u16 = 3;

impl ResourcesView {
    fn known(world: &World) -> Option<(&Resources, &ResourcesSnapshot)> {
        let all = world.resources.as_ref()?;
        Some((all, all.shared.as_ref()?))
    }

    fn select(&mut self, line: usize, world: &World) {
        if let Some((all, found)) = Self::known(world) {
            let layout = layout(body(world.size), found, all.disk.is_some());
            self.list.select(line, found.queue.len(), rows(layout.waiting));
        }
    }

    fn current<'a>(&self, world: &'a World) -> Option<&'a QueueEntry> {
        Self::known(world).and_then(|(_, found)| found.queue.get(self.list.selected))
    }
}

impl View for ResourcesView {
    fn contexts(&self) -> Vec<Context> {
        vec![Context::List, Context::Global]
    }

    fn place(&self) -> Place {
        Place::Resources
    }

    fn crumbs(&self, world: &World) -> String {
        Self::known(world).map_or_else(
            || "Resources".to_owned(),
            |(_, found)| format!("Resources  {} running · {} waiting", found.running.len(), found.queue.len()),
        )
    }

    fn hints(&self) -> &'static [Action] {
        &[Action::Open, Action::Why]
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Resources]
    }

    fn is_live(&self, world: &World) -> bool {
        Self::known(world).is_some_and(|(_, found)| !found.running.is_empty() || !found.queue.is_empty())
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        self.select(self.list.selected, world);
        Vec::new()
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        match action {
            Action::Open | Action::Why if self.current(world).is_none() => Err("nothing waits".into()),
            Action::Open | Action::Why | Action::Back => Ok(()),
            _ if distance(action, 1).is_some() => Ok(()),
            _ => Err("nothing of the kind here (1 goes home)".into()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        let Some((all, found)) = Self::known(world) else {
            return if action == Action::Back { vec![Intent::Back] } else { Vec::new() };
        };
        if let Some(lines) = distance(action, rows(layout(body(world.size), found, all.disk.is_some()).waiting)) {
            self.select(self.list.selected.saturating_add_signed(lines), world);
            return Vec::new();
        }
        let current = self.current(world).map(|entry| entry.task.clone());
        match (action, current) {
            (Action::Back, _) => vec![Intent::Back],
            (Action::Open, Some(key)) => vec![Intent::Open(Box::new(RunView::new(Subject::Run(key.run))))],
            (Action::Why, Some(key)) => vec![Intent::Ask(Ask::Why { run: key.run, task: Some(key.task) })],
            _ => Vec::new(),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some((all, found)) = Self::known(world) else {
            let inner = panes::framed(frame, area, "Resources", "", true, theme);
            let words = match (&world.resources, &world.trouble) {
                (Some(_), _) => "No engine owns this workspace, so nothing runs and nothing waits. Starting a run starts it.",
                (None, Some(trouble)) => trouble,
                (None, None) => "reading…",
            };
            let width = usize::from(inner.width).saturating_sub(2);
            let lines = text::wrap(&text::safe(words), width).into_iter();
            return panes::lines(frame, inner, lines.map(|line| Line::styled(format!(" {line}"), theme.style("fg.muted"))));
        };
        let layout = layout(area, found, all.disk.is_some());
        shared(frame, layout.shared, all, found, theme);
        running(frame, layout.running, all, found, world, theme);
        self.waiting(frame, layout.waiting, found, world, theme);
    }
}

impl ResourcesView {
    fn waiting(&self, frame: &mut Frame<'_>, area: Rect, found: &ResourcesSnapshot, world: &World, theme: &Theme) {
        let inner = panes::framed(frame, area, "Waiting", &text::count(found.queue.len(), "task"), true, theme);
        let muted = theme.style("fg.muted");
        if found.queue.is_empty() {
            return panes::lines(frame, inner, [Line::styled("  nothing waits", muted)]);
        }
        let fitted = list::fit(WAITING, usize::from(inner.width).saturating_sub(3));
        frame.buffer_mut().set_line(inner.x + 2, inner.y, &list::header(WAITING, &fitted, theme), inner.width.saturating_sub(2));
        let height = rows(area);
        let window = self.list.window(found.queue.len(), height);
        let lines = found.queue[window.clone()].iter().map(|entry| {
            let cells = [
                (instance(&entry.task), theme.style("fg")),
                (text::took(Some(entry.since), None, world.now), muted),
                (text::safe(&reasons(entry).join("; ")), theme.style("fg")),
            ];
            let mut line = list::row(&cells, &fitted);
            line.spans.insert(0, Span::raw(" "));
            line
        });
        let content = Rect { y: inner.y + 1, height: u16::try_from(height).unwrap_or(u16::MAX).min(inner.height), ..inner };
        list::draw(frame, content, lines, Some((self.list.selected - window.start, "selection")), theme);
        let Some(entry) = found.queue.get(self.list.selected) else { return };
        let below =
            Rect { x: inner.x + 2, y: inner.bottom().saturating_sub(REASONS), width: inner.width.saturating_sub(4), height: REASONS };
        let about = format!("{} of run {}: {}", instance(&entry.task), entry.task.run, reasons(entry).join("; "));
        let lines = text::wrap(&text::safe(&about), usize::from(below.width));
        panes::lines(frame, below, lines.into_iter().map(|line| Line::styled(line, muted)));
    }
}

/// A name, how much of it is taken in words, and which part that is.
fn shares(all: &Resources, found: &ResourcesSnapshot) -> Vec<(String, String, Option<f64>)> {
    let part = |used: f64, of: f64| (of > 0.0).then_some(used / of);
    #[allow(clippy::cast_precision_loss)]
    let bytes = |used: u64, of: u64| (format!("{} of {}", size::short(used), size::short(of)), part(used as f64, of as f64));
    #[allow(clippy::cast_precision_loss)]
    let slots = part(found.slots.0 as f64, found.slots.1 as f64);
    let memory = bytes(found.memory.0, found.memory.1);
    let mut shares = vec![
        ("slots".to_owned(), format!("{} of {}", found.slots.0, found.slots.1), slots),
        ("cpu".to_owned(), format!("{} of {}", found.cpu.0, found.cpu.1), part(found.cpu.0, found.cpu.1)),
        ("memory".to_owned(), memory.0, memory.1),
    ];
    if let Some((free, whole)) = all.disk {
        let disk = bytes(whole.saturating_sub(free), whole);
        shares.push(("disk".to_owned(), disk.0, disk.1));
    }
    shares.extend(found.pools.iter().map(|pool| {
        let used = part(f64::from(pool.used), f64::from(pool.slots));
        (format!("pool {}", pool.name), format!("{} of {}", pool.used, pool.slots), used)
    }));
    shares.extend(found.gpus.iter().map(|gpu| (format!("gpu {}", gpu.index), holder(gpu), None)));
    shares
}

fn holder(gpu: &GpuSnapshot) -> String {
    let who = match (&gpu.leased_to, &gpu.foreign) {
        (Some(attempt), _) => instance(&attempt.task),
        (None, Some(who)) => format!("pid {} of {}", who.pid, who.user),
        (None, None) => "free".to_owned(),
    };
    format!("{who}  {}", gpu.name)
}

fn instance(key: &TaskKey) -> String {
    let name = format!("{}{}", key.task, key.index_suffix());
    text::safe(&name)
}

fn reasons(entry: &QueueEntry) -> Vec<String> {
    if entry.waits.is_empty() { vec!["it starts next".to_owned()] } else { entry.waits.iter().map(Wait::to_string).collect() }
}

/// Two columns of what there is, with bars.
fn shared(frame: &mut Frame<'_>, area: Rect, all: &Resources, found: &ResourcesSnapshot, theme: &Theme) {
    let inner = panes::framed(frame, area, "Shared", "accounted to what runs", false, theme);
    let shares = shares(all, found);
    let rows = shares.len().div_ceil(2);
    let half = usize::from(inner.width / 2);
    let cell = |(name, words, part): &(String, String, Option<f64>)| {
        let bar = part.map(|part| gauge(part, BAR)).unwrap_or_default();
        let gap = if bar.is_empty() { "" } else { " " };
        let room = half.saturating_sub(NAME + 3 + text::width(&bar) + gap.len());
        [
            Span::styled(format!(" {} ", text::left(&text::safe(name), NAME)), theme.style("fg.muted")),
            Span::styled(bar, theme.style(if part.is_some_and(|part| part >= 1.0) { "warning" } else { "ok" })),
            Span::styled(format!("{gap}{} ", text::left(&text::safe(words), room)), theme.style("fg")),
        ]
    };
    let line = |row: usize| Line::from([shares.get(row), shares.get(row + rows)].into_iter().flatten().flat_map(cell).collect::<Vec<_>>());
    panes::lines(frame, inner, (0..rows).map(line));
}

const NAME: usize = 13;
const BAR: usize = 6;

fn gauge(part: f64, width: usize) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let full = (part.clamp(0.0, 1.0) * width as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

fn running(frame: &mut Frame<'_>, area: Rect, all: &Resources, found: &ResourcesSnapshot, world: &World, theme: &Theme) {
    let inner = panes::framed(frame, area, "Running", &text::count(found.running.len(), "attempt"), false, theme);
    if found.running.is_empty() {
        return panes::lines(frame, inner, [Line::styled("  nothing runs", theme.style("fg.muted"))]);
    }
    let fitted = list::fit(RUNNING, usize::from(inner.width).saturating_sub(3));
    frame.buffer_mut().set_line(inner.x + 2, inner.y, &list::header(RUNNING, &fitted, theme), inner.width.saturating_sub(2));
    let room = usize::from(inner.height.saturating_sub(1));
    let shown = if found.running.len() > room { room.saturating_sub(1) } else { room };
    let usages = all.usages.iter().chain(std::iter::repeat(&None));
    let line = |(one, usage): (&RunningSnapshot, &Option<Usage>)| {
        let measured = |of: fn(&Usage) -> String| (usage.as_ref().map(of).unwrap_or_default(), theme.style("fg"));
        let gpus = one.gpus.iter().map(|index| format!("gpu {index}"));
        let holds = one.pool.clone().into_iter().chain(gpus).collect::<Vec<_>>().join(", ");
        let cells = [
            (format!("{} #{}", instance(&one.attempt.task), one.attempt.attempt), theme.style("fg")),
            (text::took(Some(one.since), None, world.now), theme.style("fg.muted")),
            measured(|usage| duration::short(std::time::Duration::from_millis(usage.cpu_millis))),
            measured(|usage| size::short(usage.memory)),
            measured(|usage| size::short(usage.peak_memory)),
            measured(|usage| size::short(usage.read_bytes)),
            measured(|usage| size::short(usage.written_bytes)),
            (text::safe(&holds), theme.style("fg.muted")),
        ];
        let mut line = list::row(&cells, &fitted);
        line.spans.insert(0, Span::raw("  "));
        line
    };
    let more =
        (found.running.len() > shown).then(|| Line::styled(format!("  and {} more", found.running.len() - shown), theme.style("fg.muted")));
    let content = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    panes::lines(frame, content, found.running.iter().zip(usages).take(shown).map(line).chain(more));
}

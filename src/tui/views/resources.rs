//! What attempts share, what each that runs takes of it, and what waits for which of it.

use super::{Intent, Place, Selected, View, body, distance, run::RunView};
use crate::{
    model::{AttemptKey, GpuSnapshot, QueueEntry, ResourcesSnapshot, RunId, RunningSnapshot, TaskKey, Usage, Wait},
    stdx::{size, time::Timestamp},
    tui::{
        actions::{Action, Context},
        keymap::shown_key,
        list::{self, Column, ListState},
        load::Load,
        memory::{Standing, Stop, standing},
        panes::{self, absent::Absent},
        text,
        theme::Theme,
        world::{Ask, Resources, Subject, World},
    },
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use serde::{Deserialize, Serialize};

/// Which list has the keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Focus {
    Running,
    #[default]
    Waiting,
}

/// The place.
#[derive(Debug, Default)]
pub struct ResourcesView {
    focus: Focus,
    running: ListState,
    waiting: ListState,
    /// What is selected in each list, by name, so that what comes and goes does not move it.
    attempt: Option<AttemptKey>,
    task: Option<TaskKey>,
    load: Load,
}

/// How it stood.
#[derive(Serialize, Deserialize)]
struct Stood {
    focus: Focus,
    running: ListState,
    waiting: ListState,
    attempt: Option<AttemptKey>,
    task: Option<TaskKey>,
}

const NAME: &str = "resources";

/// Columns of how long.
const FOR: usize = 7;

const RUNNING: &[Column<'_>] = &[
    Column { title: "TASK", width: 14, grows: true, drop: 0 },
    Column { title: "RUN", width: 16, grows: true, drop: 0 },
    Column { title: "TRY", width: 3, grows: false, drop: 3 },
    Column { title: "    FOR", width: FOR, grows: false, drop: 0 },
    Column { title: " CPU", width: 5, grows: false, drop: 0 },
    Column { title: "  MEMORY", width: 8, grows: false, drop: 0 },
    Column { title: "    PEAK", width: 8, grows: false, drop: 2 },
    Column { title: "    READ", width: 8, grows: false, drop: 4 },
    Column { title: " WRITTEN", width: 8, grows: false, drop: 5 },
    Column { title: "HOLDS", width: 16, grows: true, drop: 1 },
];

const WAITING: &[Column<'_>] = &[
    Column { title: "TASK", width: 16, grows: false, drop: 0 },
    Column { title: "RUN", width: 16, grows: false, drop: 1 },
    Column { title: "    FOR", width: FOR, grows: false, drop: 0 },
    Column { title: "WHY", width: 20, grows: true, drop: 0 },
];

/// Where the panes are.
struct Layout {
    machine: Rect,
    pools: Rect,
    running: Rect,
    waiting: Rect,
}

fn layout(area: Rect, found: &ResourcesSnapshot, disk: bool) -> Layout {
    let lines = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let third = (area.height / 3).max(4);
    let shares = (3 + usize::from(disk)).max(found.pools.len() + found.gpus.len());
    let above = lines(shares + 2).min(third);
    let middle = lines(found.running.len().max(1).saturating_add(3)).min(third);
    let machine = Rect { height: above, width: area.width / 2, ..area };
    let pools = Rect { x: machine.right(), width: area.width - machine.width, ..machine };
    let running = Rect { y: machine.bottom(), height: middle, ..area };
    Layout { machine, pools, running, waiting: Rect { y: running.bottom(), height: area.height.saturating_sub(above + middle), ..area } }
}

/// Rows of the list of what runs: a heading above.
const fn running_rows(area: Rect) -> usize {
    area.height.saturating_sub(3) as usize
}

/// Rows of the list of what waits: a heading above; below, if it has the keys, the selected one's reasons.
fn waiting_rows(area: Rect, focus: Focus) -> usize {
    let below = if focus == Focus::Waiting { REASONS } else { 0 };
    usize::from(area.height.saturating_sub(3 + below))
}

/// Lines for the reasons of the selected one.
const REASONS: u16 = 3;

impl ResourcesView {
    fn known(world: &World) -> Option<(&Resources, &ResourcesSnapshot)> {
        let all = world.resources.as_ref()?;
        Some((all, all.shared.as_ref()?))
    }

    fn select(&mut self, line: usize, world: &World) {
        let Some((all, found)) = Self::known(world) else { return };
        let layout = layout(body(world.size), found, all.disk.is_some());
        match self.focus {
            Focus::Running => {
                self.running.select(line, found.running.len(), running_rows(layout.running));
                self.attempt = found.running.get(self.running.selected).map(|one| one.attempt.clone());
            }
            Focus::Waiting => {
                self.waiting.select(line, found.queue.len(), waiting_rows(layout.waiting, self.focus));
                self.task = found.queue.get(self.waiting.selected).map(|entry| entry.task.clone());
            }
        }
    }

    /// What is selected stays selected; if it is gone, what took its place is.
    fn keep_selection(&mut self, found: &ResourcesSnapshot, world: &World) {
        let running = self.attempt.as_ref().and_then(|key| found.running.iter().position(|one| one.attempt == *key));
        let waiting = self.task.as_ref().and_then(|key| found.queue.iter().position(|entry| entry.task == *key));
        let focus = self.focus;
        let lines = [(Focus::Running, running, self.running.selected), (Focus::Waiting, waiting, self.waiting.selected)];
        for (list, known, before) in lines {
            self.focus = list;
            self.select(known.unwrap_or(before), world);
        }
        self.focus = match focus {
            Focus::Waiting if found.queue.is_empty() && !found.running.is_empty() => Focus::Running,
            Focus::Running if found.running.is_empty() => Focus::Waiting,
            same => same,
        };
    }

    /// The selected task instance.
    fn current(&self, world: &World) -> Option<TaskKey> {
        let (_, found) = Self::known(world)?;
        match self.focus {
            Focus::Running => found.running.get(self.running.selected).map(|one| one.attempt.task.clone()),
            Focus::Waiting => found.queue.get(self.waiting.selected).map(|entry| entry.task.clone()),
        }
    }

    fn height(&self, world: &World) -> usize {
        let Some((all, found)) = Self::known(world) else { return 1 };
        let layout = layout(body(world.size), found, all.disk.is_some());
        if self.focus == Focus::Running { running_rows(layout.running) } else { waiting_rows(layout.waiting, self.focus) }
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
        &[Action::Open, Action::Why, Action::NextPane]
    }

    fn asks(&self, _world: &World) -> Vec<Ask> {
        vec![Ask::Resources]
    }

    fn is_live(&self, world: &World) -> bool {
        Self::known(world).is_some_and(|(_, found)| !found.running.is_empty() || !found.queue.is_empty())
    }

    fn arrived(&mut self, world: &World) -> Vec<Intent> {
        let Some((all, found)) = Self::known(world) else { return Vec::new() };
        let measured = found.running.iter().zip(&all.usages);
        self.load.take(measured.filter_map(|(one, usage)| Some((&one.attempt, usage.as_ref()?.cpu_millis))), world.now);
        self.keep_selection(found, world);
        Vec::new()
    }

    fn stands(&self, _world: &World) -> Vec<Standing> {
        let (attempt, task) = (self.attempt.clone(), self.task.clone());
        vec![standing(NAME, &Stood { focus: self.focus, running: self.running, waiting: self.waiting, attempt, task })]
    }

    fn recall(&mut self, world: &World) {
        let Some(stood) = world.stood.of::<Stood>(NAME) else { return };
        (self.focus, self.running, self.waiting) = (stood.focus, stood.running, stood.waiting);
        (self.attempt, self.task) = (stood.attempt, stood.task);
    }

    fn stop(&self, _world: &World) -> Option<Stop> {
        Some(Stop::Resources)
    }

    fn possible(&self, action: Action, world: &World) -> Result<(), String> {
        let both = Self::known(world).is_some_and(|(_, found)| !found.running.is_empty() && !found.queue.is_empty());
        match action {
            Action::Open | Action::Why if self.current(world).is_none() => Err("nothing runs and nothing waits".into()),
            Action::NextPane | Action::PreviousPane if !both => Err("there is only one list with something in it".into()),
            Action::Open | Action::Why | Action::Back | Action::NextPane | Action::PreviousPane => Ok(()),
            _ if distance(action, 1).is_some() => Ok(()),
            _ => Err("nothing of the kind here (1 goes home)".into()),
        }
    }

    fn act(&mut self, action: Action, world: &World) -> Vec<Intent> {
        if let Some(lines) = distance(action, self.height(world)) {
            let selected = if self.focus == Focus::Running { self.running.selected } else { self.waiting.selected };
            self.select(selected.saturating_add_signed(lines), world);
            return Vec::new();
        }
        match (action, self.current(world)) {
            (Action::Back, _) => vec![Intent::Back],
            (Action::NextPane | Action::PreviousPane, _) => {
                self.focus = if self.focus == Focus::Running { Focus::Waiting } else { Focus::Running };
                Vec::new()
            }
            (Action::Open, Some(key)) => vec![Intent::Open(Box::new(RunView::at(Subject::Run(key.run), key.task)))],
            (Action::Why, Some(key)) => vec![Intent::Ask(Ask::Why { run: key.run, task: Some(key.task) })],
            _ => Vec::new(),
        }
    }

    fn selected(&self, world: &World) -> Selected {
        let key = self.current(world);
        let (run, task) = key.map(|key| (key.run, key.task)).unzip();
        Selected { run, task, ..Selected::default() }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme) {
        let Some((all, found)) = Self::known(world) else {
            let absent = if world.resources.is_some() { no_engine() } else { Absent::unread(world) };
            return absent.draw(frame, area, "Resources", "what runs and what waits", theme);
        };
        let layout = layout(area, found, all.disk.is_some());
        self.machine(frame, layout.machine, all, found, world.now, theme);
        pools(frame, layout.pools, found, theme);
        self.running(frame, layout.running, all, found, world, theme);
        self.waiting(frame, layout.waiting, all, found, world, theme);
    }
}

impl ResourcesView {
    /// Percent of a processor that an attempt takes; while it is too early to tell, since it began.
    fn cpu(&self, one: &RunningSnapshot, usage: Option<&Usage>, now: Timestamp) -> Option<f64> {
        let millis = (now - one.since).num_milliseconds();
        #[allow(clippy::cast_precision_loss)]
        let average = || usage.filter(|_| millis > 0).map(|usage| usage.cpu_millis as f64 * 100.0 / millis as f64);
        self.load.percent(&one.attempt, now).or_else(average)
    }

    /// What there is of everything that attempts ask for, how much of it is given away, and how much of that is used.
    fn machine(&self, frame: &mut Frame<'_>, area: Rect, all: &Resources, found: &ResourcesSnapshot, now: Timestamp, theme: &Theme) {
        let is_wide = area.width >= 50;
        let inner = panes::framed(frame, area, "Machine", if is_wide { "given to what runs" } else { "" }, false, theme);
        #[allow(clippy::cast_precision_loss)]
        let part = |used: u64, of: u64| (of > 0).then(|| used as f64 / of as f64);
        let whole = |used: usize, of: usize| part(used as u64, of as u64);
        let used: u64 = all.usages.iter().flatten().map(|usage| usage.memory).sum();
        let measured = found.running.iter().zip(&all.usages);
        let taken: Vec<f64> = measured.filter_map(|(one, usage)| self.cpu(one, usage.as_ref(), now)).collect();
        let is_measured = is_wide && !taken.is_empty();
        let cpu = if is_measured { format!(", {:.0}% used", taken.iter().sum::<f64>()) } else { String::new() };
        let used = if is_measured { format!(", {} used", size::short(used)) } else { String::new() };
        let mut shares = vec![
            share("slots", format!("{} of {}", found.slots.0, found.slots.1), whole(found.slots.0, found.slots.1)),
            share("cpu", format!("{} of {}{cpu}", found.cpu.0, found.cpu.1), (found.cpu.1 > 0.0).then(|| found.cpu.0 / found.cpu.1)),
            share(
                "memory",
                format!("{} of {}{used}", size::short(found.memory.0), size::short(found.memory.1)),
                part(found.memory.0, found.memory.1),
            ),
        ];
        if let Some((free, of)) = all.disk {
            let taken = of.saturating_sub(free);
            let full = if is_wide { " full" } else { "" };
            let disk = share("disk", format!("{} of {}{full}", size::short(taken), size::short(of)), part(taken, of));
            // Slots are there to be taken; a disk is not.
            shares.push(Share { full: 0.9, ..disk });
        }
        bars(frame, inner, &shares, theme);
    }

    fn running(&self, frame: &mut Frame<'_>, area: Rect, all: &Resources, found: &ResourcesSnapshot, world: &World, theme: &Theme) {
        let focused = self.focus == Focus::Running;
        let sensors = match found.sensors() {
            0 => String::new(),
            1 => ", 1 sensor waits".to_owned(),
            n => format!(", {n} sensors wait"),
        };
        let attempts = format!("{}{sensors}", text::count(found.running.len(), "attempt"));
        let inner = panes::framed(frame, area, "Running", &attempts, focused, theme);
        if found.running.is_empty() {
            return panes::lines(frame, inner, [Line::styled("  nothing runs", theme.style("fg.muted"))]);
        }
        let (fitted, content) = list::head(frame, inner, RUNNING, theme);
        let window = self.running.window(found.running.len(), running_rows(area));
        let line = |at: usize| {
            let one = &found.running[at];
            let usage = all.usages.get(at).and_then(Option::as_ref);
            let measured = |of: fn(&Usage) -> u64| {
                (text::right(&usage.map_or_else(|| "-".to_owned(), |usage| size::short(of(usage))), 8), theme.style("fg"))
            };
            let cpu = self.cpu(one, usage, world.now);
            let cells = [
                (instance(&one.attempt.task), theme.style("fg")),
                (name(all, &one.attempt.task.run), theme.style("fg")),
                (format!("{:>3}", one.attempt.attempt), theme.style("fg.muted")),
                (text::right(&text::took(Some(one.since), None, world.now), FOR), theme.style("fg.muted")),
                (text::right(&cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.0}%")), 5), theme.style("fg")),
                measured(|usage| usage.memory),
                measured(|usage| usage.peak_memory),
                measured(|usage| usage.read_bytes),
                measured(|usage| usage.written_bytes),
                (text::safe(&holds(one)), theme.style("fg.muted")),
            ];
            let mut line = list::row(&cells, &fitted);
            line.spans.insert(0, Span::raw(" "));
            line
        };
        let selected = focused.then_some((self.running.selected.saturating_sub(window.start), "selection"));
        list::draw(frame, content, window.map(line), selected, theme);
    }

    fn waiting(&self, frame: &mut Frame<'_>, area: Rect, all: &Resources, found: &ResourcesSnapshot, world: &World, theme: &Theme) {
        let focused = self.focus == Focus::Waiting;
        let inner = panes::framed(frame, area, "Waiting", &text::count(found.queue.len(), "task"), focused, theme);
        let muted = theme.style("fg.muted");
        if found.queue.is_empty() {
            return panes::lines(frame, inner, [Line::styled("  nothing waits", muted)]);
        }
        let (fitted, below_head) = list::head(frame, inner, WAITING, theme);
        let height = waiting_rows(area, self.focus);
        let window = self.waiting.window(found.queue.len(), height);
        let lines = found.queue[window.clone()].iter().map(|entry| {
            let cells = [
                (instance(&entry.task), theme.style("fg")),
                (name(all, &entry.task.run), theme.style("fg")),
                (text::right(&text::took(Some(entry.since), None, world.now), FOR), muted),
                (text::safe(&reasons(entry).join("; ")), theme.style("fg")),
            ];
            let mut line = list::row(&cells, &fitted);
            line.spans.insert(0, Span::raw(" "));
            line
        });
        let content = Rect { height: u16::try_from(height).unwrap_or(u16::MAX).min(below_head.height), ..below_head };
        let selected = focused.then_some((self.waiting.selected.saturating_sub(window.start), "selection"));
        list::draw(frame, content, lines, selected, theme);
        let Some(entry) = found.queue.get(self.waiting.selected).filter(|_| focused) else { return };
        let below =
            Rect { x: inner.x + 2, y: inner.bottom().saturating_sub(REASONS), width: inner.width.saturating_sub(4), height: REASONS };
        let about = format!("{} of {}: {}", instance(&entry.task), name(all, &entry.task.run), reasons(entry).join("; "));
        let lines = text::wrap(&text::safe(&about), usize::from(below.width));
        panes::lines(frame, below, lines.into_iter().map(|line| Line::styled(line, muted)));
    }
}

/// Without an engine nothing is shared.
fn no_engine() -> Absent {
    Absent::Nothing(
        "no engine runs, so nothing runs and nothing waits".to_owned(),
        format!(
            "a run starts one: {} goes to the pipelines, {} there starts a run",
            shown_key(Action::PlacePipelines),
            shown_key(Action::Trigger)
        ),
    )
}

/// What people call a run; its id until that was read.
fn name(all: &Resources, run: &RunId) -> String {
    text::safe(all.names.get(run).map_or(run.as_str(), String::as_str))
}

/// Pool and devices, and of a sensor what it waits for.
fn holds(one: &RunningSnapshot) -> String {
    let gpus = one.gpus.iter().map(|index| format!("gpu {index}"));
    let waits = one.waits_for.iter().map(|what| format!("waits for {what}"));
    one.pool.iter().map(|pool| format!("pool {pool}")).chain(gpus).chain(waits).collect::<Vec<_>>().join(", ")
}

/// Something that is shared: its name, how much of it is taken in words, and which part that is.
struct Share {
    name: String,
    words: String,
    part: Option<f64>,
    /// From this part on it is a warning.
    full: f64,
}

fn share(name: &str, words: String, part: Option<f64>) -> Share {
    Share { name: name.to_owned(), words, part, full: 1.0 }
}

/// Pools and devices.
fn pools(frame: &mut Frame<'_>, area: Rect, found: &ResourcesSnapshot, theme: &Theme) {
    let inner = panes::framed(frame, area, "Pools and GPUs", "", false, theme);
    if found.pools.is_empty() && found.gpus.is_empty() {
        let lines = text::wrap("none: [pools] in flowyard.toml makes some", usize::from(inner.width).saturating_sub(2)).into_iter();
        return panes::lines(frame, inner, lines.map(|line| Line::styled(format!(" {line}"), theme.style("fg.muted"))));
    }
    let pools = found.pools.iter().map(|pool| {
        let part = (pool.slots > 0).then(|| f64::from(pool.used) / f64::from(pool.slots));
        let waiting = found
            .queue
            .iter()
            .filter(|entry| entry.waits.iter().any(|wait| matches!(wait, Wait::Pool { pool: name, .. } if *name == pool.name)));
        let waiting = match waiting.count() {
            0 => String::new(),
            n => format!(", {n} waiting"),
        };
        share(&pool.name, format!("{} of {}{waiting}", pool.used, pool.slots), part)
    });
    let gpus = found.gpus.iter().map(|gpu| {
        let is_taken = gpu.leased_to.is_some() || gpu.foreign.is_some();
        share(&format!("gpu {}", gpu.index), holder(gpu), Some(f64::from(u8::from(is_taken))))
    });
    bars(frame, inner, &pools.chain(gpus).collect::<Vec<_>>(), theme);
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

/// One below the other, with bars; what has no room is counted.
fn bars(frame: &mut Frame<'_>, inner: Rect, shares: &[Share], theme: &Theme) {
    let width = usize::from(inner.width);
    let name = shares.iter().map(|share| text::width(&share.name)).max().unwrap_or(0).clamp(6, 12);
    let bar = if width >= 50 { 16 } else { 8 };
    let room = usize::from(inner.height);
    let shown = if shares.len() > room { room.saturating_sub(1) } else { room };
    let line = |share: &Share| {
        let is_full = share.part.is_some_and(|part| part >= share.full);
        let words = text::cut(&text::safe(&share.words), width.saturating_sub(name + bar + 4));
        Line::from(vec![
            Span::styled(format!(" {} ", text::left(&text::safe(&share.name), name)), theme.style("fg.muted")),
            Span::styled(gauge(share.part.unwrap_or(0.0), bar), theme.style(if is_full { "warning" } else { "ok" })),
            Span::styled(format!(" {words}"), theme.style("fg")),
        ])
    };
    let more = (shares.len() > shown).then(|| Line::styled(format!(" and {} more", shares.len() - shown), theme.style("fg.muted")));
    panes::lines(frame, inner, shares.iter().take(shown).map(line).chain(more));
}

fn gauge(part: f64, width: usize) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let full = (part.clamp(0.0, 1.0) * width as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

//! When tasks waited, ran and paused between attempts, as cells of a common time scale. Times in, cells out: no terminal, no clock.

use crate::{
    model::{AttemptState, TaskSnapshot, TaskState},
    stdx::time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What a stretch of time was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Waiting for a slot or a resource.
    Queued,
    /// Between two attempts: back-off, or until a person retried it, and the wait for a slot after that.
    Between,
    /// An attempt, and how far it is.
    Attempt(AttemptState),
}

/// A stretch of time of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// What it was spent on.
    pub kind: Kind,
    /// When it began.
    pub from: Timestamp,
    /// When it was over.
    pub to: Timestamp,
}

/// How an attempt spent its time: the waits before it, and itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place among the attempts; `None` if there was none yet.
    pub attempt: Option<usize>,
    /// Oldest first.
    pub stretches: Vec<Stretch>,
}

/// A common scale: from when to when, over so many cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// When the run began: what ticks are counted from.
    pub origin: Timestamp,
    /// The left edge.
    pub from: Timestamp,
    /// The right edge.
    pub to: Timestamp,
    /// Cells between them.
    pub width: usize,
}

/// Which part of a run is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zoom {
    /// All of it, however long it gets.
    #[default]
    Whole,
    /// From a time since its beginning, for so long; both in milliseconds.
    Part {
        /// The left edge.
        from: i64,
        /// How much.
        length: i64,
    },
}

impl Zoom {
    /// The part of a run that took `whole` milliseconds: its left edge and how much.
    pub fn part(self, whole: i64) -> (i64, i64) {
        match self {
            Self::Whole => (0, whole),
            Self::Part { from, length } => (from, length),
        }
    }

    /// Nearer or farther, `focus` milliseconds after the beginning staying where it is; never nearer than a cell is a millisecond.
    #[must_use]
    pub fn by(self, nearer: bool, focus: i64, whole: i64) -> Self {
        let (from, length) = self.part(whole);
        let next = if nearer { (length / 2).max(NEAREST) } else { length.saturating_mul(2) };
        if next >= whole {
            return Self::Whole;
        }
        let focus = focus.clamp(from, from + length);
        let ahead = i128::from(focus - from) * i128::from(next) / i128::from(length.max(1));
        Self::Part { from: focus - i64::try_from(ahead).unwrap_or(0), length: next }.within(whole)
    }

    /// An eighth to the left or to the right.
    #[must_use]
    pub fn pan(self, right: bool, whole: i64) -> Self {
        match self {
            Self::Whole => Self::Whole,
            Self::Part { from, length } => {
                let step = (length / 8).max(1);
                Self::Part { from: if right { from + step } else { from - step }, length }.within(whole)
            }
        }
    }

    fn within(self, whole: i64) -> Self {
        match self {
            Self::Whole => Self::Whole,
            Self::Part { from, length } => Self::Part { from: from.clamp(0, (whole - length).max(0)), length },
        }
    }
}

/// Milliseconds that are always in sight.
const NEAREST: i64 = 100;

/// A tick of the scale: its cell, and how it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Which cell.
    pub at: usize,
    /// Time since the run began.
    pub label: String,
}

/// No two ticks are closer than so many cells.
const TICK_CELLS: i64 = 10;

/// Milliseconds between ticks that people count in.
const STEPS: &[i64] = &[
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
    7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
];

/// How a task spent its time until now: a row for each attempt; what comes after the last one is in its row.
pub fn rows(task: &TaskSnapshot, now: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut before = None;
    for (at, attempt) in task.attempts.iter().enumerate() {
        let mut found = Vec::new();
        if let Some(started) = attempt.started_at.or(attempt.created_at) {
            wait(&mut found, before, attempt.created_at, started);
            let ended = attempt.ended_at.unwrap_or(now).max(started);
            found.push(Stretch { kind: Kind::Attempt(attempt.state), from: started, to: ended });
            before = Some(ended);
        }
        rows.push(Row { attempt: Some(at), stretches: found });
    }
    if rows.is_empty() {
        rows.push(Row { attempt: None, stretches: Vec::new() });
    }
    if let Some(Row { stretches, .. }) = rows.last_mut() {
        match task.state {
            TaskState::Queued => wait(stretches, before, task.queued_at.or(before), now),
            TaskState::UpForRetry => wait(stretches, before, Some(now), now),
            _ => {}
        }
    }
    rows
}

/// What lies before an attempt: from the end of the one before until this one is known to have been queued, and from then on.
fn wait(found: &mut Vec<Stretch>, before: Option<Timestamp>, queued: Option<Timestamp>, began: Timestamp) {
    let queued = queued.unwrap_or(began).min(began);
    if let Some(before) = before.filter(|before| *before < queued) {
        found.push(Stretch { kind: Kind::Between, from: before, to: queued });
    }
    if queued < began {
        found.push(Stretch { kind: Kind::Queued, from: queued, to: began });
    }
}

impl Scale {
    fn millis(self) -> i64 {
        (self.to - self.from).num_milliseconds().max(1)
    }

    /// In which cell a time since the left edge falls.
    fn cell(self, millis: i64) -> usize {
        let width = i64::try_from(self.width).unwrap_or(i64::MAX);
        let at = i128::from(millis.clamp(0, self.millis())) * i128::from(width) / i128::from(self.millis());
        usize::try_from(at).unwrap_or(0).min(self.width)
    }

    /// In which cell a moment falls, if it is in sight.
    pub fn at(self, moment: Timestamp) -> Option<usize> {
        let is_in_sight = self.width > 0 && moment >= self.from && moment <= self.to;
        is_in_sight.then(|| self.cell((moment - self.from).num_milliseconds()).min(self.width - 1))
    }

    /// One cell each; every stretch has at least one, and an attempt is never hidden by a wait.
    pub fn cells(self, stretches: &[Stretch]) -> Vec<Option<Kind>> {
        let mut cells = vec![None; self.width];
        let attempts_last = |stretch: &&Stretch| matches!(stretch.kind, Kind::Attempt(_));
        let waits = stretches.iter().filter(|stretch| !attempts_last(stretch));
        let is_in_sight = |stretch: &&Stretch| stretch.to >= self.from && stretch.from <= self.to;
        for stretch in waits.chain(stretches.iter().filter(attempts_last)).filter(is_in_sight) {
            let first = self.cell((stretch.from - self.from).num_milliseconds()).min(self.width.saturating_sub(1));
            let end = self.cell((stretch.to - self.from).num_milliseconds()).max(first + 1);
            cells[first.min(self.width)..end.min(self.width)].fill(Some(stretch.kind));
        }
        cells
    }

    /// Ticks at round times, as many as can be told apart.
    pub fn ticks(self) -> Vec<Tick> {
        let fits = |step: i64| i128::from(step) * self.width as i128 >= i128::from(self.millis()) * i128::from(TICK_CELLS);
        let days = || (1..).map(|n| n * 86_400_000).find(|step| fits(*step)).unwrap_or(i64::MAX);
        if self.width == 0 {
            return Vec::new();
        }
        let step = STEPS.iter().copied().find(|step| fits(*step)).unwrap_or_else(days);
        let left = (self.from - self.origin).num_milliseconds();
        let first = left.div_euclid(step) + i64::from(left.rem_euclid(step) != 0);
        let times = (first..).map(|n| n * step).take_while(|millis| millis - left < self.millis());
        times.map(|millis| Tick { at: self.cell(millis - left), label: label(millis, step) }).collect()
    }
}

/// `0.5s`, `02:00`, `1:30:00`.
fn label(millis: i64, step: i64) -> String {
    let seconds = millis / 1_000;
    if step < 1_000 {
        return format!("{seconds}.{}s", millis % 1_000 / 100);
    }
    match seconds / 3_600 {
        0 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// The tasks that the end of the run waited for: from the one that ended last back through the upstream that ended last.
///
/// `ends` holds the end of each task that ran, `order` all positions with upstream first. A task that never ran, such as one
/// whose result was cached, passes on the end of its upstream.
pub fn critical_path(ends: &[Option<Timestamp>], upstream: &[Vec<usize>], order: &[usize]) -> Vec<usize> {
    let mut known: Vec<Option<Timestamp>> = vec![None; ends.len()];
    let latest = |known: &[Option<Timestamp>], of: &mut dyn Iterator<Item = usize>| {
        let mut best: Option<(Timestamp, usize)> = None;
        for at in of {
            if let Some(end) = known.get(at).copied().flatten()
                && best.is_none_or(|(so_far, _)| end > so_far)
            {
                best = Some((end, at));
            }
        }
        best
    };
    for &at in order {
        let passed_on = latest(&known, &mut upstream[at].iter().copied()).map(|(end, _)| end);
        known[at] = ends[at].or(passed_on);
    }
    let ran = order.iter().copied().filter(|&at| ends[at].is_some());
    let mut next = latest(&known, &mut ran.into_iter());
    let mut path = Vec::new();
    while let Some((_, at)) = next.filter(|_| path.len() < ends.len()) {
        path.push(at);
        next = latest(&known, &mut upstream[at].iter().copied());
    }
    path.retain(|&at| ends[at].is_some());
    path.reverse();
    path
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tui::fixtures::{attempt, now, task};

    fn at(seconds: i64) -> Timestamp {
        now() + chrono::Duration::seconds(seconds)
    }

    /// All rows of a task over each other.
    fn stretches(task: &TaskSnapshot, now: Timestamp) -> Vec<Stretch> {
        rows(task, now).into_iter().flat_map(|row| row.stretches).collect()
    }

    fn drawn(scale: Scale, stretches: &[Stretch]) -> String {
        let glyph = |cell: Option<Kind>| match cell {
            None => ' ',
            Some(Kind::Queued) => '.',
            Some(Kind::Between) => '-',
            Some(Kind::Attempt(AttemptState::Failed)) => 'x',
            Some(Kind::Attempt(_)) => '#',
        };
        scale.cells(stretches).into_iter().map(glyph).collect()
    }

    #[test]
    fn waits_and_attempts_become_cells_of_one_scale() {
        let mut task = task("train", TaskState::Running, &[]);
        task.attempts = vec![attempt(1, AttemptState::Failed, 80, 20), attempt(2, AttemptState::Running, 30, 0)];
        task.attempts[0].created_at = Some(at(-90));
        task.attempts[1].created_at = Some(at(-40));
        let scale = Scale { origin: at(-100), from: at(-100), to: now(), width: 10 };
        assert_eq!(drawn(scale, &stretches(&task, now())), " .xx--.###");
    }

    #[test]
    fn the_shortest_attempt_has_a_cell_and_what_is_outside_the_scale_is_cut() {
        let scale = Scale { origin: at(-100), from: at(-100), to: now(), width: 10 };
        let one = |from, to| [Stretch { kind: Kind::Attempt(AttemptState::Success), from: at(from), to: at(to) }];
        assert_eq!(drawn(scale, &one(-55, -55)), "    #     ");
        assert_eq!(drawn(scale, &one(0, 0)), "         #");
        assert_eq!(drawn(scale, &one(-500, 500)), "##########");
        assert_eq!(drawn(scale, &one(-500, -400)), "          ");
        assert_eq!(drawn(Scale { width: 0, ..scale }, &one(-5, 0)), "");
        assert_eq!(drawn(Scale { from: now(), ..scale }, &one(0, 0)), "#         ");
    }

    #[test]
    fn a_task_that_waits_for_its_retry_or_in_the_queue_does_so_until_now() {
        let mut task = task("fetch", TaskState::UpForRetry, &[]);
        task.attempts = vec![attempt(1, AttemptState::Failed, 100, 50)];
        let scale = Scale { origin: at(-100), from: at(-100), to: now(), width: 10 };
        assert_eq!(drawn(scale, &stretches(&task, now())), "xxxxx-----");
        task.state = TaskState::Queued;
        task.queued_at = Some(at(-20));
        assert_eq!(drawn(scale, &stretches(&task, now())), "xxxxx---..");
    }

    #[test]
    fn ticks_are_round_and_apart() {
        let labels = |seconds, width| {
            let ticks = Scale { origin: now(), from: now(), to: at(seconds), width }.ticks();
            ticks.iter().map(|tick| format!("{}@{}", tick.label, tick.at)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(600, 60), "00:00@0 02:00@12 04:00@24 06:00@36 08:00@48");
        assert_eq!(labels(1, 30), "0.0s@0 0.5s@15");
        assert_eq!(labels(4 * 3_600, 24), "00:00@0 2:00:00@12");
        assert_eq!(labels(40 * 86_400, 20), "00:00@0 480:00:00@10");
        assert_eq!(labels(0, 5).split(' ').count(), 1);
    }

    #[test]
    fn a_part_has_the_ticks_of_the_whole() {
        let scale = Scale { origin: at(-600), from: at(-330), to: at(-180), width: 60 };
        let ticks: Vec<_> = scale.ticks().into_iter().map(|tick| format!("{}@{}", tick.label, tick.at)).collect();
        assert_eq!(ticks, ["04:30@0", "05:00@12", "05:30@24", "06:00@36", "06:30@48"]);
    }

    #[test]
    fn each_attempt_has_a_row_with_the_wait_before_it() {
        let mut task = task("train", TaskState::Running, &[]);
        task.attempts = vec![attempt(1, AttemptState::Failed, 80, 20), attempt(2, AttemptState::Running, 30, 0)];
        let scale = Scale { origin: at(-100), from: at(-100), to: now(), width: 10 };
        let drawn: Vec<_> = rows(&task, now()).iter().map(|row| drawn(scale, &row.stretches)).collect();
        assert_eq!(drawn, ["  xx      ", "    ---###"]);
        task.attempts.clear();
        assert_eq!(rows(&task, now()).len(), 1);
    }

    #[test]
    fn zooming_keeps_the_focus_and_never_leaves_the_run() {
        let part = |from, length| Zoom::Part { from, length };
        assert_eq!(Zoom::Whole.by(true, 500, 1_000), part(250, 500));
        assert_eq!(Zoom::Whole.by(true, 0, 1_000), part(0, 500));
        assert_eq!(part(250, 500).by(false, 500, 1_000), Zoom::Whole);
        assert_eq!(part(250, 100).by(true, 300, 1_000), part(250, 100));
        assert_eq!(part(400, 400).pan(true, 1_000), part(450, 400));
        assert_eq!(part(590, 400).pan(true, 1_000), part(600, 400));
        assert_eq!(part(10, 400).pan(false, 1_000), part(0, 400));
        assert_eq!(Zoom::Whole.pan(true, 1_000), Zoom::Whole);
    }

    #[test]
    fn the_critical_path_goes_back_through_the_upstream_that_ended_last() {
        // 0 → {1, 2} → 3; 4 ended early, on its own. 1 took longer than 2.
        let upstream = vec![vec![], vec![0], vec![0], vec![1, 2], vec![]];
        let ends = [Some(at(1)), Some(at(9)), Some(at(4)), Some(at(12)), Some(at(2))];
        assert_eq!(critical_path(&ends, &upstream, &[0, 4, 1, 2, 3]), [0, 1, 3]);
    }

    #[test]
    fn the_critical_path_passes_through_what_did_not_run() {
        let upstream = vec![vec![], vec![0], vec![1], vec![2]];
        let ends = [Some(at(1)), None, Some(at(5)), None];
        assert_eq!(critical_path(&ends, &upstream, &[0, 1, 2, 3]), [0, 2]);
        assert_eq!(critical_path(&[None; 4], &upstream, &[0, 1, 2, 3]), [0_usize; 0]);
    }
}

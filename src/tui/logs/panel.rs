//! One log on the screen: where one is in it, what is searched and hidden in it, and what is asked about it.

use super::{
    entry::Entry,
    scroll::{Measure, Spot, position},
    talk::{HuntRequest, LogAnswer, LogPart, LogRequest, Sieve},
};
use crate::{
    runtime::book::{Anchor, Found, Query},
    tui::world::{LogKey, LogTarget},
};
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

/// What is shown of each line, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Breaks long lines.
    pub wrap: bool,
    /// Shows when each line was written.
    pub times: bool,
    /// Shows the number of each line.
    pub numbers: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { wrap: false, times: true, numbers: false }
    }
}

/// Where one is in a log, kept while lines come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Shows the end, whatever comes.
    pub follow: bool,
    /// The first line in sight while not following.
    pub top: u64,
    /// Which row of it.
    pub part: usize,
    /// Columns scrolled to the right.
    pub left: usize,
}

impl Default for Position {
    fn default() -> Self {
        Self { follow: true, top: 0, part: 0, left: 0 }
    }
}

/// Lines that are chosen: from where it began to where it was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// Where it began.
    pub from: u64,
    /// Where it was moved.
    pub to: u64,
}

impl Selection {
    /// Whether a line is chosen.
    pub fn has(self, end: u64) -> bool {
        (self.from.min(self.to)..=self.from.max(self.to)).contains(&end)
    }
}

/// What came of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// There is no error that way.
    NoMoreErrors,
}

/// One log on the screen.
#[derive(Debug, Default)]
pub struct LogPanel {
    slot: usize,
    /// How lines are shown.
    pub options: Options,
    /// Where one is.
    pub position: Position,
    /// Which lines are shown.
    pub sieve: Sieve,
    pub(super) query: Option<Query>,
    /// The line that was found last.
    pub(super) current: Option<u64>,
    hunt: Option<HuntRequest>,
    answered: u32,
    /// A line to be shown in the middle once it is there.
    centre: Option<u64>,
    /// Lines that are chosen.
    pub selection: Option<Selection>,
    /// Lines are to be chosen as soon as those are there that one went to.
    chooses: bool,
    /// The newest answer, for what is counted.
    pub(super) told: Option<Arc<LogAnswer>>,
    /// The newest answer whose lines are the wanted ones.
    pub(super) page: Option<Arc<LogAnswer>>,
    asked: Option<LogRequest>,
    /// Names of the attempts, if there are several.
    pub names: Vec<String>,
    height: usize,
}

impl LogPanel {
    /// In that place of the screen.
    pub fn new(slot: usize, options: Options) -> Self {
        Self { slot, options, ..Self::default() }
    }

    /// Where on the screen it is.
    pub const fn slot(&self) -> usize {
        self.slot
    }

    /// The lines at hand.
    pub fn entries(&self) -> &[Entry] {
        self.page.as_ref().map_or(&[], |page| &page.entries)
    }

    /// The newest answer.
    pub fn told(&self) -> Option<&LogAnswer> {
        self.told.as_deref()
    }

    /// The attempts that are shown.
    pub fn keys(&self) -> Vec<LogKey> {
        self.targets().iter().map(|target| target.key.clone()).collect()
    }

    fn targets(&self) -> &[LogTarget] {
        self.asked.as_ref().map_or(&[], |asked| &asked.targets)
    }

    /// Forgets what was asked: it is asked again.
    pub fn forget(&mut self) {
        self.asked = None;
    }

    /// Shows another log, from that position on.
    pub fn switch(&mut self, position: Position) {
        self.position = position;
        (self.told, self.page, self.current, self.centre, self.selection) = (None, None, None, None, None);
        (self.hunt, self.chooses) = (None, false);
        self.asked = None;
    }

    /// What to ask, if that is something else than what was asked.
    pub fn request(&mut self, targets: &[LogTarget], inside: Rect) -> Option<LogRequest> {
        self.height = usize::from(inside.height).max(1);
        let margin = 3 * self.height;
        let anchor = if self.position.follow { Anchor::End } else { self.anchor() };
        let request = LogRequest {
            slot: self.slot,
            targets: targets.to_vec(),
            anchor,
            before: margin + self.height,
            after: margin + self.height,
            sieve: self.sieve.clone(),
            search: self.query.as_ref().map(|query| query.text().to_owned()).unwrap_or_default(),
            hunt: self.hunt,
        };
        let known = self.asked.as_ref() == Some(&request);
        self.asked = Some(request.clone());
        (!known).then_some(request)
    }

    /// The line around which lines are wanted: as before while there are enough of them around the top.
    fn anchor(&self) -> Anchor {
        let here = Anchor::At(self.position.top);
        let (Some(page), Some(asked)) = (&self.page, &self.asked) else { return here };
        if asked.anchor == Anchor::End || page.anchor != asked.anchor || page.sieve != self.sieve {
            return here;
        }
        let top = position(&page.entries, self.position.top);
        let above = page.from_start || top >= self.height;
        let below = page.to_end || page.entries.len() - top >= 2 * self.height;
        if above && below { asked.anchor } else { here }
    }

    /// Takes an answer, if it is a new one about this log.
    pub fn take(&mut self, answer: Option<&Arc<LogAnswer>>, measure: Measure) -> Option<News> {
        let (answer, asked) = (answer?, self.asked.as_ref()?);
        let is_known = self.told.as_ref().is_some_and(|told| Arc::ptr_eq(told, answer));
        if is_known || answer.keys != self.keys() {
            return None;
        }
        if answer.anchor == asked.anchor && answer.sieve == asked.sieve {
            self.page = Some(Arc::clone(answer));
            self.choose_here(measure);
        }
        self.told = Some(Arc::clone(answer));
        let errors = self.hunt.is_some_and(|hunt| hunt.errors);
        let news = match self.found(answer) {
            Some(Found::At(line)) => {
                self.current = Some(line);
                self.show(line, measure);
                None
            }
            Some(Found::Nothing) if errors => Some(News::NoMoreErrors),
            Some(Found::Nothing) => {
                self.current = None;
                None
            }
            Some(Found::NotYet) | None => None,
        };
        if let Some(line) = self.centre {
            self.put_in_the_middle(line, measure);
        }
        news
    }

    /// What the hunt that was asked for came to, the first time that it is told.
    fn found(&mut self, answer: &LogAnswer) -> Option<Found> {
        let (number, found) = answer.hunt?;
        if self.answered >= number || self.hunt.is_none_or(|hunt| hunt.number != number) {
            return None;
        }
        self.answered = number;
        Some(found)
    }

    /// The first row in sight.
    pub(super) fn top(&self, measure: Measure) -> Spot {
        let entries = self.entries();
        let last = measure.last_top(entries);
        if self.position.follow {
            return last;
        }
        let top = Spot { line: position(entries, self.position.top), part: self.position.part };
        let top = if entries.get(top.line).is_some_and(|entry| entry.end == self.position.top) { top } else { Spot { part: 0, ..top } };
        top.min(last)
    }

    fn put_top(&mut self, top: Spot) {
        if let Some(end) = self.entries().get(top.line).map(|entry| entry.end) {
            (self.position.top, self.position.part) = (end, top.part);
        }
    }

    /// Names of the first and the last line in sight.
    pub fn sight(&self, measure: Measure) -> Option<(u64, u64)> {
        let rows = measure.in_sight(self.entries(), self.top(measure));
        let name = |spot: &Spot| self.entries()[spot.line].end;
        Some((name(rows.first()?), name(rows.last()?)))
    }

    /// Moves by rows; upwards it stops following.
    pub fn by(&mut self, rows: isize, measure: Measure) {
        if self.selection.is_some() {
            return self.choose(rows, measure);
        }
        let top = self.top(measure);
        let to = measure.moved(self.entries(), top, rows);
        if to != top && !(self.position.follow && rows > 0) {
            self.position.follow = false;
            self.centre = None;
            self.put_top(to);
        }
    }

    /// Moves the end of what is chosen by lines.
    fn choose(&mut self, lines: isize, measure: Measure) {
        let Some(selection) = self.selection else { return };
        let at = position(self.entries(), selection.to).saturating_add_signed(lines).min(self.entries().len().saturating_sub(1));
        let Some(to) = self.entries().get(at).map(|entry| entry.end) else { return };
        self.selection = Some(Selection { to, ..selection });
        if let Some((first, last)) = self.sight(measure).filter(|(first, last)| to < *first || to > *last) {
            let step = if to < first {
                at as isize - position(self.entries(), first) as isize
            } else {
                at as isize - position(self.entries(), last) as isize
            };
            self.position.follow = false;
            let top = self.top(measure);
            self.put_top(measure.moved(self.entries(), top, step));
        }
    }

    /// To the first line.
    pub fn to_top(&mut self) {
        self.position = Position { follow: false, top: 0, part: 0, left: self.position.left };
        self.centre = None;
    }

    /// To the end, and follows it.
    pub fn to_bottom(&mut self) {
        self.position.follow = true;
        self.centre = None;
    }

    /// Stays where it is, or follows.
    pub fn toggle_follow(&mut self, measure: Measure) {
        let top = self.top(measure);
        self.put_top(top);
        self.position.follow = !self.position.follow;
        self.centre = None;
    }

    /// Sideways by columns, as far as there is something to see.
    pub fn sideways(&mut self, columns: isize, measure: Measure) {
        let widest = self.entries().iter().map(|entry| entry.width).max().unwrap_or(0);
        let most = widest.saturating_sub(measure.width / 2);
        self.position.left = self.position.left.saturating_add_signed(columns).min(most.max(self.position.left));
    }

    /// Shows a line, in the middle if it was not in sight.
    fn show(&mut self, line: u64, measure: Measure) {
        let in_sight = self.sight(measure).is_some_and(|(first, last)| (first..=last).contains(&line));
        if in_sight {
            let top = self.top(measure);
            self.put_top(top);
        } else {
            (self.position.top, self.position.part) = (line, 0);
            self.centre = Some(line);
        }
        self.position.follow = false;
    }

    fn put_in_the_middle(&mut self, line: u64, measure: Measure) {
        let at = position(self.entries(), line);
        if self.entries().get(at).is_some_and(|entry| entry.end == line) {
            self.centre = None;
            let half = isize::try_from(measure.height / 2).unwrap_or(0);
            self.put_top(measure.moved(self.entries(), Spot { line: at, part: 0 }, -half));
        }
    }

    /// Searches for another text, from a line on.
    pub fn search(&mut self, text: &str, from: u64) {
        self.query = Query::new(text);
        self.current = None;
        if self.query.is_some() {
            self.start_hunt(HuntRequest { number: 0, errors: false, from, forward: true, inclusive: true });
        }
    }

    /// Whether something is searched.
    pub const fn is_searching(&self) -> bool {
        self.query.is_some()
    }

    /// Looks for the next or the previous match, or error.
    pub fn hunt(&mut self, errors: bool, forward: bool, measure: Measure) {
        let (first, last) = self.sight(measure).unwrap_or((0, u64::MAX));
        // What was found counts also while the lines around it are still being read.
        let current = self.current.filter(|line| (first..=last).contains(line) || self.centre == Some(*line));
        let edge = if forward { first } else { last };
        let (from, inclusive) = current.map_or((edge, true), |line| (line, false));
        self.start_hunt(HuntRequest { number: 0, errors, from, forward, inclusive });
    }

    fn start_hunt(&mut self, hunt: HuntRequest) {
        let number = self.hunt.map_or(self.answered, |hunt| hunt.number) + 1;
        self.hunt = Some(HuntRequest { number, ..hunt });
    }

    /// Begins to choose lines, or stops.
    pub fn toggle_selection(&mut self, measure: Measure) {
        if self.selection.take().is_some() || std::mem::take(&mut self.chooses) {
            return;
        }
        let is_here = self.page.as_ref().zip(self.asked.as_ref()).is_some_and(|(page, asked)| page.anchor == asked.anchor);
        self.chooses = true;
        if is_here {
            self.choose_here(measure);
        }
    }

    fn choose_here(&mut self, measure: Measure) {
        if std::mem::take(&mut self.chooses) {
            self.selection = self.line(measure).map(|line| Selection { from: line, to: line });
        }
    }

    /// The line that is meant if none is chosen: what was found, or the last one, or the first in sight.
    fn line(&self, measure: Measure) -> Option<u64> {
        let (first, last) = self.sight(measure)?;
        let edge = if self.position.follow { last } else { first };
        // What was found may be hidden by now.
        let is_there = |line: &u64| (first..=last).contains(line) && self.entries().iter().any(|entry| entry.end == *line);
        Some(self.current.filter(is_there).unwrap_or(edge))
    }

    /// What is chosen, or all of it, to be saved or copied.
    pub fn part(&self, all: bool, file: Option<PathBuf>, measure: Measure) -> Option<LogPart> {
        let range = match self.selection {
            _ if all => 0..=u64::MAX,
            Some(selection) => selection.from.min(selection.to)..=selection.from.max(selection.to),
            None => {
                let line = self.line(measure)?;
                line..=line
            }
        };
        Some(LogPart { targets: self.targets().to_vec(), sieve: self.sieve.clone(), range, file })
    }

    /// `FOLLOW`, or `PAUSED N new below`.
    pub fn mode(&self, measure: Measure) -> String {
        if self.position.follow {
            return "FOLLOW".to_owned();
        }
        let below = measure.in_sight(self.entries(), self.top(measure)).last().map_or(0, |spot| {
            let passed = self.entries()[spot.line].lines;
            let at_hand = (self.entries().len() - spot.line - 1) as u64;
            passed.zip(self.told()).map_or(at_hand, |(passed, told)| told.lines.saturating_sub(passed + 1))
        });
        format!("PAUSED {below} new below")
    }

    /// That some matches are in lines that are not shown.
    fn hidden_words(&self) -> Option<String> {
        let told = self.told().filter(|told| told.sieve == self.sieve)?;
        let (shown, all) = (told.matches.as_ref()?.1, told.anywhere?);
        let hidden = all.lines.saturating_sub(shown.lines);
        let by = if self.sieve.filter.is_empty() { "level" } else { "filter" };
        (shown.done && all.done && hidden > 0).then(|| format!(" · {hidden} of {} hidden by the {by}", all.lines))
    }

    /// `match K of N`, or that there is none; and what can be done then, unless one is `typing`.
    pub fn found_words(&self, typing: bool) -> Option<String> {
        let query = self.query.as_ref()?;
        let counted =
            self.told().and_then(|told| told.matches.as_ref()).filter(|(text, _)| text == query.text()).map(|(_, counted)| counted);
        let more = if counted.is_some_and(|counted| counted.done) { "" } else { "…" };
        let rank = self.current.and(self.told()).and_then(|told| told.rank);
        let words = match (counted.map_or(0, |counted| counted.lines), rank) {
            (0, _) if more.is_empty() => format!("no match for \"{}\"", crate::tui::text::safe(query.text())),
            (0, _) => "searching…".to_owned(),
            (count, Some(rank)) => format!("match {rank} of {count}{more}"),
            (count, None) => format!("{}{more}", crate::tui::text::count(usize::try_from(count).unwrap_or(usize::MAX), "matching line")),
        };
        let words = if query.is_literal() { words } else { format!("{words} · regex") };
        let words = format!("{words}{}", self.hidden_words().unwrap_or_default());
        let is_found = counted.is_some_and(|counted| counted.lines > 0);
        Some(if is_found && !typing { format!("{words}  n next · N previous · Esc clears") } else { words })
    }
}

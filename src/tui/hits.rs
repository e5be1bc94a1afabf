//! What the last frame put where, for the pointer: written while drawing, read when something is clicked. One table for every
//! view, so that no view computes again where it drew.

use super::{actions::Action, views::Place};
use ratatui::layout::{Position, Rect};
use std::cell::RefCell;

/// What is somewhere on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// An action: a hint or a button.
    Act(Action),
    /// A place of the first line.
    Place(Place),
    /// A view further out: 0 is home.
    Depth(usize),
    /// A tab, so many to the right of the one that is shown.
    Tab(isize),
    /// A framed pane, and whether it has the keys.
    Pane(bool),
    /// A line of a list, so many below the selected one.
    Line(isize),
    /// A task of a graph, by its position.
    Task(usize),
    /// A line of a log: the place in the log where it ends.
    LogLine(u64),
}

thread_local! {
    /// Drawing gets the world to read, and has nothing else to write to but the frame.
    static HITS: RefCell<Vec<(Rect, Hit)>> = const { RefCell::new(Vec::new()) };
}

/// Forgets everything: a frame begins, or something lies over all that was drawn.
pub fn begin() {
    HITS.with_borrow_mut(Vec::clear);
}

/// Says what was drawn there.
pub fn put(area: Rect, hit: Hit) {
    if !area.is_empty() {
        HITS.with_borrow_mut(|hits| hits.push((area, hit)));
    }
}

/// What is there, topmost first.
pub fn at(column: u16, row: u16) -> Vec<Hit> {
    let there = |(area, _): &&(Rect, Hit)| area.contains(Position { x: column, y: row });
    HITS.with_borrow(|hits| hits.iter().rev().filter(there).map(|(_, hit)| *hit).collect())
}

/// The pane that is there and the one that has the keys, counted in the order in which they were drawn.
pub fn panes(column: u16, row: u16) -> (Option<usize>, Option<usize>) {
    HITS.with_borrow(|hits| {
        let panes: Vec<_> = hits.iter().filter(|(_, hit)| matches!(hit, Hit::Pane(_))).collect();
        let there = panes.iter().rposition(|(area, _)| area.contains(Position { x: column, y: row }));
        (there, panes.iter().position(|(_, hit)| *hit == Hit::Pane(true)))
    })
}

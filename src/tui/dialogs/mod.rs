//! Small windows over a view: they say something, or ask.

pub mod backfill;
pub mod chooser;
pub mod columns;
pub mod confirm;
pub mod form;
pub mod help;
pub mod menu;
pub mod messages;
pub mod new_pipeline;
pub mod note;
pub mod palette;
pub mod pick;
pub mod report;
pub mod themes;
pub mod trigger;
pub mod turn_on;
pub mod workspaces;

use super::{
    actions::{Action, Context},
    theme::Theme,
    views::{Intent, Typed},
    world::{Ask, World},
};
use ratatui::{Frame, layout::Rect};

/// A window over a view. While it is there, it has all keys.
pub trait Dialog {
    /// Which keys mean something.
    fn context(&self) -> Context;
    /// Actions for the footer.
    fn hints(&self) -> &'static [Action];
    /// Does an action of its context.
    fn act(&mut self, action: Action, world: &World) -> Vec<Intent>;
    /// A key or pasted text, where text is typed.
    fn typed(&mut self, _input: Typed, _world: &World) -> Vec<Intent> {
        Vec::new()
    }
    /// What it shows, to be read again when something changed.
    fn asks(&self) -> Vec<Ask> {
        Vec::new()
    }
    /// Draws it within `area`, which is the whole screen.
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, world: &World, theme: &Theme);
}

/// Where a dialog stands that wants that much room inside: in the middle, smaller than the screen.
pub fn placed(area: Rect, width: usize, height: usize) -> Rect {
    let want = |n: usize, frame: usize| u16::try_from(n + frame).unwrap_or(u16::MAX);
    let most = Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) };
    super::panes::centred(most, want(width, 4).min(100), want(height, 2).min(30))
}

//! Backfills: the form for a new one, what it would do before it does it, those that are there, and the dates of one.

mod dates;
mod form;
mod list;
mod preview;

pub use dates::Dates;
pub use form::BackfillForm;
pub use list::Backfills;
pub use preview::Preview;

use super::confirm::{Choice, Confirm};
use crate::{
    model::{BackfillId, BackfillState, Command, Progress},
    tui::{
        actions::Action,
        text,
        views::Intent,
        world::{Ask, Tone, World},
    },
};

/// `▓▓▓▓░░░░░░`: how much of it is over.
fn bar(progress: Progress, width: usize) -> String {
    let full = (progress.over() as usize * width).checked_div(progress.total() as usize).unwrap_or(width);
    "▓".repeat(full) + &"░".repeat(width.saturating_sub(full))
}

/// Pauses a backfill, lets it go on, or asks whether it shall be canceled.
fn verb(action: Action, id: &BackfillId, state: BackfillState, progress: Progress, world: &World) -> Vec<Intent> {
    if world.read_only {
        return vec![Intent::Say(Tone::Note, "looking only (--read-only)".to_owned())];
    }
    if state.is_terminal() || state == BackfillState::Canceling {
        return vec![Intent::Say(
            Tone::Note,
            format!("nothing to {} (backfill is {state})", if action == Action::MenuPause { "pause" } else { "cancel" }),
        )];
    }
    let backfill = id.clone();
    if action == Action::MenuPause {
        return vec![Intent::Ask(Ask::Send(Command::PauseBackfill { backfill, paused: state != BackfillState::Paused }))];
    }
    let (open, pending) = (text::count(progress.running as usize, "open run"), text::count(progress.pending as usize, "run"));
    let lines = vec![format!("This cancels {open}; {pending} more will not be made."), "What is over stays as it is.".to_owned()];
    let yes = Choice { action: Action::Yes, label: "Cancel the backfill".into(), ask: Ask::Send(Command::CancelBackfill { backfill }) };
    vec![Intent::Show(Box::new(Confirm::new("Cancel the backfill?".to_owned(), lines, "Let it go on", vec![yes])))]
}

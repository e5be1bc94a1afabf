//! Logs on the screen: asked of the desk by pages, drawn from what is at hand.

mod ansi;
pub mod desk;
mod draw;
pub mod entry;
mod panel;
mod scroll;
pub mod talk;

pub use draw::grouped;
pub use panel::{LogPanel, News, Options, Position, Selection};
pub use scroll::Measure;

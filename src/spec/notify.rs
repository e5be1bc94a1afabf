//! `[notify]`: who is told of what, and when a run is late.

use super::keys::{self, Place};
use crate::{
    model::{Notify, Occasion, Report, Severity},
    stdx::toml_tree::Table,
};

/// Reads `[notify]`.
pub(super) fn read(table: &Table, report: &mut Report<'_>) -> Notify {
    keys::check(Place::Notify, table, report);
    for entry in table.0.iter().filter(|entry| Occasion::of_key(&entry.key).is_some()) {
        let message = format!("`{}` is read and checked, but this version does not send messages", entry.key);
        report.add(Severity::Info, "inactive", entry.key_span.clone(), message, None);
    }
    Notify::read(table, report)
}

//! `[notify]`: who is told of what, and when a run is late.

use super::keys::{self, Place};
use crate::{
    model::{Notify, Occasion, Report, Severity},
    stdx::toml_tree::Table,
};

/// Reads `[notify]`.
pub(super) fn read(table: &Table, report: &mut Report<'_>) -> Notify {
    keys::check(Place::Notify, table, report);
    if let Some(entry) = table.entry(&Occasion::Drift.key()) {
        let message = format!("`{}` is read and checked, but nothing in this version finds drift", entry.key);
        report.add(Severity::Info, "inactive", entry.key_span.clone(), message, None);
    }
    Notify::read(table, report)
}

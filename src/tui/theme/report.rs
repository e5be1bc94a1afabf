//! Themes for the command line: which there are, and what is wrong with one.

use super::{Library, check::Measures, source::Source};
use crate::{
    config::theme::ThemeRow,
    model::{Diagnostics, Report, Severity},
    runtime::user,
};
use ratatui::style::Color;
use std::path::Path;

/// Every theme there is, with what was measured of it.
pub fn rows() -> Vec<ThemeRow> {
    let library = Library::new(user::themes(), Source::default());
    library.names().iter().filter_map(|name| Some(row(name, &library, &library.find(name).ok()?.source))).collect()
}

/// Everything that is wrong with a theme, by its name or its file.
///
/// # Errors
/// It is not there or cannot be read.
pub fn check(what: &str) -> Result<(Diagnostics, ThemeRow), String> {
    let library = Library::new(user::themes(), Source::default());
    let path = Path::new(what);
    let is_file = path.extension().is_some_and(|end| end == "toml") || path.components().count() > 1;
    let mut found = if is_file { library.open(path)? } else { library.find(what)? };
    let name = path.file_stem().map_or_else(|| what.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let mut report = Report::new(what, "");
    for complaint in Measures::of(&found.source).complaints() {
        report.without_place(Severity::Warning, "theme", complaint, None);
    }
    found.faults.0.extend(report.finish().0);
    Ok((found.faults, row(&name, &library, &found.source)))
}

fn row(name: &str, library: &Library, source: &Source) -> ThemeRow {
    let measures = Measures::of(source);
    let round = |number: f64| (number * 10.0).round() / 10.0;
    ThemeRow {
        name: name.to_owned(),
        variant: if has_ground(source) { source.variant().word() } else { "any" },
        file: library.file(name).map(|file| file.display().to_string()),
        contrast: measures.faintest().map(|(_, contrast)| round(contrast)),
        selected: measures.faintest_selected().map(|(_, contrast)| round(contrast)),
        states: measures.closest().map(|pair| round(pair.distance)),
    }
}

/// Whether it brings its own ground, rather than that of the terminal.
pub fn has_ground(source: &Source) -> bool {
    source.look("bg").fg.is_some_and(|ground| ground != Color::Reset)
}

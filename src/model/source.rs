//! Turns places in a text into findings: line, column, the line itself. Keeps what a hostile file can make us say short.

use super::{Diagnostic, Diagnostics, Severity};
use std::{collections::HashSet, ops::Range};

/// More findings than this help nobody.
const MOST: usize = 200;
/// A longer line is not shown: the terminal could not point into it.
const LONGEST_LINE: usize = 400;

/// Collects the findings of one file.
#[derive(Debug)]
pub struct Report<'a> {
    file: &'a str,
    text: &'a str,
    line_starts: Vec<usize>,
    found: Vec<Diagnostic>,
    seen: HashSet<(usize, usize, String)>,
    dropped: usize,
    errors: bool,
}

impl<'a> Report<'a> {
    /// Starts a report on the text of a file.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { file, text, line_starts, found: Vec::new(), seen: HashSet::new(), dropped: 0, errors: false }
    }

    /// The file, as the user would type it.
    pub const fn file(&self) -> &'a str {
        self.file
    }

    /// The text of the file.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Whether so much was found that hints are no longer worth computing.
    pub fn is_full(&self) -> bool {
        self.found.len() >= MOST
    }

    /// Adds a finding without a place.
    pub fn without_place(&mut self, severity: Severity, code: &str, message: impl Into<String>, hint: Option<String>) {
        let diagnostic = Diagnostic {
            severity,
            code: code.into(),
            message: message.into(),
            file: self.file.into(),
            line: 0,
            column: 0,
            hint,
            source_line: String::new(),
            length: 0,
        };
        self.push(diagnostic);
    }

    /// Adds a finding at `span`.
    pub fn add(&mut self, severity: Severity, code: &str, span: Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let start = floor(self.text, span.start);
        let end = floor(self.text, span.end).max(start);
        let index = self.line_starts.partition_point(|&line| line <= start).saturating_sub(1);
        let line_start = self.line_starts[index];
        let rest = &self.text[line_start..];
        let line = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let line_end = line_start + line.len();
        let column = self.text[line_start..start].chars().count() + 1;
        let length = self.text[start.min(line_end)..end.min(line_end).max(start.min(line_end))].chars().count().max(1);
        let diagnostic = Diagnostic {
            severity,
            code: code.into(),
            message: message.into(),
            file: self.file.into(),
            line: index + 1,
            column,
            hint,
            source_line: if line.len() > LONGEST_LINE { String::new() } else { line.to_owned() },
            length,
        };
        self.push(diagnostic);
    }

    /// Adds an error at `span`.
    pub fn error(&mut self, code: &str, span: Range<usize>, message: impl Into<String>, hint: Option<String>) {
        self.add(Severity::Error, code, span, message, hint);
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        self.errors |= diagnostic.severity == Severity::Error;
        if self.is_full() {
            self.dropped += 1;
        } else if self.seen.insert((diagnostic.line, diagnostic.column, diagnostic.message.clone())) {
            self.found.push(diagnostic);
        }
    }

    /// Whether something must be mended before anything runs.
    pub const fn has_errors(&self) -> bool {
        self.errors
    }

    /// Everything found, in the order of the file.
    pub fn finish(mut self) -> Diagnostics {
        self.found.sort_by_key(|found| (found.line, found.column));
        if self.dropped > 0 {
            let severity = if self.errors { Severity::Error } else { Severity::Warning };
            self.found.push(Diagnostic {
                severity,
                code: "too-many".into(),
                message: format!("{} more findings are not shown; mend the first ones and check again", self.dropped),
                file: self.file.into(),
                line: 0,
                column: 0,
                hint: None,
                source_line: String::new(),
                length: 0,
            });
        }
        Diagnostics(self.found)
    }
}

/// The start of the character that byte `at` belongs to.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// `did you mean …?`, if a candidate is near enough.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // Words of very different length are never near; a hostile file must not make us compare millions of pairs.
    let length = word.len();
    let near = candidates.into_iter().filter(|c| c.len().abs_diff(length) <= 6).take(2_000);
    crate::stdx::suggest::nearest(word, near).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_in_lines_and_characters() {
        let mut report = Report::new("f.toml", "ä = 1\r\nöx = 2\n");
        let at = report.text().find('x').unwrap();
        report.error("c", at..at + 1, "m", None);
        let found = report.finish();
        assert_eq!((found.0[0].line, found.0[0].column, found.0[0].source_line.as_str()), (2, 2, "öx = 2"));
    }

    #[test]
    fn a_flood_of_findings_is_cut_and_counted() {
        let mut report = Report::new("f.toml", "x");
        for i in 0..1_000 {
            report.error("c", 0..1, format!("{i}"), None);
        }
        let found = report.finish();
        assert_eq!(found.0.len(), MOST + 1);
        assert!(found.0[MOST].message.starts_with("800 more"));
    }
}

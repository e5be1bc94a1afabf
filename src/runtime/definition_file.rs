//! Reads the text of a file that a person wrote. What stands in the way is a finding like any other, so that one bad file
//! among good ones is shown in its place.

use super::workspace::MAX_FILE;
use crate::model::{Diagnostic, Severity};
use std::{fs, io, path::Path};

/// The text of the file at `path`, which findings call `name`.
///
/// # Errors
/// It cannot be read, is not a plain file, is over 4 MiB, or is not UTF-8, with the place.
pub fn read(path: &Path, name: &str) -> Result<String, Box<Diagnostic>> {
    let unreadable = |error: io::Error| Box::new(finding(name, "unreadable", format!("the file cannot be read: {error}")));
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err(Box::new(finding(name, "unreadable", "this is not a plain file".to_owned())));
    }
    if found.len() > MAX_FILE {
        return Err(Box::new(finding(name, "too-large", format!("the file has {} bytes; at most 4 MiB are read", found.len()))));
    }
    String::from_utf8(fs::read(path).map_err(unreadable)?).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        Box::new(Diagnostic { line, column, ..finding(name, "not-utf8", "the file is not UTF-8 here".to_owned()) })
    })
}

/// An error that is about a whole file.
pub fn finding(file: &str, code: &str, message: String) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: code.to_owned(),
        message,
        file: file.to_owned(),
        line: 0,
        column: 0,
        hint: None,
        source_line: String::new(),
        length: 0,
    }
}

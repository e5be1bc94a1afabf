//! What is wrong with a file, where, and what to do about it.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing runs until this is mended.
    Error,
    /// Legal, and probably not what was meant.
    Warning,
    /// Worth knowing, such as a part that is parsed but not active yet.
    Info,
}

/// One finding in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name such as `unknown-key`.
    pub code: String,
    /// What is wrong, in one sentence that names the thing.
    pub message: String,
    /// The file, as the user would type it.
    pub file: String,
    /// Counted from 1; 0 when the finding has no place.
    pub line: usize,
    /// Counted from 1, in characters; 0 when the finding has no place.
    pub column: usize,
    /// What to do next.
    pub hint: Option<String>,
    /// The text of that line, for showing; not part of the JSON contract.
    #[serde(default)]
    pub source_line: String,
    /// How many characters from `column` are meant.
    #[serde(default)]
    pub length: usize,
}

/// All findings of one reading, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether something must be mended before anything runs.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }
}

impl std::fmt::Display for Diagnostics {
    /// Plain text: `file:line:column: message`, the line with carets, and the hint.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for diagnostic in &self.0 {
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "note",
        };
        if self.line == 0 {
            writeln!(f, "{}: {severity}: {}", self.file, self.message)?;
        } else {
            writeln!(f, "{}:{}:{}: {severity}: {}", self.file, self.line, self.column, self.message)?;
            if !self.source_line.is_empty() {
                let number = self.line.to_string();
                let indent: String =
                    self.source_line.chars().take(self.column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                writeln!(f, "  {number} | {}", self.source_line)?;
                writeln!(f, "  {} | {indent}{}", " ".repeat(number.len()), "^".repeat(self.length.max(1)))?;
            }
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {hint}")?;
        }
        Ok(())
    }
}

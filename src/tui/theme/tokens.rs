//! The names of everything that has a look: by meaning, never by the widget that shows it.

/// Every token that a view may ask for.
pub const TOKENS: &[&str] = &[
    "bg",
    "fg",
    "fg.muted",
    "fg.strong",
    "border",
    "border.focus",
    "title",
    "accent",
    "selection",
    "selection.bg",
    "selection.inactive",
    "match",
    "match.current",
    "cursor",
    "link",
    "hint.key",
    "hint.text",
    "state.pending",
    "state.queued",
    "state.running",
    "state.success",
    "state.cached",
    "state.failed",
    "state.upstream_failed",
    "state.up_for_retry",
    "state.skipped",
    "state.canceled",
    "state.awaiting_approval",
    "state.lost",
    "edge",
    "edge.focus",
    "edge.critical",
    "edge.dim",
    "log.debug",
    "log.info",
    "log.warn",
    "log.error",
    "log.time",
    "warning",
    "error",
    "info",
    "ok",
    "diff.add",
    "diff.del",
    "diff.same",
    "chart.1",
    "chart.2",
    "chart.3",
    "chart.4",
    "chart.5",
    "chart.6",
    "input",
    "input.error",
];

/// Tokens whose only use is their colour as a ground. Without one there is none: the colour of a text would hide the text.
pub const GROUNDS: &[&str] = &["bg", "selection.bg"];

/// Tokens that mark a place: what they mark must differ from what they do not.
pub const MARKS: &[&str] = &["selection", "selection.inactive", "match", "match.current", "cursor"];

/// Tokens of lines and frames, which nobody reads: they may be quieter than text.
pub const LINES: &[&str] = &["border", "edge", "edge.dim"];

/// What a token looks like that a theme does not set: its parent along the dots, at last `fg`.
pub fn parent(token: &str) -> Option<&str> {
    if GROUNDS.contains(&token) || token == "fg" {
        return None;
    }
    Some(token.rfind('.').map_or("fg", |dot| &token[..dot]))
}

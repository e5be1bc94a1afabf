//! `{{ params.x }}` in texts: paths and nothing else.
//!
//! A template language with conditions and loops would make a pipeline file a program that must be run to be
//! understood. A path can be checked when the file is read, quoted for a shell, and followed by a reader's eye;
//! what needs logic belongs in `when`, a gate or a script.

use super::{Finding, Names, Root, Scope, shell};
use crate::{model::Severity, stdx::ids::as_identifier};
use serde_json::Value;
use std::ops::Range;

/// Longest text that a template may become. Linux refuses arguments of 128 KiB and more, with a message that names nothing.
pub const LONGEST: usize = 100 * 1024;

/// What a rendered text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// An argument, a path, a variable: values stand as they are.
    Plain,
    /// A shell script: each value is quoted.
    Shell,
}

/// One `{{ … }}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// Where it stands, braces included.
    pub span: Range<usize>,
    /// The names between the dots, and where each stands.
    pub path: Vec<(String, Range<usize>)>,
    /// Whether `| unquoted` was asked for.
    pub unquoted: bool,
}

impl Hole {
    /// `params.x`.
    pub fn name(&self) -> String {
        self.path.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".")
    }
}

/// Every `{{ … }}` of a text, in order.
///
/// # Errors
/// One finding for each that is not a path.
pub fn parse(text: &str) -> Result<Vec<Hole>, Vec<Finding>> {
    let (mut holes, mut wrong, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(start) = text[at..].find("{{").map(|n| at + n) {
        let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
        let Some(end) = text[start..line_end].find("}}").map(|n| start + n + 2) else {
            wrong.push(
                Finding::error("bad-template", start..start + 2, "`{{` has no `}}` on its line")
                    .hint("a text that needs `{{` itself belongs in a script file"),
            );
            at = start + 2;
            continue;
        };
        match hole(text, start, end) {
            Ok(hole) => holes.push(hole),
            Err(finding) => wrong.push(finding),
        }
        at = end;
    }
    if wrong.is_empty() { Ok(holes) } else { Err(wrong) }
}

fn hole(text: &str, start: usize, end: usize) -> Result<Hole, Finding> {
    let inner = &text[start + 2..end - 2];
    let shape = |message: String| {
        Finding::error("bad-template", start..end, message)
            .hint("a template names one value, such as `{{ params.x }}`; conditions belong in `when` or in a script")
    };
    let (path_text, filter) = inner.split_once('|').map_or((inner, None), |(path, filter)| (path, Some(filter.trim())));
    if let Some(filter) = filter
        && filter != "unquoted"
    {
        return Err(shape(format!("unknown filter `{filter}`; the only one is `unquoted`")));
    }
    let (mut path, mut at) = (Vec::new(), start + 2);
    for part in path_text.split('.') {
        let name = part.trim();
        if !crate::stdx::ids::is_valid(name) {
            return Err(shape(format!("`{}` is not a path of names and dots", inner.trim())));
        }
        let from = at + part.len() - part.trim_start().len();
        path.push((name.to_owned(), from..from + name.len()));
        at += part.len() + 1;
    }
    Ok(Hole { span: start..end, path, unquoted: filter.is_some() })
}

/// Everything that can be wrong with a text before its values are known.
pub fn check(text: &str, style: Style, names: &Names<'_>) -> Vec<Finding> {
    let holes = match parse(text) {
        Ok(holes) => holes,
        Err(wrong) => return wrong,
    };
    let mut found: Vec<Finding> = holes.iter().filter_map(|hole| check_path(hole, names)).collect();
    match style {
        Style::Shell => found.extend(check_shell(text, &holes)),
        Style::Plain => found.extend(holes.iter().filter(|hole| hole.unquoted).map(|hole| {
            Finding::error("bad-template", hole.span.clone(), "`unquoted` has a meaning only in `run`: here nothing is quoted")
                .hint(format!("write `{{{{ {} }}}}`", hole.name()))
        })),
    }
    found
}

fn check_shell(text: &str, holes: &[Hole]) -> Vec<Finding> {
    let spans: Vec<Range<usize>> = holes.iter().map(|hole| hole.span.clone()).collect();
    let mut found = Vec::new();
    for (hole, place) in holes.iter().zip(shell::places(text, &spans)) {
        let name = hole.name();
        if hole.unquoted {
            found.push(
                Finding::new(
                    Severity::Warning,
                    "unquoted-value",
                    hole.span.clone(),
                    format!("the shell reads the value of `{name}` as code"),
                )
                .hint(format!("write `{{{{ {name} }}}}`, which is quoted, unless the value is meant to be code")),
            );
        } else if let Some(place) = place {
            let message = format!("`{{{{ {name} }}}}` stands {}, where quoting does not protect its value", place.name());
            found.push(Finding::error("quoted-template", hole.span.clone(), message).hint(unquoted_form(place, &name)));
        }
    }
    found
}

fn unquoted_form(place: shell::Place, name: &str) -> String {
    let variable = name.strip_prefix("params.").map(|param| format!("$FLOWYARD_PARAM_{}", as_identifier(param).to_uppercase()));
    match place {
        shell::Place::DoubleQuotes => {
            format!(
                "the value brings its own quotes; write {{{{ {name} }}}} without quotes around it, or \"before \"{{{{ {name} }}}}\" after\""
            )
        }
        shell::Place::SingleQuotes | shell::Place::AnsiQuotes => {
            format!(
                "the value brings its own quotes; write {{{{ {name} }}}} without quotes around it, or 'before '{{{{ {name} }}}}' after'"
            )
        }
        shell::Place::Backticks => format!("write $(command {{{{ {name} }}}}) instead of backticks"),
        shell::Place::Comment => format!("remove {{{{ {name} }}}} from the comment"),
        shell::Place::AfterDollar => format!("write {{{{ {name} }}}} without the `$`"),
        shell::Place::AfterBackslash => format!("write {{{{ {name} }}}} without the backslash"),
        shell::Place::HereDocument | shell::Place::Expansion | shell::Place::Arithmetic | shell::Place::Unclear => match variable {
            Some(variable) => format!("write {{{{ {name} }}}} as a word of its own, or use the variable {variable} here"),
            None => format!("write value={{{{ {name} }}}} on a line of its own before, and use \"$value\" here"),
        },
    }
}

fn check_path(hole: &Hole, names: &Names<'_>) -> Option<Finding> {
    let path: Vec<(&str, Range<usize>)> = hole.path.iter().map(|(name, span)| (name.as_str(), span.clone())).collect();
    names.check(&path, hole.span.clone(), Use::Template)
}

pub(super) use super::names::Use;

/// The text with every `{{ … }}` replaced by its value.
///
/// # Errors
/// A sentence that names the path without a value, or says that the text becomes too long.
pub fn render(text: &str, style: Style, scope: &Scope) -> Result<String, String> {
    let holes = parse(text).map_err(|wrong| wrong.into_iter().map(|f| f.message).collect::<Vec<_>>().join("; "))?;
    let spans: Vec<Range<usize>> = holes.iter().map(|hole| hole.span.clone()).collect();
    let places = if style == Style::Shell { shell::places(text, &spans) } else { vec![None; holes.len()] };
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (hole, place) in holes.iter().zip(places) {
        out.push_str(&text[at..hole.span.start]);
        at = hole.span.end;
        let value = plain(value(hole, scope)?);
        match (style, place) {
            (Style::Shell, _) if hole.unquoted => out.push_str(&value),
            // The check refused this already; a definition that comes from elsewhere must not get past it either.
            (Style::Shell, Some(place)) => return Err(format!("`{{{{ {} }}}}` stands {}", hole.name(), place.name())),
            (Style::Shell, None) => out.push_str(&shell::quote(&value)),
            (Style::Plain, _) => out.push_str(&value),
        }
        if value.contains('\0') {
            return Err(format!("the value of `{}` holds a NUL byte, which no command line can", hole.name()));
        }
        if out.len() > LONGEST {
            return Err(format!(
                "`{{{{ {} }}}}` makes the text longer than 100 KiB; read the value from $FLOWYARD_INPUTS_FILE instead",
                hole.name()
            ));
        }
    }
    out.push_str(&text[at..]);
    if out.len() > LONGEST { Err("it is longer than 100 KiB; move it into a script file".into()) } else { Ok(out) }
}

/// The value with every text in it rendered. A text that is nothing but one `{{ … }}` becomes the value itself, so that numbers stay numbers.
///
/// # Errors
/// As for [`render`].
pub fn render_json(value: &Value, scope: &Scope) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => match parse(text).ok().as_deref() {
            Some([hole]) if hole.span == (0..text.len()) => self::value(hole, scope)?.clone(),
            _ => Value::String(render(text, Style::Plain, scope)?),
        },
        Value::Array(list) => Value::Array(list.iter().map(|item| render_json(item, scope)).collect::<Result<_, _>>()?),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, item)| Ok((key.clone(), render_json(item, scope)?))).collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn value<'a>(hole: &Hole, scope: &'a Scope) -> Result<&'a Value, String> {
    let unknown = || format!("`{}` has no value", hole.name());
    let (first, rest) = hole.path.split_first().ok_or_else(unknown)?;
    let root = Root::named(&first.0).ok_or_else(unknown)?;
    let (second, rest) = rest.split_first().ok_or_else(unknown)?;
    let mut found = super::lookup(scope.root(root), &second.0).ok_or_else(unknown)?;
    for (name, _) in rest {
        found = found.as_object().and_then(|map| super::lookup(map, name)).ok_or_else(unknown)?;
    }
    if found.is_null() { Err(unknown()) } else { Ok(found) }
}

/// A value as a person would write it: texts without quotes.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

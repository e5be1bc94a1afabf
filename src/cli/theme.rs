//! `flowyard theme`: the themes of the workbench, and whether one is in order.

use super::{
    Failure, Themes,
    context::Context,
    failure::findings,
    term::{Cell, Style, table},
};
use crate::config::theme::ThemeRow;

/// List the themes of the workbench, or check one
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard theme\n  flowyard theme --check nord\n  flowyard theme --check ~/.config/flowyard/themes/mine.toml"
)]
pub struct Args {
    /// List the themes, which is also what happens without it
    #[arg(value_name = "list", value_parser = ["list"], hide_possible_values = true)]
    what: Option<String>,
    /// List the themes
    #[arg(long, conflicts_with = "check")]
    list: bool,
    /// Check a theme: unknown tokens and colours (exit 2), text that reads badly and states that look alike (warnings)
    #[arg(long, value_name = "FILE|NAME")]
    check: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Lists or checks; `themes` are those of the interactive face.
pub fn main(args: &Args, context: &Context, themes: &Themes) -> Result<u8, Failure> {
    if let Some(what) = &args.check {
        return check(what, args.json, context, themes);
    }
    let rows = (themes.rows)();
    if args.json {
        context.json(&rows)?;
    } else {
        let lines: Vec<Vec<Cell>> = rows.iter().map(line).collect();
        context.print(&table(&context.out, &["THEME", "GROUND", "CONTRAST", "SELECTED", "STATES", "FILE"], &lines))?;
    }
    Ok(0)
}

fn check(what: &str, json: bool, context: &Context, themes: &Themes) -> Result<u8, Failure> {
    let (found, row) = (themes.check)(what).map_err(|message| Failure::Said { code: 2, message })?;
    if json {
        context.json(&found.0.iter().map(super::check::as_json).collect::<Vec<_>>())?;
    } else {
        context.print(&(findings(&found, &context.out) + &summary(&row, found.0.is_empty())))?;
    }
    Ok(if found.has_errors() { 2 } else { 0 })
}

fn summary(row: &ThemeRow, in_order: bool) -> String {
    let measured = match (row.contrast, row.selected, row.states) {
        (Some(contrast), Some(selected), Some(states)) => {
            format!("least contrast {contrast:.1}, on the selection {selected:.1}, states {states:.1} apart or more")
        }
        _ => "the terminal's own colours cannot be measured".to_owned(),
    };
    format!("{}: {}{measured}\n", row.name, if in_order { "in order; " } else { "" })
}

fn line(row: &ThemeRow) -> Vec<Cell> {
    let number = |value: Option<f64>| Cell::from(value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}")).as_str());
    vec![
        Cell::from(row.name.as_str()),
        Cell::from(row.variant),
        number(row.contrast),
        number(row.selected),
        number(row.states),
        Cell::styled(row.file.as_deref().unwrap_or("-"), Style::dim()),
    ]
}

//! Wires the layers together and starts: shim, component, reader, or the command line.

use flowyard::{
    cli,
    runtime::{apart, asset_look},
    tui,
};
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a shim must fork while there is one thread.
    if let Some(code) = flowyard::executors::shim::enter() {
        return code;
    }
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(first) if first == "__component" => {
            return flowyard::components::main(&arguments.next().unwrap_or_default().to_string_lossy());
        }
        Some(first) if first == "__sensor" => return flowyard::sensors::main(arguments),
        Some(first) if first == asset_look::WORD => return asset_look::main(arguments),
        Some(first) if first == apart::WORD => return apart::main(arguments),
        _ => {}
    }
    let themes = cli::Themes { rows: tui::theme::report::rows, check: tui::theme::report::check };
    cli::main(cli::Face { keys: tui::keymap::rows, themes }, |screen| {
        tui::run(screen.attach, &tui::Options { theme: screen.theme, config: screen.config, color: depth(screen.color) })
    })
}

/// The two faces do not know each other's words for it.
fn depth(color: cli::Color) -> tui::ColorChoice {
    match color {
        cli::Color::Auto => tui::ColorChoice::Auto,
        cli::Color::Never => tui::ColorChoice::Never,
        cli::Color::C16 => tui::ColorChoice::Ansi,
        cli::Color::C256 => tui::ColorChoice::Indexed,
        cli::Color::True => tui::ColorChoice::True,
    }
}

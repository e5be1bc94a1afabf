//! The headless face: one file per subcommand.

mod act;
mod approve;
mod attempts;
mod backfill;
mod backfills;
mod backup;
mod cancel;
mod check;
mod clear;
mod completions;
mod context;
mod demo;
mod doctor;
mod engine;
mod failure;
mod fires;
mod gc;
mod init;
mod journal;
mod keys;
mod list;
mod log_line;
mod logs;
mod mark;
mod next;
mod notifications;
mod notify;
mod pace;
mod pause;
mod reject;
mod resources;
mod resume;
mod retry;
mod run;
mod runs;
mod shell;
mod show;
mod skip;
mod term;
mod text;
mod theme;
mod triggers;
mod undo;
mod watch;
mod welcome;
mod why;

pub use context::{Color, Global};
pub use failure::{Failure, report_error};

use crate::{
    config::{UserConfig, keymap::KeyRow, theme::ThemeRow},
    model::Diagnostics,
    runtime::{Attach, RuntimeError},
};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What the interactive face is given when no subcommand is.
#[derive(Debug)]
pub struct Screen {
    /// The workspace, and how to reach it.
    pub attach: Attach,
    /// `--theme`.
    pub theme: Option<String>,
    /// The user's settings.
    pub config: UserConfig,
    /// `--color`.
    pub color: Color,
}

/// Runs pipelines of machine-learning and data work, and shows what they do.
#[derive(Parser)]
#[command(name = "flowyard", version, about = "A terminal workbench for machine-learning and data pipelines", max_term_width = 100)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:\n  flowyard                         open the workbench\n  flowyard run hello               run pipelines/hello.toml and follow it\n  flowyard show latest             what the newest run did\n  flowyard COMMAND --help          flags and an example of a command"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// Every subcommand. A new one is a file and a line here and below.
#[derive(Subcommand)]
enum Verb {
    Run(run::Args),
    Check(check::Args),
    List(list::Args),
    Runs(runs::Args),
    Show(show::Args),
    Attempts(attempts::Args),
    Logs(logs::Args),
    Retry(retry::Args),
    Skip(skip::Args),
    Cancel(cancel::Args),
    Clear(clear::Args),
    Resume(resume::Args),
    Mark(mark::Args),
    Approve(approve::Args),
    Reject(reject::Args),
    Undo(undo::Args),
    Pause(pause::Pause),
    Unpause(pause::Unpause),
    Watch(watch::Args),
    Next(next::Args),
    Triggers(triggers::Args),
    Backfill(backfill::Args),
    Backfills(backfills::Args),
    Fires(fires::Args),
    Why(why::Args),
    Resources(resources::Args),
    Shell(shell::Args),
    Journal(journal::Args),
    Notifications(notifications::Args),
    Notify(notify::Args),
    Engine(engine::Args),
    Doctor(doctor::Args),
    Keys(keys::Args),
    Theme(theme::Args),
    Backup(backup::Args),
    Gc(gc::Args),
    Init(init::Args),
    Demo(demo::Args),
    Completions(completions::Args),
}

/// The themes that the interactive face has.
#[derive(Debug, Clone, Copy)]
pub struct Themes {
    /// All of them.
    pub rows: fn() -> Vec<ThemeRow>,
    /// What is wrong with one, by name or file.
    pub check: fn(&str) -> Result<(Diagnostics, ThemeRow), String>,
}

/// What the command line knows of the interactive face.
#[derive(Debug, Clone, Copy)]
pub struct Face {
    /// Its keys.
    pub keys: fn() -> Vec<KeyRow>,
    /// Its themes.
    pub themes: Themes,
}

/// Reads the command line and does what it says; `open_screen` is the interactive face and answers with its exit code.
pub fn main(face: Face, open_screen: impl FnOnce(Screen) -> Result<u8, RuntimeError>) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that left (`--help | head -1`) is not an error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let context = context::Context::new(cli.global);
    let result = match cli.verb {
        Some(verb) => dispatch(verb, &context, &face),
        None => welcome::open(&context, open_screen),
    };
    ExitCode::from(result.unwrap_or_else(|failure| report_error(&failure, &context)))
}

fn dispatch(verb: Verb, context: &context::Context, face: &Face) -> Result<u8, Failure> {
    match verb {
        Verb::Run(args) => run::main(&args, context),
        Verb::Check(args) => check::main(&args, context),
        Verb::List(args) => list::main(&args, context),
        Verb::Runs(args) => runs::main(&args, context),
        Verb::Show(args) => show::main(&args, context),
        Verb::Attempts(args) => attempts::main(&args, context),
        Verb::Logs(args) => logs::main(&args, context),
        Verb::Retry(args) => retry::main(args, context),
        Verb::Skip(args) => skip::main(args, context),
        Verb::Cancel(args) => cancel::main(args, context),
        Verb::Clear(args) => clear::main(args, context),
        Verb::Resume(args) => resume::main(args, context),
        Verb::Mark(args) => mark::main(args, context),
        Verb::Approve(args) => approve::main(args, context),
        Verb::Reject(args) => reject::main(args, context),
        Verb::Undo(args) => undo::main(args, context),
        Verb::Pause(args) => pause::pause(args, context),
        Verb::Unpause(args) => pause::unpause(args, context),
        Verb::Watch(args) => watch::main(args, context),
        Verb::Next(args) => next::main(&args, context),
        Verb::Triggers(args) => triggers::main(&args, context),
        Verb::Backfill(args) => backfill::main(args, context),
        Verb::Backfills(args) => backfills::main(&args, context),
        Verb::Fires(args) => fires::main(&args, context),
        Verb::Why(args) => why::main(&args, context),
        Verb::Resources(args) => resources::main(&args, context),
        Verb::Shell(args) => shell::main(&args, context),
        Verb::Journal(args) => journal::main(&args, context),
        Verb::Notifications(args) => notifications::main(&args, context),
        Verb::Notify(args) => notify::main(&args, context),
        Verb::Engine(args) => engine::main(&args, context),
        Verb::Doctor(args) => doctor::main(&args, context),
        Verb::Keys(args) => keys::main(&args, context, &(face.keys)()),
        Verb::Theme(args) => theme::main(&args, context, &face.themes),
        Verb::Backup(args) => backup::main(&args, context),
        Verb::Gc(args) => gc::main(&args, context),
        Verb::Init(args) => init::main(&args, context),
        Verb::Demo(args) => demo::main(&args, context),
        Verb::Completions(args) => completions::main(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_shows_an_example() {
        let mut command = Cli::command();
        command.clone().debug_assert();
        show_examples(&mut command);
    }

    fn show_examples(command: &mut clap::Command) {
        // What clap adds by itself shows what the others show.
        for verb in command.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
            let help = verb.render_help().to_string();
            assert!(help.contains("Example"), "{} has no example", verb.get_name());
            assert!(verb.get_about().is_some(), "{} has no line about it", verb.get_name());
            show_examples(verb);
        }
    }
}

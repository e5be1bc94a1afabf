//! `flowyard` without a subcommand: opens the workbench, or says what to type where it cannot be drawn.

use super::{
    Failure, Screen,
    context::{Access, Context},
};
use crate::{
    runtime::{
        RuntimeError,
        own_log::{self, OwnLog},
        user,
        workspace::{self, Place},
    },
    stdx::sanitize,
};
use std::io::{self, Write};

/// Opens the interactive face if there is a terminal to draw on.
pub fn open(context: &Context, open_screen: impl FnOnce(Screen) -> Result<u8, RuntimeError>) -> Result<u8, Failure> {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if !context.out.tty || dumb {
        let why = if context.out.tty { "this terminal cannot move its cursor (TERM=dumb)" } else { "standard output is not a terminal" };
        // A reader that left does not change what there is to say.
        let _ = io::stderr().write_all(suggestions(why, &pipelines(context)).as_bytes());
        return Ok(2);
    }
    let place = context.place_or_vacant()?;
    let log = log_of(&place, context);
    let attach = context.attach_to(place, Access::Look)?;
    let config = user::config()?;
    let theme = context.global.theme.clone();
    let code = open_screen(Screen { attach, theme, config, color: context.global.color });
    drop(log);
    Ok(code?)
}

/// The program's own log, where a state folder is there to hold it: looking makes none, and works on a read-only disk too.
fn log_of(place: &Place, context: &Context) -> Option<OwnLog> {
    let may_write = !context.global.read_only && place.state_dir.is_dir() && workspace::prepare(place).is_ok();
    may_write.then(|| own_log::start(&place.logs(), "tui", context.global.verbose).ok()).flatten()
}

/// The stems of the pipeline files; nothing where there is no workspace.
fn pipelines(context: &Context) -> Vec<String> {
    let files = context.workspace().ok().and_then(|folder| workspace::pipeline_files(&folder).ok()).unwrap_or_default();
    files.iter().filter_map(|file| file.file_stem()).map(|stem| sanitize::line(&stem.to_string_lossy())).collect()
}

fn suggestions(why: &str, pipelines: &[String]) -> String {
    let found = match pipelines {
        [] => return beginnings(why),
        names => format!("Pipelines here: {}", super::text::some_of(names)),
    };
    let name = pipelines.first().map_or("PIPELINE", String::as_str);
    format!(
        "The workbench needs a terminal, but {why}.\n{found}\n\nWithout a terminal:\n  \
         flowyard check             what is wrong with the pipeline files\n  \
         flowyard run {name:<13} run a pipeline and follow it\n  \
         flowyard list              the pipelines and their last runs\n  \
         flowyard show latest       what the newest run did\n  \
         flowyard --help            every command\n"
    )
}

/// Where there is no pipeline yet: what the welcome screen offers, as commands.
fn beginnings(why: &str) -> String {
    format!(
        "The workbench needs a terminal, but {why}.\nNo pipelines here: a workspace holds pipelines/*.toml.\n\nWithout a terminal:\n  \
         flowyard init demo         write the demo, pipelines/demo.toml\n  \
         flowyard init              write a pipeline to copy from\n  \
         flowyard --workspace DIR   another folder\n  \
         flowyard doctor            what this machine has, and what is wrong\n  \
         flowyard --help            every command\n"
    )
}

//! Programs that are given the terminal for a while: the shell of an attempt, an editor, what a user bound to a key.

use super::{keyboard::Keyboard, terminal::Screen, views::Selected};
use crate::{config::keymap::UserCommand, stdx::words};
use std::{
    io::{self, BufRead, Write},
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program and its arguments. No shell reads them.
    pub argv: Vec<String>,
    /// Where it runs.
    pub folder: PathBuf,
}

impl Program {
    /// A program of the user, about what is selected.
    ///
    /// # Errors
    /// What is not selected that it needs.
    pub fn of_user(command: &UserCommand, selected: &Selected, folder: PathBuf) -> Result<Self, String> {
        let argv = command.run.iter().map(|word| filled(word, selected)).collect::<Result<_, _>>()?;
        Ok(Self { argv, folder })
    }

    /// The editor that the environment names, on a file.
    pub fn editor(file: &str, folder: PathBuf, var: impl Fn(&str) -> Option<String>) -> Self {
        let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| words::split(&var(name)?)).find(|words| !words.is_empty());
        let mut argv = named.unwrap_or_else(|| vec!["vi".to_owned()]);
        argv.push(file.to_owned());
        Self { argv, folder }
    }
}

/// A word with what stands for the selection filled in; whatever it holds, it stays one word.
fn filled(word: &str, selected: &Selected) -> Result<String, String> {
    let folder = selected.attempt.as_ref().map(|(_, folder)| folder);
    let places = [
        ("{run}", "run", selected.run.as_ref().map(ToString::to_string)),
        ("{task}", "task", selected.task.as_ref().map(ToString::to_string)),
        ("{pipeline}", "pipeline", selected.pipeline.as_ref().map(ToString::to_string)),
        ("{folder}", "attempt", folder.map(|folder| folder.display().to_string())),
        ("{log}", "attempt", folder.map(|folder| folder.join("stdout.log").display().to_string())),
    ];
    let mut text = String::new();
    let mut rest = word;
    // Left to right, so that what is filled in is never read again.
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        match places.iter().find(|(place, _, _)| rest.starts_with(place)) {
            Some((place, what, value)) => {
                text.push_str(value.as_ref().ok_or_else(|| format!("no {what} is selected"))?);
                rest = &rest[place.len()..];
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    Ok(text + rest)
}

/// Whether another program has the terminal, so that its Ctrl-C is not ours.
pub type Lent = Arc<AtomicBool>;

/// Gives the terminal to a program until it ends; what went wrong is said.
///
/// # Errors
/// The terminal cannot be taken again.
pub fn start(program: &Program, screen: &mut Screen, keyboard: &mut Keyboard, lent: &Lent) -> io::Result<Option<String>> {
    let Some((name, arguments)) = program.argv.split_first() else { return Ok(None) };
    lent.store(true, Ordering::SeqCst);
    let trouble = keyboard.lend(|| {
        screen.lend(|| {
            let ended = Command::new(name).args(arguments).current_dir(&program.folder).status();
            let trouble = match ended {
                Ok(status) if status.success() => return None,
                Ok(status) => status.code().map_or_else(|| format!("{name}: {status}"), |code| format!("{name} ended with {code}")),
                Err(error) => return Some(format!("{name} cannot be started: {error}")),
            };
            // What it said last is still on the screen.
            let _ = write!(io::stdout(), "\n{trouble}; Enter goes back ").and_then(|()| io::stdout().flush());
            let _ = io::stdin().lock().read_line(&mut String::new());
            Some(trouble)
        })
    });
    lent.store(false, Ordering::SeqCst);
    trouble
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected() -> Selected {
        Selected { run: Some("run-1".into()), task: Some("t {log}; rm".into()), attempt: Some((1, "/a b".into())), ..Selected::default() }
    }

    #[test]
    fn what_is_selected_fills_one_word_and_is_not_read_again() {
        let fill = |word| filled(word, &selected());
        assert_eq!(fill("{log}").as_deref(), Ok("/a b/stdout.log"));
        assert_eq!(fill("x={task}:{run}}{").as_deref(), Ok("x=t {log}; rm:run-1}{"));
        assert_eq!(fill("{pipeline}"), Err("no pipeline is selected".to_owned()));
        assert_eq!(fill("{other}").as_deref(), Ok("{other}"));
    }

    #[test]
    fn the_editor_is_the_one_of_the_environment() {
        let editor = |var: &'static [(&str, &str)]| {
            let get = |name: &str| var.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            Program::editor("a.toml", PathBuf::new(), get).argv.join("|")
        };
        assert_eq!(editor(&[("EDITOR", "code -w"), ("VISUAL", "")]), "code|-w|a.toml");
        assert_eq!(editor(&[]), "vi|a.toml");
    }
}

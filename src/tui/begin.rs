//! Beginning: files are written, or another folder is opened. Done on a thread of its own; what comes of it is where to go on.

use super::{
    actions::Action,
    app::App,
    coach::Coach,
    dialogs::{
        confirm::{self, Confirm},
        trigger,
    },
    keymap, views,
    world::{Ask, Tone},
};
use crate::{
    model::PipelineId,
    runtime::{
        RuntimeError, begin,
        demo::{self, Removed},
        remembered::Recent,
        workspace::{self, Place},
    },
    spec::starter::NewFile,
};
use std::{collections::BTreeMap, path::PathBuf};

/// What a person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Write the files, then go on there.
    Write {
        /// As typed; `None` is a new one that need not last.
        folder: Option<String>,
        /// Relative to it.
        files: Vec<NewFile>,
        /// What they define.
        pipeline: PipelineId,
        /// What then.
        then: Then,
    },
    /// Open the folder.
    Open(String),
    /// Open a workspace that was used before.
    Again(Recent),
    /// Take the demo away again.
    RemoveDemo,
}

/// What is done with a pipeline that is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is started, and the person is led through it.
    Demonstrate,
    /// It is selected.
    Select,
}

/// Where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// The folder, and where its state is.
    pub place: Place,
    /// What to do there.
    pub pipeline: Option<(PipelineId, Then)>,
    /// What was done.
    pub said: String,
}

/// Does what was chosen; paths are relative to the folder of `here`.
///
/// # Errors
/// What is wrong, and what to do; nothing was changed then.
pub fn carry_out(choice: Choice, here: &Place) -> Result<Begun, RuntimeError> {
    match choice {
        Choice::RemoveDemo => {
            let said = match demo::remove(here)? {
                Removed::Whole => "the demo is gone, and everything it left",
                Removed::File => "the demo's file is gone; its runs stay in the history",
            };
            Ok(Begun { place: here.clone(), pipeline: None, said: said.to_owned() })
        }
        Choice::Open(typed) => {
            let place = place(&typed, here)?;
            Ok(Begun { said: format!("opened {}", place.workspace.display()), place, pipeline: None })
        }
        Choice::Again(Recent { workspace, state_dir, .. }) => {
            let place = workspace::find(&workspace, Some(&workspace), state_dir.as_deref())?;
            Ok(Begun { said: format!("opened {}", place.workspace.display()), place, pipeline: None })
        }
        Choice::Write { folder, files, pipeline, then } => {
            let place = match folder {
                Some(typed) => place(&typed, here)?,
                None => place(&begin::spare_folder()?.to_string_lossy(), here)?,
            };
            begin::write(&place.workspace, &files)?;
            let paths: Vec<_> = files.into_iter().map(|file| file.path).collect();
            Ok(Begun { said: format!("wrote {}", paths.join(", ")), place, pipeline: Some((pipeline, then)) })
        }
    }
}

/// Whether there is nothing yet: no pipeline, and no state of any that was.
pub fn is_vacant(place: &Place) -> bool {
    !place.state_dir.exists() && workspace::pipeline_files(&place.workspace).is_ok_and(|files| files.is_empty())
}

/// The folder that was typed; if it is this one, with the state where it was said to be.
fn place(typed: &str, here: &Place) -> Result<Place, RuntimeError> {
    let folder = begin::folder(&here.workspace, Some(&named(typed)))?;
    let state_dir = (folder == here.workspace).then_some(here.state_dir.as_path());
    workspace::find_or_begin(&folder, Some(&folder), state_dir)
}

/// A folder as a shell would have it: `~` is home.
fn named(typed: &str) -> PathBuf {
    let typed = typed.trim();
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    match typed.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => home().map(|home| home.join(rest.trim_start_matches('/'))),
        _ => None,
    }
    .unwrap_or_else(|| PathBuf::from(typed))
}

/// Asks before the demo is taken away.
pub fn ask_to_remove_demo() -> Confirm {
    let lines = vec![
        "This removes pipelines/demo.toml, unless you changed it.".to_owned(),
        "If nothing but the demo ever ran here, the history goes too.".to_owned(),
    ];
    let yes = confirm::Choice { action: Action::Yes, label: "Remove it".to_owned(), ask: Ask::Begin(Choice::RemoveDemo) };
    Confirm::new("Remove the demo?".to_owned(), lines, "Keep it", vec![yes])
}

impl App {
    /// Goes on where a person began: what was done is said, and the pipeline that is there now is started or selected.
    pub fn go_on(&mut self, begun: Begun) {
        let next = match begun.pipeline {
            Some((_, Then::Select)) => {
                let (edit, start) = (keymap::shown_key(Action::EditExternal), keymap::shown_key(Action::Trigger));
                format!(" · {edit} edits it, {start} starts it")
            }
            Some((_, Then::Demonstrate)) | None => String::new(),
        };
        self.say(Tone::Good, begun.said + &next);
        if begun.pipeline.is_some() {
            self.go(views::Place::Pipelines);
        }
        match begun.pipeline {
            Some((pipeline, Then::Demonstrate)) => {
                self.world.coach = Some(Coach::default());
                self.ask(Ask::Send(trigger::started(pipeline, BTreeMap::new())));
            }
            Some((pipeline, Then::Select)) => {
                if let Some(home) = self.views.first_mut() {
                    home.point_at(&pipeline);
                }
            }
            None => {}
        }
    }

    /// Where to go on, if a person began somewhere.
    pub fn take_moved(&mut self) -> Option<Begun> {
        self.moved.take()
    }
}

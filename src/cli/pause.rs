//! `flowyard pause` and `flowyard unpause`: the triggers of a pipeline, or the further attempts of a run.

use super::{
    Failure,
    act::{self, How},
    context::{Access, Context},
};
use crate::{
    model::{Command, PipelineId},
    stdx::suggest,
};

/// Stop the triggers of a pipeline, or the further attempts of a run
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard pause ml_training           its triggers start no runs; manual and open runs go on\n  flowyard pause --run latest          what runs goes on, nothing further starts"
)]
pub struct Pause {
    #[command(flatten)]
    what: What,
}

/// Turn the triggers of a pipeline on, or let a paused run go on
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard unpause ml_training\n  flowyard unpause --run latest")]
pub struct Unpause {
    #[command(flatten)]
    what: What,
}

/// A pipeline or a run.
#[derive(clap::Args)]
struct What {
    /// The pipeline whose triggers are meant
    #[arg(required_unless_present = "run", conflicts_with = "run")]
    pipeline: Option<String>,
    /// A run instead: an id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    #[arg(long)]
    run: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Pauses.
pub fn pause(args: Pause, context: &Context) -> Result<u8, Failure> {
    set(args.what, true, context)
}

/// Ends a pause.
pub fn unpause(args: Unpause, context: &Context) -> Result<u8, Failure> {
    set(args.what, false, context)
}

fn set(what: What, paused: bool, context: &Context) -> Result<u8, Failure> {
    if let Some(run) = &what.run {
        return act::on_run(context, run, what.how, |run| Command::PauseRun { run, paused });
    }
    let mut handle = context.handle(Access::Act)?;
    let name = what.pipeline.unwrap_or_default();
    let rows = handle.pipelines()?;
    let pipeline = PipelineId::from(name.as_str());
    let Some(row) = rows.iter().find(|row| row.pipeline == pipeline) else {
        let near =
            suggest::nearest(&name, rows.iter().map(|row| row.pipeline.as_str())).map(|near| format!("\n  hint: did you mean `{near}`?"));
        return Err(Failure::usage(format!("there is no pipeline `{name}`{}", near.unwrap_or_default())));
    };
    if row.triggers.is_empty() {
        context.note(&format!("`{name}` has no triggers yet; what is said here holds for those that its file gets"));
    }
    act::ask(context, &mut handle, vec![Command::PausePipeline { pipeline, paused }], what.how)
}

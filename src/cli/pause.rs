//! `flowyard pause` and `flowyard unpause`: the triggers of a pipeline, or the further attempts of a run.

use super::{
    Failure,
    act::{self, How},
    context::{Access, Context},
    text::moment,
};
use crate::{
    model::{Catchup, Command, PipelineId},
    runtime::{Handle, scheduler::outlook::Preview, user},
    stdx::{sanitize, suggest, time::rfc3339},
};
use serde_json::json;
use std::collections::BTreeMap;

/// So many runs are named before an unpause that would start them.
const NAMED: usize = 20;

/// Stop the triggers of a pipeline, or the further attempts of a run
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard pause ml_training           its triggers start no runs; manual and open runs go on\n  flowyard pause --run latest          what runs goes on, nothing further starts"
)]
pub struct Pause {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    how: How,
}

/// Turn the triggers of a pipeline on, or let a paused run go on
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard unpause ml_training                    its triggers fire from now on\n  flowyard unpause ml_training --dry-run          what that would start\n  flowyard unpause ml_training --catchup latest   also the newest run that fell due while they were off\n  flowyard unpause --run latest"
)]
pub struct Unpause {
    #[command(flatten)]
    what: What,
    /// What fell due while they were off: none of it, the newest, or all: none, latest, all
    #[arg(long, value_name = "WHICH", conflicts_with = "run")]
    catchup: Option<Catchup>,
    /// Say what it would start, and change nothing
    #[arg(long, conflicts_with = "run")]
    dry_run: bool,
    #[command(flatten)]
    how: How,
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
}

/// Pauses.
pub fn pause(args: Pause, context: &Context) -> Result<u8, Failure> {
    if let Some(run) = &args.what.run {
        return act::on_run(context, run, args.how, |run| Command::PauseRun { run, paused: true });
    }
    let mut handle = context.handle(Access::Act)?;
    let pipeline = known(&handle, args.what.pipeline.as_deref().unwrap_or_default(), false, context)?;
    let command = Command::PausePipeline { pipeline, paused: true, env: BTreeMap::new(), make_up: None };
    act::ask(context, &mut handle, vec![command], args.how)
}

/// Ends a pause. What the triggers will start at once is said before.
pub fn unpause(args: Unpause, context: &Context) -> Result<u8, Failure> {
    if let Some(run) = &args.what.run {
        return act::on_run(context, run, args.how, |run| Command::PauseRun { run, paused: false });
    }
    let mut handle = context.handle(if args.dry_run { Access::Look } else { Access::Act })?;
    let pipeline = known(&handle, args.what.pipeline.as_deref().unwrap_or_default(), !args.dry_run, context)?;
    let preview = handle.preview_unpause(pipeline.as_str(), args.catchup)?;
    if args.dry_run {
        return tell(&preview, args.how.json, context);
    }
    for line in preview.iter().filter_map(starts) {
        context.note(&line);
    }
    let env = user::environment(&handle.place().config.pass_env).0;
    let command = Command::PausePipeline { pipeline, paused: false, env, make_up: args.catchup };
    act::ask(context, &mut handle, vec![command], args.how)
}

/// The pipeline of that name.
fn known(handle: &Handle, name: &str, turns_on: bool, context: &Context) -> Result<PipelineId, Failure> {
    let rows = handle.pipelines()?;
    let pipeline = PipelineId::from(name);
    let Some(row) = rows.iter().find(|row| row.pipeline == pipeline) else {
        if handle.vanished()?.contains(&pipeline) {
            return Ok(pipeline);
        }
        let near =
            suggest::nearest(name, rows.iter().map(|row| row.pipeline.as_str())).map(|near| format!("\n  hint: did you mean `{near}`?"));
        return Err(Failure::usage(format!("there is no pipeline `{name}`{}", near.unwrap_or_default())));
    };
    // Of one that is turned on, the answer says it.
    if row.triggers.is_empty() && row.error.is_none() && !turns_on {
        context.note(&format!("`{name}` has no triggers yet; what is said here holds for those that its file gets"));
    }
    Ok(pipeline)
}

fn tell(preview: &[Preview], json: bool, context: &Context) -> Result<u8, Failure> {
    if json {
        let one = |one: &Preview| {
            json!({
                "trigger": one.trigger, "text": one.text, "fell_due": one.fell_due, "next": one.next.map(rfc3339),
                "starts": one.starts.iter().map(|at| rfc3339(*at)).collect::<Vec<_>>(),
            })
        };
        context.json(&preview.iter().map(one).collect::<Vec<_>>())?;
        return Ok(0);
    }
    for one in preview {
        let next = one.next.map(|next| format!("; next fire {}", moment(next))).unwrap_or_default();
        let text = starts(one).unwrap_or_else(|| format!("{}: starts nothing at once{}", one.text, left(one)));
        context.print(&format!("{}{next}\n", sanitize::text(&text)))?;
    }
    Ok(0)
}

/// Which runs a trigger would start at once, if it would.
fn starts(one: &Preview) -> Option<String> {
    let named: Vec<String> = one.starts.iter().take(NAMED).map(|at| moment(*at)).collect();
    let more = one.starts.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let runs = if one.starts.len() == 1 { "1 run".to_owned() } else { format!("{} runs", one.starts.len()) };
    (!one.starts.is_empty()).then(|| format!("{}: starts {runs} at once, for {}{more}", one.text, named.join(", ")))
}

fn left(one: &Preview) -> String {
    match one.fell_due {
        0 => String::new(),
        1 => " (1 fire fell due while it was off: --catchup latest makes up for it)".to_owned(),
        many => format!(" ({many} fires fell due while it was off: --catchup latest or all makes up for them)"),
    }
}

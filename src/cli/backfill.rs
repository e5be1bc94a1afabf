//! `flowyard backfill`: runs for a stretch of logical dates, and what is done with a backfill later.

mod follow;
pub mod told;

use super::{
    Failure,
    act::{self, How},
    context::{Access, Context},
    run::{given, signals::Signals},
    term::table,
};
use crate::{
    model::{BackfillId, BackfillRequest, Bound, Command, DEFAULT_MAX_ACTIVE, Pipeline, Reprocess, Secrets},
    plan,
    runtime::{BackfillPlan, Handle, user},
    stdx::sanitize,
};
use serde_json::json;

/// Make runs for a stretch of logical dates: exit 0 if all succeed, 1 if one does not, 130 if it is canceled
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  flowyard backfill churn --from 2024-01-01 --to 2024-01-31 --dry-run\n  flowyard backfill churn --from 2024-01-01 --to 2024-01-31 --max-active 4 -p rounds=50\n  flowyard backfill churn --from 2024-01-01 --to 2024-01-31 --reprocess failed --detach\n  flowyard backfill pause latest\n\nThe dates are those at which the trigger of the pipeline fires by the clock, whether it is on or off; without one,\nevery day at 00:00 UTC. Ctrl-C cancels the backfill and its open runs."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    start: Option<Start>,
}

/// What is done with a backfill that is there.
#[derive(clap::Subcommand)]
enum Verb {
    Show(Show),
    Pause(Pause),
    Unpause(Unpause),
    Cancel(Cancel),
}

/// Show a backfill: how far it is, and what became of each date
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  flowyard backfill show latest\n  flowyard backfill show latest:churn --json")]
struct Show {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    backfill: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Make no further runs of a backfill; open ones go on
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard backfill pause latest")]
struct Pause {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    backfill: String,
    #[command(flatten)]
    how: How,
}

/// Let a paused backfill go on
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard backfill unpause latest")]
struct Unpause {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    backfill: String,
    #[command(flatten)]
    how: How,
}

/// Cancel the open runs of a backfill, and make no further ones
#[derive(clap::Args)]
#[command(after_help = "Example:\n  flowyard backfill cancel latest --reason 'wrong dates'")]
struct Cancel {
    /// An id, the beginning of one, `latest` or `latest:PIPELINE`
    backfill: String,
    #[command(flatten)]
    how: How,
}

/// A new backfill.
#[derive(clap::Args)]
struct Start {
    /// The pipeline: its id, or a file in pipelines/
    pipeline: String,
    /// The first date: a day in the trigger's time zone, or a moment such as 2024-01-01T06:00:00Z
    #[arg(long, value_name = "D")]
    from: Bound,
    /// The last date: a day, which is meant whole, or a moment
    #[arg(long, value_name = "D")]
    to: Bound,
    /// Whose times the dates are, where several triggers of the pipeline go by the clock
    #[arg(long, value_name = "ID")]
    trigger: Option<String>,
    /// Dates that have a run already get another: none of them, those that failed, or all: none, failed, all [default: none]
    #[arg(long, value_name = "WHICH")]
    reprocess: Option<Reprocess>,
    /// Most runs of it that are open at once [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_active: Option<u32>,
    /// The newest date first
    #[arg(long)]
    reverse: bool,
    /// The value of a param, for each run; may be given many times
    #[arg(short = 'p', long = "param", value_name = "K=V")]
    params: Vec<String>,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", visible_alias = "note")]
    reason: Option<String>,
    /// List the dates and what would become of each, and start nothing
    #[arg(long, conflicts_with = "detach")]
    dry_run: bool,
    /// Print the id of the backfill and return; it goes on
    #[arg(long)]
    detach: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Starts one, or does something with one that is there.
pub fn main(args: Args, context: &Context) -> Result<u8, Failure> {
    match (args.verb, args.start) {
        (Some(Verb::Show(show)), _) => {
            let handle = context.handle(Access::Look)?;
            told::whole(&handle, &handle.find_backfill(&show.backfill)?, show.json, context)
        }
        (Some(Verb::Pause(pause)), _) => {
            on_backfill(context, &pause.backfill, pause.how, |backfill| Command::PauseBackfill { backfill, paused: true })
        }
        (Some(Verb::Unpause(unpause)), _) => {
            on_backfill(context, &unpause.backfill, unpause.how, |backfill| Command::PauseBackfill { backfill, paused: false })
        }
        (Some(Verb::Cancel(cancel)), _) => {
            on_backfill(context, &cancel.backfill, cancel.how, |backfill| Command::CancelBackfill { backfill })
        }
        (None, Some(start)) => begin(&start, context),
        (None, None) => Err(Failure::usage("name a pipeline, and the dates with --from and --to")),
    }
}

fn on_backfill(context: &Context, selector: &str, how: How, build: impl FnOnce(BackfillId) -> Command) -> Result<u8, Failure> {
    let mut handle = context.handle(Access::Act)?;
    let command = build(handle.find_backfill(selector)?);
    act::ask(context, &mut handle, vec![command], how)
}

fn begin(start: &Start, context: &Context) -> Result<u8, Failure> {
    if start.detach && context.global.in_process {
        return Err(Failure::usage("--detach leaves the runs to an engine, and --in-process has none that stays; leave one of them out"));
    }
    let params = given::params(&start.params, None)?;
    let access = if start.dry_run { Access::Look } else { Access::Act };
    let attach = context.attach_to(if start.dry_run { context.place_to_look()? } else { context.place()? }, access)?;
    let mut handle = Handle::attach(attach.clone())?;
    let pipeline = super::run::definition(&handle, &start.pipeline, context)?;
    let asked = BackfillRequest {
        trigger: start.trigger.as_deref().map(Into::into),
        reprocess: start.reprocess.unwrap_or_default(),
        max_active: start.max_active.unwrap_or(DEFAULT_MAX_ACTIVE),
        reverse: start.reverse,
        params,
        env: user::environment(&attach.place.config.pass_env).0,
        ..BackfillRequest::new(handle.new_backfill_id(), pipeline.id.clone(), start.from, start.to)
    };
    let plan = handle.plan_backfill_of(&pipeline, &asked)?;
    if start.dry_run {
        return tell(&plan, &asked, start.json, context);
    }
    let id = asked.id.clone();
    let signals = Signals::listen()?;
    ask(&mut handle, asked, &pipeline, start.reason.clone())?;
    match (start.detach, start.json) {
        (true, true) => context.json(&json!({ "backfill": id }))?,
        (true, false) => context.print(&format!("{id}\n"))?,
        (false, _) => return follow::Follow { handle, attach, id, signals, json: start.json }.until_the_end(&plan, context),
    }
    Ok(0)
}

fn ask(handle: &mut Handle, asked: BackfillRequest, pipeline: &Pipeline, reason: Option<String>) -> Result<(), Failure> {
    let secrets = plan::params::secrets(&pipeline.params, &Secrets::new(), |name| std::env::var(name).ok());
    let secrets = secrets.map_err(|wrong| Failure::usage(wrong.join("\n")))?;
    act::send_with(handle, Command::Backfill(Box::new(asked)), reason, secrets).map(drop)
}

/// What it would do.
fn tell(plan: &BackfillPlan, asked: &BackfillRequest, json: bool, context: &Context) -> Result<u8, Failure> {
    if json {
        context.json(&json!({
            "pipeline": asked.pipeline, "trigger": asked.trigger, "text": plan.text, "timezone": plan.timezone, "later": plan.later,
            "estimated_seconds": plan.estimate(asked.max_active).map(|time| time.as_secs()),
            "dates": plan.items.iter().map(told::item_json).collect::<Vec<_>>(),
        }))?;
        return Ok(0);
    }
    let lines: Vec<_> = plan.items.iter().map(|item| told::planned(item, &plan.timezone)).collect();
    context.print(&table(&context.out, &["LOGICAL DATE", "DATA FROM", "WHAT"], &lines))?;
    context.print(&format!("{}\n", sanitize::text(&told::summary(plan, asked))))?;
    Ok(0)
}

//! `flowyard run`: starts a run and follows it; the exit code tells the result.

pub mod card;
pub mod follow;
mod frame;
pub mod given;
mod lines;
mod live;
pub mod signals;
mod tty;

use super::{
    Failure, act,
    context::{Access, Context},
    failure::report_findings,
};
use crate::{
    model::{Command, Diagnostics, Pipeline, RunId, Secrets, Severity, TriggerRequest},
    plan,
    runtime::{Handle, user},
    stdx::time::parse_date,
};
use clap::ValueEnum;
use follow::{Face, Follow};
use std::path::PathBuf;

/// Run a pipeline and follow it: exit 0 if it succeeds, 1 if it fails, 130 if it is canceled
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard run hello\n  flowyard run ml_training -p rounds=50 -p min_auc=0.7\n  flowyard run ml_training --detach\n\nCtrl-C cancels the run; in a terminal `d` detaches and the run goes on."
)]
pub struct Args {
    /// Its id, or a file in pipelines/
    pipeline: String,
    /// The value of a param; may be given many times
    #[arg(short = 'p', long = "param", value_name = "K=V")]
    params: Vec<String>,
    /// Values of params from a TOML or JSON file; -p wins
    #[arg(long, value_name = "F")]
    params_file: Option<PathBuf>,
    /// The time the run stands for [default: now]
    #[arg(long, value_name = "D")]
    logical_date: Option<String>,
    /// Asked again with the same key, the run that it gave is followed and nothing is started
    #[arg(long, value_name = "K", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    idempotency_key: Option<String>,
    /// Print the run's id and return; the run goes on
    #[arg(long)]
    detach: bool,
    /// Be told when it ends, by `on_watched` of [notify] or the bell of an open workbench
    #[arg(long)]
    watch: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t, value_name = "auto|tty|plain|json", hide_possible_values = true)]
    progress: Progress,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Progress {
    /// `tty` on a terminal, else `plain`.
    #[default]
    Auto,
    /// A live view.
    Tty,
    /// A line a transition.
    Plain,
    /// A JSON object a transition.
    Json,
}

/// Starts and follows.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    if args.detach && context.global.in_process {
        return Err(Failure::usage("--detach leaves the run to an engine, and --in-process has none that stays; leave one of them out"));
    }
    let logical_date = args.logical_date.as_deref().map(parse_date).transpose().map_err(Failure::usage)?;
    let params = given::params(&args.params, args.params_file.as_deref())?;
    let attach = context.attach_to(context.place()?, Access::Act)?;
    let mut handle = Handle::attach(attach.clone())?;
    let pipeline = definition(&handle, &args.pipeline, context)?;
    let told = |wrong: Vec<String>| Failure::usage(wrong.join("\n"));
    plan::params::resolve(&pipeline.params, &params).map_err(told)?;
    let secrets = plan::params::secrets(&pipeline.params, &Secrets::new(), |name| std::env::var(name).ok()).map_err(told)?;

    let (env, env_not_passed) = user::environment(&attach.place.config.pass_env);
    let request = TriggerRequest {
        pipeline: pipeline.id.clone(),
        params,
        env,
        logical_date,
        idempotency_key: args.idempotency_key.clone(),
        watched: args.watch,
    };
    let signals = signals::Signals::listen()?;
    let asked = request.params.clone();
    let (message, run) = act::send_with(&mut handle, Command::Trigger(request), None, secrets)?;
    let Some(run) = run else { return Err(Failure::Said { code: 74, message: format!("the engine named no run: {message}") }) };
    if args.idempotency_key.is_some() && message != format!("started run {run}") {
        let params = handle.run(&run)?.run.params;
        let other = asked.iter().any(|(name, value)| params.get(name) != Some(value));
        let other = if other { ", with other params than were asked for now" } else { "" };
        context.note(&format!("{message}{other}; nothing was started"));
        if args.watch {
            let watched = act::send(&mut handle, Command::WatchRun { run: run.clone(), watched: true }, None);
            let said = match watched {
                Err(Failure::Said { code: Failure::REFUSED, message }) => message,
                other => other?.0,
            };
            context.note(&said);
        }
    }
    for (task, why) in handle.never_start(&pipeline) {
        context.note(&format!("`{task}` can never start here: {why}"));
    }
    if args.detach {
        context.print(&format!("{run}\n"))?;
        return Ok(0);
    }
    let face = face(args.progress, context, &run, pipeline);
    Follow { handle, attach, run, signals, env_not_passed }.until_the_end(face)
}

/// The pipeline's definition, if its file has no errors; warnings are shown.
pub fn definition(handle: &Handle, name: &str, context: &Context) -> Result<Pipeline, Failure> {
    let (pipeline, diagnostics) = handle.definition(name)?;
    let Some(pipeline) = pipeline.filter(|_| !diagnostics.has_errors()) else { return Err(Failure::File(diagnostics)) };
    let warnings = diagnostics.0.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Warning).collect();
    report_findings(&Diagnostics(warnings), context);
    Ok(pipeline)
}

fn face<'a>(progress: Progress, context: &'a Context, run: &RunId, pipeline: Pipeline) -> Box<dyn Face + 'a> {
    let live = match progress {
        Progress::Auto => context.out.moves && tty::is_ours(),
        Progress::Tty => true,
        Progress::Plain | Progress::Json => false,
    };
    match progress {
        Progress::Json => Box::new(lines::Json::new(context, run.clone())),
        _ if live => Box::new(live::Live::new(context, pipeline)),
        _ => Box::new(lines::Plain::new(context, pipeline)),
    }
}

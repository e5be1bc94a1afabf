//! `flowyard engine`: the engine process in the foreground, its end, and whether there is one.

use super::{
    Failure,
    context::Context,
    term::{Cell, Style, render},
    text::{elapsed, moment},
};
use crate::{
    runtime::{
        EngineStatus, allocator, clock, own_log,
        serve::{self, ServeOptions},
        workspace,
    },
    stdx::duration,
};
use clap::Subcommand;
use serde_json::json;

/// Run the engine of the workspace in the foreground; end it; ask whether there is one
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  flowyard engine --exit-when-idle\n  flowyard engine status\n  flowyard engine restart\n  flowyard engine stop"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// End when every open run has ended
    #[arg(long)]
    exit_when_idle: bool,
    /// `on` turns the triggers on of which nobody ever said that they are off
    #[arg(long, value_name = "ON", value_parser = ["on"])]
    triggers: Option<String>,
    /// Started by a client, with nobody watching
    #[arg(long, hide = true)]
    detached: bool,
}

/// What to do with an engine that is there.
#[derive(Subcommand)]
enum Verb {
    /// End the engine; running tasks go on, and the next engine finds them
    #[command(after_help = "Example:\n  flowyard engine stop")]
    Stop,
    /// Start this program's engine in the place of the one that is there; running tasks are handed over
    #[command(after_help = "Example:\n  flowyard engine restart --json")]
    Restart {
        /// How the new engine is, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a systemd user unit that keeps an engine running for this workspace
    #[command(
        after_help = "Example:\n  flowyard engine unit > ~/.config/systemd/user/flowyard-churn.service\n  systemctl --user enable --now flowyard-churn\n  loginctl enable-linger         lets it go on when you are logged out"
    )]
    Unit,
    /// Tell whether an engine owns the workspace: exit 0 if so, 69 if not
    #[command(after_help = "Example:\n  flowyard engine status --json")]
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs, ends or asks.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    match &args.verb {
        None => foreground(args, context),
        Some(Verb::Stop) => stop(context),
        Some(Verb::Unit) => unit(context),
        Some(Verb::Restart { json }) => restart(*json, context),
        Some(Verb::Status { json }) => status(*json, context),
    }
}

fn foreground(args: &Args, context: &Context) -> Result<u8, Failure> {
    if context.global.read_only {
        return Err(Failure::refused("an engine writes; leave --read-only out to run one"));
    }
    let place = context.place()?;
    let unsettled = allocator::settle();
    workspace::prepare(&place)?;
    let _log = own_log::start(&place.logs(), "engine", context.global.verbose)?;
    if let Some(error) = unsettled {
        tracing::warn!(%error, "memory of large runs may stay with the engine: it could not set how it is given back");
    }
    if context.err.tty && !args.detached {
        context.note(&format!("the engine of {} runs; Ctrl-C ends it, and running tasks go on", place.workspace.display()));
    }
    let left = serve::serve(
        &place,
        ServeOptions { exit_when_idle: args.exit_when_idle, detached: args.detached, triggers_on: args.triggers.is_some() },
    )?;
    if left.open_runs > 0 && !args.detached {
        let runs = if left.open_runs == 1 { "1 run is open" } else { &format!("{} runs are open", left.open_runs) };
        context.note(&format!("the engine ended; {runs}, and running tasks go on\nhint: any flowyard command starts an engine that finds them, such as `flowyard runs`"));
    }
    Ok(left.code)
}

/// A unit as `systemd.service(5)` has it. Only the engine is ended with it: tasks go on, as with any other end of an engine.
fn unit(context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let program = std::env::current_exe().map_err(|error| Failure::Said { code: 74, message: error.to_string() })?;
    let folder = place.workspace.display().to_string();
    // Another folder is another history.
    let is_usual = place.state_dir == place.workspace.join(workspace::STATE);
    let state = if is_usual { String::new() } else { format!(" --state-dir {}", escaped(&place.state_dir.display().to_string(), true)) };
    context.print(&format!(
        "[Unit]\nDescription=flowyard engine of {}\n\n[Service]\nExecStart={} --workspace {}{} engine\nWorkingDirectory={}\nRestart=always\n# As long as another engine owns the workspace this one ends with 75, and is tried again.\nRestartSec=10\n# Running tasks outlive the engine, and the next one takes them up.\nKillMode=process\n# Asked to end, an engine exits with 143.\nSuccessExitStatus=143\n\n[Install]\nWantedBy=default.target\n",
        escaped(&folder, false),
        escaped(&program.display().to_string(), true),
        escaped(&folder, true),
        state,
        escaped(&folder, false),
    ))?;
    Ok(0)
}

/// A path in a unit: `%` begins a specifier, and words of a command line are quoted.
fn escaped(path: &str, quoted: bool) -> String {
    let path = path.replace('\\', "\\\\").replace('%', "%%");
    if quoted { format!("\"{}\"", path.replace('"', "\\\"").replace('$', "$$")) } else { path }
}

fn stop(context: &Context) -> Result<u8, Failure> {
    if context.global.read_only {
        return Err(Failure::refused("--read-only looks and never acts; leave it out to end the engine"));
    }
    let handle = context.engine()?;
    // An engine of another version does not say how it is, and can be stopped all the same.
    let is_idle = matches!(handle.engine_status(), Ok(Some(status)) if status.open_runs == 0);
    let Some(pid) = handle.stop_engine()? else {
        context.note("no engine owns this workspace; nothing to stop");
        return Ok(0);
    };
    let rest = if is_idle { "" } else { "; running tasks go on, and the next engine finds them" };
    context.print(&format!("engine {pid} ended{rest}\n"))?;
    Ok(0)
}

fn status(json: bool, context: &Context) -> Result<u8, Failure> {
    let handle = context.engine()?;
    let status = handle.engine_status()?;
    tell(status.as_ref(), json, context)?;
    Ok(if status.is_some() { 0 } else { 69 })
}

fn restart(json: bool, context: &Context) -> Result<u8, Failure> {
    if context.global.read_only {
        return Err(Failure::refused("--read-only looks and never acts; leave it out to restart the engine"));
    }
    // The engine that is there is good; one that cannot read its settings would not come.
    if let Some(broken) = context.place_to_look()?.broken {
        return Err(Failure::usage(broken));
    }
    let status = context.engine()?.restart_engine()?;
    tell(Some(&status), json, context)?;
    Ok(0)
}

fn tell(status: Option<&EngineStatus>, json: bool, context: &Context) -> Result<(), Failure> {
    if json {
        let mut object = status.map_or_else(|| json!({}), |status| json!(status));
        object["running"] = json!(status.is_some());
        context.json(&object)
    } else {
        match status {
            Some(status) => context.print(&describe(status, context)),
            None => context.print("no engine owns this workspace; commands start one when they need it\n"),
        }
    }
}

fn describe(status: &EngineStatus, context: &Context) -> String {
    let since = format!("{} ({})", moment(status.started_at), duration::short(elapsed(status.started_at, clock::now())));
    let facts = [
        ("pid", status.pid.to_string()),
        ("version", status.version.clone()),
        ("since", since),
        ("open runs", status.open_runs.to_string()),
        ("slots", format!("{} of {} in use", status.slots.0, status.slots.1)),
        ("clients", status.clients.to_string()),
        ("to be told", status.undelivered.to_string()),
        (
            "triggers",
            format!("{} on{}", status.triggers_on, status.next_fire.map(|at| format!(", next fire {}", moment(at))).unwrap_or_default()),
        ),
    ];
    let heartbeat = status.heartbeat.iter().map(|pulse| {
        let heard = pulse.error.as_ref().map_or_else(|| "heard".to_owned(), |why| format!("not heard: {why}"));
        ("heartbeat", format!("{heard}, {}", moment(pulse.at)))
    });
    let line = |(name, value): (&str, String)| {
        render(&context.out, &[Cell::styled(format!("{name:<11}"), Style::dim()), Cell::from(value)], context.out.width()) + "\n"
    };
    facts.into_iter().chain(heartbeat).map(line).collect()
}

//! `flowyard shell`: a shell where an attempt ran, with the environment that it had.

use super::{
    Failure,
    context::{Access, Context},
    text,
};
use crate::{
    model::{AttemptFiles, AttemptSnapshot, Plan},
    runtime::Handle,
    stdx::words,
};
use std::{
    fs, io,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

/// Open a shell where an attempt of a task ran, with the environment that it had
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard shell latest train_model\n  flowyard shell latest train_model --attempt 1 -c 'python train.py --help'"
)]
pub struct Args {
    /// An id, the beginning of one, `latest`, `latest:PIPELINE` or `PIPELINE#N`
    run: String,
    /// The task
    task: String,
    /// Which attempt [default: the last]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Run this instead of a shell to type in, and end with its exit code
    #[arg(short, value_name = "COMMAND")]
    command: Option<String>,
}

/// Becomes the shell.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    if context.global.read_only {
        return Err(Failure::refused("--read-only looks and never acts, and a shell can do anything; leave it out"));
    }
    let (handle, run) = context.handle_and_run(&args.run, Access::Peek)?;
    let snapshot = handle.run(&run)?;
    let task = text::find_task(&snapshot, &args.task)?;
    let attempt = match args.attempt {
        Some(number) => task.attempts.iter().find(|attempt| attempt.attempt == number),
        None => task.last_attempt(),
    };
    let Some(attempt) = attempt else {
        let which = args.attempt.map_or_else(|| "no attempt yet".to_owned(), |number| format!("no attempt {number}"));
        return Err(Failure::refused(format!("`{}` has {which}; `flowyard attempts {run}` lists what there is", args.task)));
    };
    let plan = read_plan(&handle, attempt)?;
    tell(&plan, attempt, context);
    let mut shell = Command::new(std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into()));
    shell.args(args.command.iter().flat_map(|command| ["-c", command]));
    shell.env_clear().envs(&plan.env).current_dir(&plan.cwd).stdin(Stdio::inherit());
    // Secrets are not written down; those of this shell stand in for them.
    shell.envs(plan.secret_env.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    if let (None, Some(term)) = (plan.env.get("TERM"), std::env::var_os("TERM")) {
        shell.env("TERM", term);
    }
    drop(handle);
    let error = shell.exec();
    Err(Failure::Said {
        code: 74,
        message: format!("{} cannot be started in {}: {error}", shell.get_program().display(), plan.cwd.display()),
    })
}

fn read_plan(handle: &Handle, attempt: &AttemptSnapshot) -> Result<Plan, Failure> {
    let path = AttemptFiles::new(attempt.stdout.parent().unwrap_or_else(|| handle.state_dir())).plan();
    let fail = |error: io::Error| Failure::Said {
        code: 74,
        message: format!("{}: {error}\nhint: it is written when an attempt starts and removed with its run", path.display()),
    };
    let text = fs::read(&path).map_err(fail)?;
    serde_json::from_slice(&text).map_err(|error| fail(error.into()))
}

fn tell(plan: &Plan, attempt: &AttemptSnapshot, context: &Context) {
    let argv: Vec<_> = plan.argv.iter().map(|word| words::quoted(word)).collect();
    context.note(&format!("attempt {} of `{}` ran in {}: {}", attempt.attempt, plan.job.task, plan.cwd.display(), argv.join(" ")));
    let missing: Vec<_> = plan.secret_env.iter().filter(|name| std::env::var_os(name).is_none()).map(String::as_str).collect();
    if !missing.is_empty() {
        context.note(&format!("not written down and not set here: {}", missing.join(", ")));
    }
}

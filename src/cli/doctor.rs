//! `flowyard doctor`: looks at everything the program leans on, and says what to do where something is wrong.

mod unattended;

use super::{
    Failure,
    check::check,
    context::{Access, Context},
    term::{Cell, Style, render, size},
};
use crate::{
    model::{NotificationState, Notify, Severity},
    runtime::{
        Handle, archive, file_system, herald, pipelines, protection, rebuild, surroundings, upkeep,
        workspace::{self, Place},
    },
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Check everything the program leans on, and say what to do where something is wrong
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  flowyard doctor\n  flowyard doctor --rebuild             make history again from the folders of the runs"
)]
pub struct Args {
    /// Move the database aside and make another from what is kept beside the logs of each run
    #[arg(long)]
    rebuild: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// How one check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Ok,
    Warning,
    Failed,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    name: &'static str,
    health: Health,
    /// What was found, and what to do if it is not well.
    text: String,
}

fn ok(name: &'static str, text: impl Into<String>) -> Finding {
    Finding { name, health: Health::Ok, text: text.into() }
}
fn warning(name: &'static str, text: impl Into<String>) -> Finding {
    Finding { name, health: Health::Warning, text: text.into() }
}
fn failed(name: &'static str, text: impl Into<String>) -> Finding {
    Finding { name, health: Health::Failed, text: text.into() }
}

/// Looks at everything; exit 1 if something is wrong.
pub fn main(args: &Args, context: &Context) -> Result<u8, Failure> {
    if args.rebuild {
        return rebuild(args.json, context);
    }
    let findings = examine(context)?;
    if args.json {
        let rows: Vec<_> = findings.iter().map(|f| json!({ "check": f.name, "health": f.health, "message": f.text })).collect();
        context.json(&rows)?;
    } else {
        context.print(&findings.iter().map(|finding| line(finding, context)).collect::<String>())?;
    }
    Ok(u8::from(findings.iter().any(|finding| finding.health == Health::Failed)))
}

fn rebuild(as_json: bool, context: &Context) -> Result<u8, Failure> {
    if context.global.read_only {
        return Err(Failure::refused("--read-only looks and never acts; leave it out to make history again"));
    }
    let done = rebuild::rebuild(&context.place()?)?;
    if as_json {
        context.json(&done)?;
        return Ok(u8::from(!done.unreadable.is_empty()));
    }
    let mut text = format!("made again: {} runs that are over, {} that were open\n", done.ended, done.open);
    if done.open > 0 {
        text.push_str("the next engine takes up what was open, as after a crash: any command starts one\n");
    }
    if let Some(moved) = &done.moved {
        text.push_str(&format!("the database that was there is {}\n", moved.display()));
    }
    if done.fires > 0 {
        text.push_str(&format!("{} fires of triggers came back with their runs: none of their dates fires again\n", done.fires));
    }
    if !done.turned_off.is_empty() {
        text.push_str(&format!("TRIGGERS ARE {}\n", unattended::were_on(&done.turned_off)));
    }
    if !done.backfills.is_empty() {
        text.push_str(&format!(
            "gone, though their runs are there: {} backfills; the same `flowyard backfill` again makes the dates that have no run\n",
            done.backfills.len()
        ));
    }
    text.push_str(
        "what cannot come back: the journal before now (who asked for what, and when), what people decided about runs that were open,\n\
         how often they were cleared, fires that started no run, what triggers saw last (they start from what there is), backfills, and\n\
         notifications: those that waited are not sent\n",
    );
    for why in &done.unreadable {
        text.push_str(&format!("not made again: {why}\n"));
    }
    context.print(&text)?;
    Ok(u8::from(!done.unreadable.is_empty()))
}

fn line(finding: &Finding, context: &Context) -> String {
    let (code, token) = match finding.health {
        Health::Ok => ("OK  ", "state.success"),
        Health::Warning => ("NOTE", "warning"),
        Health::Failed => ("FAIL", "state.failed"),
    };
    let mut lines = finding.text.trim_end().lines();
    let head =
        [Cell::styled(code, Style::bold(token)), Cell::from(format!("  {:<13}", finding.name)), Cell::from(lines.next().unwrap_or(""))];
    let mut shown = render(&context.out, &head, usize::MAX) + "\n";
    for line in lines {
        shown.push_str(&(render(&context.out, &[Cell::from(format!("{:19}{line}", ""))], usize::MAX) + "\n"));
    }
    shown
}

fn examine(context: &Context) -> Result<Vec<Finding>, Failure> {
    let mut findings = vec![ok("program", format!("flowyard {}", env!("CARGO_PKG_VERSION")))];
    match context.place() {
        Ok(place) => {
            findings.push(ok("workspace", place.workspace.display().to_string()));
            findings.push(state_folder(&place.state_dir));
            findings.push(disk(&place.state_dir));
            findings.extend(engine_and_database(context, &place));
            findings.extend(mail(&place));
            findings.push(slots(&place));
            findings.push(pipelines(&place, &context.here()?));
        }
        Err(Failure::Said { message, .. }) => findings.push(failed("workspace", message)),
        Err(other) => return Err(other),
    }
    findings.push(shell());
    findings.push(task_processes());
    findings.push(terminal(context));
    Ok(findings)
}

fn state_folder(folder: &Path) -> Finding {
    const NAME: &str = "state folder";
    let shown = folder.display();
    match fs::metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match nearest_parent(folder) {
            Some(parent) if nix::unistd::access(&parent, nix::unistd::AccessFlags::W_OK).is_err() => failed(
                NAME,
                format!(
                    "{shown} is not there and cannot be made: no right to write in {}\nput it elsewhere with --state-dir",
                    parent.display()
                ),
            ),
            _ => ok(NAME, format!("{shown} (made when something is first written)")),
        },
        Err(error) => failed(NAME, format!("{shown} cannot be read: {error}\nput it elsewhere with --state-dir")),
        Ok(found) if found.uid() != nix::unistd::geteuid().as_raw() => {
            failed(NAME, format!("{shown} belongs to another user (uid {})\nchoose another place with --state-dir", found.uid()))
        }
        Ok(_) if nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK).is_err() => {
            failed(NAME, format!("no right to write in {shown}\nmend its rights, or put the state elsewhere with --state-dir"))
        }
        Ok(found) if found.permissions().mode() & 0o077 != 0 => warning(
            NAME,
            format!("{shown} can be read by others (mode {:o}); the next engine makes it 700", found.permissions().mode() & 0o777),
        ),
        Ok(_) => ok(NAME, format!("{shown} (mode 700)")),
    }
}

fn nearest_parent(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|path| path.exists()).map(Path::to_owned)
}

fn disk(folder: &Path) -> Finding {
    const NAME: &str = "disk";
    if let Some(kind) = file_system::network_kind(folder) {
        return warning(
            NAME,
            format!(
                "the state is on a network file system ({kind}), where the database is not safe\nput it on a local disk with --state-dir"
            ),
        );
    }
    let room =
        nearest_parent(folder).and_then(|path| rustix::fs::statvfs(&path).ok()).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    match room {
        Some(bytes) if bytes < 200 << 20 => {
            warning(NAME, format!("only {} MiB are free\nmake room: logs and artifacts need it", bytes >> 20))
        }
        Some(bytes) => ok(NAME, format!("local, {:.1} GiB free", bytes as f64 / f64::from(1 << 30))),
        None => ok(NAME, "local"),
    }
}

fn engine_and_database(context: &Context, place: &Place) -> Vec<Finding> {
    let attached = context.attach_to(place.clone(), Access::Peek).and_then(|attach| Ok(Handle::attach(attach)?));
    let handle = match attached {
        Ok(handle) => handle,
        Err(failure) => {
            return vec![
                failed(
                    "database",
                    format!("{}\n{}", words(&failure).replace("\nhint: `flowyard doctor` looks into it", ""), mend(&place.state_dir)),
                ),
                copies(&place.state_dir),
            ];
        }
    };
    let database = match handle.integrity().and_then(|damage| Ok((damage, handle.last_seq()?))) {
        Ok((None, _)) => ok("database", "nothing recorded yet"),
        Ok((Some(damage), seq)) if damage.is_empty() => ok("database", format!("whole; {seq} journal entries")),
        Ok((Some(damage), _)) => {
            let shown = damage.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
            failed("database", format!("damaged:\n{shown}\nstop the engine, then {MEND}"))
        }
        Err(error) => failed("database", format!("{error}\n{MEND}")),
    };
    let database = match archive::is_behind(&place.state_dir) {
        Ok(Some(behind)) if database.health == Health::Ok => failed(
            "database",
            format!(
                "not whole: {behind}\nits log was lost or an older copy was put back; put back a newer one, or see `flowyard doctor --rebuild`"
            ),
        ),
        _ => database,
    };
    let engine = match handle.engine_status() {
        Ok(Some(status)) => ok("engine", format!("running, pid {}, {} open runs", status.pid, status.open_runs)),
        Ok(None) => ok("engine", "not running; commands start one when they need it"),
        Err(error) => failed("engine", error.to_string()),
    };
    let told = notifications(&handle);
    [database, copies(&place.state_dir), engine].into_iter().chain(told).chain(unattended::examine(&handle)).collect()
}

/// Channels that take nothing, of the last notifications.
fn notifications(handle: &Handle) -> Option<Finding> {
    const NAME: &str = "channels";
    const LOOKED_AT: usize = 200;
    let rows = match handle.notifications(None, 0, LOOKED_AT) {
        Ok(rows) if rows.is_empty() => return None,
        Ok(rows) => rows,
        // That is told of the database itself.
        Err(_) => return None,
    };
    let mut seen = BTreeSet::new();
    // Newest first: what a channel came to last counts.
    let newest = rows.iter().filter(|row| row.detail.is_some() && seen.insert(&row.channel));
    let failing = newest.filter(|row| row.state != NotificationState::Sent);
    let lines: Vec<String> = failing.map(|row| format!("{}: {}", row.channel, row.detail.as_deref().unwrap_or_default())).collect();
    let waiting = rows.iter().filter(|row| row.state == NotificationState::Pending).count();
    Some(if lines.is_empty() {
        ok(NAME, if waiting == 0 { "every channel works".to_owned() } else { format!("every channel works, {waiting} wait") })
    } else {
        let lines = lines.join("\n");
        warning(NAME, format!("{waiting} wait, and not every channel works:\n{lines}\n`flowyard notify test CHANNEL` tries one"))
    })
}

/// Who is to get mail that no server sends.
fn mail_without_server(place: &Place) -> Option<Finding> {
    let mails = |notify: &Notify| notify.channels.values().flatten().any(|channel| channel.kind() == "email");
    let files = workspace::pipeline_files(&place.workspace).ok()?;
    let named = files.into_iter().map(|path| (path.clone(), path.display().to_string()));
    let found = pipelines::read_all(named).into_iter().filter_map(|found| found.pipeline);
    let mut who: Vec<String> = found.filter(|pipeline| mails(&pipeline.notify)).map(|pipeline| pipeline.id.to_string()).collect();
    if mails(&place.config.notify.defaults) {
        who.push("flowyard.toml".to_owned());
    }
    let text = || {
        format!(
            "[notify] of {} wants mail, and flowyard.toml has no [smtp]: none is sent\nwrite host and from there, then `flowyard engine restart`",
            who.join(", ")
        )
    };
    (!who.is_empty()).then(|| warning("mail", text()))
}

/// Whether mail could be sent now.
fn mail(place: &Place) -> Option<Finding> {
    let Some(mail) = &place.config.mail else { return mail_without_server(place) };
    Some(match herald::reaches_mail(place) {
        Ok(()) => ok("mail", format!("{}:{} answers", mail.host, mail.port)),
        Err(why) => failed("mail", format!("no mail can be sent: {why}\nmend [smtp] in flowyard.toml, or the way there")),
    })
}

/// What helps: nothing of ours, where a newer version wrote it.
fn mend(state_dir: &Path) -> &'static str {
    if rebuild::may_replace(state_dir).is_ok() { MEND } else { "" }
}

/// What helps a database that cannot be used.
const MEND: &str =
    "put back a copy over flowyard.db and remove flowyard.db-wal and -shm, or make history again with `flowyard doctor --rebuild`";

fn copies(state_dir: &Path) -> Finding {
    const NAME: &str = "copies";
    let found = upkeep::copies(state_dir);
    match found.last() {
        Some(_) => ok(NAME, found.iter().rev().take(5).map(|copy| copy.display().to_string()).collect::<Vec<_>>().join("\n")),
        None if state_dir.join("flowyard.db").exists() => warning(NAME, "none yet; an engine makes one a day, `flowyard backup` one now"),
        None => ok(NAME, "none yet"),
    }
}

fn words(failure: &Failure) -> String {
    match failure {
        Failure::Said { message, .. } => message.clone(),
        Failure::File(diagnostics) => diagnostics.to_string(),
        Failure::ReaderLeft => String::new(),
    }
}

fn slots(place: &Place) -> Finding {
    let cores = surroundings::cores();
    match place.config.slots {
        Some(slots) if slots > cores * 4 => warning(
            "slots",
            format!("{slots} attempts at once on {cores} cores\nthey will wait for each other; see [engine] slots in flowyard.toml"),
        ),
        Some(slots) => ok("slots", format!("{slots} attempts at once, {cores} cores")),
        None => ok("slots", format!("{cores} attempts at once, as many as cores")),
    }
}

fn pipelines(place: &Place, here: &Path) -> Finding {
    const NAME: &str = "pipelines";
    let files = match workspace::pipeline_files(&place.workspace) {
        Ok(files) => files,
        Err(error) => return failed(NAME, error.to_string()),
    };
    if files.is_empty() {
        return warning(NAME, format!("none in {}\n`flowyard init` writes one to copy from", place.workspace.display()));
    }
    let wrong = check(&files, here);
    let mut broken: Vec<&str> = wrong.0.iter().filter(|d| d.severity == Severity::Error).map(|d| d.file.as_str()).collect();
    broken.dedup();
    if broken.is_empty() {
        ok(NAME, format!("{} without errors", files.len()))
    } else {
        failed(NAME, format!("{} of {} have errors: {}\n`flowyard check` shows them", broken.len(), files.len(), broken.join(", ")))
    }
}

/// Without a group of its own a task is still ended whole, unless its shim is killed too.
fn task_processes() -> Finding {
    match protection::group() {
        Some(path) => ok("processes", format!("a task that lives for a second gets a control group of its own below {}", path.display())),
        None => ok(
            "processes",
            "known by session and token: there is no delegated control group (cgroup v2)\n\
             if a shim is killed, what cleared its environment and left its session may go on",
        ),
    }
}

fn shell() -> Finding {
    match in_path("bash") {
        Some(path) => ok("shell", format!("{} runs `run` lines, with pipefail", path.display())),
        None => warning("shell", "no bash in PATH: `run` lines are run by sh, which cannot fail in the middle of a pipe\ninstall bash"),
    }
}

fn in_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok())
}

fn terminal(context: &Context) -> Finding {
    const NAME: &str = "terminal";
    let term = env::var("TERM").unwrap_or_default();
    if !context.out.tty {
        return ok(NAME, "standard output is not a terminal: plain text, no colours");
    }
    let (columns, rows) = size();
    let colours = match (context.out.colours, env::var("COLORTERM").unwrap_or_default().as_str()) {
        (false, _) => "no colours",
        (true, "truecolor" | "24bit") => "24-bit colours",
        (true, _) if term.contains("256") => "256 colours",
        (true, _) => "16 colours",
    };
    let glyphs = if context.out.unicode { "Unicode glyphs" } else { "ASCII glyphs" };
    let text = format!("{term}, {columns}x{rows}, {colours}, {glyphs}");
    match (context.out.unicode, columns >= 60 && rows >= 15) {
        (_, false) => warning(NAME, format!("{text}\nthe workbench needs 60x15; make the window larger")),
        (false, _) => warning(NAME, format!("{text}\nfor Unicode set a UTF-8 locale: LANG=C.UTF-8")),
        (true, true) => ok(NAME, text),
    }
}

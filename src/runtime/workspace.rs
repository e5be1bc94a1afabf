//! Finds the workspace and its state folder, and makes the state folder when something is about to be written.

use super::{
    RuntimeError,
    file_system::{Probe, network_kind},
    remembered,
};
use crate::{
    config::{self, WorkspaceConfig},
    stdx::{atomic, fault, sanitize},
    store,
};
use std::{
    fs, io,
    io::Read,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Settings of a workspace, beside `pipelines/`.
pub const CONFIG_FILE: &str = "flowyard.toml";
/// The folder of pipeline files.
pub const PIPELINES: &str = "pipelines";
/// The folder of the state, if nothing else is said.
pub const STATE: &str = ".flowyard";
/// No file of ours is longer; a longer one is not read.
pub const MAX_FILE: u64 = 4 * 1024 * 1024;
/// What a state folder of ours may hold at its top: a folder with none of it is somebody else's.
const OURS: &[&str] = &["flowyard.db", ".gitignore", "runs", "artifacts", "logs"];

/// A workspace and where its state lives.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The workspace folder, absolute.
    pub workspace: PathBuf,
    /// The state folder, absolute; it may not exist yet.
    pub state_dir: PathBuf,
    /// `flowyard.toml`, or the defaults.
    pub config: WorkspaceConfig,
    /// What is wrong with `flowyard.toml`; `config` is what could be read of it. Nothing is started by it.
    pub broken: Option<String>,
    /// Worth saying once, such as "the workspace is on a network file system, so …".
    pub notices: Vec<String>,
}

impl Place {
    /// The trouble if runs left their folders here and the database that knew them is gone: an empty history would be a lie.
    ///
    /// # Errors
    /// How many there are, and what to do.
    pub fn keeps_its_history(&self) -> Result<(), RuntimeError> {
        if self.state_dir.join(store::FILE).exists() || fault::is_on("gone-is-empty") { Ok(()) } else { self.has_no_runs() }
    }

    /// The same where the database is there and holds nothing: its log is gone.
    ///
    /// # Errors
    /// How many runs there are, and what to do.
    pub fn has_no_runs(&self) -> Result<(), RuntimeError> {
        let database = self.state_dir.join(store::FILE);
        let runs = self.state_dir.join("runs");
        let left = fs::read_dir(&runs).map_or(0, Iterator::count);
        if left == 0 {
            return Ok(());
        }
        let what = if database.exists() { "is empty" } else { "does not exist" };
        Err(RuntimeError::Io(format!(
            "the history is gone: {} {what}, but {} holds {left} runs\nhint: put the database back from a copy (`flowyard doctor` lists them), make it again from these folders with `flowyard doctor --rebuild`, or move {} away to begin a new history",
            database.display(),
            runs.display(),
            runs.display()
        )))
    }

    /// The folder of the program's own log.
    pub fn logs(&self) -> PathBuf {
        self.state_dir.join("logs")
    }
}

/// Finds the workspace upward from `start` (or takes `explicit`) and its state folder.
///
/// # Errors
/// What is missing, where it was looked for, and what to do.
pub fn find(start: &Path, explicit: Option<&Path>, state_dir: Option<&Path>) -> Result<Place, RuntimeError> {
    let place = find_to_look(start, explicit, state_dir)?;
    match place.broken {
        Some(broken) => Err(RuntimeError::Usage(broken)),
        None => Ok(place),
    }
}

/// The same for whoever looks, or ends what runs: a typing error in `flowyard.toml` must not lock a person out of an engine at work.
/// What is wrong is one of the notices, and in [`Place::broken`].
///
/// # Errors
/// What is missing, where it was looked for, and what to do; a broken `flowyard.toml` that may say where the state is.
pub fn find_to_look(start: &Path, explicit: Option<&Path>, state_dir: Option<&Path>) -> Result<Place, RuntimeError> {
    find_with(start, explicit, state_dir, &network_kind, remembered::home())
}

/// The same, or the folder itself where no workspace is: one can be begun there. Nothing is read of it and nothing is made.
///
/// # Errors
/// The folder cannot be used, and what to do.
pub fn find_or_begin(start: &Path, explicit: Option<&Path>, state_dir: Option<&Path>) -> Result<Place, RuntimeError> {
    let folder = explicit.map_or_else(|| start.to_owned(), |folder| start.join(folder));
    let vacant = folder.canonicalize().ok().filter(|folder| folder.is_dir() && unreadable(folder).is_none());
    let found = match explicit {
        Some(_) => vacant.as_deref().map_or(Ok(true), is_workspace)?.then_some(()),
        None => upward(start)?.map(drop),
    };
    match (found, vacant) {
        (None, Some(folder)) => place(folder, start, state_dir, &network_kind, remembered::home()),
        _ => find_to_look(start, explicit, state_dir),
    }
}

/// The workspace folder alone, without reading its settings.
///
/// # Errors
/// What is missing, where it was looked for, and what to do.
pub fn locate(start: &Path, explicit: Option<&Path>) -> Result<PathBuf, RuntimeError> {
    let workspace = match explicit {
        Some(folder) => explicit_workspace(&start.join(folder))?,
        None => upward(start)?.ok_or_else(|| no_workspace(start))?,
    };
    must_be_ours(&workspace, "the workspace", "choose a workspace of your own with --workspace")?;
    Ok(workspace)
}

/// The pipeline files of a workspace, sorted by name. A workspace without `pipelines/` has none.
///
/// # Errors
/// What the file system says.
pub fn pipeline_files(workspace: &Path) -> Result<Vec<PathBuf>, RuntimeError> {
    definitions_in(&workspace.join(PIPELINES))
}

/// The files of a folder that look like definitions, sorted by name; none of one that is not there.
///
/// # Errors
/// What the file system says.
pub fn definitions_in(folder: &Path) -> Result<Vec<PathBuf>, RuntimeError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot("read", folder, &error)),
    };
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| is_toml(path)).collect();
    files.sort();
    Ok(files)
}

/// Makes the state folder: mode 0700, a `.gitignore` of `*`, owned by this user. To be called only when something is about to be written.
///
/// # Errors
/// What stands in the way and what to do: exit 2 for a wrong place, 74 for what the system refuses.
pub fn prepare(place: &Place) -> Result<(), RuntimeError> {
    let folder = &place.state_dir;
    match fs::metadata(folder) {
        Ok(found) => accept_existing(place, &found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            atomic::create_private_dir(folder).map_err(|error| cannot_make(folder, &error))?;
        }
        Err(error) => return Err(cannot_make(folder, &error)),
    }
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        atomic::write(&ignore, b"*\n").map_err(|error| cannot_make(&ignore, &error))?;
    }
    Ok(())
}

/// An empty history would be a lie where something else stands in its place.
fn must_be_a_folder(state_dir: &Path) -> Result<(), RuntimeError> {
    if fs::metadata(state_dir).is_ok_and(|found| !found.is_dir()) {
        return Err(RuntimeError::Usage(format!(
            "{} is a file, but the state of the workspace belongs into a folder of that name; move the file away or choose another folder with --state-dir",
            show(state_dir)
        )));
    }
    Ok(())
}

/// A folder that exists may be used if it is ours, or empty, or the workspace's own `.flowyard`.
fn accept_existing(place: &Place, found: &fs::Metadata) -> Result<(), RuntimeError> {
    let folder = &place.state_dir;
    must_be_ours(folder, "the state folder", "choose another one with --state-dir")?;
    if *folder != place.workspace.join(STATE) && !looks_like_state(folder)? {
        return Err(RuntimeError::Usage(format!(
            "{} is not empty and holds no state of flowyard; choose a new or empty folder with --state-dir",
            show(folder)
        )));
    }
    nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK)
        .map_err(|error| cannot_write(folder, &error.into()))?;
    if found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(|error| cannot_make(folder, &error))?;
    }
    Ok(())
}

fn looks_like_state(folder: &Path) -> Result<bool, RuntimeError> {
    let names: Vec<_> = fs::read_dir(folder).map_err(|error| cannot("read", folder, &error))?.filter_map(Result::ok).collect();
    Ok(names.is_empty() || names.iter().any(|entry| OURS.iter().any(|name| entry.file_name() == *name)))
}

fn find_with(
    start: &Path,
    explicit: Option<&Path>,
    state_dir: Option<&Path>,
    probe: Probe<'_>,
    state_home: Option<PathBuf>,
) -> Result<Place, RuntimeError> {
    place(locate(start, explicit)?, start, state_dir, probe, state_home)
}

/// A folder with its settings and its state folder.
fn place(
    workspace: PathBuf,
    start: &Path,
    state_dir: Option<&Path>,
    probe: Probe<'_>,
    state_home: Option<PathBuf>,
) -> Result<Place, RuntimeError> {
    let (config, broken) = read_config(&workspace)?;
    let told = state_dir.map(|dir| start.join(dir)).or_else(|| config.state_dir.as_ref().map(|dir| workspace.join(dir)));
    let mut notices = Vec::new();
    if let Some(broken) = &broken {
        // What could not be read may say where.
        if told.is_none() && broken.contains("--state-dir") {
            return Err(RuntimeError::Usage(broken.clone()));
        }
        notices.push(format!("{broken}\nwhat is recorded can be looked at, and what runs be ended; nothing new starts"));
    }
    let state_dir = match told {
        Some(folder) => {
            if let Some(kind) = probe(&folder) {
                notices.push(format!(
                    "the state folder {} is on a network file system ({kind}), where locks and the database's log are not safe; \
                     use it from one machine only",
                    show(&folder)
                ));
            }
            folder
        }
        None => default_state_dir(&workspace, probe, state_home, &mut notices)?,
    };
    let state_dir = tidy(&state_dir);
    must_be_text(&workspace, "rename it")?;
    must_be_text(&state_dir, "choose another one with --state-dir")?;
    must_be_a_folder(&state_dir)?;
    Ok(Place { workspace, state_dir, config, broken, notices })
}

/// Tasks, the database and JSON get paths as text; one that is none would reach them garbled.
fn must_be_text(folder: &Path, next: &str) -> Result<(), RuntimeError> {
    match folder.to_str() {
        Some(_) => Ok(()),
        None => Err(RuntimeError::Usage(format!("the name of the folder {} is not UTF-8; {next}", show(folder)))),
    }
}

/// `<workspace>/.flowyard`, or a local folder when the workspace is on another machine's disk.
fn default_state_dir(
    workspace: &Path,
    probe: Probe<'_>,
    state_home: Option<PathBuf>,
    notices: &mut Vec<String>,
) -> Result<PathBuf, RuntimeError> {
    let Some(kind) = probe(workspace) else { return Ok(workspace.join(STATE)) };
    let home = state_home.ok_or_else(|| {
        RuntimeError::Usage(format!(
            "the workspace {} is on a network file system ({kind}), where the database is not safe, and no home folder is known to put it into; \
             say where with --state-dir",
            show(workspace)
        ))
    })?;
    let name = workspace.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned());
    let hash = blake3::hash(workspace.as_os_str().as_encoded_bytes()).to_hex();
    let folder = home.join("flowyard").join(format!("{name}-{}", &hash[..12]));
    notices.push(format!(
        "the workspace is on a network file system ({kind}), where the database is not safe; its state is in {} (change it with --state-dir)",
        show(&folder)
    ));
    Ok(folder)
}

fn explicit_workspace(folder: &Path) -> Result<PathBuf, RuntimeError> {
    let folder = fs::canonicalize(folder)
        .map_err(|error| RuntimeError::Usage(format!("there is no workspace at {}: {}", show(folder), words(&error))))?;
    if !folder.is_dir() {
        return Err(RuntimeError::Usage(format!("{} is a file; a workspace is a folder that holds `pipelines/`", show(&folder))));
    }
    match is_workspace(&folder)? {
        true => Ok(folder),
        false => Err(unreadable(&folder).unwrap_or_else(|| RuntimeError::Usage(format!("{} is not a workspace\n{HOW}", show(&folder))))),
    }
}

/// The nearest folder from `start` upward that is a workspace.
pub(super) fn upward(start: &Path) -> Result<Option<PathBuf>, RuntimeError> {
    let start = fs::canonicalize(start).map_err(|error| cannot("enter", start, &error))?;
    for folder in start.ancestors() {
        if is_workspace(folder)? {
            return Ok(Some(folder.to_owned()));
        }
    }
    Ok(None)
}

fn no_workspace(start: &Path) -> RuntimeError {
    unreadable(start).unwrap_or_else(|| RuntimeError::Usage(format!("no workspace in {} or any folder above it\n{HOW}", show(start))))
}

/// Says so when a folder may hold a workspace that this user is not let into.
fn unreadable(folder: &Path) -> Option<RuntimeError> {
    let error = fs::read_dir(folder).err()?;
    let next = "mend its rights (chmod u+rwx), go to another folder, or name a workspace with --workspace";
    Some(RuntimeError::Io(format!("cannot look into {}: {}; {next}", show(folder), words(&error))))
}

const HOW: &str = "  hint: a workspace holds `pipelines/*.toml` with `[tasks.NAME]` tables, or a `flowyard.toml`; \
    go to one, name it with --workspace DIR, or begin one: `flowyard init` here, or `flowyard init demo` to see it work";

/// `flowyard.toml`, `.flowyard/`, or a pipeline file with tasks.
fn is_workspace(folder: &Path) -> Result<bool, RuntimeError> {
    if folder.join(CONFIG_FILE).is_file() || folder.join(STATE).is_dir() {
        return Ok(true);
    }
    let files = match pipeline_files(folder) {
        Ok(files) => files,
        // A folder above that may not be read is no workspace of this user; one that is `pipelines/`'s own parent may be.
        Err(_) if fs::read_dir(folder).is_err() => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(files.iter().any(|file| has_tasks(file)))
}

/// Whether a file speaks of tasks. By its lines, not by parsing it, so that a broken file still marks its workspace.
fn has_tasks(file: &Path) -> bool {
    if !file.is_file() {
        return false;
    }
    let mut text = Vec::new();
    match fs::File::open(file).and_then(|opened| opened.take(MAX_FILE).read_to_end(&mut text)) {
        // In its place it is most likely one of ours; whoever reads it says what is wrong with it.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
        Ok(_) => String::from_utf8_lossy(&text).lines().any(|line| {
            let line = line.trim_start();
            let name = line.strip_prefix('[').unwrap_or(line).trim_start();
            name.strip_prefix("tasks").is_some_and(|rest| rest.trim_start().starts_with(['.', ']', '=']))
        }),
    }
}

/// The settings, and what is wrong with them.
fn read_config(workspace: &Path) -> Result<(WorkspaceConfig, Option<String>), RuntimeError> {
    let path = workspace.join(CONFIG_FILE);
    let text = match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Ok(found) if !found.is_file() || found.len() > MAX_FILE => {
            return Err(RuntimeError::Usage(format!("{} is not a file of settings: not a plain file, or over 4 MiB", show(&path))));
        }
        _ => fs::read_to_string(&path).map_err(|error| cannot("read", &path, &error))?,
    };
    let (config, diagnostics) = config::read_workspace(CONFIG_FILE, &text);
    let broken = diagnostics.has_errors().then(|| format!("{} cannot be used\n{}", show(&path), diagnostics.to_string().trim_end()));
    // Of a file that is no TOML nothing is known, also not where the state is.
    let broken = broken.map(|broken| {
        if text.contains("state_dir") && config.state_dir.is_none() {
            broken + "\n  hint: say where the state is with --state-dir"
        } else {
            broken
        }
    });
    Ok((config, broken))
}

pub(super) fn must_be_ours(folder: &Path, what: &str, next: &str) -> Result<(), RuntimeError> {
    let owner = fs::metadata(folder).map_err(|error| cannot("read", folder, &error))?.uid();
    let me = nix::unistd::geteuid().as_raw();
    if owner == me {
        return Ok(());
    }
    Err(RuntimeError::Usage(format!(
        "{what} {} belongs to another user (uid {owner}, you are uid {me}), and what it says would run as you; {next}",
        show(folder)
    )))
}

fn is_toml(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|extension| extension == "toml")
}

/// Without `.` and `..`, as far as the text tells; the folder need not exist.
fn tidy(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> RuntimeError {
    RuntimeError::Io(format!("cannot {verb} {}: {}", show(path), words(error)))
}

fn cannot_make(path: &Path, error: &io::Error) -> RuntimeError {
    no_room("make", path, error)
}

fn cannot_write(path: &Path, error: &io::Error) -> RuntimeError {
    no_room("write in", path, error)
}

fn no_room(verb: &str, path: &Path, error: &io::Error) -> RuntimeError {
    let next = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only; put the state elsewhere with --state-dir, or look with --read-only",
        io::ErrorKind::StorageFull => "the disk is full; make room, or put the state elsewhere with --state-dir",
        _ => "mend the rights of the folder, put the state elsewhere with --state-dir, or look with --read-only",
    };
    RuntimeError::Io(format!("cannot {verb} {}: {}; {next}", show(path), words(error)))
}

/// The system's words without the number: `permission denied`.
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

fn show(path: &Path) -> String {
    sanitize::line(&path.to_string_lossy())
}

#[cfg(test)]
#[path = "workspace_tests.rs"]
mod tests;

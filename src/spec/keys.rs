//! Every key of a pipeline file: what the reader accepts, what it suggests, and the table in the guide.

use crate::{
    model::{Report, did_you_mean},
    stdx::toml_tree::{Node, Table, Value},
};
use std::fmt::Write;

/// A table of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The top of the file.
    Pipeline,
    /// `[defaults]`.
    Defaults,
    /// A param in full.
    Param,
    /// `[tasks.NAME]`.
    Task,
    /// `inputs.NAME` as a table.
    Input,
    /// `outputs.NAME` as a table.
    Output,
    /// `retry_delay` as a table.
    RetryDelay,
    /// `retry_on`.
    RetryOn,
    /// `resources`.
    Resources,
    /// `sensor`.
    Sensor,
    /// `[[triggers]]`.
    Trigger,
    /// `git` of a trigger.
    Git,
    /// `[notify]`.
    Notify,
}

impl Place {
    /// All of them, in the order of the guide.
    pub const ALL: [Self; 13] = [
        Self::Pipeline,
        Self::Param,
        Self::Defaults,
        Self::Task,
        Self::Input,
        Self::Output,
        Self::RetryDelay,
        Self::RetryOn,
        Self::Resources,
        Self::Sensor,
        Self::Trigger,
        Self::Git,
        Self::Notify,
    ];

    /// How the guide and messages call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pipeline => "the file",
            Self::Defaults => "`[defaults]`",
            Self::Param => "a param",
            Self::Task => "a task",
            Self::Input => "an input",
            Self::Output => "an output",
            Self::RetryDelay => "`retry_delay` as a table",
            Self::RetryOn => "`retry_on`",
            Self::Resources => "`resources`",
            Self::Sensor => "`sensor`",
            Self::Trigger => "a trigger",
            Self::Git => "`git` of a trigger",
            Self::Notify => "`[notify]`",
        }
    }
}

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// A text or a list of texts.
    TextOrTexts,
    /// A text or a table.
    TextOrTable,
    /// A whole number of at least 0.
    Count,
    /// A whole number.
    Int,
    /// A list of whole numbers.
    Ints,
    /// `true` or `false`.
    Flag,
    /// A duration, or a table.
    DurationOrTable,
    /// A size such as `"4GiB"`.
    Size,
    /// A number.
    Number,
    /// A duration such as `"5m"`.
    Duration,
    /// A date or a time, quoted or not.
    Date,
    /// A table.
    Table,
    /// A list of tables.
    Tables,
    /// Anything; checked elsewhere.
    Any,
}

impl Holds {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::TextOrTexts => "a text or a list of texts",
            Self::TextOrTable => "a text or a table",
            Self::Count => "a whole number, 0 or more",
            Self::Int => "a whole number",
            Self::Ints => "a list of whole numbers",
            Self::Flag => "true or false",
            Self::DurationOrTable => "a duration such as \"5m\", or a table",
            Self::Size => "a size such as \"4GiB\"",
            Self::Number => "a number",
            Self::Duration => "a duration such as \"5m\"",
            Self::Date => "a date",
            Self::Table => "a table",
            Self::Tables => "a list of tables",
            Self::Any => "a value",
        }
    }

    fn fits(self, node: &Node) -> bool {
        let texts = || matches!(node.value, Value::List(_)) && node.as_list().iter().all(|item| item.as_text().is_some());
        match self {
            Self::Text | Self::Duration | Self::Size => node.as_text().is_some(),
            Self::Int => node.as_int().is_some(),
            Self::Ints => matches!(node.value, Value::List(_)) && node.as_list().iter().all(|item| item.as_int().is_some()),
            Self::Flag => matches!(node.value, Value::Bool(_)),
            Self::Texts => texts(),
            Self::TextOrTexts => node.as_text().is_some() || texts(),
            Self::TextOrTable | Self::DurationOrTable => node.as_text().is_some() || node.as_table().is_some(),
            Self::Count => node.as_int().is_some_and(|number| number >= 0),
            Self::Number => matches!(node.value, Value::Int(_) | Value::Float(_)),
            Self::Date => matches!(node.value, Value::Date(_) | Value::Text(_)),
            Self::Table => node.as_table().is_some(),
            Self::Tables => matches!(node.value, Value::List(_)) && node.as_list().iter().all(|item| item.as_table().is_some()),
            Self::Any => true,
        }
    }
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Where it may stand.
    pub place: Place,
    /// As written.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// What is true without it; empty when it has no default.
    pub default: &'static str,
    /// One line for the guide.
    pub help: &'static str,
}

const fn key(place: Place, name: &'static str, holds: Holds, default: &'static str, help: &'static str) -> Key {
    Key { place, name, holds, default, help }
}

/// Every key that is understood.
pub const KEYS: &[Key] = &[
    key(Place::Pipeline, "id", Holds::Text, "the file's name without `.toml`", "Name of the pipeline"),
    key(Place::Pipeline, "description", Holds::Text, "", "One line for lists"),
    key(Place::Pipeline, "owner", Holds::Text, "", "Who to ask"),
    key(Place::Pipeline, "tags", Holds::Texts, "`[]`", "Words for filters"),
    key(Place::Pipeline, "max_active_runs", Holds::Count, "no limit", "Most runs of it that may be open at once; further ones wait"),
    key(Place::Pipeline, "max_active_tasks", Holds::Count, "no limit", "Most tasks of one run that may be running at once"),
    key(Place::Pipeline, "run_timeout", Holds::Duration, "none", "A run that takes longer is ended and fails"),
    key(Place::Pipeline, "params", Holds::Table, "", "Values known before a run starts: `NAME = default`, or a table with the keys below"),
    key(Place::Pipeline, "defaults", Holds::Table, "", "What every task inherits; the task's own value wins"),
    key(Place::Pipeline, "triggers", Holds::Tables, "`[]`", "What starts runs by itself, once somebody turned the triggers on"),
    key(Place::Pipeline, "notify", Holds::Table, "", "Who is told of what; see [notifications](notifications.md)"),
    key(Place::Pipeline, "tasks", Holds::Table, "", "The tasks, `[tasks.NAME]`; at least one"),
    key(Place::Param, "type", Holds::Text, "that of `default`", "`int`, `float`, `bool`, `string`, `choice`, `date`, `path` or `secret`"),
    key(Place::Param, "default", Holds::Any, "", "Used when nothing is given; without it the param must be given"),
    key(Place::Param, "description", Holds::Text, "", "For forms and help"),
    key(Place::Param, "min", Holds::Number, "", "Smallest allowed value of `int` and `float`"),
    key(Place::Param, "max", Holds::Number, "", "Largest allowed value of `int` and `float`"),
    key(Place::Param, "choices", Holds::Texts, "", "The allowed texts of `choice`"),
    key(Place::Param, "env", Holds::Text, "the name in capitals", "The variable that holds a `secret` where nobody types it"),
    key(Place::Param, "group", Holds::Text, "", "The heading under which forms show it"),
    key(Place::Defaults, "retries", Holds::Count, "`0`", "See the task's key"),
    key(Place::Defaults, "retry_delay", Holds::DurationOrTable, "`\"10s\"`", "See the task's key"),
    key(Place::Defaults, "retry_on", Holds::Table, "every exit code, signal, timeout and want of memory", "See the task's key"),
    key(Place::Defaults, "idempotent", Holds::Flag, "`false`", "See the task's key"),
    key(Place::Defaults, "trigger_rule", Holds::Text, "`\"all_success\"`", "See the task's key"),
    key(Place::Defaults, "depends_on_past", Holds::Flag, "`false`", "See the task's key"),
    key(Place::Defaults, "pool", Holds::Text, "none", "See the task's key"),
    key(Place::Defaults, "pool_slots", Holds::Count, "`1`", "See the task's key"),
    key(Place::Defaults, "priority_weight", Holds::Int, "`0`", "See the task's key"),
    key(Place::Defaults, "resources", Holds::Table, "none", "See the task's key"),
    key(Place::Defaults, "timeout", Holds::Duration, "none", "See the task's key"),
    key(Place::Defaults, "grace", Holds::Duration, "`\"10s\"`", "See the task's key"),
    key(Place::Defaults, "env", Holds::Table, "", "Merged with the task's own, which wins"),
    key(Place::Defaults, "cwd", Holds::Text, "the workspace", "See the task's key"),
    key(Place::Task, "run", Holds::Text, "", "A shell script (`bash -euo pipefail`); every `{{ }}` is shell-quoted"),
    key(Place::Task, "argv", Holds::Texts, "", "A program and its arguments, without a shell"),
    key(Place::Task, "component", Holds::Text, "", "A built-in component"),
    key(Place::Task, "with", Holds::Table, "", "The component's arguments"),
    key(Place::Task, "sensor", Holds::Table, "", "What it waits for instead of working; a table with the keys below"),
    key(Place::Task, "needs", Holds::Texts, "`[]`", "Tasks it waits for without reading their outputs"),
    key(Place::Task, "inputs", Holds::Table, "", "What it reads: `NAME = \"task.output\"` or `NAME = { path = \"…\" }`"),
    key(Place::Task, "outputs", Holds::Table, "", "What it writes: `NAME = \"Type\"` or `NAME = { type = \"…\", path = \"…\" }`"),
    key(Place::Task, "env", Holds::Table, "", "More variables of its environment; values may hold `{{ }}`"),
    key(Place::Task, "cwd", Holds::Text, "the workspace", "Folder to start in, relative to the workspace"),
    key(Place::Task, "retries", Holds::Count, "`0`", "How often a failed attempt is followed by another"),
    key(Place::Task, "retry_delay", Holds::DurationOrTable, "`\"10s\"`", "Time between a failed attempt and the next"),
    key(
        Place::Task,
        "retry_on",
        Holds::Table,
        "every exit code, signal, timeout and want of memory",
        "Which ends of an attempt are followed by another; a table with the keys below",
    ),
    key(Place::Task, "idempotent", Holds::Flag, "`false`", "It may be repeated where nobody can know how it ended (`lost`)"),
    key(
        Place::Task,
        "trigger_rule",
        Holds::Text,
        "`\"all_success\"`",
        "What must have become of its upstream tasks: one of Airflow's twelve",
    ),
    key(Place::Task, "depends_on_past", Holds::Flag, "`false`", "Waits until the same task of the run before succeeded or was skipped"),
    key(Place::Task, "group", Holds::Text, "none", "Tasks of the same group can be shown as one"),
    key(Place::Task, "pool", Holds::Text, "none", "The pool, declared in `flowyard.toml`, whose slots it takes"),
    key(Place::Task, "pool_slots", Holds::Count, "`1`", "How many slots of its pool it takes"),
    key(Place::Task, "priority_weight", Holds::Int, "`0`", "Of two that wait, the heavier starts first"),
    key(Place::Task, "resources", Holds::Table, "none", "What it takes of the machine: `{ cpu = 2, memory = \"4GiB\", gpu = 1 }`"),
    key(Place::Task, "approval", Holds::Flag, "`false`", "A person must let it start"),
    key(
        Place::Task,
        "checkpoint",
        Holds::Flag,
        "`false`",
        "It has a folder, `$FLOWYARD_CHECKPOINT_DIR`, that is carried from attempt to attempt",
    ),
    key(Place::Task, "timeout", Holds::Duration, "none", "After this an attempt is ended"),
    key(Place::Task, "grace", Holds::Duration, "`\"10s\"`", "Time between TERM and KILL"),
    key(Place::Task, "metrics", Holds::Text, "`$FLOWYARD_METRICS`", "A file of JSON lines that it writes, relative to the workspace"),
    key(Place::Task, "gate", Holds::TextOrTexts, "`[]`", "CEL conditions that must all hold after the attempt"),
    key(Place::Task, "when", Holds::Text, "", "A CEL condition; false skips the task"),
    key(Place::Input, "path", Holds::Text, "", "A file or folder, relative to the workspace"),
    key(Place::Output, "type", Holds::Text, "`\"File\"`", "The artifact's type, such as `Dataset` or `Model`"),
    key(Place::Output, "path", Holds::Text, "a place of flowyard's own", "Where the script keeps it, relative to the workspace"),
    key(Place::Output, "asset", Holds::Text, "none", "The name under which `assets` triggers wait for new versions of it"),
    key(Place::RetryDelay, "initial", Holds::Duration, "`\"10s\"`", "Time after the first failed attempt"),
    key(Place::RetryDelay, "factor", Holds::Number, "`2.0`", "By how much it grows from attempt to attempt"),
    key(Place::RetryDelay, "max", Holds::Duration, "none", "It never grows beyond this"),
    key(Place::RetryDelay, "jitter", Holds::Number, "`0`", "0 to 1: spread evenly between `1 - jitter` and `1 + jitter` of itself"),
    key(Place::RetryOn, "exit_codes", Holds::Ints, "`[]`", "These exit codes"),
    key(Place::RetryOn, "signals", Holds::Ints, "`[]`", "These signals, by number"),
    key(Place::RetryOn, "reasons", Holds::Texts, "`[]`", "These reasons, or `lost`, `timed_out`"),
    key(Place::RetryOn, "log", Holds::Text, "", "A regular expression that the last lines of the log match"),
    key(Place::Resources, "cpu", Holds::Number, "none", "Processors"),
    key(Place::Resources, "memory", Holds::Size, "none", "Memory"),
    key(Place::Resources, "gpu", Holds::Count, "`0`", "Whole GPUs, leased to the attempt alone"),
    key(Place::Sensor, "file", Holds::Text, "", "A file or folder is there; a pattern, relative to the workspace"),
    key(Place::Sensor, "stable", Holds::Duration, "none", "`file`: all that match have not changed for so long"),
    key(Place::Sensor, "command", Holds::Text, "", "A shell script, as in `run`, ends with code 0"),
    key(Place::Sensor, "time", Holds::Text, "", "It is so late: a time of day, or a moment such as `{{ run.logical_date }}`"),
    key(Place::Sensor, "timezone", Holds::Text, "`\"UTC\"`", "`time`: name of the IANA time zone of a time that names none"),
    key(Place::Sensor, "offset", Holds::Duration, "none", "`time`: so long after it"),
    key(Place::Sensor, "asset", Holds::Text, "", "An asset has a version that this task has not gone on with in another run"),
    key(Place::Sensor, "http", Holds::Text, "", "An address of the web gives the answer that is wanted"),
    key(Place::Sensor, "status", Holds::Count, "`200`", "`http`: the status of the answer"),
    key(Place::Sensor, "contains", Holds::Text, "none", "`http`: a text that its first MiB holds"),
    key(Place::Sensor, "redirects", Holds::Flag, "`false`", "`http`: an answer that sends elsewhere is followed"),
    key(
        Place::Sensor,
        "look_timeout",
        Holds::Duration,
        "`\"30s\"` of `http`, `\"1m\"` of `command`",
        "`http`, `command`: how long one look may take",
    ),
    key(Place::Sensor, "interval", Holds::Duration, "`\"10s\"`", "Time between the first look and the second; not for `time`"),
    key(Place::Sensor, "factor", Holds::Number, "`1.5`", "By how much it grows from look to look"),
    key(Place::Sensor, "max_interval", Holds::Duration, "`\"5m\"`", "It never grows beyond this"),
    key(Place::Sensor, "soft_fail", Holds::Flag, "`false`", "Past its `timeout` the task is skipped, not failed"),
    key(
        Place::Trigger,
        "id",
        Holds::Text,
        "the kind and a hash of what makes it fire",
        "Its name; a trigger with a new one starts from now",
    ),
    key(Place::Trigger, "cron", Holds::Text, "", "Five fields of Unix cron, or `@hourly`, `@daily`, …"),
    key(Place::Trigger, "every", Holds::Duration, "", "A fixed interval, from `start_date` on"),
    key(Place::Trigger, "files", Holds::TextOrTexts, "", "Patterns of files whose content changed"),
    key(Place::Trigger, "assets", Holds::TextOrTexts, "", "Names of data that got a new version"),
    key(Place::Trigger, "pipeline", Holds::Text, "", "Another pipeline whose run ended"),
    key(Place::Trigger, "git", Holds::Table, "", "New commits; a table with the keys below"),
    key(
        Place::Trigger,
        "metric",
        Holds::Text,
        "",
        "A rule over a metric of the last runs: `accuracy < 0.9`, `evaluate_model.accuracy < 0.9`",
    ),
    key(Place::Trigger, "drift", Holds::Any, "", "A rule over statistics; not supported yet"),
    key(
        Place::Trigger,
        "overlap",
        Holds::Text,
        "`\"skip\"` of `cron` and `every`, else `\"queue\"`",
        "While a run of the pipeline is open: `skip`, `queue` or `cancel_previous`",
    ),
    key(Place::Trigger, "cooldown", Holds::Duration, "none", "Shortest time between two runs that it starts"),
    key(
        Place::Trigger,
        "timezone",
        Holds::Text,
        "`\"UTC\"`",
        "`cron`, `every`: name of the IANA time zone in which lines and dates are read",
    ),
    key(Place::Trigger, "start_date", Holds::Date, "", "`cron`, `every`: nothing before this"),
    key(Place::Trigger, "end_date", Holds::Date, "", "`cron`, `every`: nothing after this; a day is the whole day"),
    key(
        Place::Trigger,
        "catchup",
        Holds::Text,
        "`\"none\"`",
        "`cron`, `every`: which missed fires are made up for: `none`, `latest` or `all`",
    ),
    key(Place::Trigger, "max_catchup", Holds::Count, "`100`", "`cron`, `every`: most missed fires that are made up for"),
    key(
        Place::Trigger,
        "late_window",
        Holds::Duration,
        "`\"1h\"`",
        "`cron`, `every`: a missed fire that is not older still happens under `catchup = \"none\"`; at most the interval",
    ),
    key(
        Place::Trigger,
        "dst_gap",
        Holds::Text,
        "`\"shift\"`",
        "`cron`: a time that is left out: `shift` to the first moment after the gap, or `skip`",
    ),
    key(Place::Trigger, "dst_overlap", Holds::Text, "`\"first\"`", "`cron`: a time that comes twice: `first`, `second` or `both`"),
    key(Place::Trigger, "jitter", Holds::Duration, "none", "`cron`, `every`: spreads starts over this time"),
    key(Place::Trigger, "debounce", Holds::Duration, "`\"2s\"`", "`files`: how long they must be quiet"),
    key(
        Place::Trigger,
        "debounce_max",
        Holds::Duration,
        "`\"30s\"`, or ten times `debounce`",
        "`files`: those that are quiet fire at the latest after this, without the others",
    ),
    key(Place::Trigger, "mode", Holds::Text, "`\"all\"`", "`assets`: `all` or `any` of them must be new"),
    key(Place::Trigger, "on", Holds::Text, "`\"success\"`", "`pipeline`: `success`, `failed` or `any` end of its run"),
    key(Place::Trigger, "of", Holds::Text, "the pipeline itself", "`metric`: whose runs are looked at"),
    key(Place::Trigger, "runs", Holds::Count, "`1`", "`metric`: so many runs in a row must meet the rule"),
    key(Place::Git, "branches", Holds::TextOrTexts, "every branch", "Names or patterns of branches"),
    key(Place::Git, "paths", Holds::TextOrTexts, "every file", "Patterns of files, one of which the commits must have changed"),
    key(Place::Git, "checkout", Holds::Flag, "`false`", "Run in a clean checkout of that commit instead of the workspace"),
    key(Place::Notify, "on_failure", Holds::TextOrTexts, "`[]`", "When a run failed"),
    key(Place::Notify, "on_recovery", Holds::TextOrTexts, "`[]`", "When a run succeeded after a failed one"),
    key(Place::Notify, "on_success", Holds::TextOrTexts, "`[]`", "When a run succeeded"),
    key(Place::Notify, "on_retry", Holds::TextOrTexts, "`[]`", "When a task is tried again"),
    key(Place::Notify, "on_approval", Holds::TextOrTexts, "`[]`", "When a person must decide"),
    key(Place::Notify, "on_deadline", Holds::TextOrTexts, "`[]`", "When a run is late"),
    key(Place::Notify, "on_missed", Holds::TextOrTexts, "`[]`", "When times at which a run was due passed without one"),
    key(Place::Notify, "on_watched", Holds::TextOrTexts, "`\"bell\"`", "When a run ended that somebody watched"),
    key(Place::Notify, "on_drift", Holds::TextOrTexts, "`[]`", "When data changed over time; nothing tells of that yet"),
    key(
        Place::Notify,
        "deadline",
        Holds::Text,
        "none",
        "A run is late so long after it was asked for, `\"2h\"`, or at that time of day, `\"08:00\"`",
    ),
    key(Place::Notify, "timezone", Holds::Text, "`\"UTC\"`", "Name of the IANA time zone of `deadline`"),
    key(Place::Notify, "usual", Holds::Flag, "`true`", "A run is late, too, when it takes much longer than those before it"),
];

/// Keys with a meaning that this version does not have. They are refused by name: a key that is silently ignored is a lie.
pub const NOT_YET: &[(Place, &[&str])] = &[
    (Place::Pipeline, &["groups", "templates", "on_exit", "secrets", "profile"]),
    (Place::Defaults, &["executor", "cache", "image", "code"]),
    (Place::Param, &["file", "command"]),
    (
        Place::Task,
        &[
            "asset",
            "cache",
            "code",
            "executor",
            "image",
            "map",
            "matrix",
            "pipeline",
            "python",
            "python_packages",
            "secrets",
            "setup",
            "teardown",
            "template",
        ],
    ),
    (Place::Input, &["asset", "type"]),
];

/// The keys of one table.
pub fn of(place: Place) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.place == place)
}

/// Reports keys that are unknown or not built yet, and values of the wrong type.
pub fn check(place: Place, table: &Table, report: &mut Report<'_>) {
    for entry in &table.0 {
        if let Some(key) = of(place).find(|key| key.name == entry.key) {
            if !key.holds.fits(&entry.node) {
                report.error(
                    "wrong-type",
                    entry.node.span.clone(),
                    format!("`{}` takes {}, not {}", key.name, key.holds.name(), told(key, &entry.node)),
                    None,
                );
            }
        } else if NOT_YET.iter().any(|(at, names)| *at == place && names.contains(&entry.key.as_str())) {
            report.error(
                "not-supported-yet",
                entry.key_span.clone(),
                format!("`{}` is not supported yet", entry.key),
                Some("remove it".into()),
            );
        } else {
            let hint = if report.is_full() { None } else { unknown_hint(place, &entry.key) };
            report.error("unknown-key", entry.key_span.clone(), format!("unknown key `{}` in {}", entry.key, place.name()), hint);
        }
    }
}

fn told(key: &Key, node: &Node) -> String {
    match &node.value {
        Value::Int(number) if key.holds == Holds::Count => format!("{number}"),
        Value::List(list) if matches!(key.holds, Holds::Texts | Holds::TextOrTexts | Holds::Tables) => {
            let wanted_table = key.holds == Holds::Tables;
            let odd = list.iter().find(|item| if wanted_table { item.as_table().is_none() } else { item.as_text().is_none() });
            odd.map_or_else(|| "a list".into(), |odd| format!("a list with {} in it", odd.kind()))
        }
        _ => node.kind().to_owned(),
    }
}

fn unknown_hint(place: Place, name: &str) -> Option<String> {
    did_you_mean(name, of(place).map(|key| key.name)).or_else(|| {
        let elsewhere = KEYS.iter().find(|key| key.name == name)?;
        Some(format!("`{name}` belongs to {}", elsewhere.place.name()))
    })
}

/// The table of keys in the guide, as Markdown.
pub fn key_table_markdown() -> String {
    let mut text = String::new();
    for place in Place::ALL {
        let _ = write!(text, "\nKeys of {}:\n\n| key | holds | default | meaning |\n|---|---|---|---|\n", place.name());
        for key in of(place) {
            let _ = writeln!(text, "| `{}` | {} | {} | {} |", key.name, key.holds.name(), key.default, key.help);
        }
    }
    let names: Vec<String> = NOT_YET.iter().flat_map(|(_, names)| names.iter()).map(|name| format!("`{name}`")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let _ = write!(text, "\nRefused as not supported yet: {}.\n", names.join(", "));
    text
}

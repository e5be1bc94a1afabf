//! `run` on a real terminal: the live view, its keys, signals, and what is left on the screen.

use crate::support::{Yard, until};
use nix::sys::signal::{Signal, kill};

#[test]
fn a_run_is_watched_live_and_leaves_a_clean_summary() {
    let yard = Yard::new();
    let mut terminal = yard.terminal(80, 24, &["run", "waits"]);
    terminal.until("tasks, the log of the running one, and keys", |text| {
        ["RUN   waits", "│ has begun", "WAIT  after", "d detaches"].iter().all(|wanted| text.contains(wanted))
    });
    assert!(terminal.cursor_is_hidden());
    yard.go();
    assert_eq!(terminal.end(), 0);
    let left = terminal.text();
    assert!(left.contains("OK    waits") && left.contains("OK    after") && left.contains("success"), "{left}");
    assert!(!left.contains("d detaches") && !left.contains("has begun"), "the live view is gone: {left}");
    assert!(!terminal.cursor_is_hidden());
}

#[test]
fn d_detaches_and_says_how_to_come_back() {
    let yard = Yard::new();
    let mut terminal = yard.terminal(80, 24, &["run", "waits"]);
    terminal.until("a running task", |text| text.contains("RUN   waits"));
    terminal.press("d");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.text().contains("the run goes on") && terminal.text().contains("flowyard show"), "{}", terminal.text());
    let run = yard.json(&["show", "latest", "--json"]);
    assert_eq!(run["state"], "running");
    yard.go();
    yard.until_run(run["run_id"].as_str().unwrap(), "success");
}

#[test]
fn ctrl_c_on_the_terminal_cancels_and_exits_130() {
    let yard = Yard::new();
    let mut terminal = yard.terminal(80, 24, &["run", "waits"]);
    terminal.until("a running task", |text| text.contains("RUN   waits"));
    terminal.press("\x03");
    assert_eq!(terminal.end(), 130);
    assert!(terminal.text().contains("canceled"), "{}", terminal.text());
    assert_eq!(yard.json(&["show", "latest", "--json"])["state"], "canceled");
}

#[test]
fn term_gives_the_terminal_back_and_the_run_goes_on() {
    let yard = Yard::new();
    let mut terminal = yard.terminal(80, 24, &["run", "waits"]);
    terminal.until("a running task", |text| text.contains("RUN   waits"));
    kill(terminal.pid(), Signal::SIGTERM).unwrap();
    assert_eq!(terminal.end(), 143);
    assert!(!terminal.cursor_is_hidden());
    assert_eq!(yard.json(&["show", "latest", "--json"])["state"], "running");
}

#[test]
fn a_stopped_view_comes_back() {
    let yard = Yard::new();
    let mut terminal = yard.terminal(80, 24, &["run", "waits"]);
    terminal.until("a running task", |text| text.contains("RUN   waits"));
    kill(terminal.pid(), Signal::SIGTSTP).unwrap();
    terminal.until("a cleared screen", |text| text.trim().is_empty());
    until("it is stopped", || terminal.is_stopped());
    kill(terminal.pid(), Signal::SIGCONT).unwrap();
    terminal.until("the view again", |text| text.contains("RUN   waits"));
    yard.go();
    assert_eq!(terminal.end(), 0);
}

#[test]
fn two_hundred_tasks_fit_a_small_terminal_before_and_after_a_resize() {
    let yard = Yard::new();
    let mut text = String::from("[tasks.t0]\nrun = \"while [ ! -e go ]; do sleep 0.02; done\"\n");
    for i in 1..200 {
        text.push_str(&format!("[tasks.t{i}]\nrun = \"true\"\nneeds = [\"t0\"]\n"));
    }
    yard.write("pipelines/many.toml", &text);
    let mut terminal = yard.terminal(80, 24, &["run", "many"]);
    terminal.until("the first task and the rest", |text| text.contains("RUN   t0") && text.contains("WAIT "));
    terminal.resize((40, 10));
    terminal.until("a smaller picture", |text| {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        first.contains("many #1") && text.contains("RUN   t0") && text.lines().count() <= 10
    });
    terminal.press("\x03");
    assert_eq!(terminal.end(), 130);
}

#[test]
fn the_log_of_a_task_cannot_reach_the_terminal_as_control_sequences() {
    let yard = Yard::new();
    yard.write(
        "pipelines/evil.toml",
        "[tasks.t]\nrun = \"printf '\\\\033]0;owned\\\\007\\\\033[2Jgone\\\\n'; while [ ! -e go ]; do sleep 0.02; done; exit 1\"\n",
    );
    let mut terminal = yard.terminal(80, 24, &["run", "evil"]);
    terminal.until("the line, made visible", |text| text.contains("␛[2Jgone"));
    yard.go();
    assert_eq!(terminal.end(), 1);
    assert!(!terminal.raw().contains("\x1b]0;") && !terminal.raw().contains("\x1b[2J"));
    let mut log = yard.terminal(80, 24, &["logs", "latest", "t"]);
    assert_eq!(log.end(), 0);
    assert!(log.text().contains("␛[2Jgone") && !log.raw().contains("\x1b[2J"), "{}", log.text());
}

#[test]
fn colour_is_not_used_where_it_is_not_wanted() {
    let yard = Yard::new();
    let mut plain = yard.terminal(80, 24, &["--color", "never", "run", "hello"]);
    assert_eq!(plain.end(), 0);
    assert!(!plain.raw().contains("\x1b[32m"), "{}", plain.raw());
    let mut colourful = yard.terminal(80, 24, &["runs"]);
    assert_eq!(colourful.end(), 0);
    assert!(colourful.raw().contains("\x1b[32m"), "{}", colourful.raw());
}

//! Journeys of a person at a terminal: the real program in a real pty, keys in, the screen read back.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;
use support::{Terminal, Yard, kill, lossy};

const FLAKY: &str = r#"
description = "One task fails until it is mended."

[params]
greeting = { type = "string", default = "hello" }
count = { type = "int", default = 3, min = 1, max = 9 }

[tasks.prepare]
run = "for i in $(seq 1 40); do echo preparing part $i; done"

[tasks.shaky]
needs = ["prepare"]
run = "echo ERROR no luck; test -e mended"

[tasks.after]
needs = ["shaky"]
run = "echo {{ params.greeting }} from after"
"#;

const SLOW: &str = r#"
[tasks.first]
run = "echo started; i=0; while ! test -e enough; do i=$((i+1)); echo part $i; sleep 0.05; done"

[tasks.second]
needs = ["first"]
run = "echo second"
"#;

const HOSTILE: &str = r#"
[tasks.shout]
run = "printf '\\033]0;owned\\007\\033[2J\\302\\233H\\033[31mred\\033[0m \\342\\200\\256abc\\n'"
"#;

const GROUPED: &str = r#"
[tasks.load]
group = "data"
run = "echo load"

[tasks.check]
group = "data"
needs = ["load"]
run = "test -e mended"

[tasks.train]
needs = ["check"]
run = "echo train"
"#;

fn fail_mend_and_retry(size: (u16, u16)) {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, size, &[], &[]);
    terminal.sees("NEW").sees("flaky").press("t").sees("greeting").press("\x13");
    terminal.sees("run 1").sees("FAIL").sees("UPST").sees("ERROR no luck");
    terminal.press("x").sees("nothing to cancel (run finished)");
    terminal.press("F").sees("Failure of shaky").sees("Last lines").press("\x1b").misses("Failure of shaky");
    terminal.press("\r").sees("Log · shaky").sees("FOLLOW").press("/luck").sees("match 1 of 1").press("\r").sees("n next");
    terminal.press("\x1b").misses("match 1 of 1").press("\x1b");
    terminal.sees("Graph").sees("Tasks");
    yard.write("mended", "");
    terminal.press("r").sees("retry queued").sees("run 1  ✓ OK");
    terminal
        .press("]")
        .sees("[Grid]")
        .sees("runs 1–1")
        .press("]")
        .sees("[Timeline]")
        .sees("critical path")
        .press("]")
        .sees("history")
        .sees("hello")
        .press("\r")
        .sees("run 1  ✓ OK");
    terminal.press("?").sees("Type to narrow").press("\x1b").misses("Type to narrow");
    terminal.press("w").sees("Why?").press("\x1b").misses("Why?");
    terminal.press("1").sees("PIPELINE").press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_task_fails_is_mended_and_retried_in_a_large_terminal() {
    fail_mend_and_retry((120, 35));
}

#[test]
fn a_task_fails_is_mended_and_retried_in_a_small_terminal() {
    fail_mend_and_retry((80, 24));
}

#[test]
fn a_log_is_read_and_searched_while_it_grows_and_the_run_is_canceled() {
    let yard = Yard::with(&[("slow", SLOW)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("slow").press("t").sees("Start the run").press("\r").sees("RUN").sees("part 30");
    terminal.press("\r").sees("Log · first").sees("FOLLOW").press("k").sees("PAUSED").sees("new below");
    terminal.press("/started").sees("match 1 of 1").press("\r").sees("n next").press("\x1b").misses("match 1 of 1");
    terminal.press("f").sees("FOLLOW").press("\x1b").sees("Tasks");
    terminal.press("w").sees("Why?").press("\x1b").misses("Why?");
    terminal.press("x").sees("Keep running").sees("1 running task").press("\r").misses("Keep running");
    terminal.press("x").sees("Keep running").press("y").sees("run 1  ⊘ CANC");
    terminal.press("q").sees("PIPELINE").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn two_terminals_and_a_command_line_see_the_same() {
    let yard = Yard::with(&[("slow", SLOW)]);
    let mut one = Terminal::open(&yard, (120, 35), &[], &[]);
    let mut two = Terminal::open(&yard, (80, 24), &[], &[]);
    one.sees("NEW");
    two.sees("NEW");
    let run = yard.start("slow");
    one.sees("▸ RUN").press("\r").sees("attempt 1/1").sees("part");
    two.sees("▸ RUN").press("\r").sees("attempt 1/1").press("x").sees("Keep running").press("y");
    one.sees("run 1  ⊘ CANC");
    two.sees("run 1  ⊘ CANC");
    assert_eq!(yard.until_run(&run, "canceled")["state"], "canceled");
}

#[test]
fn a_killed_engine_is_followed_by_another_under_the_eyes_of_the_terminal() {
    let yard = Yard::with(&[("slow", SLOW)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("slow").press("t").sees("Start the run").press("\r").sees("part 3");
    yard.until_task("latest", "first", "running");
    yard.kill_engine();
    terminal.sees("goes on with its runs");
    yard.write("enough", "");
    terminal.sees("run 1  ✓ OK");
}

#[test]
fn a_skipped_task_lets_the_others_go_on() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (100, 30), &[], &[]);
    terminal.sees("flaky").press("t").sees("Start the run").press("\x13").sees("FAIL").press("s").sees("SKIP").sees("run 1  ✓ OK");
    terminal.press("R").sees("Retry from").press("\r").misses("Retry from").press("q").sees("PIPELINE").press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_wrong_param_is_said_under_its_field_and_nothing_starts() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
    terminal
        .sees("flaky")
        .press("t")
        .sees("int 1…9")
        .press("\tmany\x13")
        .sees("1 problem")
        .sees("✗ not a number: \"many\"")
        .sees("Start the run");
    terminal.press("\x1b").sees("Esc again leaves").press("\x1b").misses("Start the run").sees("NEW").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

const TYPED: &str = r#"
[params]
rows = { type = "int", default = 3, min = 1, max = 9, group = "Reading" }
model = { choices = ["gbdt", "logistic"], default = "gbdt", group = "Training", description = "what is trained" }
fast = { type = "bool", default = false, group = "Training" }
api_token = { type = "secret" }

[tasks.train]
run = "echo {{ params.rows }} {{ params.model }} {{ params.fast }} with $API_TOKEN"
"#;

fn fill_in_and_start(size: (u16, u16)) {
    let yard = Yard::with(&[("typed", TYPED)]);
    let mut terminal = Terminal::open(&yard, size, &[], &[]);
    terminal.sees("typed").press("t").sees("api_token *").sees("secret, kept nowhere").press("\x13").sees("a value is needed");
    terminal.press("hunter2-long").sees("************").misses("a value is needed").press("\t12").sees("is at most 9").press("\x7f\x7f7");
    terminal.misses("is at most 9").press("\t\x1b[C").sees("< logistic >").press("\t ").sees("[x] true");
    terminal
        .sees("API_TOKEN=\"$API_TOKEN\" flowyard run typed")
        .press("\x1b")
        .sees("Esc again leaves")
        .press("\t")
        .misses("Esc again leaves");
    terminal.sees(">  Start the run").press("\r").sees("run 1  ✓ OK").sees("7 logistic true with ***");
    // The next form offers what was given; a secret is not among it.
    terminal
        .press("t")
        .sees("last 7")
        .press("\x12")
        .sees("the values of run 1")
        .sees("-p fast=true -p model=logistic -p rows=7")
        .press("\x13");
    terminal.sees("a value is needed").press("\x1b").sees("Esc again leaves").press("\x1b").misses("Start the run");
    terminal.press("!\t").sees("flowyard run typed").press("\x1b").press("\x03");
    assert_eq!(terminal.ends(), 0);
    assert!(!contains(&terminal.written, b"hunter2"));
    assert!(!yard.text(0, &["show", "latest", "--json"]).contains("hunter2"));
}

#[test]
fn a_form_is_filled_in_by_kind_and_the_secret_is_seen_nowhere() {
    fill_in_and_start((120, 35));
}

#[test]
fn a_form_is_filled_in_by_kind_and_the_secret_is_seen_nowhere_in_a_small_terminal() {
    fill_in_and_start((80, 24));
}

/// Each run waits until a file is there.
const NIGHTLY: &str = r#"
[tasks.load]
run = "echo {{ run.logical_date }} >> begun; while ! test -e go; do sleep 0.05; done"

[[triggers]]
cron = "0 2 * * *"
"#;

fn backfill_pause_and_go_on(size: (u16, u16)) {
    let yard = Yard::with(&[("nightly", NIGHTLY)]);
    let mut terminal = Terminal::open(&yard, size, &[], &[]);
    terminal.sees("nightly").press("b").sees("List the dates").press("2024-01-01\t2024-01-03\x13");
    terminal.sees("Start 3 runs, 1 at a time").sees("Wed 2024-01-03 02:00 UTC");
    assert!(!yard.state().join("flowyard.db").exists(), "the list is seen before anything is made");
    terminal.press("j\r").sees("backfill of nightly started").sees("0 of 3: 1 open").press("p").sees("p lets it go on");
    yard.write("go", "");
    terminal.sees("1 of 3: 1 succeeded").press("p").sees("3 of 3: 3 succeeded");
    assert_eq!(
        yard.read("begun").lines().map(|line| line.get(..10)).collect::<Vec<_>>(),
        ["2024-01-01", "2024-01-02", "2024-01-03"].map(Some)
    );
    terminal.press("\r").sees("run 1").sees("✓ OK").press("\x1b").sees("sort: attention").press("b").sees("New backfill").sees("3 of 3");
    assert_eq!(terminal.press("\x1b").misses("New backfill").press("q").ends(), 0);
}

#[test]
fn dates_are_backfilled_paused_and_gone_on_with_in_a_large_terminal() {
    backfill_pause_and_go_on((120, 35));
}

#[test]
fn dates_are_backfilled_paused_and_gone_on_with_in_a_small_terminal() {
    backfill_pause_and_go_on((80, 24));
}

#[test]
fn an_empty_workspace_and_a_broken_file_say_what_to_do() {
    let yard = Yard::with(&[]);
    yard.write("flowyard.toml", "");
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
    terminal.sees("Welcome").sees("Try the demo");
    yard.write("pipelines/broken.toml", "[tasks.a]\nrum = \"x\"\n");
    yard.write("pipelines/good.toml", "[tasks.a]\nrun = \"true\"\n");
    terminal.sees("ERR").sees("good").press("\r").sees("did you mean").press("\x1b").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn what_a_task_writes_cannot_act_on_the_terminal() {
    let yard = Yard::with(&[("hostile", HOSTILE)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("hostile").press("t").sees("Start the run").press("\r").sees("run 1  ✓ OK").sees("␛]0;owned^G").sees("red <U+202E>abc");
    terminal.press("\x03");
    assert_eq!(terminal.ends(), 0);
    assert!(!contains(&terminal.written, b"\x1b]0;"));
    assert!(!contains(&terminal.written, "\u{202e}".as_bytes()) && !contains(&terminal.written, "\u{9b}".as_bytes()));
}

/// What a terminal would obey, in every text that somebody else may have written.
const EVIL: &str = r#"
description = "\u001b]0;owned\u0007 \u202eevil"
owner = "\u009bowner"

[params.word]
default = "\u001b]0;param\u0007\u202e"
description = "\u001b]0;about\u0007"

[tasks.shout]
run = "printf '{\"m\\u001b]0;x\\u0007\\u202e\": 1}\\n' >> $FLOWYARD_METRICS; printf '\\033]0;error\\007 \\342\\200\\256broke\\n' >&2; exit 3"
"#;

#[test]
fn names_params_metrics_and_errors_cannot_act_on_the_terminal() {
    let yard = Yard::with(&[("evil", EVIL), ("b\u{1b}]0;file\u{7}\u{202e}", "[tasks.x\n")]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("evil").sees("b␛]0;file^G").press("j").sees("␛]0;owned^G");
    // The file that is broken, then the form, the failure, its reasons, the columns of the history, what is found by name.
    terminal.press("gg").sees("> ! ").press("\r").sees("Esc closes").press("\x1b").misses("Esc closes");
    terminal.press(":").sees("Command").press("evil").sees("evil").press("\r").sees("WAIT shout");
    terminal.press("t").sees("␛]0;param^G").sees("␛]0;about^G").press("\x13").sees("run 1  ✗ FAIL").sees("␛]0;error^G");
    terminal.press("F").sees("Failure of shout").sees("␛]0;error^G").press("\x1b").misses("Failure of shout");
    terminal.press("w").sees("Why?").press("\x1b").misses("Why?");
    terminal.press("]").sees("[Grid]").press("]").sees("[Timeline]").press("]").sees("[History]").sees("␛]0;pa");
    terminal.press(":").sees("Command").press("shout").press("\x1b").misses("Command").press("!").sees("Messages").press("\x1b");
    terminal.misses("Messages").press("\x03");
    assert_eq!(terminal.ends(), 0);
    for active in ["\u{1b}]0;", "\u{7}", "\u{202e}", "\u{9b}"] {
        assert!(!contains(&terminal.written, active.as_bytes()), "{active:?} in {}", lossy(&terminal.written));
    }
}

fn fold_and_find_failures(size: (u16, u16)) {
    let yard = Yard::with(&[("grouped", GROUPED)]);
    let first = yard.start("grouped");
    yard.until_run(&first, "failed");
    yard.write("mended", "");
    let second = yard.start("grouped");
    yard.until_run(&second, "success");
    let again = || Terminal::open(&yard, size, &[], &[]);
    let mut terminal = again();
    terminal.sees("grouped").press("\r").sees("run 2").press("]").sees("runs 1–2").sees("⊟ data  2").sees("load").sees("train");
    terminal.press("n").sees(">   check").sees("[✗]").press("c").sees("> ⊞ data  2").misses("   load").sees("2 tasks  ✓1 ✗1");
    terminal.press("\x03");
    assert_eq!(terminal.ends(), 0);
    let mut terminal = again();
    terminal.sees("> ⊞ data  2").misses("   load").press("\r").sees("> ✗ FAIL check");
    terminal.press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn groups_of_the_grid_fold_and_failures_are_found_in_a_large_terminal() {
    fold_and_find_failures((120, 35));
}

#[test]
fn groups_of_the_grid_fold_and_failures_are_found_in_a_small_terminal() {
    fold_and_find_failures((80, 24));
}

#[test]
fn what_was_looked_at_is_found_again_by_the_next_program() {
    let yard = Yard::with(&[("flaky", FLAKY), ("hello", HOSTILE), ("hostile", HOSTILE)]);
    let again = || Terminal::open(&yard, (120, 35), &[], &[]);
    let mut terminal = again();
    terminal.sees("flaky").press("o").sees("sort: name").press("/h\r").sees("filter: h").misses("flaky");
    terminal.press("j").sees("> · NEW  hostile").press("\x03");
    assert_eq!(terminal.ends(), 0);
    let mut terminal = again();
    terminal.sees("sort: name  filter: h").sees("> · NEW  hostile").misses("flaky");
    terminal.press("t").sees("Start the run").press("\r").sees("run 1  ✓ OK").sees("U+202E").press("\r").sees("Log · shout");
    terminal.press("#T").sees("1 ␛]0;owned").press("\x03");
    assert_eq!(terminal.ends(), 0);
    let mut terminal = again();
    terminal.sees("Log · shout").sees("1 ␛]0;owned").press("\x1b").sees("[Graph]").press("q").sees("filter: h").sees("✓ OK   hostile");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    let mut terminal = again();
    terminal.sees("filter: h").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn what_is_remembered_and_cannot_be_read_or_written_is_said_and_keeps_nobody_out() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let again = || Terminal::open(&yard, (120, 35), &[], &[]);
    let mut terminal = again();
    terminal.sees("flaky").press("o").sees("sort: name").press("q");
    assert_eq!(terminal.ends(), 0);
    let views = yard.file(".state/flowyard/views");
    let names = || std::fs::read_dir(&views).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let [file] = &names()[..] else { panic!("one file: {:?}", names()) };
    std::fs::write(file, "{\"version\": 1, ").unwrap();
    let mut terminal = again();
    terminal.sees("it is damaged").sees("sort: attention").press("o").sees("sort: name").press("q");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(names().len(), 2);
    std::fs::remove_dir_all(yard.file(".state")).unwrap();
    std::fs::write(yard.file(".state"), "not a folder").unwrap();
    let mut terminal = again();
    terminal.sees("how you left the views").sees("sort: attention").press("o").sees("sort: name").press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn one_goes_to_another_workspace_and_back_and_finds_both_as_they_were() {
    let yard = Yard::with(&[("flaky", FLAKY), ("hello", HOSTILE)]);
    yard.write("other/pipelines/churn.toml", HOSTILE);
    yard.write("other/pipelines/iris.toml", HOSTILE);
    yard.write("gone/pipelines/lost.toml", HOSTILE);
    for (folder, pipeline) in [("gone", "lost"), ("other", "churn")] {
        let mut terminal = Terminal::open(&yard, (80, 24), &["--workspace", folder], &[]);
        terminal.sees(pipeline).press("q");
        assert_eq!(terminal.ends(), 0);
    }
    std::fs::remove_dir_all(yard.file("gone")).unwrap();
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
    terminal.sees("flaky").press("/hel\r").sees("filter: hel").misses("flaky");
    terminal.press(":workspace\r").sees("Workspaces").sees("here").sees("/other").sees("not there").press("\r");
    terminal.sees("opened").sees("churn").sees("iris").misses("hello").press("j").sees("> · NEW  iris");
    terminal.press("t").sees("Start the run").press("\r").sees("run 1  ✓ OK");
    terminal.press(",w").sees("Workspaces").press("\r").sees("hello").sees("filter: hel").misses("flaky");
    terminal.press(",w").sees("not there").press("G").press("d").misses("not there").press("\r").misses("Workspaces");
    terminal.sees("iris").sees("run 1  ✓ OK").press("\x03");
    assert_eq!(terminal.ends(), 0);
    let journal = String::from_utf8(yard.output(&["--workspace", "other", "runs", "--json"]).stdout).unwrap();
    assert!(journal.contains("iris") && !yard.text(0, &["runs", "--json"]).contains("iris"));
}

const TALKATIVE: &str = r#"
[tasks.talk]
run = """
seq -f 'INFO line %.0f' 1 60000
echo 'ERROR the disk is slow'
seq -f 'DEBUG detail %.0f' 1 500
printf '\\033[32mgreen\\033[0m 10%%\\r 100%% done\\n'
"""

[tasks.answer]
needs = ["talk"]
run = "echo heard"
"#;

#[test]
fn a_long_log_is_searched_sieved_saved_and_seen_with_others() {
    let yard = Yard::with(&[("talkative", TALKATIVE)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("talkative").press("t").sees("Start the run").press("\r").sees("run 1  ✓ OK").press("gg\r");
    terminal.sees("Log · talk").sees("60 502 lines").sees("100% done").misses("10%");
    terminal.press("{").sees("▐").sees("ERROR the disk").press("}").sees("no more errors");
    terminal.press("gg").sees("INFO line 1 ").press("/line 5999[0-9]").sees("match 1 of 10 · regex").press("\r").sees("n next");
    terminal.press("n").sees("match 2 of 10").press("\x1b").misses("match 2");
    terminal.press(">").sees("min INFO").sees("500 hidden").press("<").misses("hidden");
    terminal
        .press("&slow\r")
        .sees("filter: slow")
        .sees("60 501 hidden")
        .press("S")
        .sees("save to: talk-1.log")
        .press("\r")
        .sees("saved 1 line");
    assert_eq!(std::fs::read_to_string(yard.path().join("talk-1.log")).unwrap(), "ERROR the disk is slow\n");
    terminal.press("S").sees("save to:").press("\r").sees("is there already").press("\x1b").misses("save to:").press("\x1b");
    terminal.misses("filter:");
    terminal
        .press("G")
        .sees("100% done")
        .press("Vk")
        .sees("2 lines chosen")
        .press("yy")
        .sees("copied 2 lines")
        .press("\x1b")
        .misses("lines chosen");
    terminal.press("A").sees("all tasks · 2 attempts").sees("heard").press("A").sees("Log · talk");
    terminal.press("|").sees("Log · answer").sees("Log · talk").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_comes_back() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (40, 10), &[], &[]);
    terminal.sees("too small: 40x10, need 60x15");
    for size in [(60, 15), (79, 24), (200, 60), (1, 1), (120, 35)] {
        terminal.resize(size);
        terminal.until("the new size", |screen| screen.contains("flaky") || size == (1, 1));
    }
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn nothing_is_written_while_nothing_happens() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("flaky").sees("engine idle");
    while !terminal.is_quiet_for(Duration::from_millis(500)) {}
    assert!(terminal.is_quiet_for(Duration::from_secs(3)));
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_signal_gives_the_terminal_back_and_is_told_in_the_exit_code() {
    for (signal, code) in [(nix::sys::signal::SIGTERM, 143), (nix::sys::signal::SIGHUP, 129)] {
        let yard = Yard::with(&[("flaky", FLAKY)]);
        let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
        terminal.sees("flaky");
        nix::sys::signal::kill(terminal.pid(), signal).unwrap();
        assert_eq!(terminal.ends(), code);
    }
}

#[test]
fn without_colours_the_selection_is_reversed_and_no_colour_is_written() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[("NO_COLOR", "1")]);
    terminal.sees("flaky");
    let screen = terminal.screen.screen();
    let row = (0..24).find(|row| screen.contents_between(*row, 0, *row, 80).contains("flaky")).unwrap();
    assert!(screen.cell(row, 5).unwrap().inverse());
    assert!(!contains(&terminal.written, b"38;5") && !contains(&terminal.written, b"38;2"));
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_theme_is_chosen_and_kept_and_nothing_else_in_the_settings_changes() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let settings = "# mine\n[keys.global]\nretry = [\"f5\"]\n";
    yard.write(".config/flowyard/config.toml", settings);
    yard.write(".config/flowyard/themes/mine.toml", "[meta]\ninherits = \"nord\"\n[tokens]\nbg = \"#010203\"\n");
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("flaky").press(",t").sees("> default-dark").press("j").sees("> default-light");
    terminal.press("\x1b").misses("> default-light").press(",t").sees("> default-dark");
    for _ in 0..12 {
        terminal.press("j");
    }
    terminal.sees("> mine").sees("yours").press("\r").sees("theme mine is kept");
    assert!(contains(&terminal.written, b"48;2;1;2;3"));
    support::until("the settings name it", || {
        yard.read(".config/flowyard/config.toml") == format!("{settings}\n[theme]\nname = \"mine\"\n")
    });
    yard.write(".config/flowyard/themes/mine.toml", "[meta]\ninherits = \"nord\"\n[tokens]\nbg = \"#040506\"\n");
    terminal.writes(b"48;2;4;5;6");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_light_terminal_gets_a_light_theme_and_its_late_answer_is_no_key() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
    terminal.sees("flaky");
    assert!(contains(&terminal.written, b"\x1b]11;?\x1b\\\x1b[c"));
    terminal.press("\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;4c");
    terminal.writes(b"48;2;251;251;248");
    assert!(!terminal.text().contains("does nothing here"), "{}", terminal.text());
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn the_terminal_is_not_asked_where_its_answer_changes_nothing() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    for (arguments, environment) in [(&["--theme", "nord"][..], &[][..]), (&[], &[("NO_COLOR", "1")])] {
        let mut terminal = Terminal::open(&yard, (80, 24), arguments, environment);
        terminal.sees("flaky").press("q");
        assert_eq!(terminal.ends(), 0);
        assert!(!contains(&terminal.written, b"\x1b]11;?"));
    }
}

#[test]
fn looking_only_never_starts_anything() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (80, 24), &["--read-only"], &[]);
    terminal.sees("flaky").sees("read-only").press("t").sees("looking only").press("q");
    assert_eq!(terminal.ends(), 0);
    assert!(!yard.path().join(".flowyard").exists());
}

const GATED: &str = r#"
[tasks.deploy]
approval = true
run = "echo deployed"
"#;

#[test]
fn a_person_approves_and_the_task_goes_on_then_clears_it_and_takes_that_back() {
    let yard = Yard::with(&[("gated", GATED)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("gated").press("t").sees("Start the run").press("\r").sees("1 to approve");
    terminal.press("a").sees("Not now").press("looks good").press("\r").sees("again throws the note away");
    terminal.press("\x1b").misses("Not now").sees("1 to approve");
    terminal.press("a").sees("Not now").press("looks good").press("\t\r").misses("Not now").sees("run 1  ✓ OK").sees("deployed");
    terminal.press("m").sees("Clear it and downstream").press("j\r").sees("Leave as it is").press("y").misses("Leave as it is");
    terminal.sees("1 to approve").press("U").sees("Take it back").press("y").misses("Take it back").sees("run 1  ✓ OK");
    terminal.press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_shell_an_editor_and_a_program_of_the_user_get_the_terminal_and_give_it_back() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    yard.write(".config/flowyard/config.toml", "[[commands]]\nkeys = \"f6\"\nrun = \"sh -c 'echo read of $1; read x' sh {log}\"\n");
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[("EDITOR", "sh -c 'cat $1; read x' sh"), ("SHELL", "/bin/sh")]);
    terminal.sees("flaky").press("ge").sees("[tasks.shaky]").press("\r").sees("PIPELINE");
    terminal.press("t").sees("Start the run").press("\x13").sees("run 1  ✗ FAIL");
    terminal.press("gs").sees("attempt 1 of `shaky` ran in").press("echo I am in $FLOWYARD_TASK\r").sees("I am in shaky");
    // The shell forgets what was typed before its next prompt.
    let prompt = |screen: &str| screen.rsplit_once("^C").is_some_and(|(_, after)| !after.trim().is_empty());
    terminal.press("\x03").until("a new prompt", prompt).press("exit 0\r").sees("Tasks").sees("run 1  ✗ FAIL");
    terminal.press("\x1b[17~").sees("read of").sees("stdout.log").press("\r").sees("Tasks").sees("run 1  ✗ FAIL");
    terminal.press("q").sees("PIPELINE").press("\x1b[17~").sees("no attempt is selected").press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn the_keys_are_those_of_the_user() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    yard.write(".config/flowyard/config.toml", "[keys.global]\ntrigger = \"f5\"\nretry = \"q\"\n");
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("F5 trigger").sees("not in order").press("t").sees("t: does nothing here");
    terminal.press("\x1b[15~").sees("Start the run").press("\x1b").misses("Start the run").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

const CROWDED: &str = r#"
[tasks.holder]
pool = "narrow"
run = "while ! test -e enough; do sleep 0.05; done"

[tasks.waiter]
pool = "narrow"
run = "echo at last"
"#;

#[test]
fn the_place_of_resources_shows_what_waits_and_why() {
    let yard = Yard::with(&[("crowded", CROWDED)]);
    yard.write("flowyard.toml", "[pools]\nnarrow = 1\n");
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("crowded").press("6").sees("no engine runs").press("1").sees("PIPELINE");
    terminal.press("t").sees("Start the run").press("\r").sees("run 1  ▸").press("6");
    terminal.sees("crowded #1").sees("waits for 1 of pool `narrow`: 1 of 1 slots are in use").sees("pool narrow");
    yard.write("enough", "");
    terminal.sees("nothing waits").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

const BY_ITSELF: &str = r#"
[[triggers]]
every = "1s"

[tasks.tick]
run = "echo tick"
"#;

#[test]
fn a_trigger_is_turned_on_fires_under_the_eyes_of_the_person_and_is_turned_off() {
    let yard = Yard::with(&[("by_itself", BY_ITSELF)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("by_itself").press("5").sees("‖ OFF by_itself").sees("every 1s").sees("it never fired");
    terminal.press("p").sees("next fire").sees("● ON  by_itself").sees("▸ started").sees("#1");
    terminal.press("\t").press("G").press("\r").sees("by_itself ▸ run").sees("✓ OK").press("q").sees("Past fires");
    terminal.press("p").sees("‖ OFF by_itself").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

/// Everything in a folder, with what is in it.
fn contents(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            all.extend(contents(&path));
            all.push((path, Vec::new()));
        } else {
            all.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn looking_at_a_folder_without_a_workspace_changes_nothing_in_it() {
    for arguments in [&[][..], &["--in-process"], &["--read-only"]] {
        let yard = Yard::empty();
        yard.write("notes/mine.txt", "mine");
        let before = contents(yard.path());
        let mut terminal = Terminal::open(&yard, (120, 35), arguments, &[]);
        terminal.sees("Welcome").sees("Try the demo").sees("pipelines/demo.toml  4.").sees("This machine").sees("core");
        terminal.press("j").sees("> New pipeline").press("\r");
        if arguments != ["--read-only"] {
            terminal.sees("Write the file").press("\x1b").misses("Write the file");
        }
        terminal
            .press("j")
            .sees("> Open another")
            .press("\r")
            .press("/nowhere\r")
            .sees("make the folder first")
            .press("\x1b")
            .misses("make the folder first");
        terminal.press("\x1b").sees("Enter open");
        terminal.press("2").press("6").press("1").sees("Welcome").press("q");
        assert_eq!(terminal.ends(), 0);
        assert_eq!(contents(yard.path()), before, "{arguments:?}");
        assert!(support::processes_below(yard.path()).is_empty());
    }
}

fn through_the_demo(size: (u16, u16), arguments: &[&str]) {
    let yard = Yard::empty();
    let mut terminal = Terminal::open(&yard, size, arguments, &[]);
    terminal.sees("> Try the demo").press("\r").sees("demo ▸ run 1").sees("RTRY").sees("choose a task");
    terminal.press("j").sees("Enter opens its log").misses("choose a task");
    terminal
        .sees("evaluate_model failed: j k choose it")
        .press("G")
        .press("k")
        .sees("on purpose")
        .press("\r")
        .sees("Log · evaluate_model")
        .sees("goes back")
        .press("\x1b");
    terminal.sees("F what is known").press("F").sees("Failure of evaluate_model").press("\x1b").misses("Failure of");
    terminal
        .press("r")
        .sees("deploy_model waits for you: j k choose it")
        .press("j")
        .sees("a approves")
        .press("a")
        .sees("Not now")
        .press("\t\r");
    terminal.sees("run 1  ✓ OK").sees("Done: accuracy 0.93 passed the gate").press("q").sees("PIPELINE").sees("OK");
    let run = yard.show("latest");
    assert_eq!((&run["pipeline"], &run["state"]), (&"demo".into(), &"success".into()));
    terminal.press("U").sees("Remove the demo?").press("\r").misses("Remove the demo?");
    terminal.press("U").sees("Remove the demo?").press("y").sees("Welcome").press("q");
    assert_eq!(terminal.ends(), 0);
    let left: Vec<_> = contents(yard.path()).into_iter().filter(|(path, _)| path.is_file()).collect();
    assert!(!yard.file("pipelines").exists() && !yard.state().exists());
    assert!(left.iter().all(|(path, text)| path.ends_with("workspaces.json") && !contains(text, b"flowyard-test")), "{left:?}");
}

#[test]
fn the_demo_is_gone_through_by_keys_in_a_large_terminal() {
    through_the_demo((120, 35), &[]);
}

#[test]
fn the_demo_is_gone_through_by_keys_in_a_small_terminal_with_the_engine_inside() {
    through_the_demo((80, 24), &["--in-process"]);
}

#[test]
fn a_pipeline_of_ones_own_is_written_selected_and_run() {
    let yard = Yard::empty();
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
    terminal.sees("Welcome").press("j\r").sees("Write the file").press("churn\x13").sees("wrote pipelines/churn.toml").sees("NEW");
    assert!(yard.read("pipelines/churn.toml").starts_with("# Three steps"));
    assert!(!yard.state().exists());
    terminal.press("t").sees("Start the run").press("\x13").sees("run 1  ✓ OK").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn another_folder_is_opened_and_has_its_own_pipelines() {
    let yard = Yard::empty();
    yard.write("other/pipelines/flaky.toml", FLAKY);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("Welcome").press("G\r").press("other\r").sees("opened ").sees("flaky").sees("NEW").press("t").sees("greeting");
    terminal.press("\x13").sees("run 1  ✗ FAIL").press("\x03");
    assert_eq!(terminal.ends(), 0);
    assert!(yard.file("other/.flowyard").exists() && !yard.state().exists());
    assert!(yard.command(&["--workspace", "other", "engine", "stop"]).output().unwrap().status.success());
}

#[test]
fn where_nothing_can_be_written_the_demo_runs_in_a_folder_that_need_not_last() {
    let yard = Yard::empty();
    yard.write("closed/note", "");
    yard.write("temporary/note", "");
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(yard.file("closed"), Some(65_534), None).unwrap();
    } else {
        std::fs::set_permissions(yard.file("closed"), std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    }
    let temporary = yard.file("temporary").to_str().unwrap().to_owned();
    let mut terminal = Terminal::open(&yard, (120, 35), &["--workspace", "closed"], &[("TMPDIR", &temporary)]);
    terminal.sees("> Try the demo").sees("Not here").sees("in a temporary folder").press("\r").sees("demo ▸ run 1").sees("RTRY");
    assert_eq!(std::fs::read_dir(yard.file("closed")).unwrap().count(), 1);
    let folder = std::fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    assert!(folder.join("pipelines/demo.toml").exists());
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&folder.metadata().unwrap()) & 0o777, 0o700);
    terminal.press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn anything_is_found_by_its_name_and_what_was_said_is_read_again() {
    let yard = Yard::with(&[("flaky", FLAKY), ("slow", SLOW)]);
    let mut terminal = Terminal::open(&yard, (80, 24), &[], &[]);
    terminal.sees("flaky").press(":").sees("Command").press("slow").sees("slow").press("\r").sees("never ran").sees("second");
    terminal.press("x").sees("never ran").press("!").sees("Messages").sees("Said 1").sees("starts a run");
    terminal.press("\t").sees("nothing was done yet").press("\x1b").misses("Messages");
    terminal.press(":").sees("Command").press("gruvbox").sees("Theme gruvbox-dark").press("\x1b").misses("Command");
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

/// Where words stand on the screen, as a terminal tells it: counted from 1.
fn place(terminal: &Terminal, words: &str) -> (usize, usize) {
    let text = terminal.text();
    let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains(words)).unwrap_or_else(|| panic!("{words}\n{text}"));
    (line[..line.find(words).unwrap()].chars().count() + 1, row + 1)
}

#[test]
fn the_pointer_selects_opens_chooses_lines_and_can_be_turned_off() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    yard.text(1, &["run", "flaky"]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    let click = |terminal: &mut Terminal, words: &str| {
        let (column, row) = place(terminal, words);
        terminal.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    };
    terminal.sees("flaky").press("\r").sees("> ✗ FAIL shaky").sees("boxes TB");
    // In the drawing, not in the list beside it.
    click(&mut terminal, "✓ prepare");
    terminal.sees("> ✓ OK   prepare").sees("preparing part 40");
    click(&mut terminal, "Enter open");
    terminal.sees("Log · prepare").sees("40 lines").sees("preparing part 23").sees("preparing part 20");
    let ((column, from), (_, to)) = (place(&terminal, "preparing part 20"), place(&terminal, "preparing part 23"));
    terminal.press(&format!("\x1b[<0;{column};{from}M\x1b[<32;{column};{to}M\x1b[<0;{column};{to}m")).sees("copied 4 lines");
    click(&mut terminal, "Pipelines ▸");
    terminal.sees("LAST RUN").press(",m").sees("mouse off").writes(b"\x1b[?1000l");
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_pane_is_zoomed_and_a_program_that_gave_the_terminal_back_goes_on_where_it_was() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    yard.text(1, &["run", "flaky"]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("flaky").press("\r").sees("> ✗ FAIL shaky").sees("┏━ Graph").press("z").misses("┏━ Graph").sees("shaky");
    // No shell is here that could go on with it, so the system does not stop it: it gives the terminal back and takes it again.
    terminal.press("\x1a").writes(b"\x1b[?1049l").sees("shaky").press("z").sees("┏━ Graph");
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_key_that_comes_with_a_new_size_is_not_lost() {
    let yard = Yard::with(&[("flaky", FLAKY), ("slow", SLOW)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("NEW  flaky").sees("NEW  slow").press("j").sees("> · NEW  slow");
    for (columns, sort) in [(110, "name"), (100, "last run"), (90, "attention")] {
        terminal.resize((columns, 30));
        terminal.press("o").sees(&format!("sort: {sort}"));
    }
    // More than is read at once.
    terminal.press(&"jk".repeat(600)).press("/slow").sees("/slow").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_pipeline_that_never_ran_is_followed_when_somebody_else_starts_it() {
    let yard = Yard::with(&[("flaky", FLAKY)]);
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("NEW  flaky").press("\r").sees("never ran").sees("WAIT shaky");
    yard.text(1, &["run", "flaky"]);
    terminal.sees("run 1  ✗ FAIL").press("q").sees("LAST RUN").press("\x03");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn an_engine_that_does_not_answer_is_told_and_so_is_its_coming_back() {
    let yard = Yard::with(&[("slow", SLOW)]);
    let run = yard.start("slow");
    yard.until_task(&run, "first", "running");
    let mut terminal = Terminal::open(&yard, (120, 35), &[], &[]);
    terminal.sees("RUN  slow").sees("engine up");
    let engine = yard.engine().unwrap();
    kill(engine, "STOP");
    terminal.sees("engine does not answer").press("!").sees("Messages").sees("kill -CONT").press("\x1b").misses("Messages");
    kill(engine, "CONT");
    terminal.sees("engine up").press("\x03");
    assert_eq!(terminal.ends(), 0);
    yard.write("enough", "");
    yard.until_run(&run, "success");
}

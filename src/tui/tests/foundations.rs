//! What every view shares: the palette, help, the keys that may follow, the messages, copying.

use super::*;
use crate::tui::world::Tone;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

#[test]
fn the_palette_finds_actions_pipelines_runs_and_tasks_and_says_why_not() {
    pictures("palette", |size| {
        let mut app = failed_run(size);
        press(&mut app, ":");
        type_text(&mut app, "ret");
        app
    });
    let mut app = failed_run((120, 35));
    press(&mut app, ":");
    type_text(&mut app, "cancel");
    assert!(screen(&app).contains("nothing to cancel (run finished)"), "{}", screen(&app));
    press(&mut app, "ctrl-u");
    type_text(&mut app, "#eval");
    press(&mut app, "enter");
    assert!(screen(&app).contains("Log · evaluate_model"), "{}", screen(&app));
}

#[test]
fn where_nothing_is_called_so_that_is_said() {
    for (name, key) in [("palette_none", ":"), ("help_none", "?")] {
        pictures(name, |size| {
            let mut app = failed_run(size);
            press(&mut app, key);
            type_text(&mut app, "quux");
            app
        });
    }
}

#[test]
fn a_word_that_names_something_finds_that_first() {
    let first = |word: &str| {
        let mut app = failed_run((120, 35));
        press(&mut app, ":");
        type_text(&mut app, word);
        screen(&app).lines().find(|line| line.contains("┃ > ")).unwrap_or_default().to_owned()
    };
    for word in ["q", "quit"] {
        assert!(first(word).contains("Leave at once"), "{}", first(word));
    }
    assert!(first("log").contains("Log of"), "{}", first("log"));
    assert!(first("retry").contains("Retry"), "{}", first("retry"));
    let mut app = failed_run((120, 35));
    press(&mut app, ":");
    type_text(&mut app, "q");
    press(&mut app, "enter");
    assert_eq!(app.exit(), Some(Ok(0)));
}

#[test]
fn a_mistyped_key_is_told_and_not_kept() {
    let mut app = failed_run((120, 35));
    press(&mut app, "Q Q Z");
    assert!(screen(&app).contains("Z: does nothing here") && screen(&app).contains("[Graph] Grid"), "{}", screen(&app));
    assert!(app.world.record.messages.is_empty());
}

#[test]
fn the_failure_of_what_was_not_run_is_that_of_its_cause() {
    let mut app = failed_run((120, 35));
    press(&mut app, "G F");
    assert!(screen(&app).contains("Failure of evaluate_model"), "{}", screen(&app));
    press(&mut app, "esc");
    assert!(screen(&app).contains("> ✗ FAIL evaluate_model"), "{}", screen(&app));
}

#[test]
fn colours_in_a_description_are_seen_as_what_they_are() {
    let mut app = fixtures::app((120, 35));
    let mut rows = fixtures::pipelines();
    rows.iter_mut().for_each(|row| row.description = "\u{1b}[31mred\u{1b}[0m".into());
    tell(&mut app, Msg::Pipelines(Ok(rows)));
    press(&mut app, "j j");
    assert!(screen(&app).contains("␛[31mred␛[0m"), "{}", screen(&app));
}

#[test]
fn what_was_chosen_by_name_tells_its_key_three_times_and_comes_first_next_time() {
    let mut app = failed_run((120, 35));
    for times in 1..=4 {
        press(&mut app, "ctrl-p");
        type_text(&mut app, "why is it");
        press(&mut app, "enter");
        assert_eq!(app.take_asks().iter().filter(|ask| matches!(ask, Ask::Why { .. })).count(), 1);
        let told = screen(&app).contains("w why · change keys with ,k");
        assert_eq!(told, times <= 3, "{times}: {}", screen(&app));
        app.world.toasts.clear();
    }
    press(&mut app, ":");
    let first = screen(&app).lines().find(|line| line.contains("> ")).unwrap_or_default().to_owned();
    assert!(screen(&app).contains("used lately"), "{first}\n{}", screen(&app));
    pictures("palette_recent", |size| {
        let mut app = failed_run(size);
        press(&mut app, ":");
        type_text(&mut app, "why is it");
        press(&mut app, "enter :");
        app
    });
}

#[test]
fn whoever_waits_after_the_first_of_two_keys_is_shown_what_may_follow() {
    let wait = |mut app: App| {
        app.tick(fixtures::now() + chrono::Duration::milliseconds(400));
        app
    };
    for (name, key) in [("which_go", "g"), ("which_copy", "y"), ("which_settings", ",")] {
        pictures(name, |size| {
            let mut app = failed_run(size);
            press(&mut app, key);
            wait(app)
        });
    }
    let mut app = failed_run((120, 35));
    press(&mut app, "y");
    assert_eq!(app.next_tick(fixtures::now()), Some(std::time::Duration::from_millis(400)));
    app.tick(fixtures::now() + chrono::Duration::milliseconds(399));
    assert!(!screen(&app).contains("Copy the id"), "too early");
    let mut app = wait(app);
    assert!(screen(&app).contains("Copy the id"));
    press(&mut app, "i");
    assert!(!screen(&app).contains("Copy the id") && !app.take_chores().is_empty());
    press(&mut app, "y esc");
    assert!(!screen(&app).contains("does nothing"), "{}", screen(&app));
}

#[test]
fn everything_said_and_done_can_be_read_again() {
    let said_and_done = |size| {
        let mut app = failed_run(size);
        press(&mut app, "x r");
        let retry = Command::Retry { run: "run-12".into(), task: Some("evaluate_model".into()), downstream: false };
        tell(&mut app, Msg::Reply(retry, Ok(Reply::Done { message: "retry queued".into(), run: None })));
        press(&mut app, "s");
        let skip = Command::Skip { run: "run-12".into(), task: "evaluate_model".into() };
        tell(&mut app, Msg::Reply(skip, Ok(Reply::Refused { why: "the task is running; cancel it first".into() })));
        app
    };
    let mut app = said_and_done((120, 35));
    assert!(screen(&app).contains("! 1 to read"), "{}", screen(&app));
    press(&mut app, "!");
    assert!(!screen(&app).contains("1 to read"), "seen");
    pictures("messages", |size| {
        let mut app = said_and_done(size);
        press(&mut app, "!");
        app
    });
    pictures("command_log", |size| {
        let mut app = said_and_done(size);
        press(&mut app, "! tab");
        app
    });
    press(&mut app, "tab j y");
    let line = "flowyard retry run-12 evaluate_model";
    assert_eq!(app.take_chores(), [Chore::Copy(line.to_owned())]);
}

#[test]
fn nothing_said_and_nothing_done_is_told_too() {
    picture("messages_empty", (80, 24), |size| {
        let mut app = home(size);
        press(&mut app, "!");
        app
    });
}

#[test]
fn a_failure_stays_to_be_read_however_many_messages_pass() {
    let mut app = home((120, 35));
    app.complain("the disk is full".to_owned());
    app.tick(fixtures::now() + chrono::Duration::seconds(60));
    assert!(app.world.toasts.is_empty() && screen(&app).contains("! 1 to read"), "{}", screen(&app));
    assert_eq!(app.world.record.messages.back().map(|message| message.tone), Some(Tone::Bad));
}

/// Clicks the first place where these words stand.
pub fn click(app: &mut App, words: &str) {
    let screen = screen(app);
    let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(words)).unwrap_or_else(|| panic!("{words}\n{screen}"));
    let column = crate::tui::text::width(&line[..line.find(words).unwrap()]);
    point(app, MouseEventKind::Down(MouseButton::Left), column, row);
}

fn point(app: &mut App, kind: MouseEventKind, column: usize, row: usize) {
    let at = |n| u16::try_from(n).unwrap();
    tell(app, Msg::Mouse(MouseEvent { kind, column: at(column), row: at(row), modifiers: KeyModifiers::NONE }));
}

#[test]
fn a_click_selects_a_double_click_opens_and_a_pane_gets_the_keys() {
    let mut app = home((120, 35));
    click(&mut app, "nightly");
    let selected = screen(&app).lines().find(|line| line.contains("┃>")).unwrap().to_owned();
    assert!(selected.contains("nightly"), "{selected}");
    let mut app = failed_run((120, 35));
    click(&mut app, "✓ OK   validate_data");
    assert!(screen(&app).contains("┏━ Tasks"), "{}", screen(&app));
    assert!(screen(&app).contains("> ✓ OK   validate_data"), "{}", screen(&app));
    click(&mut app, "✓ OK   validate_data");
    assert!(screen(&app).contains("▸ validate_data"), "the log is open: {}", screen(&app));
}

#[test]
fn hints_places_crumbs_and_tabs_can_be_clicked() {
    let mut app = failed_run((120, 35));
    click(&mut app, "r retry");
    assert_eq!(sent(&mut app).len(), 1);
    assert!(screen(&app).contains("r retry · change keys with ,k"), "{}", screen(&app));
    app.world.toasts.clear();
    click(&mut app, "History");
    assert!(screen(&app).contains("[History]"), "{}", screen(&app));
    click(&mut app, "Graph");
    assert!(screen(&app).contains("[Graph]"), "{}", screen(&app));
    press(&mut app, "enter");
    click(&mut app, "run 12");
    assert!(screen(&app).contains("[Graph]"), "{}", screen(&app));
    click(&mut app, "Pipelines ▸");
    assert!(screen(&app).contains("PIPELINE"), "{}", screen(&app));
    click(&mut app, "6 Resources");
    assert!(screen(&app).contains("▌6 Resources▐"), "{}", screen(&app));
}

#[test]
fn the_wheel_scrolls_what_is_under_the_pointer_and_the_keys_stay() {
    let mut app = failed_run((120, 35));
    let graph = screen(&app).contains("┏━ Graph");
    point(&mut app, MouseEventKind::ScrollUp, 100, 4);
    assert!(graph && screen(&app).contains("┏━ Graph") && screen(&app).contains("> ✓ OK   extract_data"), "{}", screen(&app));
}

#[test]
fn over_a_dialog_only_the_dialog_can_be_clicked() {
    let mut app = failed_run((120, 35));
    press(&mut app, "?");
    click(&mut app, "6 Resources");
    assert!(screen(&app).contains("Type to narrow"), "{}", screen(&app));
    point(&mut app, MouseEventKind::Down(MouseButton::Left), 14, 34);
    assert!(!screen(&app).contains("Type to narrow"), "{}", screen(&app));
}

#[test]
fn one_key_turns_the_mouse_off_and_on() {
    let mut app = home((120, 35));
    press(&mut app, ", m");
    assert_eq!(app.take_chores(), [Chore::Mouse(false)]);
    assert!(screen(&app).contains("mouse off"), "{}", screen(&app));
    press(&mut app, ", m");
    assert_eq!(app.take_chores(), [Chore::Mouse(true)]);
}

#[test]
fn a_zoomed_pane_has_no_frame() {
    let zoomed = |size| {
        let mut app = failed_run(size);
        press(&mut app, "tab tab z");
        app
    };
    pictures("zoom_log", zoomed);
    let text = screen(&zoomed((120, 35)));
    assert!(!text.contains(|c| "─│┃━╭╮╰╯┏┓┗┛├┤┬┴┼".contains(c)), "{text}");
    assert!(text.contains("[Graph]") && text.contains("ERROR the gate said no") && !text.contains("✓ OK   extract_data"), "{text}");
    let mut app = zoomed((120, 35));
    press(&mut app, "z");
    assert!(screen(&app).contains("┏━ Log"), "{}", screen(&app));
}

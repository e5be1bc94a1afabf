//! Logs: followed, searched, sieved, chosen, saved, merged, side by side; from a real disk through the real desk.

use super::{SIZES, full_log, picture, pictures, run, running_run};
use crate::{
    stdx::sanitize,
    tui::{
        app::{App, Chore},
        fixtures::{self, LogShelf, drawn, press, screen, tell, type_text},
        theme::{Glyphs, color::Depth},
        world::Msg,
    },
};

/// The full log of the task that runs, read from the disk.
fn from_disk(size: (u16, u16), lines: &[impl AsRef<[u8]>]) -> (App, LogShelf) {
    let mut library = LogShelf::new();
    library.write("trainer", 1, lines, 0);
    let mut app = run(size, fixtures::running());
    library.serve(&mut app);
    library.press(&mut app, "enter");
    (app, library)
}

fn long(count: usize) -> Vec<String> {
    fixtures::training_lines(count)
}

/// A picture of the log of so many lines after some keys.
fn after(name: &str, count: usize, keys: &str) {
    pictures(name, |size| {
        let (mut app, mut library) = from_disk(size, &long(count));
        library.press(&mut app, keys);
        app
    });
}

fn search(app: &mut App, library: &mut LogShelf, text: &str) {
    library.press(app, "/");
    type_text(app, text);
    library.serve(app);
    library.press(app, "enter");
}

fn filter(app: &mut App, library: &mut LogShelf, text: &str) {
    library.press(app, "&");
    type_text(app, text);
    library.press(app, "enter");
}

#[test]
fn the_log_fills_the_screen() {
    pictures("log", full_log);
}

#[test]
fn before_anything_was_read_and_where_nothing_was_written_that_is_said() {
    pictures("log_loading", |size| {
        let mut app = run(size, fixtures::running());
        press(&mut app, "enter");
        app
    });
    pictures("log_empty", |size| from_disk(size, &[] as &[&str]).0);
    // Its folder was deleted.
    pictures("log_gone", |size| {
        let mut library = LogShelf::new();
        let mut app = super::failed_run(size);
        library.serve(&mut app);
        library.press(&mut app, "enter");
        app
    });
}

#[test]
fn a_log_that_cannot_be_read_says_why() {
    pictures("log_error", |size| {
        let mut library = LogShelf::new();
        library.unreadable("trainer", 1);
        let mut app = run(size, fixtures::running());
        library.serve(&mut app);
        library.press(&mut app, "enter");
        app
    });
}

#[test]
fn a_long_log_is_read_where_one_looks() {
    let (mut app, mut library) = from_disk((120, 35), &long(200_000));
    assert!(screen(&app).contains("FOLLOW · 200 000 lines"), "{}", screen(&app));
    library.press(&mut app, "g g #");
    assert!(screen(&app).contains("     1 14:01:11.000 INFO  epoch 0: loss 1.0000"), "{}", screen(&app));
    for _ in 0..40 {
        library.press(&mut app, "pagedown");
    }
    assert!(screen(&app).contains("epoch 1120:"), "{}", screen(&app));
    library.press(&mut app, "G");
    assert!(screen(&app).contains("epoch 199999"), "{}", screen(&app));
    pictures("log_huge", |size| {
        let (mut app, mut library) = from_disk(size, &long(200_000));
        library.press(&mut app, "#");
        search(&mut app, &mut library, "epoch 100000:");
        app
    });
}

#[test]
fn a_search_is_counted_and_shown() {
    pictures("log_search", |size| {
        let (mut app, mut library) = from_disk(size, &long(120));
        library.press(&mut app, "g g");
        search(&mut app, &mut library, "lost a worker");
        library.press(&mut app, "n");
        app
    });
    let (mut app, mut library) = from_disk((120, 35), &long(120));
    library.press(&mut app, "g g");
    search(&mut app, &mut library, "lost");
    assert!(screen(&app).contains("match 1 of 13"), "{}", screen(&app));
    library.press(&mut app, "N");
    assert!(screen(&app).contains("match 13 of 13"), "{}", screen(&app));
    library.press(&mut app, "n");
    assert!(screen(&app).contains("match 1 of 13"), "{}", screen(&app));
    library.press(&mut app, "esc");
    assert!(!screen(&app).contains("match 1"));
    search(&mut app, &mut library, "epoch 1[0-9]: loss|lost (");
    assert!(screen(&app).contains("no match for"), "{}", screen(&app));
    library.press(&mut app, "esc");
    search(&mut app, &mut library, "epoch 1[0-9]: loss");
    assert!(screen(&app).contains("match 1 of 8 · regex"), "{}", screen(&app));
}

#[test]
fn what_comes_while_one_searches_is_counted_too() {
    let (mut app, mut library) = from_disk((120, 35), &long(120));
    search(&mut app, &mut library, "lost");
    library.write("trainer", 1, &["nothing", "lost and found"], 5_000);
    library.look(&mut app);
    assert!(screen(&app).contains("of 14"), "{}", screen(&app));
    assert!(screen(&app).contains("122 lines"), "{}", screen(&app));
}

#[test]
fn following_pauses_when_one_scrolls_up_and_lines_that_come_are_counted() {
    let (mut app, mut library) = from_disk((120, 35), &long(120));
    assert!(screen(&app).contains("FOLLOW"));
    library.press(&mut app, "k k");
    assert!(screen(&app).contains("PAUSED 2 new below"), "{}", screen(&app));
    let before = screen(&app);
    library.write("trainer", 1, &long(50), 9_000);
    library.look(&mut app);
    assert!(screen(&app).contains("PAUSED 52 new below"), "{}", screen(&app));
    let lines = |screen: &str| {
        screen.lines().skip(3).take(20).map(|line| line.trim_end_matches(['┃', '░', '█', '✗', ' ']).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lines(&before), lines(&screen(&app)));
    library.press(&mut app, "f");
    assert!(screen(&app).contains("FOLLOW · 170 lines") && screen(&app).contains("epoch 49"), "{}", screen(&app));
    after("log_paused", 120, "k k k");
}

#[test]
fn sideways_stays_sideways_while_lines_come() {
    let wide: Vec<String> = (0..50).map(|n| format!("{n:03} {}", "0123456789".repeat(30))).collect();
    let (mut app, mut library) = from_disk((80, 24), &wide);
    library.press(&mut app, "l");
    assert!(screen(&app).contains("column 9"), "{}", screen(&app));
    library.write("trainer", 1, &wide, 5_000);
    library.look(&mut app);
    assert!(screen(&app).contains("column 9") && screen(&app).contains("FOLLOW"), "{}", screen(&app));
    library.press(&mut app, "h");
    assert!(!screen(&app).contains("column"));
}

#[test]
fn where_one_was_in_a_log_is_kept_when_one_leaves_it() {
    let (mut app, mut library) = from_disk((120, 35), &long(500));
    library.press(&mut app, "g g j j j");
    assert!(screen(&app).contains("PAUSED"));
    let before = screen(&app);
    library.press(&mut app, "esc");
    assert!(screen(&app).contains("Tasks") && screen(&app).contains("PAUSED"), "{}", screen(&app));
    library.press(&mut app, "enter");
    assert_eq!(screen(&app), before);
}

#[test]
fn a_filter_hides_lines_and_says_how_many() {
    let filtered = |size| {
        let (mut app, mut library) = from_disk(size, &long(500));
        filter(&mut app, &mut library, "lost a worker");
        (app, library)
    };
    pictures("log_filtered", |size| filtered(size).0);
    let (mut app, mut library) = filtered((120, 35));
    assert!(screen(&app).contains("445 hidden") && screen(&app).contains("⋯ 8 hidden"), "{}", screen(&app));
    library.press(&mut app, "esc");
    assert!(!screen(&app).contains("hidden"));
    filter(&mut app, &mut library, "!epoch");
    assert!(screen(&app).contains("500 hidden") && screen(&app).contains("no line passes"), "{}", screen(&app));
}

#[test]
fn matches_that_are_hidden_are_told() {
    let (mut app, mut library) = from_disk((120, 35), &long(120));
    filter(&mut app, &mut library, "!epoch 1");
    search(&mut app, &mut library, "lost");
    library.look(&mut app);
    assert!(screen(&app).contains("of 10 · 3 of 13 hidden by the filter"), "{}", screen(&app));
    library.press(&mut app, "esc esc");
    filter(&mut app, &mut library, "small");
    search(&mut app, &mut library, "lost");
    library.look(&mut app);
    assert!(screen(&app).contains("no match for \"lost\" · 13 of 13 hidden by the filter"), "{}", screen(&app));
    let (mut app, mut library) = from_disk((120, 35), &long(120));
    library.press(&mut app, "> >");
    search(&mut app, &mut library, "epoch");
    library.look(&mut app);
    assert!(screen(&app).contains("hidden by the level"), "{}", screen(&app));
}

#[test]
fn levels_hide_what_is_less_bad() {
    let (mut app, mut library) = from_disk((120, 35), &long(90));
    library.press(&mut app, "> >");
    assert!(screen(&app).contains("min WARN · 70 hidden"), "{}", screen(&app));
    library.press(&mut app, ">");
    assert!(screen(&app).contains("min ERROR · 80 hidden"), "{}", screen(&app));
    library.press(&mut app, "< < <");
    assert!(!screen(&app).contains("hidden"), "{}", screen(&app));
    library.press(&mut app, "<");
    assert!(screen(&app).contains("every level is shown"), "{}", screen(&app));
    after("log_level", 300, "> >");
}

#[test]
fn errors_are_found_one_after_the_other_until_there_are_no_more() {
    let mut lines = long(400);
    lines.extend((0..100).map(|n| format!("INFO  quiet {n}")));
    let (mut app, mut library) = from_disk((120, 35), &lines);
    library.press(&mut app, "}");
    assert!(screen(&app).contains("no more errors"), "{}", screen(&app));
    library.press(&mut app, "{");
    assert!(screen(&app).contains("▐14:01:25.578 ERROR epoch 394"), "{}", screen(&app));
    library.press(&mut app, "{");
    assert!(screen(&app).contains("▐14:01:25.245 ERROR epoch 385"), "{}", screen(&app));
    library.press(&mut app, "g g } } {");
    assert!(screen(&app).contains("▐14:01:11.259 ERROR epoch 7"), "{}", screen(&app));
}

#[test]
fn a_wrapped_log_breaks_long_lines() {
    picture("log_wrap", (80, 24), |size| {
        let (mut app, mut library) = from_disk(size, &["short".to_owned(), "long ".repeat(40)]);
        library.press(&mut app, "W");
        app
    });
}

#[test]
fn a_line_without_an_end_in_sight_is_broken_and_says_so() {
    let endless = "0123456789".repeat(30_000);
    let (mut app, mut library) = from_disk((80, 24), &["before", &endless, "after"]);
    library.press(&mut app, "g g");
    assert!(screen(&app).contains("before") && screen(&app).contains("↪"), "{}", screen(&app));
    assert!(screen(&app).contains("3 lines"), "{}", screen(&app));
    library.press(&mut app, "W pagedown");
    assert!(screen(&app).contains("↪"), "{}", screen(&app));
}

#[test]
fn lines_are_chosen_and_copied_or_saved() {
    let chosen = |size| {
        let (mut app, mut library) = from_disk(size, &long(60));
        library.press(&mut app, "g g j V j j");
        (app, library)
    };
    pictures("log_select", |size| chosen(size).0);
    let (mut app, mut library) = chosen((120, 35));
    library.press(&mut app, "y y");
    let text = "INFO  epoch 1: loss 0.5000\nINFO  epoch 2: loss 0.3333\nINFO  epoch 3: loss 0.2500";
    assert_eq!(app.take_chores(), [Chore::Copy(text.to_owned())]);
    assert!(screen(&app).contains("copied 3 lines"), "{}", screen(&app));
    library.press(&mut app, "S");
    assert!(screen(&app).contains("save to: trainer-1.log"), "{}", screen(&app));
    library.press(&mut app, "enter");
    assert_eq!(library.saved("trainer-1.log"), format!("{text}\n"));
    assert!(screen(&app).contains("saved 3 lines"), "{}", screen(&app));
    library.press(&mut app, "S enter");
    assert!(screen(&app).contains("is there already"), "{}", screen(&app));
    assert_eq!(library.saved("trainer-1.log"), format!("{text}\n"));
}

#[test]
fn what_cannot_be_saved_leaves_the_name_to_be_mended_and_the_lines_chosen() {
    let (mut app, mut library) = from_disk((120, 35), &long(60));
    library.press(&mut app, "g g j V j j S ctrl-u");
    type_text(&mut app, "no/such");
    library.press(&mut app, "enter");
    let seen = screen(&app);
    assert!(seen.contains("save to: no/such") && seen.contains("✗ cannot write"), "{seen}");
    library.press(&mut app, "ctrl-u");
    type_text(&mut app, "such.log");
    library.press(&mut app, "enter");
    assert_eq!(library.saved("such.log").lines().count(), 3);
}

#[test]
fn lines_are_chosen_where_one_goes_however_soon_after() {
    let (mut app, mut library) = from_disk((120, 35), &long(5_000));
    library.press(&mut app, "g g");
    press(&mut app, "G V");
    library.serve(&mut app);
    library.press(&mut app, "y y");
    assert_eq!(app.take_chores(), [Chore::Copy("WARN  epoch 4999: learning rate is small".to_owned())]);
}

#[test]
fn the_logs_of_all_tasks_are_merged_by_time() {
    let merged = |size| {
        let mut library = LogShelf::new();
        library.write("trainer", 1, &long(12), 0);
        library.write("tuner", 1, &["INFO  trying 3 candidates", "WARN  candidate 2 is slow", "INFO  chose candidate 1"], 40);
        library.write("transform", 1, &["INFO  1024 rows"], 10);
        let mut app = run(size, fixtures::running());
        library.serve(&mut app);
        library.press(&mut app, "enter A");
        (app, library)
    };
    pictures("log_merged", |size| merged(size).0);
    let (mut app, mut library) = merged((120, 35));
    let shown = screen(&app);
    let at = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text}\n{shown}"));
    assert!(at("epoch 0:") < at("1024 rows") && at("1024 rows") < at("trying 3") && at("trying 3") < at("epoch 2:"), "{shown}");
    library.press(&mut app, "A");
    assert!(screen(&app).contains("Log · trainer · attempt 1"), "{}", screen(&app));
}

#[test]
fn two_logs_stand_side_by_side() {
    let both = |size| {
        let mut library = LogShelf::new();
        library.write("trainer", 1, &long(40), 0);
        library.write("tuner", 1, &long(6), 40);
        let mut app = run(size, fixtures::running());
        library.serve(&mut app);
        library.press(&mut app, "enter |");
        (app, library)
    };
    pictures("log_beside", |size| both(size).0);
    let (mut app, mut library) = both((120, 35));
    assert!(screen(&app).contains("Log · trainer") && screen(&app).contains("Log · tuner"), "{}", screen(&app));
    library.press(&mut app, "tab k");
    assert!(screen(&app).contains("PAUSED") && screen(&app).contains("FOLLOW"), "{}", screen(&app));
    library.press(&mut app, "|");
    assert!(screen(&app).contains("Log · trainer") && !screen(&app).contains("Log · tuner"), "{}", screen(&app));
}

#[test]
fn another_task_is_one_key_away() {
    let (mut app, mut library) = from_disk((120, 35), &long(5));
    library.write("tuner", 1, &["hello"], 0);
    library.press(&mut app, "K");
    assert!(screen(&app).contains("Log · tuner"), "{}", screen(&app));
    library.press(&mut app, "J");
    assert!(screen(&app).contains("Log · trainer"), "{}", screen(&app));
    library.press(&mut app, "J");
    assert!(screen(&app).contains("no task after it has a log"), "{}", screen(&app));
}

const EVIL: &[&[u8]] = &[
    b"\x1b[31mred\x1b[0m \x1b[1;32mgreen\x1b[m \x1b[38;5;208morange\x1b[0m \x1b[48;2;10;20;200;97mblue\x1b[0m",
    b"\x1b[2J\x1b]0;owned\x07\xc2\x9b31m\x08\x7f",
    "bidi \u{202e}abc\u{202c} zero\u{200b}width tag\u{e0041}".as_bytes(),
    b"  5%|#         |\r 60%|######    |\r100%|##########|",
    b"invalid \xff\xfe utf-8",
    "z\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}algo, wide 数据".as_bytes(),
];

#[test]
fn colours_are_kept_and_everything_else_that_is_active_is_made_visible() {
    pictures("log_hostile", |size| from_disk(size, EVIL).0);
    let (app, _) = from_disk((120, 35), EVIL);
    for cell in &drawn(&app).content {
        assert_eq!(sanitize::line(cell.symbol()), cell.symbol(), "{:?}", cell.symbol());
    }
    let theme = fixtures::theme("default-dark", Depth::True, Glyphs::Unicode);
    let buffer = drawn(&app);
    let cell = |text: &str| {
        let width = usize::from(buffer.area.width);
        let row = buffer.content.chunks(width).find(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().contains(text)).unwrap();
        let at = row.windows(text.len()).position(|cells| cells.iter().map(|cell| cell.symbol()).collect::<String>() == text).unwrap();
        row[at].clone()
    };
    assert_eq!(Some(cell("red").fg), theme.style("error").fg);
    assert_eq!(Some(cell("green").fg), theme.style("ok").fg);
    assert_eq!(cell("orange").fg, ratatui::style::Color::Indexed(208));
    assert_eq!(cell("blue").bg, ratatui::style::Color::Rgb(10, 20, 200));
    assert!(screen(&app).contains("100%|##########|") && !screen(&app).contains(" 60%"));
}

#[test]
fn without_colour_no_colour_of_a_task_is_shown() {
    let (mut app, _) = from_disk((120, 35), EVIL);
    app.theme = fixtures::theme("default-dark", Depth::Mono, Glyphs::Unicode);
    let plain = |colour| matches!(colour, ratatui::style::Color::Reset);
    assert!(drawn(&app).content.iter().all(|cell| plain(cell.fg) && plain(cell.bg)));
    app.theme = fixtures::theme("default-dark", Depth::Mono, Glyphs::Ascii);
    assert!(drawn(&app).content.iter().all(|cell| cell.symbol().is_ascii()));
}

#[test]
fn the_run_view_says_that_the_rest_is_in_the_full_log() {
    let mut app = running_run(SIZES[0]);
    press(&mut app, "tab tab &");
    assert!(screen(&app).contains("in the full-screen log"), "{}", screen(&app));
    press(&mut app, "k k f #");
    assert!(screen(&app).contains("FOLLOW"), "{}", screen(&app));
    tell(&mut app, Msg::Resize);
}

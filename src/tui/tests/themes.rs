//! Themes on the screen: chosen, changed by the terminal, and without colours or Unicode.

use super::*;
use crate::{
    model::state::CACHED_LOOK,
    tui::{looks::Ground, theme::Variant},
};
use ratatui::style::{Color, Modifier};

/// Home, run and log, as they are for that terminal.
fn screens(depth: Depth, glyphs: Glyphs) -> Vec<App> {
    let mut apps: Vec<App> = SIZES.into_iter().flat_map(|size| [home(size), failed_run(size), running_run(size), full_log(size)]).collect();
    for app in &mut apps {
        app.theme = fixtures::theme("default-dark", depth, glyphs);
    }
    apps
}

#[test]
fn the_theme_is_seen_while_it_is_chosen_and_esc_puts_the_old_one_back() {
    let mut app = failed_run((120, 35));
    press(&mut app, ", t");
    assert!(screen(&app).contains("> default-dark"));
    press(&mut app, "j");
    assert_eq!((app.theme.name.as_str(), app.theme.variant), ("default-light", Variant::Light));
    press(&mut app, "esc");
    assert_eq!(app.theme.name, "default-dark");
    assert_eq!(app.take_chores(), []);
    press(&mut app, ", t j j enter");
    assert_eq!(app.theme.name, "high-contrast-dark");
    assert_eq!(app.take_chores(), [Chore::KeepTheme("high-contrast-dark".to_owned())]);
    assert!(screen(&app).contains("theme high-contrast-dark is kept"));
}

#[test]
fn the_list_of_themes_stands_beside_what_it_changes() {
    pictures("themes", |size| {
        let mut app = failed_run(size);
        press(&mut app, ", t");
        app
    });
}

#[test]
fn looking_keeps_a_theme_for_this_time_only() {
    let mut app = home((120, 35));
    app.world.read_only = true;
    press(&mut app, ", t j enter");
    assert_eq!(app.take_chores(), []);
    assert_eq!(app.theme.name, "default-light");
    assert!(screen(&app).contains("until you leave"));
}

#[test]
fn a_light_terminal_that_answers_late_gets_the_light_half_unless_a_theme_was_chosen() {
    let mut app = home((80, 24));
    tell(&mut app, Msg::Ground((0xff, 0xff, 0xff)));
    assert_eq!((app.theme.name.as_str(), app.looks.ground), ("default-light", Ground::Said((255, 255, 255))));
    press(&mut app, ", t j j j j enter");
    let chosen = app.theme.name.clone();
    tell(&mut app, Msg::Ground((0, 0, 0)));
    assert_eq!(app.theme.name, chosen);
}

#[test]
fn a_saved_theme_is_shown_at_once_and_one_that_is_broken_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let save = |text: &str| std::fs::write(folder.path().join("mine.toml"), text).unwrap();
    save("[tokens]\nfg = \"#111111\"\n");
    let mut app = home((80, 24));
    app.looks.library = crate::tui::theme::Library::new(Some(folder.path().to_owned()), Default::default());
    app.looks.choose("mine".to_owned());
    tell(&mut app, Msg::ThemesChanged);
    app.theme = app.looks.theme().0;
    save("[tokens]\nfg = \"#222222\"\n");
    tell(&mut app, Msg::ThemesChanged);
    assert_eq!(app.theme.style("fg").fg, Some(Color::Rgb(0x22, 0x22, 0x22)));
    save("[tokens\n");
    tell(&mut app, Msg::ThemesChanged);
    assert_eq!(app.theme.style("fg").fg, Some(Color::Rgb(0x22, 0x22, 0x22)));
    assert!(screen(&app).contains("not valid TOML"), "{}", screen(&app));
}

#[test]
fn without_colours_no_cell_has_one_and_the_selected_line_is_reversed() {
    for app in screens(Depth::Mono, Glyphs::Unicode) {
        let buffer = drawn(&app);
        assert!(buffer.content.iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
        let reversed = buffer.content.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED)).count();
        assert!(reversed > 3, "nothing stands out:\n{}", screen(&app));
    }
}

#[test]
fn without_colours_and_unicode_every_state_is_told_by_its_letter_and_code() {
    let looks = TaskState::ALL.iter().map(|state| state.look()).chain([CACHED_LOOK]);
    for (at, look) in looks.enumerate() {
        let mut data = fixtures::running();
        let state = TaskState::ALL.get(at).copied().unwrap_or(TaskState::Success);
        data.tasks[0].state = state;
        data.tasks[0].cached = look == CACHED_LOOK;
        let mut app = run((120, 35), data);
        app.theme = fixtures::theme("default-dark", Depth::Mono, Glyphs::Ascii);
        let text = screen(&app);
        assert!(text.is_ascii());
        assert!(text.contains(&format!("{} {}", look.ascii, look.code)), "{} {}\n{text}", look.ascii, look.code);
    }
    for app in screens(Depth::Mono, Glyphs::Ascii) {
        assert!(screen(&app).is_ascii());
    }
}

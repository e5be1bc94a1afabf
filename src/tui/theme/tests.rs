//! What every shipped theme keeps.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::{TaskState, state::CACHED_LOOK};
use check::{APART, Measures};

const DEPTHS: [Depth; 4] = [Depth::True, Depth::Indexed, Depth::Ansi, Depth::Mono];

/// Those whose palettes are ours: everything is measured.
const OURS: [&str; 6] = ["default-dark", "default-light", "high-contrast-dark", "high-contrast-light", "cb-safe-dark", "cb-safe-light"];
/// Those whose palettes are others' and not to be changed: their text can be read, and the glyph tells the state.
const OTHERS: [&str; 4] = ["catppuccin-mocha", "catppuccin-latte", "gruvbox-dark", "nord"];

fn on(depth: Depth) -> Screen {
    Screen { depth, glyphs: Glyphs::Unicode }
}

fn theme(name: &str, depth: Depth) -> Theme {
    Library::default().theme(name, on(depth)).unwrap().0
}

#[test]
fn every_theme_is_without_fault_and_sets_every_state_itself() {
    let library = Library::default();
    for (name, text) in BUILTIN {
        let found = library.read(name, name, text);
        assert_eq!(found.faults.to_string(), "", "{name}");
        for token in TaskState::ALL.iter().map(|state| state.look().token).chain([CACHED_LOOK.token]) {
            assert!(found.source.sets(token), "{name} leaves {token} to its parent");
        }
        assert!(text.contains(&format!("name = \"{name}\"")), "{name} calls itself otherwise");
        assert!(!name.contains("light") && !name.contains("latte") || found.source.variant() == Variant::Light, "{name}");
    }
    assert_eq!(TOKENS.len(), 53);
}

#[test]
fn our_themes_can_be_read_and_their_states_told_apart_by_everyone() {
    for name in OURS {
        let measures = Measures::of(&library::builtin(name).unwrap());
        assert!(measures.on_ground.len() > 45 && measures.pairs.len() == 66, "{name}: {}", measures.on_ground.len());
        assert_eq!(measures.complaints(), Vec::<String>::new(), "{name}");
    }
    for name in ["high-contrast-dark", "high-contrast-light"] {
        let measures = Measures::of(&library::builtin(name).unwrap());
        let texts = measures
            .on_ground
            .iter()
            .filter(|(token, _)| ["fg", "title", "accent", "hint", "log", "input"].iter().any(|t| token.starts_with(t)));
        for (token, contrast) in texts {
            assert!(*contrast >= 7.0 || token.contains("error"), "{name}: {token} has {contrast:.1}");
        }
    }
}

#[test]
fn themes_with_the_palettes_of_others_can_be_read() {
    for name in OTHERS {
        let measures = Measures::of(&library::builtin(name).unwrap());
        let (token, contrast) = measures.faintest().unwrap();
        assert!(contrast >= 3.0, "{name}: {token} has {contrast:.2}");
        let (token, contrast) = measures.faintest_selected().unwrap();
        assert!(contrast >= 2.5, "{name}: {token} has {contrast:.2} on the selection");
    }
}

#[test]
fn with_256_colours_our_themes_can_still_be_read() {
    for name in OURS {
        let theme = theme(name, Depth::Indexed);
        let rgb = |color: Option<Color>| match color {
            Some(Color::Indexed(index)) => color::palette(index),
            other => panic!("{name}: {other:?}"),
        };
        let base = theme.base();
        let selected = rgb(theme.style("selection.bg").fg);
        let quiet = tokens::LINES.iter().chain(tokens::GROUNDS);
        for token in TOKENS.iter().filter(|token| !quiet.clone().any(|other| other == *token)) {
            let style = theme.style(token);
            let (fg, bg) = (rgb(style.fg.or(base.fg)), rgb(style.bg.or(base.bg)));
            assert!(measure::contrast(fg, bg) >= 3.5, "{name}: {token} has {:.2}", measure::contrast(fg, bg));
            let on_selection = measure::contrast(fg, selected);
            assert!(style.bg.is_some() || on_selection >= 2.5, "{name}: {token} selected has {on_selection:.2}");
        }
        assert_ne!(theme.style("selection").bg, base.bg, "{name}");
    }
}

#[test]
fn high_contrast_tells_running_from_success_without_the_cones_for_blue() {
    for name in ["high-contrast-dark", "high-contrast-light"] {
        let measures = Measures::of(&library::builtin(name).unwrap());
        let pair = measures.pairs.iter().find(|pair| pair.tokens == ("state.running", "state.success")).unwrap();
        assert!(pair.distance >= APART, "{name}: {:.1}", pair.distance);
    }
}

#[test]
fn whatever_the_terminal_has_a_mark_differs_from_what_is_not_marked() {
    for (name, _) in BUILTIN {
        for depth in DEPTHS {
            let theme = theme(name, depth);
            for token in tokens::MARKS {
                let style = theme.style(token);
                let attributes = style.add_modifier.intersects(Modifier::REVERSED | Modifier::UNDERLINED);
                assert!(attributes || style.bg.is_some_and(|bg| Some(bg) != theme.base().bg), "{name} {depth:?} {token}: {style:?}");
                assert!(attributes || style.bg != style.fg.or(theme.base().fg), "{name} {depth:?} {token}: {style:?}");
            }
            for token in TaskState::ALL.iter().map(|state| state.look().token) {
                let hidden = theme.style(token).fg.is_some_and(|fg| fg != Color::Reset && Some(fg) == theme.base().bg);
                assert!(!hidden, "{name} {depth:?} {token}");
            }
        }
    }
}

#[test]
fn without_colour_no_token_names_one() {
    for (name, _) in BUILTIN {
        let theme = theme(name, Depth::Mono);
        for token in TOKENS {
            let style = theme.style(token);
            assert!(style.fg.is_none() && style.bg.is_none(), "{name} {token}");
        }
        assert!(theme.style("state.failed").add_modifier.contains(Modifier::BOLD));
    }
}

#[test]
fn sixteen_colours_are_the_terminals_own_unless_a_theme_says_which() {
    let (source, _) = Source::read(
        "",
        "[tokens]\nbg = \"#000000\"\nfg = \"#ffffff\"\nok = { fg = \"#00ff00\", ansi = \"yellow\" }\nwarning = { ref = \"ok\" }",
    );
    let theme = Theme::new("mine", &source, on(Depth::Ansi));
    assert_eq!((theme.style("ok").fg, theme.style("warning").fg), (Some(Color::Indexed(3)), Some(Color::Indexed(3))));
    assert_eq!(theme.style("info").fg, Some(Color::Indexed(15)));
    assert_eq!(Theme::new("mine", &source, on(Depth::True)).style("ok").fg, Some(Color::Rgb(0, 255, 0)));
}

#[test]
fn a_user_adds_themes_and_changes_tokens_of_any() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("mine.toml", "[meta]\ninherits = \"nord\"\n[tokens]\n\"state.failed\" = \"#ff0000\"\n\"state.faild\" = \"#00ff00\"\n");
    write("nord.toml", "[meta]\ninherits = \"nord\"\n[tokens]\nfg = \"#fefefe\"\n");
    write("round.toml", "[meta]\ninherits = \"square\"\n");
    write("square.toml", "[meta]\ninherits = \"round\"\n");
    write("broken.toml", "[tokens\n");
    let changes = Source::read("", "[tokens]\nok = \"#010203\"").0;
    let library = Library::new(Some(folder.path().to_owned()), changes);
    assert_eq!(library.names()[BUILTIN.len()..], ["broken", "mine", "round", "square"]);
    let (mine, faults) = library.theme("mine", on(Depth::True)).unwrap();
    assert!(faults.to_string().contains("did you mean `state.failed`?"), "{faults}");
    let rgb = |token| mine.style(token).fg.unwrap();
    assert_eq!((rgb("state.failed"), rgb("ok"), rgb("fg")), (Color::Rgb(255, 0, 0), Color::Rgb(1, 2, 3), Color::Rgb(254, 254, 254)));
    let error = |name: &str| library.theme(name, on(Depth::True)).unwrap_err();
    assert!(error("broken").contains("not valid TOML") && error("mien").contains("Did you mean `mine`?"), "{}", error("mien"));
    assert!(error("../mine").contains("there is no theme"));
    let faults = |name: &str| library.theme(name, on(Depth::True)).unwrap().1.to_string();
    assert!(faults("round").contains("inherits `round`, but that goes round in a circle"), "{}", faults("round"));
}

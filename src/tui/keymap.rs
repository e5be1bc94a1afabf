//! The keys in effect: the table of actions with what the user changed of it. Dispatch, hints, help and palette read this.

use super::actions::{Action, Binding, Context, TABLE, binding};
use crate::config::{
    UserConfig,
    keymap::{self, KeyRow, USER_COMMAND},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::sync::OnceLock;

/// What is bound in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// An action of the table.
    Action(Action),
    /// A program of the user, by its position in the configuration.
    Program(usize),
}

/// One line of it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where.
    pub context: Context,
    /// What.
    pub bound: Bound,
    /// By which keys.
    pub keys: Vec<String>,
    /// What it does.
    pub description: String,
}

impl Entry {
    /// Its name in configuration.
    pub fn name(&self) -> &'static str {
        match self.bound {
            Bound::Action(action) => binding(action).name,
            Bound::Program(_) => USER_COMMAND,
        }
    }
}

/// The keys in effect.
#[derive(Debug, Clone)]
pub struct Keymap {
    entries: Vec<Entry>,
}

/// Set once, before the first screen; every part that names a key reads it.
static IN_EFFECT: OnceLock<Keymap> = OnceLock::new();

/// Makes these the keys in effect; only the first call counts.
pub fn install(keymap: Keymap) {
    let _ = IN_EFFECT.set(keymap);
}

/// The keys in effect: the built-in ones unless others were installed.
pub fn in_effect() -> &'static Keymap {
    IN_EFFECT.get_or_init(|| Keymap::new(&UserConfig::default()))
}

/// The built-in table, one row for each context of an action.
pub fn rows() -> Vec<KeyRow> {
    let row = |binding: &Binding, context: Context| KeyRow {
        context: context.name(),
        action: binding.name,
        keys: binding.keys.iter().map(|key| (*key).to_owned()).collect(),
        description: binding.description.to_owned(),
    };
    TABLE.iter().flat_map(|binding| binding.contexts.iter().map(move |context| row(binding, *context))).collect()
}

impl Keymap {
    /// The table with the user's changes.
    pub fn new(config: &UserConfig) -> Self {
        let mut programs = 0..;
        let entries = keymap::effective(&rows(), config).into_iter().filter_map(|row| {
            let context = Context::ALL.into_iter().find(|context| context.name() == row.context)?;
            let bound = if row.action == USER_COMMAND {
                Bound::Program(programs.next()?)
            } else {
                let is_it = |binding: &&Binding| binding.name == row.action && binding.contexts.contains(&context);
                Bound::Action(TABLE.iter().find(is_it)?.action)
            };
            Some(Entry { context, bound, keys: row.keys, description: row.description })
        });
        Self { entries: entries.collect() }
    }

    /// What is bound in a context, in the order of the table.
    pub fn of(&self, context: Context) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.context == context)
    }

    /// The keys of an action, in the first of its contexts that has some.
    pub fn keys(&self, action: Action) -> &[String] {
        let of_it = self.entries.iter().filter(|entry| entry.bound == Bound::Action(action));
        of_it.map(|entry| entry.keys.as_slice()).find(|keys| !keys.is_empty()).unwrap_or_default()
    }

    /// What may follow the first of two keys, in the given contexts, nearest first.
    pub fn continuations(&self, contexts: &[Context], first: &str) -> Vec<(String, &Entry)> {
        let mut found: Vec<(String, &Entry)> = Vec::new();
        for entry in contexts.iter().flat_map(|context| self.of(*context)) {
            let seconds = entry.keys.iter().filter_map(|key| key.split_once(' ')).filter(|(start, _)| *start == first);
            for (_, second) in seconds {
                if !found.iter().any(|(known, _)| known == second) {
                    found.push((second.to_owned(), entry));
                }
            }
        }
        found
    }

    /// Looks a key up in the given contexts, most specific first.
    pub fn meaning(&self, contexts: &[Context], pending: Option<&str>, key: &KeyEvent) -> Meaning {
        let name = key_name(key);
        let typed = pending.map_or_else(|| name.clone(), |first| format!("{first} {name}"));
        for context in contexts {
            for entry in self.of(*context) {
                if entry.keys.contains(&typed) {
                    return Meaning::Bound(entry.bound);
                }
                if pending.is_none() && entry.keys.iter().any(|key| key.split_once(' ').is_some_and(|(first, _)| first == name)) {
                    return Meaning::Prefix;
                }
            }
            if context.types() {
                return self.always(&typed).unwrap_or(Meaning::Text);
            }
        }
        self.always(&typed).unwrap_or(Meaning::Nothing)
    }

    /// What a key means wherever one is, be it a dialog or where text is typed.
    fn always(&self, typed: &String) -> Option<Meaning> {
        let everywhere = [Action::Quit, Action::Suspend, Action::Redraw].map(Bound::Action);
        let entry = self.of(Context::Global).find(|entry| everywhere.contains(&entry.bound) && entry.keys.contains(typed))?;
        Some(Meaning::Bound(entry.bound))
    }
}

/// What a key means, given where it is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// What is bound to it.
    Bound(Bound),
    /// The first of two keys: wait for the next.
    Prefix,
    /// Text to type.
    Text,
    /// Nothing here.
    Nothing,
}

/// The first key of an action, as shown.
pub fn shown_key(action: Action) -> String {
    in_effect().keys(action).first().map(|key| shown(key)).unwrap_or_default()
}

/// A key as people write it.
pub fn shown(key: &str) -> String {
    match key {
        "enter" => "Enter".into(),
        "esc" => "Esc".into(),
        "tab" => "Tab".into(),
        "backtab" => "Shift-Tab".into(),
        "space" => "Space".into(),
        "up" => "↑".into(),
        "down" => "↓".into(),
        "left" => "←".into(),
        "right" => "→".into(),
        "home" => "Home".into(),
        "end" => "End".into(),
        "pageup" => "PgUp".into(),
        "pagedown" => "PgDn".into(),
        other => match other.split_once('-') {
            Some(("ctrl", rest)) if rest.chars().count() == 1 => format!("Ctrl-{}", rest.to_uppercase()),
            Some(("ctrl", rest)) => format!("Ctrl-{}", shown(rest)),
            Some(("alt", rest)) => format!("Alt-{}", shown(rest)),
            _ if other.starts_with('f') && other.len() > 1 && other[1..].bytes().all(|b| b.is_ascii_digit()) => other.to_uppercase(),
            _ => other.replace(' ', ""),
        },
    }
}

/// How the table writes a key.
pub fn key_name(key: &KeyEvent) -> String {
    let base = match key.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "enter".into(),
        KeyCode::Esc => "esc".into(),
        KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => "backtab".into(),
        KeyCode::Tab => "tab".into(),
        KeyCode::BackTab => "backtab".into(),
        KeyCode::Up => "up".into(),
        KeyCode::Down => "down".into(),
        KeyCode::Left => "left".into(),
        KeyCode::Right => "right".into(),
        KeyCode::Home => "home".into(),
        KeyCode::End => "end".into(),
        KeyCode::PageUp => "pageup".into(),
        KeyCode::PageDown => "pagedown".into(),
        KeyCode::Backspace => "backspace".into(),
        KeyCode::Delete => "delete".into(),
        KeyCode::F(n) => format!("f{n}"),
        _ => "other".into(),
    };
    // Two quick presses of Esc arrive as Alt-Esc.
    let is_esc = key.code == KeyCode::Esc;
    let prefix = match (key.modifiers.contains(KeyModifiers::CONTROL), key.modifiers.contains(KeyModifiers::ALT)) {
        (true, _) => "ctrl-",
        (false, true) if !is_esc => "alt-",
        _ => "",
    };
    format!("{prefix}{base}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn press(contexts: &[Context], key: KeyCode) -> Meaning {
        in_effect().meaning(contexts, None, &KeyEvent::new(key, KeyModifiers::NONE))
    }

    const fn act(action: Action) -> Meaning {
        Meaning::Bound(Bound::Action(action))
    }

    #[test]
    fn the_nearest_context_decides_and_global_is_inherited() {
        let log = [Context::Log, Context::Global];
        assert_eq!(press(&log, KeyCode::Char('f')), act(Action::Follow));
        assert_eq!(press(&log, KeyCode::Char('t')), act(Action::Trigger));
        assert_eq!(press(&[Context::List, Context::Global], KeyCode::Char('f')), Meaning::Nothing);
    }

    #[test]
    fn two_keys_in_a_row_are_one_action() {
        let contexts = [Context::List, Context::Global];
        let g = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::NONE);
        assert_eq!(in_effect().meaning(&contexts, None, &g), Meaning::Prefix);
        assert_eq!(in_effect().meaning(&contexts, Some("g"), &g), act(Action::Top));
        let next: Vec<_> = in_effect().continuations(&contexts, "g").into_iter().map(|(key, entry)| (key, entry.bound)).collect();
        assert!(next.contains(&("g".to_owned(), Bound::Action(Action::Top))), "{next:?}");
    }

    #[test]
    fn where_text_is_typed_letters_are_text_and_ctrl_c_still_leaves() {
        assert_eq!(press(&[Context::Form], KeyCode::Char('q')), Meaning::Text);
        let leave = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        for context in [Context::Form, Context::Prompt, Context::Help, Context::Confirm, Context::Dialog] {
            assert_eq!(in_effect().meaning(&[context], None, &leave), act(Action::Quit), "{context:?}");
        }
    }

    #[test]
    fn the_user_decides_and_programs_have_keys_like_actions() {
        let text = "[keys.global]\nretry = [\"ctrl-r\", \"g r\"]\n[[commands]]\nkeys = \"f5\"\nrun = \"less {log}\"\ncontext = \"log\"";
        let (config, faults) = config::read_user("config.toml", text);
        assert!(!faults.has_errors(), "{faults}");
        let keymap = Keymap::new(&config);
        let contexts = [Context::Log, Context::Global];
        let key = |code, modifiers| KeyEvent::new(code, modifiers);
        assert_eq!(keymap.meaning(&contexts, None, &key(KeyCode::Char('r'), KeyModifiers::NONE)), Meaning::Nothing);
        assert_eq!(keymap.meaning(&contexts, None, &key(KeyCode::Char('r'), KeyModifiers::CONTROL)), act(Action::Retry));
        assert_eq!(keymap.meaning(&contexts, None, &key(KeyCode::F(5), KeyModifiers::NONE)), Meaning::Bound(Bound::Program(0)));
        assert_eq!(keymap.meaning(&[Context::Global], None, &key(KeyCode::F(5), KeyModifiers::NONE)), Meaning::Nothing);
        assert_eq!(keymap.keys(Action::Retry), ["ctrl-r", "g r"]);
    }

    #[test]
    fn every_built_in_key_is_spelled_as_it_arrives() {
        for row in rows() {
            for key in &row.keys {
                assert_eq!(keymap::canonical(key).as_deref(), Ok(key.as_str()), "{}", row.action);
            }
        }
        let found = keymap::check("", "", &UserConfig::default(), &rows());
        assert_eq!(found.0, []);
    }

    #[test]
    fn keys_are_shown_as_people_write_them() {
        for (key, written) in [("ctrl-p", "Ctrl-P"), ("g u", "gu"), ("f5", "F5"), ("f", "f"), ("alt-e", "Alt-e"), ("pagedown", "PgDn")] {
            assert_eq!(shown(key), written);
        }
    }
}

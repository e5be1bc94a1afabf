//! The one table of actions: name, keys, where, what it does. Dispatch, footer and help read it; no key is matched anywhere else.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where keys mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Every view.
    Global,
    /// Lists of pipelines, runs or tasks.
    List,
    /// The drawing of a run's graph.
    Graph,
    /// Runs by tasks.
    Grid,
    /// Attempts along the time.
    Timeline,
    /// A log, as a pane or full screen.
    Log,
    /// A dialog that only shows.
    Dialog,
    /// A dialog that asks before something is done.
    Confirm,
    /// A list of things to choose from.
    Menu,
    /// A question with a note: printable keys type.
    Note,
    /// The searchable list of actions.
    Help,
    /// Where a filter or search is typed: printable keys type.
    Prompt,
    /// A form: printable keys type.
    Form,
}

impl Context {
    /// How help calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Global => "EVERYWHERE",
            Self::List => "LIST",
            Self::Graph => "GRAPH",
            Self::Grid => "GRID",
            Self::Timeline => "TIMELINE",
            Self::Log => "LOG",
            Self::Dialog => "DIALOG",
            Self::Confirm => "QUESTION",
            Self::Menu => "MENU",
            Self::Note => "NOTE",
            Self::Help => "HELP",
            Self::Prompt => "TYPING",
            Self::Form => "FORM",
        }
    }

    /// Whether printable keys are text here.
    pub const fn types(self) -> bool {
        matches!(self, Self::Help | Self::Prompt | Self::Form | Self::Note)
    }
}

/// Declares the actions with their table.
macro_rules! actions {
    ($($variant:ident $name:literal $($context:ident)|+ [$($key:literal),*] $hint:literal $description:literal;)+) => {
        /// What a person can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $(#[doc = $description] $variant),+ }

        /// Every action, in the order in which help shows them.
        pub const TABLE: &[Binding] = &[$(Binding {
            action: Action::$variant,
            name: $name,
            contexts: &[$(Context::$context),+],
            keys: &[$($key),*],
            hint: $hint,
            description: $description,
        }),+];
    };
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What is done.
    pub action: Action,
    /// Its name in configuration and messages.
    pub name: &'static str,
    /// Where it can be asked for.
    pub contexts: &'static [Context],
    /// Its keys; two keys with a space between are typed one after the other.
    pub keys: &'static [&'static str],
    /// One or two words for the footer; empty: not shown there.
    pub hint: &'static str,
    /// What it does.
    pub description: &'static str,
}

actions! {
    Open "open" Global ["enter"] "open" "Open what is selected";
    Trigger "trigger" Global ["t"] "trigger" "Start a run";
    Retry "retry" Global ["r"] "retry" "Retry the task, or every failed task of the run";
    RetryFrom "retry_from_here" Global ["R"] "retry from here" "Retry the task and everything downstream (asks)";
    Skip "skip" Global ["s"] "skip" "Skip the task; what waits for it goes on";
    Cancel "cancel" Global ["x"] "cancel" "Cancel the run or the task (asks)";
    Approve "approve" Global ["a"] "approve" "Approve or reject the task that waits for a person, with a note";
    Pause "pause_or_unpause" Global ["p"] "pause" "Pause the run, or at home the triggers of the pipeline; again: go on";
    Undo "undo" Global ["U"] "undo" "Take back the last command about the run (asks)";
    More "more" Global ["m"] "more" "More: clear, resume, mark as success or failed (asks)";
    Failure "failure_card" Global ["F"] "failure" "What is known of the failure: cause, last lines, what is different, what to do";
    Why "why" Global ["w"] "why" "Why is it as it is, and what does it wait for?";
    NextTab "next_tab" Global ["]"] "next tab" "Next tab: graph, timeline, history";
    PreviousTab "prev_tab" Global ["["] "" "Previous tab: graph, timeline, history";
    Up "up" Global ["k", "up"] "" "Move up";
    Down "down" Global ["j", "down"] "" "Move down";
    Left "left" Global ["h", "left"] "" "Move left";
    Right "right" Global ["l", "right"] "" "Move right";
    PageUp "page_up" Global ["ctrl-u", "pageup"] "" "A page up";
    PageDown "page_down" Global ["ctrl-d", "pagedown"] "" "A page down";
    Top "goto_top" Global ["g g", "home"] "" "To the first line";
    Bottom "goto_bottom" Global ["G", "end"] "" "To the last line";
    Follow "follow" Log ["f"] "follow" "Follow the log's end";
    NextMatch "next_match" Log | Graph ["n"] "" "Next match";
    PreviousMatch "prev_match" Log | Graph ["N"] "" "Previous match";
    FocusNeighbourhood "focus_neighbourhood" Graph ["f"] "focus" "Show only what is near the task, two edges up and down; again: all";
    ZoomIn "zoom_in" Graph ["+"] "" "Tell more of each task; in focus: one edge further";
    ZoomOut "zoom_out" Graph ["-"] "" "Tell less of each task; in focus: one edge less";
    Fit "fit" Graph ["0"] "" "As much as fits, down or across";
    Orientation "orientation" Graph ["o"] "" "Turn the graph: from top to bottom, from left to right";
    ViewCycle "view_cycle" Graph ["v"] "view" "Graph, tree, table";
    CollapseGroup "collapse_group" Graph ["c"] "" "Show the group of the task as one, or one by one";
    CollapseAll "collapse_all" Graph ["E"] "" "Show all groups as one, or all tasks one by one";
    CriticalPath "critical_path" Graph ["C"] "" "Show the tasks that decide when the run ends";
    PanLeft "pan_left" Graph ["H"] "" "See more of the left";
    PanDown "pan_down" Graph ["J"] "" "See more of what is below";
    PanUp "pan_up" Graph ["K"] "" "See more of what is above";
    PanRight "pan_right" Graph ["L"] "" "See more of the right";
    Upstream "goto_upstream" Global ["g u"] "" "To a task that the selected one waits for";
    Downstream "goto_downstream" Global ["g d"] "" "To a task that waits for the selected one";
    NextAttempt "next_attempt" Global [")"] "" "Log of the next attempt";
    PreviousAttempt "prev_attempt" Global ["("] "attempt" "Log of the previous attempt";
    Wrap "wrap" Log ["W"] "wrap" "Wrap long lines";
    Timestamps "timestamps" Log ["T"] "times" "Show when each line was written";
    Search "search" Global ["/"] "search" "Filter the list, or search the log";
    NextPane "next_pane" Global ["tab"] "pane" "Next pane";
    PreviousPane "prev_pane" Global ["backtab"] "" "Previous pane";
    PlacePipelines "place_pipelines" Global ["1"] "" "Pipelines";
    PlaceRuns "place_runs" Global ["2"] "" "Runs";
    PlaceResources "place_resources" Global ["6"] "" "Resources: what is shared, what runs, what waits and why";
    CopyLine "copy_line" Global ["y y"] "" "Copy the line that is selected";
    CopyId "copy_id" Global ["y i"] "" "Copy the id of what is selected";
    CopyPath "copy_path" Global ["y p"] "" "Copy the path of its file or folder";
    CopyCli "copy_cli" Global ["y c"] "" "Copy the command line that shows it";
    CopyAll "copy_all" Global ["y a"] "" "Copy all of it";
    CopyMarkdown "copy_markdown" Global ["y m"] "" "Copy all of it as Markdown";
    Back "back" Global ["esc"] "" "Back";
    Help "help" Global ["?"] "help" "What can be done here, by which keys";
    Redraw "redraw" Global ["ctrl-l"] "" "Draw the screen anew";
    Suspend "suspend" Global ["ctrl-z"] "" "To the shell and back with `fg`";
    Close "close_layer" Global ["q"] "quit" "Close; at home: leave. Runs go on";
    Quit "quit" Global ["ctrl-c"] "" "Leave at once. Runs go on";
    DialogUp "dialog_up" Dialog ["k", "up"] "" "Up";
    DialogDown "dialog_down" Dialog ["j", "down"] "" "Down";
    DialogPageUp "dialog_page_up" Dialog ["ctrl-u", "pageup"] "" "A page up";
    DialogPageDown "dialog_page_down" Dialog ["ctrl-d", "pagedown", "space"] "" "A page down";
    DialogClose "dialog_close" Dialog ["esc", "q", "enter"] "close" "Close";
    Yes "confirm_yes" Confirm ["y"] "do it" "Do what the question says";
    Other "confirm_other" Confirm ["o"] "" "The other thing the question offers";
    No "confirm_no" Confirm ["enter", "esc", "n", "q"] "leave it" "Change nothing";
    MenuUp "menu_up" Menu ["k", "up"] "" "Up";
    MenuDown "menu_down" Menu ["j", "down"] "" "Down";
    MenuChoose "menu_choose" Menu ["enter"] "choose" "Choose; what changes much asks first";
    MenuLeave "menu_leave" Menu ["esc", "q"] "leave" "Change nothing";
    NoteNext "note_next" Note ["tab", "down"] "next button" "Next button";
    NotePrevious "note_prev" Note ["backtab", "up"] "" "Previous button";
    NoteDone "note_done" Note ["enter"] "press it" "Press the button; at first it changes nothing";
    NoteErase "note_erase" Note ["ctrl-u"] "" "Erase the note";
    NoteLeave "note_leave" Note ["esc"] "leave" "Change nothing";
    HelpUp "help_up" Help ["up"] "" "Up";
    HelpDown "help_down" Help ["down"] "" "Down";
    HelpPageUp "help_page_up" Help ["pageup"] "" "A page up";
    HelpPageDown "help_page_down" Help ["pagedown"] "" "A page down";
    HelpRun "help_run" Help ["enter"] "run" "Do the selected action";
    HelpClose "help_close" Help ["esc"] "close" "Close";
    PromptDone "prompt_done" Prompt ["enter"] "done" "Keep what is typed";
    PromptClear "prompt_clear" Prompt ["esc"] "clear" "Forget what is typed";
    PromptUp "prompt_up" Prompt ["up"] "" "Up";
    PromptDown "prompt_down" Prompt ["down"] "" "Down";
    PromptErase "prompt_erase" Prompt ["ctrl-u"] "" "Erase what is typed";
    FormErase "erase" Form ["ctrl-u"] "" "Erase the field";
    FormNext "next_field" Form ["tab", "down"] "next field" "Next field";
    FormPrevious "prev_field" Form ["backtab", "up"] "" "Previous field";
    FormEnter "form_enter" Form ["enter"] "" "Next field; on the button: start";
    FormSubmit "submit" Form ["ctrl-s"] "start" "Start";
    FormLeave "cancel" Form ["esc"] "leave" "Leave without starting";
}

/// What a key means, given where it is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// An action.
    Act(Action),
    /// The first of two keys: wait for the next.
    Prefix,
    /// Text to type.
    Text,
    /// Nothing here.
    Nothing,
}

/// Looks a key up in the given contexts, most specific first.
pub fn meaning(contexts: &[Context], pending: Option<&str>, key: &KeyEvent) -> Meaning {
    let name = key_name(key);
    let typed = pending.map_or_else(|| name.clone(), |first| format!("{first} {name}"));
    let everywhere = [Action::Quit, Action::Suspend, Action::Redraw];
    for context in contexts {
        let bound = TABLE.iter().filter(|binding| binding.contexts.contains(context));
        for binding in bound {
            if binding.keys.contains(&typed.as_str()) {
                return Meaning::Act(binding.action);
            }
            if pending.is_none() && binding.keys.iter().any(|key| key.split_once(' ').is_some_and(|(first, _)| first == name)) {
                return Meaning::Prefix;
            }
        }
        if context.types() {
            let always = TABLE.iter().find(|b| everywhere.contains(&b.action) && b.keys.contains(&typed.as_str()));
            return always.map_or(Meaning::Text, |b| Meaning::Act(b.action));
        }
    }
    let always = TABLE.iter().find(|b| everywhere.contains(&b.action) && b.keys.contains(&typed.as_str()));
    always.map_or(Meaning::Nothing, |b| Meaning::Act(b.action))
}

/// The line of an action.
pub fn binding(action: Action) -> &'static Binding {
    TABLE.iter().find(|binding| binding.action == action).unwrap_or(&TABLE[0])
}

/// The first key of an action, as shown.
pub fn shown_key(action: Action) -> String {
    binding(action).keys.first().map(|key| shown(key)).unwrap_or_default()
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
        other => match other.strip_prefix("ctrl-") {
            Some(letter) => format!("Ctrl-{}", letter.to_uppercase()),
            None => other.replace(' ', ""),
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
    use std::collections::{BTreeMap, BTreeSet};

    fn press(contexts: &[Context], key: KeyCode) -> Meaning {
        meaning(contexts, None, &KeyEvent::new(key, KeyModifiers::NONE))
    }

    #[test]
    fn no_two_actions_of_a_context_share_a_key_and_no_name_stands_twice() {
        let mut keys: BTreeMap<(Context, &str), &str> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for binding in TABLE {
            assert!(!binding.keys.is_empty() && !binding.description.is_empty());
            for context in binding.contexts {
                assert!(names.insert((context, binding.name)), "{}", binding.name);
                for key in binding.keys {
                    if let Some(other) = keys.insert((*context, key), binding.name) {
                        panic!("{key} is both {other} and {}", binding.name);
                    }
                }
            }
        }
    }

    #[test]
    fn the_nearest_context_decides_and_global_is_inherited() {
        let log = [Context::Log, Context::Global];
        assert_eq!(press(&log, KeyCode::Char('f')), Meaning::Act(Action::Follow));
        assert_eq!(press(&log, KeyCode::Char('t')), Meaning::Act(Action::Trigger));
        assert_eq!(press(&[Context::List, Context::Global], KeyCode::Char('f')), Meaning::Nothing);
    }

    #[test]
    fn two_keys_in_a_row_are_one_action() {
        let contexts = [Context::List, Context::Global];
        let g = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::NONE);
        assert_eq!(meaning(&contexts, None, &g), Meaning::Prefix);
        assert_eq!(meaning(&contexts, Some("g"), &g), Meaning::Act(Action::Top));
    }

    #[test]
    fn where_text_is_typed_letters_are_text_and_ctrl_c_still_leaves() {
        assert_eq!(press(&[Context::Form], KeyCode::Char('q')), Meaning::Text);
        let leave = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        for context in [Context::Form, Context::Prompt, Context::Help, Context::Confirm, Context::Dialog] {
            assert_eq!(meaning(&[context], None, &leave), Meaning::Act(Action::Quit), "{context:?}");
        }
    }
}

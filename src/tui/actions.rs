//! The one table of actions: name, keys, where, what it does. The keys in effect ([`super::keymap`]) are made from it; no key is
//! matched anywhere else.

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
    /// The list of everything that can be asked for by name: printable keys type.
    Palette,
    /// Where a filter or search is typed: printable keys type.
    Prompt,
    /// A form: printable keys type.
    Form,
}

impl Context {
    /// Every context, in the order in which pages and help list them.
    pub const ALL: [Self; 14] = [
        Self::Global,
        Self::List,
        Self::Graph,
        Self::Grid,
        Self::Timeline,
        Self::Log,
        Self::Dialog,
        Self::Confirm,
        Self::Menu,
        Self::Note,
        Self::Help,
        Self::Palette,
        Self::Prompt,
        Self::Form,
    ];

    /// Its name in configuration: `[keys.<name>]`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Graph => "graph",
            Self::Grid => "grid",
            Self::Timeline => "timeline",
            Self::Log => "log",
            Self::Dialog => "dialog",
            Self::Confirm => "confirm",
            Self::Menu => "menu",
            Self::Note => "note",
            Self::Help => "help",
            Self::Palette => "palette",
            Self::Prompt => "prompt",
            Self::Form => "form",
        }
    }

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
            Self::Palette => "PALETTE",
            Self::Prompt => "TYPING",
            Self::Form => "FORM",
        }
    }

    /// Whether printable keys are text here.
    pub const fn types(self) -> bool {
        matches!(self, Self::Help | Self::Palette | Self::Prompt | Self::Form | Self::Note)
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
    Watch "watch" Global ["B"] "watch" "Watch the run, so that its end is told; again: watch it no more";
    Backfill "backfill" Global ["b"] "backfill" "The backfills of the pipeline, or a new one: runs for a stretch of dates";
    Undo "undo" Global ["U"] "undo" "Take back the last command about the run (asks)";
    More "more" Global ["m"] "more" "More: clear, resume, mark as success or failed (asks)";
    Failure "failure_card" Global ["F"] "failure" "What is known of the failure: cause, last lines, what is different, what to do";
    Why "why" Global ["w"] "why" "Why is it as it is, and what does it wait for?";
    NextTab "next_tab" Global ["]"] "next tab" "Next tab: graph, grid, timeline, history";
    PreviousTab "prev_tab" Global ["["] "" "Previous tab: graph, grid, timeline, history";
    Up "up" Global ["k", "up"] "" "Move up";
    Down "down" Global ["j", "down"] "" "Move down";
    Left "left" Global ["h", "left"] "" "Move left";
    Right "right" Global ["l", "right"] "" "Move right";
    PageUp "page_up" Global ["ctrl-u", "pageup"] "" "A page up";
    PageDown "page_down" Global ["ctrl-d", "pagedown"] "" "A page down";
    Top "goto_top" Global ["g g", "home"] "" "To the first line";
    Bottom "goto_bottom" Global ["G", "end"] "" "To the last line";
    Mark "mark" List | Grid ["space"] "mark" "Mark it, or take the mark away";
    Sort "sort" List ["o"] "sort" "Sort by something else";
    ViewCycle "view_cycle" List | Grid | Graph ["v"] "view" "Show it another way: other columns, other cells; graph, tree or table";
    Older "older" Grid ["H"] "older" "To older runs";
    Newer "newer" Grid ["L"] "newer" "To newer runs";
    ZoomIn "zoom_in" Timeline | Graph ["+"] "zoom" "Nearer; of a graph: tell more of each task, in focus one edge further";
    ZoomOut "zoom_out" Timeline | Graph ["-"] "" "Farther; of a graph: tell less of each task, in focus one edge less";
    Fit "fit" Timeline | Graph ["0"] "fit" "All of it; of a graph: as much as fits, down or across";
    CriticalPath "critical_path" Timeline | Graph ["C"] "critical path" "What the end of the run waits for, or everything";
    Follow "follow" Log ["f"] "follow" "Follow the log's end";
    NextMatch "next_match" Log | Graph | Grid ["n"] "" "Next match, or failure";
    PreviousMatch "prev_match" Log | Graph | Grid ["N"] "" "Previous match, or failure";
    FocusNeighbourhood "focus_neighbourhood" Graph ["f"] "focus" "Show only what is near the task, two edges up and down; again: all";
    Orientation "orientation" Graph ["o"] "" "Turn the graph: from top to bottom, from left to right";
    CollapseGroup "collapse_group" Graph | Grid ["c"] "" "Show the group of the task as one, or one by one";
    CollapseAll "collapse_all" Graph | Grid ["E"] "" "Show all groups as one, or all tasks one by one";
    PanLeft "pan_left" Graph ["H"] "" "See more of the left";
    PanDown "pan_down" Graph ["J"] "" "See more of what is below";
    PanUp "pan_up" Graph ["K"] "" "See more of what is above";
    PanRight "pan_right" Graph ["L"] "" "See more of the right";
    Logs "goto_logs" Global ["g l"] "" "The log of the task, or of all tasks of the run";
    NewestRun "goto_newest_run" Global ["g r"] "" "The newest run of the pipeline, or of all";
    FirstFailed "goto_first_failed" Global ["g f"] "" "What failed first of the run; elsewhere the newest run that failed";
    Upstream "goto_upstream" Global ["g u"] "" "To a task that the selected one waits for";
    Downstream "goto_downstream" Global ["g d"] "" "To a task that waits for the selected one";
    NextAttempt "next_attempt" Global [")"] "" "Log of the next attempt";
    PreviousAttempt "prev_attempt" Global ["("] "attempt" "Log of the previous attempt";
    Wrap "wrap" Log ["W"] "wrap" "Wrap long lines";
    Timestamps "timestamps" Log ["T"] "times" "Show when each line was written";
    Filter "filter" Log ["&"] "filter" "Show only lines that have it (! before it: that have it not)";
    RaiseLevel "raise_level" Log [">"] "level" "Hide lines that are less bad";
    LowerLevel "lower_level" Log ["<"] "" "Show lines that are less bad";
    NextError "next_error" Log ["}"] "error" "Next error";
    PreviousError "prev_error" Log ["{"] "" "Previous error";
    LineNumbers "line_numbers" Log ["#"] "" "Number the lines";
    ScrollLeft "scroll_left" Log ["H"] "" "Half a screen to the left";
    ScrollRight "scroll_right" Log ["L"] "" "Half a screen to the right";
    SelectLines "select_lines" Log ["V"] "select" "Choose lines, to copy (y y) or save (S) them";
    Save "save" Log ["S"] "save" "Save what is shown, or the lines that are chosen, into a file";
    AllTasks "all_tasks" Log ["A"] "all tasks" "The logs of all tasks in one, in the order of time";
    SideBySide "side_by_side" Log ["|"] "beside" "The log of another task beside it";
    NextTask "next_task" Log ["J"] "" "Log of the next task";
    PreviousTask "prev_task" Log ["K"] "" "Log of the previous task";
    Search "search" Global ["/"] "search" "Filter the list, or search the log";
    NextPane "next_pane" Global ["tab"] "pane" "Next pane";
    PreviousPane "prev_pane" Global ["backtab"] "" "Previous pane";
    PlacePipelines "place_pipelines" Global ["1"] "" "Pipelines";
    PlaceRuns "place_runs" Global ["2"] "" "Runs";
    PlaceSchedule "place_schedule" Global ["5"] "" "Schedule: what starts runs by itself, what fires next, what became of past fires";
    PlaceResources "place_resources" Global ["6"] "" "Resources: what is shared, what runs, what waits and why";
    Workspace "switch_workspace" Global [", w"] "" "Go to another workspace";
    SettingsTheme "settings_theme" Global [", t"] "" "Choose a theme, seen while choosing";
    CopyLine "copy_line" Global ["y y"] "copy" "Copy the line that is selected";
    CopyId "copy_id" Global ["y i"] "" "Copy the id of what is selected";
    CopyPath "copy_path" Global ["y p"] "" "Copy the path of its file or folder";
    CopyCli "copy_cli" Global ["y c"] "" "Copy the command line that shows it";
    CopyAll "copy_all" Global ["y a"] "" "Copy all of it";
    CopyMarkdown "copy_markdown" Global ["y m"] "" "Copy all of it as Markdown";
    EditExternal "goto_edit_external" Global ["g e"] "" "Open the pipeline file in $EDITOR";
    Shell "shell" Global ["g s"] "" "Open a shell where the attempt ran, with its environment";
    Back "back" Global ["esc"] "" "Back";
    Help "help" Global ["?"] "help" "What can be done here, by which keys";
    Palette "palette" Global [":", "ctrl-p"] "" "Find an action, a pipeline, a run, a task or a theme by its name";
    Messages "messages" Global ["!"] "" "Everything that was said, and the command line of everything that was done";
    Zoom "zoom_pane" Global ["z"] "" "Only this pane, without frames, so that the terminal can select its text; again: all of them";
    Mouse "settings_mouse" Global [", m"] "" "Turn the mouse off, so that the terminal selects text, or on again";
    ListKeys "settings_keys" Global [", k"] "" "The keys, and how to choose your own";
    Redraw "redraw" Global ["ctrl-l"] "" "Draw the screen anew";
    Suspend "suspend" Global ["ctrl-z"] "" "To the shell and back with `fg`";
    Close "close_layer" Global ["q"] "quit" "Close; at home: leave. Runs go on";
    Quit "quit" Global ["ctrl-c"] "" "Leave at once. Runs go on";
    DialogUp "dialog_up" Dialog ["k", "up"] "" "Up";
    DialogDown "dialog_down" Dialog ["j", "down"] "" "Down";
    DialogPageUp "dialog_page_up" Dialog ["ctrl-u", "pageup"] "" "A page up";
    DialogPageDown "dialog_page_down" Dialog ["ctrl-d", "pagedown", "space"] "" "A page down";
    DialogSwitch "dialog_switch" Dialog ["tab"] "switch" "The other list";
    DialogCopy "dialog_copy" Dialog ["y"] "copy" "Copy it";
    DialogClose "dialog_close" Dialog ["esc", "q", "enter"] "close" "Close";
    Yes "confirm_yes" Confirm ["y"] "do it" "Do what the question says";
    Other "confirm_other" Confirm ["o"] "" "The other thing the question offers";
    No "confirm_no" Confirm ["enter", "esc", "n", "q"] "leave it" "Change nothing (asks if something was typed)";
    MenuUp "menu_up" Menu ["k", "up"] "" "Up";
    MenuDown "menu_down" Menu ["j", "down"] "" "Down";
    MenuPageUp "menu_page_up" Menu ["ctrl-u", "pageup"] "" "A page up";
    MenuPageDown "menu_page_down" Menu ["ctrl-d", "pagedown"] "" "A page down";
    MenuTop "menu_top" Menu ["g g", "home"] "" "To the first line";
    MenuBottom "menu_bottom" Menu ["G", "end"] "" "To the last line";
    MenuChoose "menu_choose" Menu ["enter"] "choose" "Choose; what changes much asks first";
    MenuPause "menu_pause" Menu ["p"] "pause" "Pause it or let it go on, where it can be";
    MenuCancel "menu_cancel" Menu ["x"] "cancel" "Cancel it, where it can be (asks)";
    MenuForget "menu_forget" Menu ["d", "delete"] "forget" "Take it out of the list, where it can be";
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
    PaletteUp "palette_up" Palette ["up", "ctrl-p"] "" "Up";
    PaletteDown "palette_down" Palette ["down", "ctrl-n"] "" "Down";
    PalettePageUp "palette_page_up" Palette ["pageup"] "" "A page up";
    PalettePageDown "palette_page_down" Palette ["pagedown"] "" "A page down";
    PaletteErase "palette_erase" Palette ["ctrl-u"] "" "Erase what is typed";
    PaletteRun "palette_run" Palette ["enter"] "do it" "Do or open what is selected";
    PaletteClose "palette_close" Palette ["esc"] "close" "Close";
    PromptDone "prompt_done" Prompt ["enter"] "done" "Keep what is typed";
    PromptClear "prompt_clear" Prompt ["esc"] "clear" "Forget what is typed";
    PromptUp "prompt_up" Prompt ["up"] "" "Up";
    PromptDown "prompt_down" Prompt ["down"] "" "Down";
    PromptErase "prompt_erase" Prompt ["ctrl-u"] "" "Erase what is typed";
    FormErase "erase" Form ["ctrl-u"] "" "Erase the field; of a choice: the default";
    FormNext "next_field" Form ["tab", "down"] "next field" "Next field";
    FormPrevious "prev_field" Form ["backtab", "up"] "" "Previous field";
    FormEnter "form_enter" Form ["enter"] "" "Next field; on the button: do it";
    FormForward "next_choice" Form ["right"] "" "Next choice; in a text: to the right";
    FormBackward "prev_choice" Form ["left"] "" "Previous choice; in a text: to the left";
    FormLast "last_values" Form ["ctrl-r"] "last values" "Take the values of the last run; again: the defaults";
    FormCopy "copy_cli" Form ["ctrl-y"] "copy" "Copy the command line that does the same";
    FormSubmit "submit" Form ["ctrl-s", "ctrl-enter"] "do it" "Do what the form is for";
    FormLeave "cancel" Form ["esc"] "leave" "Change nothing";
}

/// The line of an action.
pub fn binding(action: Action) -> &'static Binding {
    TABLE.iter().find(|binding| binding.action == action).unwrap_or(&TABLE[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

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
}

//! docs/keys.md lists every key as the table of actions has it.

use flowyard::tui::{
    actions::{Binding, TABLE},
    keymap::shown,
};
use std::{fmt::Write, fs, path::Path};

const OWN_KEYS: &str = r#"
## Your own keys

They stand in `flowyard/config.toml` of the folder for settings (`$XDG_CONFIG_HOME`, else `~/.config`). `flowyard keys` lists
contexts and actions by name, with the keys in effect; `flowyard keys --check` tells conflicts, unknown names and keys that no
terminal sends.

```toml
[keys.global]
retry = ["r", "f5"]       # instead of the built-in keys
skip = []                 # none
[keys.log]
follow = "g f"            # two keys, one after the other

[[commands]]
keys = "f6"
context = "log"           # everywhere, if it is left out
run = "less -R {log}"
description = "Read the log in less"
```

A command gets the terminal until it ends. Its line is parted into words at blanks, with quotes as in a shell, and no shell reads
it: `{run}`, `{task}`, `{pipeline}`, `{log}` (standard output of the selected attempt) and `{folder}` (of the attempt) are filled
in after that, so whatever they hold stays one word. Where a shell is wanted, say so, and hand the words on as arguments:
`run = ["sh", "-c", "grep -n ERROR \"$1\" | less", "sh", "{log}"]`.
"#;

fn page() -> String {
    let mut text = String::from(
        "# Keys\n\nMade from the table of actions that the program itself reads; `?` shows the part that is of use where you are.\n\
         Where two headings bind a key, the nearer one counts: a list, the graph or the log before everywhere.\n",
    );
    text.push_str(OWN_KEYS);
    let mut contexts: Vec<_> = TABLE.iter().flat_map(|binding| binding.contexts).copied().collect();
    contexts.sort_unstable();
    contexts.dedup();
    for context in contexts {
        let title = context.title();
        let (first, rest) = title.split_at(1);
        let _ = writeln!(text, "\n## {first}{}\n\n| key | does |\n|---|---|", rest.to_lowercase());
        for binding in TABLE.iter().filter(|binding| binding.contexts.contains(&context)) {
            let _ = writeln!(text, "| {} | {} |", keys(binding), binding.description);
        }
    }
    text
}

fn keys(binding: &Binding) -> String {
    let keys: Vec<_> = binding.keys.iter().map(|key| format!("`{}`", shown(key))).collect();
    keys.join(" · ")
}

#[test]
fn the_page_of_keys_is_the_table_of_actions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    if std::env::var_os("FLOWYARD_BLESS").is_some() {
        fs::write(path, page()).unwrap();
    } else {
        let kept = fs::read_to_string(path).unwrap_or_default();
        assert_eq!(kept, page(), "docs/keys.md is out of date; run the tests once with FLOWYARD_BLESS=1");
    }
}

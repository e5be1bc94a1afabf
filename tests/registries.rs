//! A file nobody registered is a feature nobody can reach.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::Path};

/// Files in a registry's folder that serve the others and are no entry themselves. A backfill starts runs without a line in a file.
const SHARED: &[(&str, &[&str])] =
    &[("src/executors", &["shim"]), ("src/components", &["shared"]), ("src/notifiers", &["message"]), ("src/triggers", &["backfill"])];

#[test]
fn every_executor_file_is_registered() {
    every_file_is_listed("src/executors");
}

#[test]
fn every_component_file_is_registered() {
    every_file_is_listed("src/components");
}

#[test]
fn every_notifier_file_is_registered() {
    every_file_is_listed("src/notifiers");
}

#[test]
fn every_trigger_file_is_registered() {
    every_file_is_listed("src/triggers");
}

#[test]
fn every_view_file_is_registered() {
    every_file_is_listed("src/tui/views");
}

#[test]
fn every_theme_is_built_in_under_its_name() {
    let Ok(folder) = fs::read_dir("themes") else { return };
    let source = registry_text(Path::new("src/tui/theme.rs")).or_else(|| registry_text(Path::new("src/tui/theme/mod.rs")));
    let list = list_after(&source.unwrap(), "const BUILTIN");
    let files: BTreeSet<_> = folder.map(|entry| stem(&entry.unwrap().path())).collect();
    for name in &files {
        assert!(list.contains(&format!("\"{name}\"")), "themes/{name}.toml is not in tui::theme::BUILTIN");
        assert!(list.contains(&format!("themes/{name}.toml")), "tui::theme::BUILTIN does not embed themes/{name}.toml");
    }
    assert_eq!(list.matches(".toml").count(), files.len(), "tui::theme::BUILTIN names a file twice, or one that is not there");
}

/// The folder's `mod.rs` lists each file once in its `ALL`, and nothing else.
fn every_file_is_listed(folder: &str) {
    let Some(source) = registry_text(&Path::new(folder).join("mod.rs")) else { return };
    let list = list_after(&source, "const ALL");
    let entries: BTreeSet<_> = entries_in(&list).into_iter().collect();
    let shared = SHARED.iter().find(|(name, _)| *name == folder).map_or(&[][..], |(_, files)| files);
    let files: BTreeSet<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| stem(&entry.unwrap().path()))
        .filter(|name| name != "mod" && !shared.contains(&name.as_str()))
        .collect();
    assert_eq!(entries, files, "left: what {folder}/mod.rs lists in ALL; right: its files");
}

fn registry_text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n"))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// What stands in the brackets of a list's value. The list stands at the margin: one within a type is another.
fn list_after(text: &str, name: &str) -> String {
    let Some(start) = [format!("\npub {name}"), format!("\n{name}")].iter().find_map(|line| text.find(line.as_str())) else {
        return String::new();
    };
    let value = text[start..].find('=').map_or("", |at| &text[start + at..]);
    value[..value.find("];").unwrap_or(value.len())].to_owned()
}

/// The modules a list names: `&local::Local` names `local`. Paths within a module, and types, do not count.
fn entries_in(list: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let ends = list.match_indices("::").map(|(at, _)| &list[..at]);
    let names = ends.map(|before| (before, &before[before.rfind(|c| !is_word(c)).map_or(0, |at| at + 1)..]));
    names
        .filter(|(before, name)| !before[..before.len() - name.len()].ends_with("::") && name.starts_with(|c: char| c.is_ascii_lowercase()))
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[test]
fn a_list_is_read_as_it_is_written() {
    let text = "pub mod a;\nimpl X {\n    pub const ALL: [Self; 1] = [Self::X];\n}\npub const ALL: &[&dyn Thing] = &[\n    &a::A,\n    &b_c::New { x: 1 },\n];\nfn f() { d::D; }";
    assert_eq!(entries_in(&list_after(text, "const ALL")), ["a", "b_c"]);
    assert_eq!(entries_in(&list_after("\npub const ALL: &[&dyn Thing] = &[];", "const ALL")), Vec::<String>::new());
    let built = "\npub const ALL: &[(&str, fn() -> Box<dyn V>)] = &[(\"a\", || Box::new(a::View::default())), (\"b\", || Box::new(b::new(x.y())))];";
    assert_eq!(entries_in(&list_after(built, "const ALL")), ["a", "b"]);
}

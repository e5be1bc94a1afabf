//! Who may import whom. This table is the architecture: change it in its own commit, with the reason.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Lowest first. A folder may import itself and what stands to its right.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("stdx", &[]),
    ("model", &["stdx"]),
    ("expr", &["stdx", "model"]),
    ("spec", &["stdx", "model", "expr"]),
    ("plan", &["stdx", "model", "expr"]),
    ("config", &["stdx", "model"]),
    ("engine", &["stdx", "model", "expr", "plan"]),
    ("triggers", &["stdx", "model"]),
    ("executors", &["stdx", "model"]),
    ("store", &["stdx", "model"]),
    ("artifacts", &["stdx", "model"]),
    ("notifiers", &["stdx", "model"]),
    ("sensors", &["stdx", "model"]),
    ("components", &["stdx", "model", "artifacts"]),
    (
        "runtime",
        &[
            "stdx",
            "model",
            "expr",
            "spec",
            "plan",
            "config",
            "engine",
            "triggers",
            "executors",
            "store",
            "artifacts",
            "notifiers",
            "components",
        ],
    ),
    ("cli", &["stdx", "model", "spec", "plan", "config", "components", "runtime"]),
    ("tui", &["stdx", "model", "config", "spec", "plan", "runtime"]),
];

/// Folders that promise to be pure.
const PURE: &[&str] = &["model", "expr", "spec", "plan", "engine", "triggers"];

/// What would let the world into them: paths, and calls wherever they come from.
const WORLD: &[&str] = &["std::fs", "std::process", "std::net", "std::thread", "tokio", "rusqlite"];
const CLOCKS: &[&str] = &["SystemTime::now", "Instant::now", "Utc::now", "Local::now"];

/// The one folder whose code may be unsafe, in one module.
const UNSAFE_HOME: &str = "src/executors/shim";

#[test]
fn the_table_points_down() {
    for (i, (layer, allowed)) in MAY_IMPORT.iter().enumerate() {
        for name in *allowed {
            assert!(MAY_IMPORT[..i].iter().any(|(lower, _)| lower == name), "{layer}: `{name}` does not stand above it in the table");
        }
    }
}

#[test]
fn every_import_points_down() {
    let mut wrong = Vec::new();
    for (layer, allowed) in MAY_IMPORT {
        for file in rust_files(&Path::new("src").join(layer)) {
            for used in layers_named_in(&crate_paths(&file)) {
                if used != *layer && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} imports `{used}`; `{layer}` may import only {allowed:?}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_has_its_row() {
    let known: BTreeSet<_> = MAY_IMPORT.iter().map(|(layer, _)| (*layer).to_owned()).collect();
    let found: BTreeSet<_> = fs::read_dir("src")
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(known, found);
    let beside: BTreeSet<_> = fs::read_dir("src")
        .unwrap()
        .map(Result::unwrap)
        .filter(|e| e.path().is_file())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    assert_eq!(beside, BTreeSet::from(["lib.rs".to_owned(), "main.rs".to_owned()]), "a file beside the folders has no layer");
}

#[test]
fn pure_layers_do_not_touch_the_world() {
    let mut wrong = Vec::new();
    for layer in PURE {
        for file in rust_files(&Path::new("src").join(layer)) {
            for word in world_in(&code_of(&fs::read_to_string(&file).unwrap())) {
                wrong.push(format!("{} uses `{word}`; `{layer}` is pure", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_has_one_home() {
    let allowing: Vec<_> = rust_files(Path::new("src"))
        .into_iter()
        .flat_map(|file| vec![file.clone(); unsafe_permits(&code_of(&fs::read_to_string(&file).unwrap()))])
        .collect();
    assert!(allowing.len() <= 1, "one module may be unsafe, not {allowing:?}");
    for file in allowing {
        assert!(file.starts_with(UNSAFE_HOME), "{}: unsafe code belongs in {UNSAFE_HOME}", file.display());
    }
}

#[test]
fn the_wiring_stays_small() {
    let lines = fs::read_to_string("src/main.rs").unwrap().lines().count();
    assert!(lines < 60, "src/main.rs has {lines} lines: it wires and starts, nothing else");
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of `file`, with every chain of `super::` that climbs to the crate's root written as `crate::`.
fn crate_paths(file: &Path) -> String {
    let inside = file.strip_prefix("src").unwrap().components().count();
    let depth = if file.ends_with("mod.rs") { inside - 1 } else { inside };
    climb(&code_of(&fs::read_to_string(file).unwrap()), depth)
}

/// A module within the file climbs one step more, so longer chains count as climbing to the root too.
fn climb(text: &str, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("super::") {
        let chain = &rest[at..];
        let steps = (0..).take_while(|step| chain[step * "super::".len()..].starts_with("super::")).count();
        out.push_str(&rest[..at]);
        out.push_str(if steps >= depth { "crate::" } else { "super::" });
        rest = &chain[steps * "super::".len()..];
    }
    out + rest
}

/// The text without comments, so that words may be spoken of, and without spaces around `::`.
fn code_of(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { without_comment(line) }).collect();
    lines.join("\n").replace(" ::", "::").replace(":: ", "::")
}

/// Cuts a trailing comment, told from an address by the space before it.
fn without_comment(line: &str) -> &str {
    line.split(" // ").next().unwrap_or(line)
}

/// The layers named right after `crate::` or the crate's own name, also inside `use crate::{a, b}`.
fn layers_named_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::", "flowyard::"] {
        for (at, _) in text.match_indices(root) {
            let rest = &text[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(split_group(group).iter().filter_map(|item| ident(item))),
                None => found.extend(ident(rest)),
            }
        }
    }
    found.retain(|name| MAY_IMPORT.iter().any(|(layer, _)| layer == name));
    found
}

/// The words of the world in a text: as written, and in grouped imports.
fn world_in(text: &str) -> BTreeSet<String> {
    let mut paths: Vec<String> = imports(text);
    paths.push(text.to_owned());
    let names = |path: &str, word: &str| {
        path.match_indices(word).any(|(at, _)| {
            let before = path[..at].chars().next_back();
            let after = path[at + word.len()..].chars().next();
            let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            !is_word(before) && !is_word(after) && (word.contains("::") || after == Some(':') || path.len() == word.len())
        })
    };
    let mut found: BTreeSet<String> =
        WORLD.iter().chain(CLOCKS).filter(|word| paths.iter().any(|path| names(path, word))).map(|&word| word.to_owned()).collect();
    // Under another name a clock or a folder of the world would not be seen.
    found.extend(paths.iter().filter(|path| path.starts_with("std::") && (path.contains(" as ") || path.ends_with("::*"))).cloned());
    found
}

/// Every path that a `use` brings in, groups written out.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in text.split(';') {
        let statement = statement.trim_end();
        let Some(at) = statement.rfind("use ").filter(|&at| at == 0 || statement[..at].ends_with(char::is_whitespace)) else { continue };
        expand("", &statement[at + "use ".len()..], &mut found);
    }
    found
}

fn expand(prefix: &str, item: &str, found: &mut Vec<String>) {
    let item = item.trim();
    match item.split_once('{') {
        Some((head, group)) => {
            for part in split_group(group) {
                expand(&format!("{prefix}{}", head.trim()), part, found);
            }
        }
        None if item.is_empty() => {}
        None if item == "self" => found.push(prefix.trim_end_matches("::").to_owned()),
        None => found.push(format!("{prefix}{item}")),
    }
}

/// The items of a group, up to the brace that closes it; inner groups stay whole.
fn split_group(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(group[start..at].trim());
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(group[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(group[start..].trim());
    items
}

fn ident(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// How many times a text permits unsafe code.
fn unsafe_permits(text: &str) -> usize {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let permits = |attribute: &str| -> usize {
        let arguments = dense.match_indices(attribute).map(|(at, _)| &dense[at + attribute.len()..]);
        arguments.filter(|text| text[..text.find(')').unwrap_or(text.len())].contains("unsafe_code")).count()
    };
    permits("[allow(") + permits("[expect(") + permits("[warn(")
}

#[test]
fn a_plain_path_a_group_and_an_inline_path_name_their_layers() {
    let names = |text: &str| layers_named_in(text).into_iter().collect::<Vec<_>>();
    assert_eq!(names("use crate::engine::Engine;"), ["engine"]);
    assert_eq!(names("use crate::{\n    model::{self, Task},\n    store,\n};"), ["model", "store"]);
    assert_eq!(names("let x = crate::runtime::now();"), ["runtime"]);
    assert_eq!(names("fn f(h: flowyard::cli::Handle) {}"), ["cli"]);
    assert_eq!(names("use crate::{stdx, model}; use crate::elsewhere::engine;"), ["model", "stdx"]);
}

#[test]
fn climbing_to_the_root_is_seen_and_climbing_less_is_not() {
    assert_eq!(climb("super::super::engine", 2), "crate::engine");
    assert_eq!(climb("super::super::super::engine", 2), "crate::engine");
    assert_eq!(climb("super::sibling", 2), "super::sibling");
    assert_eq!(layers_named_in(&climb("use super::{model, store};", 1)).len(), 2);
}

#[test]
fn the_world_is_found_in_groups_and_under_other_names() {
    let finds = |text: &str| world_in(&code_of(text)).into_iter().collect::<Vec<_>>();
    assert_eq!(finds("use std::fs;"), ["std::fs"]);
    assert_eq!(finds("use std::{collections::BTreeMap, fs};"), ["std::fs"]);
    assert_eq!(finds("pub use std::{\n    io::{self, Read},\n    process::{Command, exit},\n};"), ["std::process"]);
    assert_eq!(finds("let x = std::fs::read(path);"), ["std::fs"]);
    assert_eq!(finds("use std::{fs as files};"), ["std::fs", "std::fs as files"]);
    assert_eq!(finds("use tokio;"), ["tokio"]);
    assert_eq!(finds("tokio::spawn(f)"), ["tokio"]);
    assert_eq!(finds("chrono::Utc::now()"), ["Utc::now"]);
    assert_eq!(finds("let t = std::time::Instant :: now();"), ["Instant::now"]);
    assert_eq!(finds("use std::*;"), ["std::*"]);
}

#[test]
fn words_in_comments_and_words_that_only_begin_alike_are_no_offence() {
    let nothing = "/// Never calls std::fs or Utc::now.\n//! tokio::spawn\nuse std::fmt; // std::fs\nlet tokio_like = 1; my_tokio::x();";
    assert_eq!(world_in(&code_of(nothing)), BTreeSet::new());
    assert_eq!(layers_named_in(&code_of("/// See [`crate::engine`].")), BTreeSet::new());
}

#[test]
fn permits_of_unsafe_code_are_counted_however_they_are_written() {
    assert_eq!(unsafe_permits("#![allow(unsafe_code)]"), 1);
    assert_eq!(unsafe_permits("#[allow(\n  dead_code,\n  unsafe_code,\n)]\n#[expect(unsafe_code)]"), 2);
    assert_eq!(unsafe_permits("#![deny(unsafe_code)] #[allow(dead_code)]"), 0);
}

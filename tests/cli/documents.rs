//! The README and the changelog name the commands that there are, and no others.

use crate::support::Yard;
use std::{collections::BTreeSet, fs, path::Path};

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The text after one phrase and before another.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("`{from}` is gone"));
    rest.split_once(to).unwrap_or_else(|| panic!("`{to}` is gone")).0
}

/// Everything within backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_readme_and_the_changelog_name_every_command() {
    let help = Yard::empty().text(0, &["--help"]);
    let commands = between(&help, "Commands:\n", "\n\n");
    let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: BTreeSet<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 10, "{help}");

    let readme = document("README.md");
    let rows = between(&readme, "## Commands", "\n\n`RUN`").lines().filter_map(|row| row.strip_prefix("| `"));
    let first_cells: Vec<String> = rows.filter_map(|row| Some(format!("`{}", row.split_once(" | ")?.0))).collect();
    let in_readme: BTreeSet<&str> = first_cells
        .iter()
        .flat_map(|cell| code(cell))
        .filter_map(|code| code.trim_start_matches("flowyard").split_whitespace().next())
        .collect();
    assert_eq!(in_readme, commands, "README.md");

    let changelog = document("CHANGELOG.md");
    assert_eq!(code(between(&changelog, "The command line:", "; with")).collect::<BTreeSet<_>>(), commands, "CHANGELOG.md");
}

#[test]
fn every_file_and_folder_that_a_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["README.md", "docs/architecture.md", "docs/decisions.md", "docs/pipeline-file.md", "docs/components.md"] {
        let text = document(page);
        let names = code(&text).filter(|code| code.contains('/') && (code.ends_with(".rs") || code.ends_with('/')));
        // What a run makes is not here yet.
        for name in names.filter(|name| !name.contains('<') && !name.starts_with(".flowyard") && !name.starts_with("models/")) {
            assert!(root.join("src").join(name).exists() || root.join(name).exists(), "{page} names {name}");
        }
        let linked = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.starts_with("http"));
        for link in linked {
            assert!(root.join(page).parent().unwrap().join(link).exists(), "{page} links to {link}");
        }
    }
}

//! `docs/guarantees.md` names tests and built-in faults: each must exist.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::{fs, path::Path};

/// All Rust sources below a folder, as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(end) if end == "rs" => fs::read_to_string(path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}

#[test]
fn every_promise_names_a_test_that_exists_and_a_fault_that_is_built_in_or_made_by_the_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (program, tests) = (sources(&root.join("src")), sources(&root.join("tests")));
    let page = fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Promise"));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split('`').collect()).collect();
    let mut built_in = 0;
    for row in rows {
        let (target, test) = match row[..] {
            [_, target, _, test, _, fault, _] => {
                assert!(program.contains(&format!("fault::is_on(\"{fault}\")")), "there is no fault `{fault}`");
                built_in += 1;
                (target, test)
            }
            [_, target, _, test, _] => (target, test),
            _ => panic!("not a promise, its target, its test, and perhaps a fault: {row:?}"),
        };
        let where_it_is = if target == "lib" { &program } else { &tests };
        assert!(where_it_is.contains(&format!("fn {test}()")), "there is no test `{test}` in {target}");
    }
    let all = program.matches("fault::is_on(\"").count();
    assert_eq!(built_in, all, "each fault that is built in belongs to one row");
}

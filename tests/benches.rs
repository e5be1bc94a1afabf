//! `benches/results.json` holds everything that `benches/check` compares with a goal.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use serde_json::Value;
use std::{fs, path::Path};

#[test]
fn each_goal_was_measured() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    let results: Value = serde_json::from_str(&fs::read_to_string(folder.join("results.json")).unwrap()).unwrap();
    let check = fs::read_to_string(folder.join("check")).unwrap();
    let goals = check.split_once("GOALS = [").unwrap().1.split_once("\n]").unwrap().0;
    let mut goals_found = 0;
    for line in goals.lines().filter(|line| line.contains('(')) {
        let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let [part, what, number] = names[..] else { panic!("{line} is not a goal") };
        assert!(results["results"][part][what][number].is_number(), "{part}/{what}/{number} was not measured; run benches/check");
        let commit = results["measured"][part]["commit"].as_str();
        assert!(commit.is_some_and(|commit| commit.len() == 40), "nobody knows what {part} was measured of; run benches/check");
        goals_found += 1;
    }
    assert!(goals_found >= 10, "only {goals_found} goals were found");
    assert!(results["machine"]["cores"].is_number());
}

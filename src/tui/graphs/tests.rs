//! Which groups there are and what is drawn of them.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    model::{TaskId, TaskState},
    tui::fixtures::{self, task},
};

fn names(plan: &Plan, structure: &Structure) -> Vec<String> {
    plan.nodes.iter().map(|node| node.name(structure).to_owned()).collect()
}

fn wish(folded: impl IntoIterator<Item = usize>) -> Wish {
    Wish { folded: Arc::new(folded.into_iter().collect()), room: (80, 17), ..Wish::default() }
}

#[test]
fn tasks_belong_together_if_the_file_says_so_or_their_names_and_depths_are_alike() {
    let mut tasks = vec![
        task("load_a", TaskState::Success, &[]),
        task("load_b", TaskState::Success, &[]),
        task("load_c", TaskState::Success, &["load_a"]),
        task("train", TaskState::Success, &["load_b"]),
        task("check", TaskState::Success, &["train"]),
    ];
    tasks[3].group = Some("model".into());
    tasks[4].group = Some("model".into());
    let structure = Structure::of(&tasks);
    let groups: Vec<_> = structure.groups.iter().map(|group| (group.name.as_str(), group.members.clone())).collect();
    assert_eq!(groups, [("load_*", vec![0, 1]), ("model", vec![3, 4])]);
    let plan = Plan::of(&structure, &wish([0, 1]));
    assert_eq!(names(&plan, &structure), ["load_*", "load_c", "model"]);
    assert_eq!(plan.upstream, [vec![], vec![0], vec![0]]);
}

#[test]
fn groups_of_one_size_are_folded_together_until_few_enough_are_left() {
    let structure = Structure::of(&fixtures::large().tasks);
    assert_eq!(structure.folded_to(200).len(), 0);
    assert_eq!(structure.folded_to(60).len(), 20);
    let thirty = Structure::of(&fixtures::thirty().tasks);
    assert_eq!(thirty.folded_to(25), [2]);
}

#[test]
fn focus_counts_edges_in_both_directions() {
    let structure = Structure::of(&fixtures::running().tasks);
    let around = |name: &str, hops| {
        let task = structure.names.iter().position(|known| *known == TaskId::from(name)).unwrap();
        structure.around(task, hops).into_iter().map(|task| structure.names[task].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(around("tuner", 1), ["transform", "tuner", "trainer"]);
    assert_eq!(around("tuner", 2), ["example_gen", "schema_gen", "transform", "tuner", "trainer", "evaluator", "pusher"]);
}

#[test]
fn the_most_telling_level_that_fits_is_chosen_and_across_only_if_it_tells_more() {
    let structure = Arc::new(Structure::of(&fixtures::failed().tasks));
    let at = |room| {
        let figure = Drafts::new(false).figure(&structure, &Wish { room, ..Wish::default() });
        (figure.level, figure.drawing.flow, figure.fits())
    };
    assert_eq!(at((120, 8)), (Level::Box, Flow::Right, true));
    assert_eq!(at((40, 30)), (Level::Box, Flow::Down, true));
    assert_eq!(at((40, 12)), (Level::Full, Flow::Down, true));
    assert_eq!(at((18, 9)), (Level::Names, Flow::Down, true));
    assert_eq!(at((12, 9)), (Level::Cut, Flow::Down, true));
    assert_eq!(at((40, 5)), (Level::Full, Flow::Down, false));
    assert_eq!(at((5, 5)), (Level::Names, Flow::Down, false));
}

#[test]
fn a_structure_is_the_same_whatever_the_states() {
    let mut structures = Structures::default();
    let mut tasks = fixtures::thirty().tasks;
    let before = structures.of(&tasks);
    tasks.iter_mut().for_each(|task| task.state = TaskState::Failed);
    assert!(Arc::ptr_eq(&before, &structures.of(&tasks)));
    tasks[9].upstream.pop();
    assert!(!Arc::ptr_eq(&before, &structures.of(&tasks)));
}

#[test]
fn the_critical_path_takes_what_lasts_longest() {
    let data = fixtures::running();
    let (path, millis) = critical_path(&data.graph, data.tally(), fixtures::now());
    let names: Vec<_> = path.iter().map(|&task| data.tasks[task].task.as_str()).collect();
    assert_eq!(names, ["example_gen", "statistics_gen", "schema_gen", "transform", "tuner", "trainer", "evaluator", "pusher"]);
    assert_eq!(millis, (5 * 12 + 71 + 2 * 12) * 1_000);
}

#[test]
fn groups_whose_names_begin_alike_are_told_by_their_first_and_last_task() {
    let level = |n: usize, up: &[&str]| task(&format!("step_00{n}"), TaskState::Success, up);
    let tasks = [level(0, &[]), level(1, &[]), level(2, &["step_000"]), level(3, &["step_001"])];
    let names: Vec<String> = Structure::of(&tasks).groups.into_iter().map(|group| group.name).collect();
    assert_eq!(names, ["step_000…step_001", "step_002…step_003"]);
}

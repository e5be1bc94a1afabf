//! Pipeline files, good and broken: what the reader says of each.

#![allow(clippy::unwrap_used)]

use flowyard::{
    model::{ArgKind, ArgSignature, Catalog, ComponentSignature, Pipeline, PortSignature, Severity},
    spec,
};
use proptest::prelude::*;
use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

fn catalog() -> Catalog {
    let port = |name, artifact_type, required| PortSignature { name, artifact_type, required };
    let arg = |name, kind, required, help| ArgSignature { name, kind, required, help };
    Catalog {
        components: vec![
            ComponentSignature {
                name: "loader",
                summary: "Reads rows",
                inputs: vec![],
                outputs: vec![port("examples", "Dataset", true)],
                args: vec![
                    arg("path", ArgKind::String, true, "file of rows"),
                    arg("columns", ArgKind::Strings, false, "columns to keep; all by default"),
                ],
                metrics: vec![],
                output_parameters: vec!["rows"],
            },
            ComponentSignature {
                name: "trainer",
                summary: "Trains a model",
                inputs: vec![port("examples", "Dataset", true)],
                outputs: vec![port("model", "Model", true)],
                args: vec![
                    arg("label", ArgKind::String, true, "column to predict"),
                    arg("rounds", ArgKind::Int, false, "boosting rounds; 50 by default"),
                    arg("seed", ArgKind::Int, false, "of the random generator; 0 by default"),
                    arg("columns", ArgKind::Strings, false, "columns to learn from; all by default"),
                ],
                metrics: vec!["auc", "logloss"],
                output_parameters: vec!["rows"],
            },
        ],
    }
}

fn texts(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(Path::new("tests/files").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_broken_file_is_told_as_its_picture_says() {
    for (name, text) in texts("broken") {
        let (pipeline, diagnostics) = spec::read(&format!("pipelines/{name}"), &text, &catalog());
        assert!(pipeline.is_none(), "{name} must not become a pipeline");
        let mut shown = String::new();
        for diagnostic in &diagnostics.0 {
            write!(shown, "[{}] {diagnostic}", diagnostic.code).unwrap();
        }
        insta::assert_snapshot!(name.trim_end_matches(".toml").replace(' ', "_"), shown);
    }
}

#[test]
fn every_finding_has_a_place_in_the_file_and_a_known_code() {
    let known: BTreeSet<&str> = spec::codes::ALL.iter().map(|(code, _)| *code).collect();
    let mut seen = BTreeSet::new();
    for (name, text) in texts("broken").into_iter().chain(texts("good")) {
        let lines: Vec<&str> = text.lines().collect();
        for found in spec::read(&format!("pipelines/{name}"), &text, &catalog()).1.0 {
            assert!(known.contains(found.code.as_str()), "{name}: {found}");
            seen.insert(found.code.clone());
            if found.line > 0 {
                assert_eq!(lines[found.line - 1], found.source_line, "{name}: {found}");
                assert!(found.column >= 1 && found.column + found.length <= found.source_line.chars().count() + 2, "{name}: {found}");
            } else {
                assert!(["no-tasks", "bad-id"].contains(&found.code.as_str()), "{name}: {found}");
            }
        }
    }
    let elsewhere = ["too-big", "too-many", "idle-gate", "unknown-asset", "unknown-pipeline"];
    let unseen: Vec<_> = known.iter().filter(|code| !seen.contains(**code) && !elsewhere.contains(code)).collect();
    assert!(unseen.is_empty(), "no broken file shows {unseen:?}");
}

#[test]
fn a_component_brings_its_outputs_along() {
    let text = "[params]\nn = 5\n\n[tasks.load]\ncomponent = \"loader\"\nwith = { path = \"x.csv\" }\n\n[tasks.train]\ncomponent = \"trainer\"\n\
                with = { label = \"late\", rounds = \"{{ params.n }}\" }\ninputs.examples = \"load.examples\"\ngate = \"metrics.auc > 0.5\"\n\n\
                [tasks.use]\nrun = \"use {{ inputs.m }} {{ tasks.train.outputs.rows }}\"\ninputs.m = \"train.model\"\n";
    let (pipeline, diagnostics) = spec::read("pipelines/x.toml", text, &catalog());
    assert!(diagnostics.0.is_empty(), "{diagnostics}");
    let train = &pipeline.unwrap().tasks[1];
    assert_eq!(train.outputs[0].artifact_type, "Model");
}

#[test]
fn an_input_of_another_type_than_the_component_reads_is_an_error() {
    let text = "[tasks.a]\nrun = \"true\"\noutputs.m = \"Model\"\n\n[tasks.train]\ncomponent = \"trainer\"\nwith = { label = \"x\" }\ninputs.examples = \"a.m\"\n";
    let (_, diagnostics) = spec::read("pipelines/x.toml", text, &catalog());
    let messages: Vec<&str> = diagnostics.0.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(messages, ["component `trainer` reads a Dataset as `examples`, and `a.m` is a Model"]);
}

#[test]
fn a_gate_that_nobody_waits_for_is_worth_a_warning() {
    let text = "[tasks.a]\nrun = \"true\"\ngate = \"metrics.x > 1\"\n\n[tasks.b]\nrun = \"true\"\n";
    let (pipeline, diagnostics) = spec::read("pipelines/x.toml", text, &catalog());
    assert!(pipeline.is_some());
    assert_eq!((diagnostics.0[0].severity, diagnostics.0[0].code.as_str()), (Severity::Warning, "idle-gate"));
}

#[test]
fn files_beyond_the_limits_are_refused_quickly() {
    let mut many = String::new();
    for i in 0..10_001 {
        writeln!(many, "[tasks.t{i}]\nrun = \"true\"").unwrap();
    }
    let needs: Vec<String> = (0..10_000).map(|i| format!("\"x{i}\"")).collect();
    let mut lost = format!("[tasks.a]\nrun = \"true\"\nneeds = [{}]\n", needs.join(","));
    for i in 0..9_000 {
        writeln!(lost, "[tasks.t{i}]\nrun = \"true\"").unwrap();
    }
    let holes = format!("[tasks.a]\nrun = '''{}'''\n", "{{ params.x }}\n".repeat(200_000));
    let ring: String = (0..10_000).fold(String::new(), |mut text, i| {
        writeln!(text, "[tasks.t{i}]\nrun = \"true\"\nneeds = [\"t{}\"]", (i + 9_999) % 10_000).unwrap();
        text
    });
    let heavy =
        format!("[defaults]\nenv = {{ A = '{}' }}\n{}", "x".repeat(1_000_000), many.replace("[tasks.t10000]\nrun = \"true\"\n", ""));
    for (text, code) in [
        (heavy, "too-big"),
        (" ".repeat(spec::MAX_BYTES + 1), "too-big"),
        (many, "too-big"),
        (lost, "too-many"),
        (holes, "too-many"),
        (ring, "cycle"),
        (format!("a = {}", "[".repeat(1_000_000)), "syntax"),
        (format!("[tasks.a]\nrun = \"true\"\nwhen = \"{}\"", "(".repeat(1_000_000)), "bad-cel"),
    ] {
        let (pipeline, diagnostics) = spec::read("pipelines/x.toml", &text, &catalog());
        assert!(pipeline.is_none());
        assert!(diagnostics.0.iter().any(|d| d.code == code), "{code}: {:?}", diagnostics.0.first());
        assert!(diagnostics.0.iter().map(|d| d.source_line.len()).sum::<usize>() < 1_000_000);
    }
}

#[test]
fn ten_thousand_tasks_are_read() {
    let mut text = String::from("[params]\nx = 1\n[tasks.t0]\nrun = \"true\"\noutputs.o = \"File\"\n");
    for i in 1..10_000 {
        let before = i - 1;
        writeln!(text, "[tasks.t{i}]\nrun = \"echo {{{{ params.x }}}} {{{{ inputs.i }}}} {{{{ tasks.t{before}.outputs.o }}}}\"").unwrap();
        writeln!(text, "inputs.i = \"t{before}.o\"\noutputs.o = \"File\"\nwhen = \"params.x > 0\"").unwrap();
    }
    let (pipeline, diagnostics) = spec::read("pipelines/x.toml", &text, &catalog());
    assert!(diagnostics.0.is_empty(), "{diagnostics}");
    assert_eq!(pipeline.unwrap().tasks.len(), 10_000);
}

#[test]
fn a_byte_order_mark_and_windows_lines_do_no_harm() {
    let text = "\u{feff}description = \"x\"\r\n[tasks.a]\r\nrun = \"true\"\r\nretires = 1\r\n";
    let (_, diagnostics) = spec::read("pipelines/x.toml", text, &catalog());
    let found: Vec<_> = diagnostics.0.iter().map(|d| (d.line, d.column, d.source_line.as_str(), d.code.as_str())).collect();
    assert_eq!(found, [(4, 1, "retires = 1", "unknown-key")]);
}

#[test]
fn a_definition_survives_the_database() {
    for (name, text) in texts("good") {
        let pipeline = spec::read(&name, &text, &catalog()).0.unwrap();
        let again: Pipeline = serde_json::from_str(&serde_json::to_string(&pipeline).unwrap()).unwrap();
        assert_eq!(again, pipeline);
    }
}

#[test]
fn the_guide_lists_every_key() {
    let (open, close) = ("<!-- keys -->\n", "<!-- /keys -->");
    let path = "docs/pipeline-file.md";
    let guide = fs::read_to_string(path).unwrap();
    let (before, rest) = guide.split_once(open).expect("the guide has <!-- keys -->");
    let (table, after) = rest.split_once(close).expect("the guide has <!-- /keys -->");
    let wanted = spec::keys::key_table_markdown();
    if std::env::var_os("FLOWYARD_BLESS").is_some() {
        fs::write(path, format!("{before}{open}{wanted}{close}{after}")).unwrap();
    } else {
        assert_eq!(table, wanted, "the table in {path} is out of date; run the tests once with FLOWYARD_BLESS=1");
    }
}

fn good_text() -> String {
    fs::read_to_string("tests/files/good/everything.toml").unwrap()
}

/// The start of the character at byte `at`, or the end of the text.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        spec::read("x.toml", &text, &catalog());
    }

    #[test]
    fn a_good_file_with_a_wound_is_read_without_panic(at in 0usize..3_000, length in 0usize..40, insert in "[\\[\\]{}\"'.=,#\n a-z0-9ä\\\\|$`<>(-]{0,8}") {
        let mut text = good_text();
        let start = floor(&text, at);
        let end = floor(&text, start + length);
        text.replace_range(start..end, &insert);
        let (pipeline, diagnostics) = spec::read("x.toml", &text, &catalog());
        prop_assert_eq!(pipeline.is_none(), diagnostics.has_errors());
    }

    #[test]
    fn any_condition_is_read_without_panic(condition in "[a-z.()\\[\\]<>=!&|?:+*/%'\"0-9ä -]{0,60}") {
        let text = format!("[tasks.a]\nrun = 'true'\nwhen = '''{condition} '''\ngate = ['''{condition} ''', 'metrics.x > 1']\n");
        spec::read("x.toml", &text, &catalog());
        let _ = flowyard::expr::cel::condition(&condition, &flowyard::expr::Scope::default());
        let _ = flowyard::expr::cel::gate(&condition, &flowyard::expr::Scope::default());
    }

    #[test]
    fn any_script_with_a_value_is_read_without_panic(before in "[a-z \n'\"`$(){}<>E#;&|\\\\=-]{0,40}", after in "[a-z \n'\"`$(){}<>E#;&|\\\\=-]{0,40}") {
        let script = format!("{before}{{{{ params.x }}}}{after}");
        let text = format!("[params]\nx = 1\n[tasks.a]\nrun = {}\n", toml::Value::String(script));
        spec::read("x.toml", &text, &catalog());
    }
}

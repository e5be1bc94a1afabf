use super::*;

fn good(text: &str) -> Pipeline {
    let (pipeline, diagnostics) = read("pipelines/test.toml", text, &Catalog::default());
    assert!(!diagnostics.has_errors(), "{diagnostics}");
    pipeline.unwrap()
}

#[test]
fn a_file_with_every_key_becomes_a_pipeline() {
    let (pipeline, diagnostics) =
        read("pipelines/everything.toml", include_str!("../../tests/files/good/everything.toml"), &Catalog::default());
    let codes: Vec<&str> = diagnostics.0.iter().map(|d| d.code.as_str()).collect();
    assert_eq!(codes, ["inactive"; 3], "{diagnostics}");
    let pipeline = pipeline.unwrap();
    assert_eq!(pipeline.id.as_str(), "everything");
    let ids: Vec<&str> = pipeline.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["fetch", "clean", "train", "deploy"]);
    let upstream: Vec<Vec<&str>> = pipeline.tasks.iter().map(|task| task.upstream.iter().map(|id| id.as_str()).collect()).collect();
    assert_eq!(upstream, [vec![], vec!["fetch"], vec!["clean"], vec!["clean", "train"]]);
    assert_eq!((pipeline.tasks[0].retries, pipeline.tasks[2].retries), (2, 0));
    assert_eq!(pipeline.tasks[1].env["LEVEL"], "debug");
    assert_eq!(pipeline.triggers[0].text, "0 2 * * *");
    let again: Pipeline = serde_json::from_str(&serde_json::to_string(&pipeline).unwrap()).unwrap();
    assert_eq!(again, pipeline);
}

#[test]
fn a_small_file_gets_the_defaults() {
    let pipeline = good("[tasks.hello]\nrun = \"echo hello\"\n");
    let task = &pipeline.tasks[0];
    assert_eq!((task.retries, task.retry_delay.initial.as_secs(), task.timeout, task.grace.as_secs()), (0, 10, None, 10));
}

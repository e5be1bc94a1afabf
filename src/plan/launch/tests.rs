use super::*;
use crate::model::{InputDef, OutputDef, TaskId, TaskKey};
use serde_json::json;
use std::time::Duration;

fn task(action: Action) -> Task {
    Task {
        upstream: vec!["load".into()],
        inputs: vec![
            InputDef { name: "examples".into(), source: InputSource::Output { task: "load".into(), output: "examples".into() } },
            InputDef { name: "raw".into(), source: InputSource::Path { path: "data/{{ params.model }}.csv".into() } },
        ],
        outputs: vec![
            OutputDef { name: "model".into(), artifact_type: "Model".into(), path: None, asset: None },
            OutputDef { name: "report".into(), artifact_type: "File".into(), path: Some("out/{{ params.model }}.txt".into()), asset: None },
        ],
        env: BTreeMap::from([("MODEL".into(), "{{ params.model }}!".into()), ("FLOWYARD_TASK".into(), "forged".into())]),
        cwd: Some("src/{{ params.model }}".into()),
        timeout: Some(Duration::from_secs(5)),
        grace: Duration::from_secs(1),
        ..Task::new("train-model".into(), action)
    }
}

fn pipeline(task: Task) -> Pipeline {
    Pipeline::new("churn".into(), vec![task])
}

fn launched(action: Action, params: serde_json::Value) -> Result<(Ticket, Job), String> {
    let pipeline = pipeline(task(action));
    let run_env = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned()), ("MODEL".to_owned(), "outer".to_owned())]);
    let workspace_env = BTreeMap::from([("TEAM".to_owned(), "ml".to_owned())]);
    let scope = Scope {
        params: params.as_object().cloned().unwrap_or_default(),
        tasks: json!({"load": {"outputs": {"rows": 7}, "metrics": {}}}).as_object().cloned().unwrap_or_default(),
        ..Scope::default()
    };
    ticket(&Launch {
        gpus: Vec::new(),
        pipeline: &pipeline,
        task: &pipeline.tasks[0],
        key: AttemptKey { task: TaskKey::new("r1".into(), TaskId::from("train-model")), attempt: 3 },
        generation: 2,
        logical_date: chrono::DateTime::from_timestamp_micros(1_700_000_000_000_000).unwrap(),
        origin: None,
        scope,
        inputs: BTreeMap::from([(
            "examples".into(),
            JobInput { path: "/art/e x".into(), artifact_type: Some("Dataset".into()), artifact: Some("a1".into()) },
        )]),
        run_env: &run_env,
        secrets: &Secrets::new(),
        workspace_env: &workspace_env,
        state_dir: "/ws/.flowyard".into(),
        workspace: "/ws".into(),
        folder: "/ws/.flowyard/runs/r1/train-model/3".into(),
        program: "/bin/flowyard".into(),
        shell: Shell::Bash,
    })
}

fn run(script: &str) -> Action {
    Action::Run { script: script.into() }
}

#[test]
fn a_script_is_rendered_with_quoted_values_and_run_by_bash() {
    let (ticket, _) = launched(run("cat {{ inputs.examples }} > {{ outputs.model }} # ok"), json!({"model": "it's"})).unwrap();
    assert_eq!(ticket.argv[..4], ["bash", "-euo", "pipefail", "-c"]);
    assert_eq!(ticket.argv[4], "cat '/art/e x' > '/ws/.flowyard/runs/r1/train-model/3/outputs/model' # ok");
    assert_eq!(ticket.cwd, PathBuf::from("/ws/src/it's"));
    assert_eq!((ticket.timeout, ticket.grace), (Some(Duration::from_secs(5)), Duration::from_secs(1)));
}

#[test]
fn arguments_are_rendered_without_quotes() {
    let argv = Action::Argv { argv: vec!["python".into(), "--n={{ tasks.load.outputs.rows }}".into(), "{{ inputs.raw }}".into()] };
    let (ticket, _) = launched(argv, json!({"model": "a b"})).unwrap();
    assert_eq!(ticket.argv, ["python", "--n=7", "/ws/data/a b.csv"]);
}

#[test]
fn a_component_gets_typed_arguments_in_its_job() {
    let with = json!({"rounds": "{{ params.epochs }}", "label": "x{{ params.epochs }}", "list": [{"a": "{{ params.on }}"}], "n": 1});
    let action = Action::Component { name: "trainer".into(), with: with.as_object().cloned().unwrap().into() };
    let (ticket, job) = launched(action, json!({"model": "gbdt", "epochs": 5, "on": true})).unwrap();
    assert_eq!(ticket.argv, ["/bin/flowyard", "__component", "trainer"]);
    assert_eq!(serde_json::Value::Object(job.with), json!({"rounds": 5, "label": "x5", "list": [{"a": true}], "n": 1}));
    assert_eq!(job.inputs["raw"].path, PathBuf::from("/ws/data/gbdt.csv"));
    assert_eq!(job.inputs["examples"].artifact.as_deref(), Some("a1"));
    assert_eq!(job.outputs["report"].path, PathBuf::from("/ws/out/gbdt.txt"));
}

#[test]
fn the_environment_has_layers_and_nobody_forges_ours() {
    let (ticket, job) = launched(run("true"), json!({"model": "gbdt", "min-auc": 0.5})).unwrap();
    let value = |name: &str| ticket.env.get(name).map(String::as_str);
    let folder = "/ws/.flowyard/runs/r1/train-model/3";
    for (name, expected) in [
        ("PATH", "/bin"),
        ("PYTHONUNBUFFERED", "1"),
        ("TEAM", "ml"),
        ("MODEL", "gbdt!"),
        ("FLOWYARD_RUN_ID", "r1"),
        ("FLOWYARD_PIPELINE", "churn"),
        ("FLOWYARD_TASK", "train-model"),
        ("FLOWYARD_ATTEMPT", "3"),
        ("FLOWYARD_LOGICAL_DATE", "2023-11-14T22:13:20Z"),
        ("FLOWYARD_DATA_INTERVAL_START", "2023-11-14T22:13:20Z"),
        ("FLOWYARD_DATA_INTERVAL_END", "2023-11-14T22:13:20Z"),
        ("FLOWYARD_IDEMPOTENCY_KEY", "r1/train-model/2"),
        ("FLOWYARD_PARAM_MIN_AUC", "0.5"),
        ("FLOWYARD_INPUT_EXAMPLES", "/art/e x"),
        ("FLOWYARD_OUTPUT_REPORT", "/ws/out/gbdt.txt"),
        ("FLOWYARD_WORK_DIR", folder),
    ] {
        assert_eq!(value(name), Some(expected), "{name}");
    }
    assert_eq!(value("FLOWYARD_OUTPUT"), Some(format!("{folder}/output").as_str()));
    assert_eq!(value("FLOWYARD_METRICS"), Some(format!("{folder}/metrics.jsonl").as_str()));
    assert_eq!(value("FLOWYARD_INPUTS_FILE"), Some(format!("{folder}/attempt.json").as_str()));
    assert_eq!(value("FLOWYARD_MAP_INDEX"), None);
    assert_eq!(job.output_file, PathBuf::from(format!("{folder}/output")));
}

#[test]
fn a_long_value_is_in_the_job_alone_and_a_longer_one_is_refused_by_name() {
    let long = "x".repeat(40_000);
    let (ticket, job) = launched(run("true"), json!({"model": "m", "text": long})).unwrap();
    assert!(!ticket.env.contains_key("FLOWYARD_PARAM_TEXT"));
    assert_eq!(job.params["text"], json!(long));
    let error = launched(run("echo {{ params.text }}"), json!({"model": "m", "text": "x".repeat(110_000)})).unwrap_err();
    assert!(error.starts_with("`run`: `{{ params.text }}` makes the text longer than 100 KiB"), "{error}");
}

#[test]
fn what_cannot_be_rendered_is_named() {
    let error = launched(run("echo {{ params.nope }}"), json!({"model": "m"})).unwrap_err();
    assert_eq!(error, "`run`: `params.nope` has no value");
    let error = launched(run("echo \"{{ params.model }}\""), json!({"model": "m"})).unwrap_err();
    assert!(error.contains("inside double quotes"), "{error}");
}

#[test]
fn no_value_of_a_param_leads_an_output_out_of_the_workspace() {
    let error = launched(run("true"), json!({"model": "../../x"})).unwrap_err();
    assert_eq!(error, "`outputs.report.path` leaves the workspace: `out/../../x.txt`");
}

#[test]
fn the_guide_tells_of_every_variable_that_a_task_gets() {
    let (ticket, _) = launched(run("true"), json!({"model": "x"})).unwrap();
    let guide = include_str!("../../../docs/pipeline-file.md");
    for name in ticket.env.keys().filter(|name| name.starts_with("FLOWYARD_")) {
        let kind = ["PARAM", "INPUT", "OUTPUT"].iter().find(|kind| name.starts_with(&format!("FLOWYARD_{kind}_")));
        let shown = kind.map_or_else(|| name.clone(), |kind| format!("FLOWYARD_{kind}_NAME"));
        assert!(guide.contains(&format!("`{shown}`")), "docs/pipeline-file.md does not tell of {shown}");
    }
}

fn sensor(condition: Condition) -> Action {
    Action::Sensor { sensor: Box::new(Sensor { condition, pace: crate::model::Pace::default(), soft_fail: false }) }
}

#[test]
fn a_sensor_gets_what_it_waits_for_with_values_and_moments_and_a_shell_for_its_script() {
    let told = |condition: Condition| {
        let (ticket, job) = launched(sensor(condition), json!({"model": "it's"}))?;
        let waits = serde_json::from_value::<Sensor>(job.with[Sensor::ARGUMENT].clone()).unwrap().condition;
        Ok::<_, String>((ticket.argv[1..].join(" "), waits.to_string()))
    };
    let file = |pattern: &str| Condition::File { pattern: pattern.into(), stable: None };
    let time =
        |time: &str, offset| Condition::Time { time: time.into(), timezone: "Europe/Berlin".into(), offset: Duration::from_secs(offset) };
    assert_eq!(told(file("in/{{ params.model }}.*")).unwrap(), ("__sensor".into(), "file in/it's.*".into()));
    assert_eq!(told(time("06:30", 0)).unwrap().1, "2023-11-14T05:30:00Z");
    assert_eq!(told(time("{{ run.logical_date }}", 3_600)).unwrap().1, "2023-11-14T23:13:20Z");
    let script =
        told(Condition::Command { script: "test -e {{ params.model }}".into(), look_timeout: crate::model::sensor::COMMAND_TIMEOUT })
            .unwrap()
            .0;
    assert_eq!(script, "__sensor bash -euo pipefail -c test -e 'it'\\''s'");
    let out = launched(sensor(file("{{ params.model }}/x")), json!({"model": ".."})).unwrap_err();
    assert_eq!(out, "`file` leaves the workspace: `../x`");
    assert!(told(time("{{ params.model }}", 0)).unwrap_err().starts_with("`time`: `it's` is no time"));
}

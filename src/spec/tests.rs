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
    // A param without a default, which nobody is there to give.
    assert_eq!(codes, ["bad-trigger"], "{diagnostics}");
    let pipeline = pipeline.unwrap();
    assert_eq!(pipeline.id.as_str(), "everything");
    let ids: Vec<&str> = pipeline.tasks.iter().map(|task| task.id.as_str()).collect();
    let sensors = ["arrived", "free", "morning", "settled", "published", "cleaned"];
    assert_eq!(ids, [&["fetch", "clean", "train", "deploy"][..], &sensors, &["uses"]].concat());
    let upstream: Vec<Vec<&str>> = pipeline.tasks.iter().map(|task| task.upstream.iter().map(|id| id.as_str()).collect()).collect();
    assert_eq!(upstream[..4], [vec![], vec!["fetch"], vec!["clean"], vec!["clean", "train"]]);
    let waits: Vec<String> = pipeline.tasks.iter().filter_map(|task| Some(task.sensor()?.condition.to_string())).collect();
    assert_eq!(
        waits,
        [
            "file data/{{ params.label }}/*.csv, unchanged for 5s",
            "command `test -e {{ params.label }}`",
            "06:30 Europe/Berlin",
            "{{ run.logical_date }} and 2h",
            "https://example.com/{{ params.label }} to answer 204 with `ready`",
            "a new version of taxi_clean",
        ]
    );
    assert_eq!((pipeline.tasks[0].retries, pipeline.tasks[2].retries), (2, 0));
    assert_eq!(pipeline.tasks[1].env["LEVEL"], "debug");
    assert_eq!(pipeline.triggers[0].text, "0 2 * * * Europe/Berlin");
    let clock = pipeline.triggers[0].kind.clock().unwrap();
    // The midnight of a day without a zone is that of the trigger's zone.
    assert_eq!(clock.start_date.unwrap().to_rfc3339(), "2023-12-31T23:00:00+00:00");
    // As an end, a day is the whole day.
    assert_eq!(clock.end_date.unwrap().to_rfc3339(), "2030-12-31T22:59:59.999999+00:00");
    let again: Pipeline = serde_json::from_str(&serde_json::to_string(&pipeline).unwrap()).unwrap();
    assert_eq!(again, pipeline);
}

#[test]
fn a_small_file_gets_the_defaults() {
    let pipeline = good("[tasks.hello]\nrun = \"echo hello\"\n");
    let task = &pipeline.tasks[0];
    assert_eq!((task.retries, task.retry_delay.initial.as_secs(), task.timeout, task.grace.as_secs()), (0, 10, None, 10));
}

#[test]
fn what_defaults_ask_for_work_is_not_asked_for_a_sensor_and_the_rest_is() {
    let defaults = "[defaults]\npool = \"small\"\nresources.cpu = 2\ntimeout = \"1h\"\nretries = 2\n";
    let sensors = "[tasks.a]\nsensor.file = \"x\"\n[tasks.b]\nsensor.file = \"x\"\npool = \"few\"\nsensor.interval = \"1h\"\n";
    let pipeline = good(&format!("{defaults}{sensors}"));
    let [a, b] = pipeline.tasks.as_slice() else { panic!("{pipeline:?}") };
    assert_eq!((&a.pool, b.pool.as_deref(), a.resources.cpu), (&None, Some("few"), None));
    assert_eq!((a.timeout.unwrap().as_secs(), a.retries), (3_600, 2));
    let seconds = |task: &crate::model::Task| (task.sensor().unwrap().pace.interval.as_secs(), task.sensor().unwrap().pace.max.as_secs());
    assert_eq!((seconds(a), seconds(b)), ((10, 300), (3_600, 3_600)), "the limit is never below the first wait");
}

#[test]
fn a_trigger_has_its_own_id_or_one_of_what_makes_it_fire() {
    let ids = |triggers: &str| -> Vec<String> {
        let pipeline = good(&format!("{triggers}\n[tasks.hello]\nrun = \"echo hello\"\n"));
        pipeline.triggers.iter().map(|trigger| trigger.id.to_string()).collect()
    };
    let [plain] = ids("[[triggers]]\ncron = \"0 2 * * *\"").try_into().unwrap();
    assert!(plain.starts_with("cron-") && plain.len() == 13, "{plain}");
    // How it treats what it missed is not what it is; the zone is.
    for same in ["cron = \"0  2 * * *\"\ncatchup = \"all\"", "cron = \"0 2 * * *\"\noverlap = \"queue\"\nlate_window = \"5m\""] {
        assert_eq!(ids(&format!("[[triggers]]\n{same}")), std::slice::from_ref(&plain), "{same}");
    }
    for other in ["cron = \"0 3 * * *\"", "cron = \"0 2 * * *\"\ntimezone = \"Asia/Tokyo\""] {
        assert_ne!(ids(&format!("[[triggers]]\n{other}")), std::slice::from_ref(&plain), "{other}");
    }
    assert_eq!(ids("[[triggers]]\nid = \"nightly\"\ncron = \"0 2 * * *\""), ["nightly"]);
}

#[test]
fn what_is_wrong_with_a_trigger_is_told_where_it_stands() {
    for (trigger, wanted) in [
        ("cron = \"0 2 * * *\"\nmode = \"any\"", "`mode` says nothing of a `cron` trigger"),
        ("files = \"data/*.csv\"\ncatchup = \"all\"", "`catchup` says nothing of a `files` trigger"),
        ("files = \"../x/*.csv\"", "`../x/*.csv` leads out of the workspace"),
        ("files = []", "an empty list matches nothing"),
        ("files = [\"\"]", "`` is empty and matches nothing"),
        ("files = \"data/\"", "`data/` is a folder; write a pattern of its files, such as data/**"),
        ("files = \"~/x\"", "`~/x` is no path below the workspace"),
        ("files = \"{a,b}.csv\"", "braces are letters of a name here, not a choice"),
        ("every = \"100000d\"", "`100000d` is longer than a hundred years"),
        ("metric = \"accuracy is bad\"", "`accuracy is bad` is not a rule over a metric"),
        ("metric = \"a.b.c < 1\"", "`a.b.c < 1` is not a rule over a metric"),
        ("metric = \"accuracy < 0.9\"\nruns = 0", "`runs` is 1 to 100"),
        ("drift = { column = \"x\" }", "`drift` is not supported yet"),
        ("git = { branch = \"main\" }", "unknown key `branch` in `git` of a trigger"),
        ("cron = \"0 2 * * *\"\novrlap = \"skip\"", "unknown key `ovrlap` in a trigger"),
        ("cron = \"0 2 * * *\"\noverlap = \"wait\"", "`overlap` is skip, queue, cancel_previous, not `wait`"),
        ("cron = \"0 2 * * *\"\ndst_gap = \"none\"", "`dst_gap` is shift, skip, not `none`"),
        ("cron = \"0 2 * * *\"\nmax_catchup = 0", "`max_catchup` is 1 or more"),
        ("cron = \"0 2 * * *\"\nmax_catchup = 4294967296", "`max_catchup` is at most 10000"),
        ("cron = \"0 2 * * *\"\n[params]\nday = { type = \"string\" }", "no fire can start a run: the param `day` has no default"),
        ("cron = \"0 2 * * *\"\nstart_date = 2024-02-01\nend_date = 2024-01-01", "`end_date` is before `start_date`"),
        ("cron = \"0 2 * * *\"\nid = \"../x\"", "`../x` cannot be the id of a trigger"),
        ("every = \"10ms\"", "an interval is one second or more"),
        ("cron = \"0 2 * * *\"\n[[triggers]]\ncron = \"0 2 * * *\"", "two triggers have the id `cron-"),
    ] {
        let text = format!("[[triggers]]\n{trigger}\n[tasks.hello]\nrun = \"echo hello\"\n");
        let (_, diagnostics) = read("pipelines/test.toml", &text, &Catalog::default());
        assert!(diagnostics.0.iter().any(|found| found.message.contains(wanted)), "{trigger}: {diagnostics}");
    }
}

//! People are told: by real mail, real requests and real programs, also when the engine dies on the way, and never at the cost of a run.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests wait for the world with deadlines")]

mod support;

#[path = "notifications/sinks.rs"]
mod sinks;

use serde_json::Value;
use sinks::{Answer, MailServer, WebServer};
use std::process::Stdio;
use support::{
    Yard,
    clock::{engine_at, faketime, set_clock},
    until,
};

/// Fails if `broken` is there.
const FAILS_IF_BROKEN: &str = r#"
[tasks.load]
run = "echo loading; test ! -e broken || { echo 'no such column' >&2; exit 3; }"
"#;

/// A workspace whose pipeline `job` tells `channel` of these occasions.
fn yard(occasions: &[&str], channel: &str, tasks: &str) -> Yard {
    let told: String = occasions.iter().map(|occasion| format!("on_{occasion} = [\"{channel}\"]\n")).collect();
    Yard::with(&[("job", &format!("[notify]\n{told}\n{tasks}"))])
}

fn notifications(yard: &Yard) -> Vec<Value> {
    yard.json(&["notifications", "--json", "--limit", "100"]).as_array().unwrap().clone()
}

/// Waits until so many notifications are in this state.
fn until_told(yard: &Yard, number: usize, state: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    until(&format!("{number} notifications are {state}"), || {
        rows = notifications(yard);
        rows.iter().filter(|row| row["state"] == state).count() == number
    });
    rows
}

/// A run that ends with this code.
fn run(yard: &Yard, code: i32) -> String {
    yard.text(code, &["run", "job", "--progress", "plain"]);
    yard.json(&["show", "latest:job", "--json"])["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_failure_is_mailed_with_cause_masked_last_lines_and_the_command_that_shows_it() {
    if !sinks::has_mail_server() {
        return;
    }
    let yard = yard(
        &["failure"],
        "email:ada@example.com",
        "[params]\ntoken = { type = \"secret\", env = \"TOKEN\" }\n[tasks.load]\n\
         run = \"echo \\\"the token is $FLOWYARD_PARAM_TOKEN\\\"; printf '\\\\033[31mno such column\\\\n' >&2; exit 3\"\n",
    );
    sinks::certificate(yard.path());
    let server = MailServer::start(yard.path(), "starttls", Some(("yard", "hunter2-long")));
    yard.write(
        "flowyard.toml",
        &format!(
            "[smtp]\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"Yard <yard@example.com>\"\nca = \"ca.pem\"\nuser = \"yard\"\n\
             password = {{ env = \"SMTP_PASSWORD\" }}\n",
            server.port
        ),
    );
    let mut command = yard.command(&["run", "job", "--progress", "plain"]);
    let output = command.env("SMTP_PASSWORD", "hunter2-long").env("TOKEN", "sesame-open").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", support::lossy(&output.stderr));
    let rows = until_told(&yard, 1, "sent");
    assert!(rows[0]["detail"].as_str().unwrap().contains("250 kept"), "{rows:?}");
    let letters = server.letters();
    let (letter, text) = (&letters[0], letters[0]["text"].as_str().unwrap());
    assert_eq!((letters.len(), &letter["protected"], &letter["to"][0]), (1, &true.into(), &"ada@example.com".into()));
    assert_eq!(letter["headers"]["Subject"], "[flowyard] job#1 failed: load (exit code 3)");
    let run = rows[0]["run_id"].as_str().unwrap();
    for part in
        [run, "cause     exit code 3", "the token is ***", "␛[31mno such column", &format!("show {run}"), yard.path().to_str().unwrap()]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("sesame-open") && !text.contains('\x1b'), "{text}");
    // Neither the database nor any log of ours knows the password.
    for file in ["flowyard.db", "flowyard.db-wal"] {
        let bytes = std::fs::read(yard.state().join(file)).unwrap_or_default();
        assert!(!bytes.windows(12).any(|part| part == b"hunter2-long"), "{file}");
    }
}

#[test]
fn mail_goes_by_every_protection_and_a_stranger_s_certificate_is_not_trusted() {
    if !sinks::has_mail_server() {
        return;
    }
    let yard = Yard::new();
    sinks::certificate(yard.path());
    for protection in ["none", "starttls", "tls"] {
        let server = MailServer::start(yard.path(), protection, None);
        let smtp = format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"yard@example.com\"\ntls = \"{protection}\"\n", server.port);
        yard.write("flowyard.toml", &format!("{smtp}ca = \"ca.pem\"\n"));
        let before = server.letters().len();
        let said = yard.text(0, &["notify", "test", "email:ada@example.com"]);
        assert!(said.contains("250 kept"), "{said}");
        assert_eq!(server.letters().len(), before + 1);
        assert_eq!(server.letters()[before]["protected"], protection != "none");
        if protection != "none" {
            yard.write("flowyard.toml", &smtp);
            let why = yard.complaint(1, &["notify", "test", "email:ada@example.com"]);
            assert!(why.contains("certificate"), "{why}");
        }
    }
}

#[test]
fn a_login_that_is_refused_is_told_and_touches_no_run() {
    if !sinks::has_mail_server() {
        return;
    }
    let yard = yard(&["failure", "success"], "email:ada@example.com", FAILS_IF_BROKEN);
    let server = MailServer::start(yard.path(), "none", Some(("yard", "hunter2-long")));
    yard.write("password", "wrong-word\n");
    let password = yard.file("password");
    yard.write(
        "flowyard.toml",
        &format!(
            "[notify]\ndigest = \"0s\"\n[smtp]\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"yard@example.com\"\ntls = \"none\"\nuser = \"yard\"\npassword = {{ file = \"{}\" }}\n",
            server.port,
            password.display()
        ),
    );
    let id = run(&yard, 0);
    assert_eq!(yard.show(&id)["state"], "success");
    until("it was tried", || notifications(&yard).iter().any(|row| row["attempts"].as_i64() > Some(0)));
    let rows = notifications(&yard);
    assert!(rows[0]["state"] == "pending" && rows[0]["detail"].as_str().unwrap().contains("535"), "{rows:?}");
    assert!(!rows[0]["detail"].as_str().unwrap().contains("wrong-word"));
    // The right one, and it goes by itself.
    yard.write("password", "hunter2-long\n");
    yard.start("job");
    until_told(&yard, 2, "sent");
}

#[test]
fn a_broken_pipeline_sends_one_message_and_one_that_counts_the_others() {
    let web = WebServer::start(&[Answer::Status(200)]);
    let yard = yard(&["failure"], &format!("webhook:{}", web.url()), FAILS_IF_BROKEN);
    yard.write("flowyard.toml", "[notify]\ndigest = \"4s\"\n");
    yard.write("broken", "");
    for _ in 0..5 {
        run(&yard, 1);
    }
    let rows = until_told(&yard, 5, "sent");
    let got = web.got();
    assert!(got.len() <= 3, "{got:?}");
    assert_eq!(got[0]["more"], 0);
    assert_eq!(got.iter().map(|message| message["more"].as_i64().unwrap() + 1).sum::<i64>(), 5);
    let last = got.last().unwrap();
    assert!(last["more"].as_i64() > Some(0) && last["others"][0].as_str().unwrap().starts_with("job#"), "{last}");
    assert!(rows.iter().any(|row| row["told_with"].is_number()));
}

#[test]
fn each_occasion_is_told_once() {
    let web = WebServer::start(&[Answer::Status(200)]);
    let yard = yard(
        &["failure", "recovery", "success", "retry", "approval", "deadline"],
        &format!("webhook:{}", web.url()),
        "deadline = \"1s\"\n[tasks.load]\nretries = 1\nretry_delay = \"0s\"\nrun = \"test ! -e broken\"\n\
         [tasks.deploy]\nneeds = [\"load\"]\napproval = true\nrun = \"true\"\n",
    );
    yard.write("flowyard.toml", "[notify]\ndigest = \"0s\"\n");
    yard.write("broken", "");
    run(&yard, 1);
    std::fs::remove_file(yard.file("broken")).unwrap();
    let id = yard.start("job");
    yard.until_task(&id, "deploy", "awaiting_approval");
    until("it is late", || notifications(&yard).iter().any(|row| row["occasion"] == "deadline"));
    yard.text(0, &["approve", &id, "deploy"]);
    yard.until_run(&id, "success");
    until_told(&yard, 5, "sent");
    let got = web.got();
    let of = |occasion: &str| got.iter().filter(|message| message["occasion"] == occasion).collect::<Vec<_>>();
    assert_eq!(of("failure")[0]["subject"], "job#1 failed: load (exit code 1)");
    assert_eq!(of("retry")[0]["subject"], "job#1 tries again: load (exit code 1)");
    assert_eq!(of("approval")[0]["subject"], "job#2 waits for approval");
    assert!(of("approval")[0]["text"].as_str().unwrap().contains(&format!("approve {id} deploy")));
    assert!(of("deadline")[0]["text"].as_str().unwrap().contains("it was to end by"));
    // Recovered, and not told of as a success as well.
    assert_eq!((of("recovery").len(), of("success").len(), got.len()), (1, 0, 5), "{got:#?}");
}

#[test]
fn what_an_engine_could_not_tell_before_it_was_killed_the_next_one_does() {
    let web = WebServer::start(&[Answer::Never]);
    let yard = yard(&["failure"], &format!("webhook:{}", web.url()), FAILS_IF_BROKEN);
    yard.write("broken", "");
    run(&yard, 1);
    // It is on its way: committed, and nobody knows what came of it.
    until("it was sent", || web.got().len() == 1);
    yard.kill_engine();
    assert_eq!(notifications(&yard)[0]["state"], "pending");
    web.answer(Answer::Status(200));
    std::fs::remove_file(yard.file("broken")).unwrap();
    run(&yard, 0);
    until_told(&yard, 1, "sent");
    let got = web.got();
    assert_eq!((got.len(), &got[0]["id"]), (2, &got[1]["id"]), "whoever gets it twice can see that");
}

#[test]
fn a_webhook_that_stumbles_is_asked_again_and_one_that_sends_elsewhere_is_not_followed() {
    let web = WebServer::start(&[Answer::Status(500), Answer::Status(200), Answer::Elsewhere]);
    let url = web.url();
    let yard = yard(&["success"], &format!("webhook:{url}"), FAILS_IF_BROKEN);
    yard.write("flowyard.toml", "[notify]\ndigest = \"0s\"\n");
    // Somebody stays, so that the engine does.
    let mut stays = yard.plain_command(&["engine"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the engine answers", || yard.engine().is_some());
    run(&yard, 0);
    let rows = until_told(&yard, 1, "sent");
    assert_eq!((&rows[0]["attempts"], web.got().len()), (&2.into(), 2));
    run(&yard, 0);
    let rows = until_told(&yard, 1, "gave_up");
    assert!(rows[0]["detail"].as_str().unwrap().contains("not followed"), "{rows:?}");
    assert_eq!(web.got().len(), 3);
    let status = yard.json(&["engine", "status", "--json"]);
    assert_eq!(status["undelivered"], 0);
    // Whoever knows the address can write to it.
    let shown = yard.text(0, &["notifications"]) + &yard.text(0, &["notifications", "--json"]);
    assert!(!shown.contains("s3cr3t-part") && shown.contains("webhook:http://127.0.0.1:"), "{shown}");
    yard.text(0, &["engine", "stop"]);
    stays.wait().unwrap();
}

#[test]
fn a_dead_channel_keeps_no_engine_and_changes_no_result() {
    let yard = yard(&["success"], "webhook:http://127.0.0.1:1/", FAILS_IF_BROKEN);
    let id = run(&yard, 0);
    assert_eq!(yard.show(&id)["state"], "success");
    until("the engine left", || yard.engine().is_none());
    let rows = notifications(&yard);
    assert!(rows[0]["state"] == "pending" && rows[0]["attempts"] == 3 && rows[0]["detail"].is_string(), "{rows:?}");
    let doctor = yard.output(&["doctor"]);
    let told = support::lossy(&doctor.stdout);
    assert!(told.contains("channels") && told.contains("webhook:http://127.0.0.1:1/"), "{told}");
}

#[test]
fn a_program_is_told_where_the_workspace_is_and_sees_what_tasks_see() {
    let yard =
        yard(&["success"], "command:pwd > told; echo $FLOWYARD_SUBJECT >> told; echo ${SMTP_PASSWORD-none} >> told", FAILS_IF_BROKEN);
    let mut command = yard.command(&["run", "job"]);
    assert!(command.env("SMTP_PASSWORD", "hunter2-long").output().unwrap().status.success());
    until_told(&yard, 1, "sent");
    let workspace = std::fs::canonicalize(yard.path()).unwrap();
    assert_eq!(yard.read("told"), format!("{}\njob#1 succeeded\nnone\n", workspace.display()));
}

#[test]
fn the_heart_beats_while_the_loop_turns() {
    let web = WebServer::start(&[Answer::Status(200)]);
    let yard = Yard::new();
    yard.write("flowyard.toml", &format!("[notify]\nheartbeat = \"webhook:{}\"\nheartbeat_every = \"1s\"\n", web.url()));
    let mut engine = yard.plain_command(&["engine"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("it beats", || web.got().len() >= 2);
    let status = yard.json(&["engine", "status", "--json"]);
    assert!(status["heartbeat"]["at"].is_string() && status["heartbeat"]["error"].is_null(), "{status}");
    web.answer(Answer::Status(503));
    until("that nobody hears it is told", || yard.json(&["engine", "status", "--json"])["heartbeat"]["error"].is_string());
    yard.text(0, &["engine", "stop"]);
    engine.wait().unwrap();
}

#[test]
fn a_screen_that_is_open_rings_and_keeps_what_others_are_told() {
    let yard = yard(&["failure"], "bell", FAILS_IF_BROKEN);
    yard.write("broken", "");
    let mut terminal = yard.terminal(100, 30, &[]);
    terminal.sees("job");
    run(&yard, 1);
    terminal.writes(b"\x1b]9;flowyard: job #1: failure").writes(b"\x1b\\\x07");
    terminal.press("!").sees("job #1: failure \u{2192} bell").press("\x03");
    assert_eq!(terminal.ends(), 0);
    until_told(&yard, 1, "sent");
}

/// A task that goes on until `go` is there.
const WAITS: &str = "[tasks.load]\nrun = \"until test -e go; do sleep 0.05; done; sleep 0.1; exit $(cat go)\"\n";

#[test]
fn the_end_of_a_watched_run_is_told_once_also_when_its_engine_was_killed_on_the_way() {
    let web = WebServer::start(&[Answer::Status(200)]);
    let yard = Yard::with(&[("job", WAITS)]);
    yard.write("flowyard.toml", &format!("[notify]\non_watched = [\"webhook:{}\"]\n", web.url()));
    let (watched, other) = (yard.start("job"), yard.start("job"));
    let twice = [&*watched, &*other].map(|run| yard.json(&["watch", run, "--json"])[0]["done"].clone());
    assert_eq!(twice, [true, true]);
    yard.text(0, &["watch", &other, "--off"]);
    assert!(yard.complaint(3, &["watch", &watched]).contains("watched already"));
    assert_eq!((&yard.show(&watched)["watched"], &yard.show(&other)["watched"]), (&true.into(), &false.into()));
    yard.until_run(&watched, "running");
    yard.kill_engine();
    // Nobody is there when it ends; who comes next tells.
    yard.write("go", "3\n");
    yard.text(0, &["run", "job", "--detach"]);
    yard.until_run(&watched, "failed");
    yard.until_run(&other, "failed");
    until_told(&yard, 1, "sent");
    let got = web.got();
    assert_eq!((got.len(), &got[0]["run_id"], &got[0]["occasion"]), (1, &watched.as_str().into(), &"watched".into()), "{got:#?}");
    assert!(got[0]["subject"].as_str().unwrap().ends_with("failed, and was watched: load (exit code 3)"), "{got:#?}");
    assert!(yard.complaint(3, &["watch", &watched]).contains("ended as failed"));
    // It was retried, so there is another end, and it is watched as before.
    yard.write("go", "0\n");
    yard.text(0, &["retry", &watched, "--failed"]);
    yard.until_run(&watched, "success");
    until_told(&yard, 2, "sent");
    assert_eq!(web.got()[1]["subject"].as_str().map(|subject| subject.contains("succeeded, and was watched")), Some(true));
}

#[test]
fn without_a_word_of_who_hears_of_watched_runs_the_bell_rings() {
    let yard = Yard::with(&[("job", WAITS)]);
    let id = yard.text(0, &["run", "job", "--watch", "--detach"]).trim().to_owned();
    let mut terminal = yard.terminal(100, 30, &[]);
    terminal.sees("♪");
    yard.write("go", "0\n");
    terminal.writes(b"\x1b]9;flowyard: job #1: success (watched)").writes(b"\x1b\\\x07").press("\x03");
    assert_eq!(terminal.ends(), 0);
    yard.until_run(&id, "success");
}

#[test]
fn mail_that_no_server_was_named_for_is_given_up_and_told() {
    let yard = yard(&["failure"], "email:ada@example.com", FAILS_IF_BROKEN);
    yard.write("broken", "");
    run(&yard, 1);
    let rows = until_told(&yard, 1, "gave_up");
    assert!(rows[0]["detail"].as_str().unwrap().contains("no [smtp] in flowyard.toml"), "{rows:?}");
    let doctor = support::lossy(&yard.output(&["doctor"]).stdout);
    assert!(doctor.contains("[notify] of job wants mail, and flowyard.toml has no [smtp]"), "{doctor}");
}

#[test]
fn an_engine_whose_end_somebody_waits_for_tells_what_is_gathered_and_leaves() {
    let web = WebServer::start(&[Answer::Status(200)]);
    let yard = yard(&["failure"], &format!("webhook:{}", web.url()), FAILS_IF_BROKEN);
    yard.write("broken", "");
    let mut engine = yard.plain_command(&["engine", "--exit-when-idle"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the engine answers", || yard.engine().is_some());
    // The second begins as soon as the first is over.
    run(&yard, 1);
    run(&yard, 1);
    assert!(engine.wait().unwrap().success());
    assert_eq!(notifications(&yard).iter().filter(|row| row["state"] == "sent").count(), 2);
    assert_eq!(web.got().len(), 2);
}

#[test]
fn fires_that_nobody_could_start_are_told_and_counted() {
    let Some(library) = faketime() else { return println!("skipped: faketime is missing") };
    let web = WebServer::start(&[Answer::Status(200)]);
    let yard = yard(
        &["missed"],
        &format!("webhook:{}", web.url()),
        "[[triggers]]\nid = \"often\"\nevery = \"1m\"\nlate_window = \"1s\"\n[tasks.load]\nrun = \"true\"\n",
    );
    let start: chrono::DateTime<chrono::Utc> = "2026-11-02T06:00:30Z".parse().unwrap();
    set_clock(&yard, start);
    let mut engine = engine_at(&yard, &library);
    until("the engine answers", || yard.engine().is_some());
    yard.text(0, &["unpause", "job"]);
    engine.kill().unwrap();
    engine.wait().unwrap();
    set_clock(&yard, start + chrono::TimeDelta::minutes(287) + chrono::TimeDelta::seconds(25));
    let mut engine = engine_at(&yard, &library);
    let mut rows = Vec::new();
    until("it is told", || {
        rows = notifications(&yard);
        rows.iter().any(|row| row["state"] == "sent")
    });
    assert_eq!(rows.iter().map(|row| row["times"].as_i64().unwrap()).sum::<i64>(), 287, "{rows:#?}");
    let got = web.got();
    assert_eq!(got[0]["subject"], "job missed its time 287 times");
    assert!(got[0]["text"].as_str().unwrap().contains("trigger often"), "{got:?}");
    engine.kill().unwrap();
    engine.wait().unwrap();
}

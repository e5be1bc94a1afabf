//! Secret params: tasks get them, and nothing else ever shows or keeps them.

use crate::support::{Yard, lossy, until};
use serde_json::json;
use std::{fs, path::Path};

const TOKEN: &str = "tok/3n+of-the-test";

const FETCH: &str = r#"
[params]
api-token = { type = "secret" }
rows = { type = "int", default = 3 }

[tasks.fetch]
run = """
test "$FLOWYARD_PARAM_API_TOKEN" = "$API_TOKEN"
echo "whole $API_TOKEN of" {{ params.rows }}
printf '%s' "$API_TOKEN" | head -c 9
sleep 0.1
printf '%s' "$API_TOKEN" | tail -c +10
echo
printf 'me:%s' "$API_TOKEN" | base64 >&2
test "$(printf %s "$API_TOKEN" | wc -c)" = 18 && echo got all of it
test -e mended
echo "seen=<$API_TOKEN>" >> "$FLOWYARD_OUTPUT"
"""
"#;

fn given(yard: &Yard, arguments: &[&str]) -> (Option<i32>, String) {
    let output = yard.command(arguments).env("API_TOKEN", TOKEN).output().unwrap();
    (output.status.code(), lossy(&output.stdout) + &lossy(&output.stderr))
}

/// Files below a folder in which the bytes stand.
fn holding(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, bytes));
        } else if fs::read(&path).is_ok_and(|content| content.windows(bytes.len()).any(|window| window == bytes)) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_task_gets_its_secret_and_neither_log_nor_history_nor_any_file_has_it() {
    let yard = Yard::with(&[("fetch", FETCH)]);
    yard.write("mended", "");
    // What is passed on to tasks is recorded; the variable of a secret is not, whoever asks for it.
    yard.write("flowyard.toml", "[engine]\npass_env = [\"PATH\", \"API_TOKEN\"]\n");
    let (code, said) = given(&yard, &["run", "fetch"]);
    assert_eq!(code, Some(0), "{said}");
    let log = yard.text(0, &["logs", "latest", "fetch"]);
    for line in ["whole *** of 3\n", "\n***\n", "got all of it"] {
        assert!(log.contains(line), "{line:?} in {log}");
    }
    assert_eq!(log.matches("***").count(), 3, "{log}");
    let run = yard.show("latest");
    assert_eq!((&run["params"], &run["tasks"][0]["output_parameters"]), (&json!({"rows": 3}), &json!({"seen": "<***>"})));
    for form in [TOKEN, "dG9rLzNuK29mLXRoZS10ZXN0", "tok/3n+of", "9rLzNuK29mLXRoZS10ZXN0"] {
        assert_eq!(holding(yard.path(), form.as_bytes()), [] as [String; 0], "{form}");
    }
    for arguments in [&["show", "latest", "--json"][..], &["journal", "--json"], &["attempts", "latest", "--json"]] {
        assert!(!yard.text(0, arguments).contains("of-the-test"), "{arguments:?}");
    }
}

#[test]
fn a_secret_without_a_value_or_on_the_command_line_starts_nothing() {
    let yard = Yard::with(&[("fetch", FETCH)]);
    assert!(yard.complaint(2, &["run", "fetch"]).contains("param `api-token` is a secret and has no value: export API_TOKEN"));
    let open = yard.complaint(2, &["run", "fetch", "-p", "api_token=hunter2-long"]);
    assert!(open.contains("export API_TOKEN") && !open.contains("hunter2"), "{open}");
    let output = yard.command(&["run", "fetch"]).env("API_TOKEN", "short").output().unwrap();
    let short = lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && short.contains("cannot be hidden in logs") && !short.contains("short"), "{short}");
    assert_eq!(yard.json(&["runs", "--json"]), json!([]));
}

#[test]
fn a_secret_that_is_gone_with_its_engine_is_given_again_with_the_next_command() {
    let yard = Yard::with(&[("fetch", FETCH)]);
    let (code, said) = given(&yard, &["run", "fetch"]);
    assert_eq!(code, Some(1), "{said}");
    until("the engine has left", || yard.engine().is_none());
    yard.write("mended", "");
    yard.text(0, &["retry", "latest", "--failed"]);
    yard.until_run("latest", "failed");
    until("the second attempt is over", || yard.show("latest")["tasks"][0]["attempts"].as_array().unwrap().len() == 2);
    let run = yard.until_run("latest", "failed");
    let message = run["tasks"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("`api-token` is gone") && message.contains("export API_TOKEN"), "{run}");
    until("the engine has left", || yard.engine().is_none());
    let (code, said) = given(&yard, &["retry", "latest", "--failed"]);
    assert_eq!(code, Some(0), "{said}");
    yard.until_run("latest", "success");
    assert!(!yard.text(0, &["show", "latest", "--json"]).contains("of-the-test"));
}

#[test]
fn a_secret_is_hidden_in_output_parameters_also_by_an_engine_that_never_had_it() {
    let waits = r#"
[params]
api-token = { type = "secret" }

[tasks.fetch]
run = """
echo "seen=<$API_TOKEN>" >> "$FLOWYARD_OUTPUT"
while ! test -e go; do sleep 0.05; done
"""
"#;
    let yard = Yard::with(&[("fetch", waits)]);
    assert_eq!(given(&yard, &["run", "fetch", "--detach"]).0, Some(0));
    yard.until_task("latest", "fetch", "running");
    yard.kill_engine();
    yard.text(0, &["runs"]);
    yard.go();
    let run = yard.until_run("latest", "success");
    assert_eq!(run["tasks"][0]["output_parameters"], json!({"seen": "<***>"}));
    assert_eq!(holding(yard.path(), TOKEN.as_bytes()), [] as [String; 0]);
}

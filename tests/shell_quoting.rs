//! Values of params in shell scripts: whatever a value holds, the shell sees one word and runs none of it.

#![allow(clippy::unwrap_used)]

use flowyard::expr::{
    Scope, shell,
    template::{self, Style},
};
use proptest::prelude::*;
use std::process::Command;

fn scope(value: &str) -> Scope {
    let mut scope = Scope::default();
    scope.params.insert("x".into(), value.into());
    scope
}

fn output(shell: &str, script: &str) -> Option<Vec<u8>> {
    let output = Command::new(shell).args(["-c", script]).env_clear().env("PATH", "/usr/bin:/bin").output().ok()?;
    output.status.success().then_some(output.stdout)
}

#[test]
fn hostile_values_stay_values() {
    for value in [
        "",
        " ",
        "it's",
        "'; touch /nowhere/x; '",
        "$(echo no)",
        "`echo no`",
        "\\",
        "\\'",
        "a\nb",
        "*",
        "~",
        "-n",
        "!x",
        "#",
        "\"",
        "$HOME",
        "ä\u{202e}",
        "&& false",
        "\t",
    ] {
        for script in [
            "printf %s {{ params.x }}",
            "printf %s \"$(printf %s {{ params.x }}; echo .)\"",
            "x={{ params.x }}; printf %s \"$x\"",
            "printf %s \"\"{{ params.x }}''",
        ] {
            let rendered = template::render(script, Style::Shell, &scope(value)).unwrap();
            let expected = if script.contains("echo .") { format!("{value}.") } else { value.to_owned() };
            for shell in ["bash", "sh"] {
                assert_eq!(
                    output(shell, &rendered).map(|out| String::from_utf8(out).unwrap()),
                    Some(expected.clone()),
                    "{shell}: {rendered}"
                );
            }
        }
    }
}

#[test]
fn a_value_that_no_shell_can_hold_is_refused() {
    assert!(template::render("echo {{ params.x }}", Style::Shell, &scope("a\0b")).unwrap_err().contains("NUL"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_survives_bash(value in "[^\0]{0,40}") {
        let rendered = template::render("printf %s {{ params.x }}", Style::Shell, &scope(&value)).unwrap();
        prop_assert_eq!(output("bash", &rendered), Some(value.into_bytes()));
    }
}

/// A few in every run of the tests; `FLOWYARD_QUOTING_CASES=5000` for a long night, `FLOWYARD_QUOTING_SHELL=sh` for the other shell.
fn cases() -> u32 {
    std::env::var("FLOWYARD_QUOTING_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// Scripts from pieces of shell syntax, with one value somewhere in them.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "'",
        "\"",
        "`",
        "$(",
        ")",
        "(",
        "((",
        "))",
        "${y:-",
        "}",
        "\\",
        "$",
        "$'",
        " ",
        "\n",
        "#",
        " # ",
        ";",
        "<<E\n",
        "\nE\n",
        "<<'E'\n",
        "<<-E\n",
        "a",
        "echo ",
        "case a in a)",
        " esac",
        "|",
        "&&",
        "\"$(",
        ")\"",
        "E",
        "{ ",
        "; }",
        "[[ a = ",
        " ]]",
        "$#",
        "if true; then ",
        "; fi",
        "<(",
        "$((",
        "1+",
    ]);
    (prop::collection::vec(piece.clone(), 0..9), prop::collection::vec(piece, 0..5))
        .prop_map(|(before, after)| format!("{}@@{}", before.concat(), after.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_global_rejects: 200_000, ..ProptestConfig::default() })]

    /// The scanner may refuse too much, never too little: where it lets a value in, a value that would run a command
    /// as soon as its quotes do not hold must not run it.
    #[test]
    fn where_a_value_is_let_in_its_quotes_hold(script in pieces()) {
        prop_assume!(place(&script).is_none());
        let shell = std::env::var("FLOWYARD_QUOTING_SHELL").unwrap_or_else(|_| "bash".into());
        let ran = runs_an_attack(&shell, &script);
        prop_assert!(ran.is_none(), "ran through {ran:?}");
    }
}

fn place(script: &str) -> Option<shell::Place> {
    let at = script.find("@@").unwrap();
    shell::places(script, std::slice::from_ref(&(at..at + 2)))[0]
}

/// The script with the first value that runs a command of its own, if one does.
fn runs_an_attack(shell: &str, script: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    // Named from the script's own folder: a path that needs quotes itself would never be written, and nothing found out.
    let marker = folder.path().join("ran");
    let command = ": > ran";
    let attacks = [
        format!("'; {command}; '"),
        format!("$({command})"),
        format!("\n{command}\n"),
        format!("`{command}`"),
        format!("\"; {command}; \""),
        format!("\\'; {command} #"),
        format!("; {command} #"),
        format!("\nE\n{command}\n"),
    ];
    attacks.into_iter().map(|attack| script.replace("@@", &shell::quote(&attack))).find(|attacked| {
        let mut command = Command::new("timeout");
        command.args(["5", shell, "-c", attacked]).env_clear().env("PATH", "/usr/bin:/bin").current_dir(folder.path());
        let _ = command.stdin(std::process::Stdio::null()).output();
        marker.exists()
    })
}

#[test]
fn the_refused_places_are_refused_for_a_reason() {
    for script in [
        "echo \"@@\"",
        "echo '@@'",
        "echo `echo @@`; echo `echo \"@@\"`",
        "cat <<E\n@@\nE",
        "cat <<'E'\n@@\nE",
        "# @@",
        "echo \\@@",
        "echo $@@",
        "echo \"${y:-@@}\"",
        "echo \"$(case a in a) echo \"@@\";; esac)\"",
    ] {
        assert!(place(script).is_some(), "{script}");
        assert!(runs_an_attack("bash", script).is_some(), "{script}");
    }
}

//! Values of params in shell scripts: whatever a value holds, the shell sees one word and runs none of it.

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

/// A few in every run of the tests; `FLOWYARD_QUOTING_CASES=5000` for a long night.
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
        let at = script.find("@@").unwrap();
        prop_assume!(shell::places(&script, &[at..at + 2])[0].is_none());
        let marker = std::env::temp_dir().join(format!("flowyard-quoting-{}", std::process::id()));
        let command = format!(": > {}", marker.display());
        for attack in [format!("'; {command}; '"), format!("$({command})"), format!("\n{command}\n"), format!("`{command}`"), format!("\"; {command}; \""), format!("\\'; {command} #"), format!("\nE\n{command}\n")] {
            let attacked = script.replace("@@", &shell::quote(&attack));
            let _ = Command::new("timeout").args(["5", "bash", "-c", &attacked]).env_clear().env("PATH", "/usr/bin:/bin").current_dir(std::env::temp_dir()).stdin(std::process::Stdio::null()).output();
            let ran = marker.exists();
            let _ = std::fs::remove_file(&marker);
            prop_assert!(!ran, "ran through {attacked:?}");
        }
    }
}

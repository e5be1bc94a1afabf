use super::*;
use serde_json::json;

fn scope() -> Scope {
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    Scope {
        params: object(json!({"n": 5, "min-auc": 0.9, "model": "gbdt", "on": true})),
        metrics: object(json!({"auc": 0.941, "one": 1, "nan": null, "train-loss": 0.5})),
        outputs: object(json!({"rows": 7, "names": ["a", "b"]})),
        inputs: object(json!({"examples": "/data/x"})),
        tasks: object(json!({"load-data": {"outputs": {"rows": 3}, "metrics": {"loss": 2}}})),
        run: object(json!({"id": "r1", "logical_date": "2024-01-01T00:00:00Z"})),
        git: object(json!({"branch": "main", "commit": null})),
    }
}

#[test]
fn whole_and_decimal_numbers_compare_and_calculate() {
    for (expression, holds) in [
        ("metrics.auc >= 1", false),
        ("metrics.one >= 1", true),
        ("metrics.one == 1", true),
        ("params.n > 3", true),
        ("metrics.auc - 1 > 0", false),
        ("metrics.auc * 2 + 1 > 2", true),
        ("-metrics.auc < 0", true),
        ("metrics.auc > -1", true),
        ("params.n in [1, 5]", true),
        ("size(outputs.names) == 2", true),
        ("size(outputs.names) - 1 > 0.5", true),
        ("outputs.names[0] == 'a'", true),
        ("int(metrics.auc) == 0", true),
        ("params.model == 'gbdt' && params.on", true),
        ("params.model.startsWith('g') ? params.n > 4 : false", true),
        ("metrics.auc >= params.min_auc", true),
        ("metrics['train-loss'] < 1", true),
        ("tasks.load_data.outputs.rows + 1 == 4", true),
        ("tasks.load_data.metrics.loss > 1", true),
        ("git.branch == 'main'", true),
        ("git.commit == 'x'", false),
        ("git.dirty == null", true),
        ("has(metrics.nope) || metrics.one == 1", true),
        ("!has(metrics.nope)", true),
    ] {
        assert_eq!(condition(expression, &scope()), Ok(holds), "{expression}");
    }
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(condition("params.nope > 1", &scope()), Err("`params.nope > 1`: `params.nope` has no value".into()));
    assert!(condition("params.model > 1", &scope()).is_err());
    assert!(condition("params.n", &scope()).is_err());
    assert!(condition("params.", &scope()).is_err());
}

#[test]
fn a_gate_says_what_it_measured() {
    let line = gate("metrics.auc >= 0.99 && params.n > 1", &scope());
    assert_eq!((line.passed, line.measured.as_str()), (false, "metrics.auc = 0.941, params.n = 5"));
    assert!(gate("metrics.auc >= params.min_auc", &scope()).passed);
}

#[test]
fn a_text_that_looks_like_a_number_is_shown_as_a_text_and_the_way_out_is_said() {
    let mut scope = scope();
    scope.outputs.insert("rows".into(), json!("3"));
    let line = gate("outputs.rows == 3", &scope);
    assert_eq!((line.passed, line.measured.as_str()), (false, "outputs.rows = \"3\""));
    assert!(gate("int(outputs.rows) == 3", &scope).passed);
    let error = condition("params.model > 1", &scope).unwrap_err();
    assert!(error.contains("`int(…)`") && error.contains("params.model = \""), "{error}");
}

#[test]
fn a_missing_metric_rejects_whatever_stands_around_it() {
    for expression in
        ["metrics.missing < 0.9 || true", "true || metrics.missing < 1", "!(metrics.missing > 1)", "metrics['missing'] > 1 || true"]
    {
        let line = gate(expression, &scope());
        assert_eq!((line.passed, line.measured.as_str()), (false, "metrics.missing is missing"), "{expression}");
    }
    let line = gate("tasks.load_data.metrics.nope > 1 || true", &scope());
    assert_eq!((line.passed, line.measured.as_str()), (false, "tasks.load_data.metrics.nope is missing"));
    let mut scope = scope();
    scope.metrics.insert("text".into(), json!("NaN"));
    let line = gate("metrics.text > 1 || true", &scope);
    assert_eq!((line.passed, line.measured.as_str()), (false, "metrics.text is not finite"));
}

#[test]
fn a_metric_asked_for_by_has_may_be_missing_and_must_be_finite() {
    assert!(gate("!has(metrics.missing) || metrics.missing > 1", &scope()).passed);
    assert!(gate("has(metrics.missing) ? metrics.missing > 1 : true", &scope()).passed);
    assert!(!gate("has(metrics.auc) && metrics.auc > 1", &scope()).passed);
    assert!(!gate("has(metrics.missing)", &scope()).passed);
    assert!(!gate("has(metrics.missing) || metrics.gone > 1", &scope()).passed);
    let mut scope = scope();
    scope.metrics.insert("odd".into(), json!("inf"));
    assert!(!gate("!has(metrics.odd) || true", &scope).passed);
}

#[test]
fn metrics_can_be_read_by_name_only() {
    for expression in ["size(metrics) >= 0", "metrics[params.model] > 1 || true", "'auc' in metrics", "metrics == metrics"] {
        assert!(!gate(expression, &scope()).passed, "{expression}");
    }
}

#[test]
fn what_could_run_long_is_refused() {
    let deep = format!("{}1{} > 0", "(".repeat(500), ")".repeat(500));
    let chain = format!("1{} > 0", " + 1".repeat(490));
    for expression in
        ["[1, 2].exists(x, x > 1)", "[[1]].map(x, x) == [[1]]", "{'a': 1}.a == 1", &"x".repeat(3_000), &deep, &chain, &"!".repeat(1_999)]
    {
        assert!(condition(expression, &scope()).is_err(), "{expression}");
    }
}

#[test]
fn the_longest_chains_that_are_let_in_are_evaluated() {
    let nested = (0..24).fold("true".to_owned(), |inner, _| format!("(true ? {inner} : false)"));
    for expression in [
        format!("true{}", " && true".repeat(74)),
        format!("1{} > 0", " + 1".repeat(38)),
        format!("{}true", "!".repeat(38)),
        format!("{}1{} > 0", "(".repeat(24), ")".repeat(24)),
        format!("{}1{}{} > 0", "-(".repeat(24), ")".repeat(24), " + 1".repeat(12)),
        nested,
    ] {
        assert_eq!(condition(&expression, &scope()), Ok(true), "{expression}");
    }
}

#[test]
fn longer_chains_are_refused_before_they_are_evaluated() {
    for expression in [
        format!("1{} > 0", " + 1".repeat(149)),
        format!("params{} > 0", ".a".repeat(149)),
        format!("has(params{})", ".a".repeat(149)),
        format!("params{} > 0", "['a']".repeat(300)),
        "(".repeat(1_999),
        "[".repeat(1_999),
        "-".repeat(1_999),
        "a?".repeat(900),
    ] {
        assert!(condition(&expression, &scope()).is_err(), "{expression}");
    }
}

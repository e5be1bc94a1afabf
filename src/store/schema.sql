-- Version 1. Times are microseconds since 1970, UTC. A map_index of -1 is "not mapped".
-- Not WITHOUT ROWID: a search in such a table reads whole rows to compare their keys, and these hold whole definitions.
CREATE TABLE runs (
    run_id       TEXT NOT NULL PRIMARY KEY,
    pipeline     TEXT NOT NULL,
    number       INTEGER NOT NULL,
    state        TEXT NOT NULL,
    run_type     TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    logical_date INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    started_at   INTEGER,
    ended_at     INTEGER,
    params       TEXT NOT NULL,
    git          TEXT NOT NULL,
    env          TEXT NOT NULL,
    definition   TEXT NOT NULL,
    UNIQUE (pipeline, number)
) STRICT;
CREATE INDEX runs_by_pipeline ON runs (pipeline, run_id);
CREATE INDEX runs_by_state ON runs (state, run_id);

CREATE TABLE task_instances (
    run_id            TEXT NOT NULL REFERENCES runs (run_id),
    position          INTEGER NOT NULL,
    task              TEXT NOT NULL,
    map_index         INTEGER NOT NULL,
    state             TEXT NOT NULL,
    reason            TEXT,
    message           TEXT,
    generation        INTEGER NOT NULL,
    last_attempt      INTEGER NOT NULL,
    forgiven          INTEGER NOT NULL,
    never_begun       INTEGER NOT NULL,
    retry_at          INTEGER,
    cancel_requested  INTEGER NOT NULL,
    outputs           TEXT NOT NULL,
    output_parameters TEXT NOT NULL,
    metrics           TEXT NOT NULL,
    gates             TEXT NOT NULL,
    PRIMARY KEY (run_id, task, map_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    run_id     TEXT NOT NULL,
    task       TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT,
    exit_code  INTEGER,
    signal     INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    executor   TEXT NOT NULL,
    PRIMARY KEY (run_id, task, map_index, attempt),
    FOREIGN KEY (run_id, task, map_index) REFERENCES task_instances (run_id, task, map_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    id            TEXT PRIMARY KEY,
    artifact_type TEXT NOT NULL,
    uri           TEXT NOT NULL,
    hash          TEXT NOT NULL,
    size          INTEGER NOT NULL,
    name          TEXT NOT NULL,
    run_id        TEXT NOT NULL,
    task          TEXT NOT NULL,
    map_index     INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    FOREIGN KEY (run_id, task, map_index, attempt) REFERENCES attempts (run_id, task, map_index, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifacts_by_producer ON artifacts (run_id, task, map_index, attempt);

CREATE TABLE journal (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    entity     TEXT NOT NULL,
    from_state TEXT,
    to_state   TEXT,
    reason     TEXT,
    by         TEXT NOT NULL,
    command    TEXT,
    run_id     TEXT
) STRICT;
CREATE INDEX journal_by_run ON journal (run_id, seq) WHERE run_id IS NOT NULL;

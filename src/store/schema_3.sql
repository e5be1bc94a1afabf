-- Version 3: triggers, and what became of each of their fires; what people are told.
ALTER TABLE runs ADD COLUMN origin TEXT;
-- Triggers were not acted upon before, and kept in another form.
UPDATE runs SET definition = json_remove(definition, '$.triggers');

ALTER TABLE pipelines ADD COLUMN since INTEGER;
ALTER TABLE pipelines ADD COLUMN env TEXT NOT NULL DEFAULT '{}';
ALTER TABLE pipelines ADD COLUMN make_up TEXT;

CREATE TABLE triggers (
    pipeline TEXT NOT NULL,
    trigger  TEXT NOT NULL,
    since    INTEGER NOT NULL,
    memory   TEXT,
    PRIMARY KEY (pipeline, trigger)
) STRICT, WITHOUT ROWID;

-- A trigger fires once for a logical date: this key is that promise.
CREATE TABLE firings (
    pipeline     TEXT NOT NULL,
    trigger      TEXT NOT NULL,
    logical_date INTEGER NOT NULL,
    decided_at   INTEGER NOT NULL,
    outcome      TEXT NOT NULL,
    run_id       TEXT,
    why          TEXT NOT NULL,
    count        INTEGER NOT NULL,
    first        INTEGER,
    PRIMARY KEY (pipeline, trigger, logical_date)
) STRICT, WITHOUT ROWID;
CREATE INDEX firings_by_decision ON firings (decided_at);

-- What triggers look at: versions of assets, and ends of runs.
ALTER TABLE artifacts ADD COLUMN asset TEXT;
CREATE INDEX artifacts_by_asset ON artifacts (asset, id) WHERE asset IS NOT NULL;
CREATE INDEX journal_ends ON journal (seq) WHERE entity GLOB 'run/*' AND to_state IN ('success', 'failed', 'canceled');

CREATE TABLE backfills (
    backfill   TEXT NOT NULL PRIMARY KEY,
    pipeline   TEXT NOT NULL,
    trigger    TEXT,
    first      TEXT NOT NULL,
    last       TEXT NOT NULL,
    reprocess  TEXT NOT NULL,
    max_active INTEGER NOT NULL,
    reverse    INTEGER NOT NULL,
    params     TEXT NOT NULL,
    env        TEXT NOT NULL,
    text       TEXT NOT NULL,
    timezone   TEXT NOT NULL,
    state      TEXT NOT NULL,
    why        TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;
CREATE INDEX backfills_by_state ON backfills (state);

-- A date is in a backfill once, and is given a run once: with it, in one transaction.
CREATE TABLE backfill_items (
    backfill       TEXT NOT NULL REFERENCES backfills (backfill),
    position       INTEGER NOT NULL,
    logical_date   INTEGER NOT NULL,
    interval_start INTEGER NOT NULL,
    interval_end   INTEGER NOT NULL,
    state          TEXT NOT NULL,
    run_id         TEXT,
    why            TEXT,
    PRIMARY KEY (backfill, position),
    UNIQUE (backfill, logical_date)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX backfill_items_by_run ON backfill_items (run_id) WHERE run_id IS NOT NULL;

-- What people are told, and how the last run of each pipeline ended.
CREATE TABLE notifications (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    occasion   TEXT NOT NULL,
    pipeline   TEXT NOT NULL,
    run_id     TEXT,
    about      TEXT NOT NULL,
    note       TEXT NOT NULL,
    channel    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    state      TEXT NOT NULL DEFAULT 'pending',
    attempts   INTEGER NOT NULL DEFAULT 0,
    ended_at   INTEGER,
    detail     TEXT,
    told_with  INTEGER
) STRICT;
-- Told once, whoever decides it again.
CREATE UNIQUE INDEX notifications_by_run ON notifications (run_id, occasion, channel, about);
CREATE INDEX notifications_pending ON notifications (channel, pipeline, occasion, id) WHERE state = 'pending';

CREATE TABLE verdicts (
    pipeline TEXT NOT NULL PRIMARY KEY,
    state    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- Of a group, SQLite takes the row that has the maximum.
INSERT INTO verdicts SELECT pipeline, state FROM
    (SELECT pipeline, state, max(ended_at) FROM runs WHERE state IN ('success', 'failed') GROUP BY pipeline);

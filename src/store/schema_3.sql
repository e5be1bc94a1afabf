-- Version 3: triggers, and what became of each of their fires.
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

-- Version 2: pauses, keys of triggers, undo, the run before, deadlines, decisions of people, what attempts took of the machine.
ALTER TABLE runs ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN idempotency_key TEXT;
ALTER TABLE runs ADD COLUMN undo TEXT;
ALTER TABLE runs ADD COLUMN past TEXT;
ALTER TABLE runs ADD COLUMN deadline INTEGER;
CREATE INDEX runs_by_logical_date ON runs (pipeline, logical_date, run_id);
CREATE UNIQUE INDEX runs_by_idempotency_key ON runs (pipeline, idempotency_key) WHERE idempotency_key IS NOT NULL;

ALTER TABLE task_instances ADD COLUMN queued_at INTEGER;
ALTER TABLE task_instances ADD COLUMN decision TEXT;

ALTER TABLE attempts ADD COLUMN usage TEXT;
ALTER TABLE attempts ADD COLUMN gpus TEXT NOT NULL DEFAULT '[]';

CREATE INDEX runs_by_creation ON runs (created_at);
CREATE INDEX artifacts_by_uri ON artifacts (uri);

-- Triggers are off until somebody turns them on: a pipeline without a row is paused.
CREATE TABLE pipelines (
    pipeline TEXT NOT NULL PRIMARY KEY,
    paused   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

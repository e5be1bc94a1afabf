-- Version 3: what people are told, and how the last run of each pipeline ended.
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

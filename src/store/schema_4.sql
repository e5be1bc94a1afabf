-- Version 4: runs of whose end people are told, whatever is said for their pipeline; how often happened what a notification tells of.
ALTER TABLE runs ADD COLUMN watched INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN times INTEGER NOT NULL DEFAULT 1;

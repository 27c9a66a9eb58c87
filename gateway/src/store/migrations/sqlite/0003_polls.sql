-- Where each poller is, what its run over everything has seen so far, and the marks of what was accepted.
CREATE TABLE polls (
    partner    TEXT   NOT NULL PRIMARY KEY,
    cursor     TEXT   NOT NULL,
    run        TEXT,
    generation BIGINT NOT NULL,
    log_offset BIGINT NOT NULL,
    is_doubted BOOLEAN NOT NULL
);

CREATE TABLE poll_seen (
    partner   TEXT NOT NULL,
    run       TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (partner, run, reference)
) WITHOUT ROWID;

CREATE TABLE poll_marks (
    partner   TEXT NOT NULL,
    reference TEXT NOT NULL,
    mark      TEXT NOT NULL,
    PRIMARY KEY (partner, reference)
) WITHOUT ROWID;

CREATE INDEX versions_open ON versions (partner, reference) WHERE is_open;

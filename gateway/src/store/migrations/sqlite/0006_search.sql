-- Looking for messages, newest first, a page at a time.
CREATE INDEX messages_by_time ON messages (received_at, message_id);
CREATE INDEX messages_by_partner ON messages (partner, received_at, message_id);

-- Under which names and legal identifiers the employers of entities are known.
CREATE TABLE employers (
    employer   TEXT NOT NULL,
    entity_key BLOB NOT NULL,
    PRIMARY KEY (employer, entity_key)
) WITHOUT ROWID;

-- Entities that an operator wants to be dispatched again; the router takes them up.
CREATE TABLE replays (
    replay_id  BLOB   NOT NULL PRIMARY KEY,
    entity_key BLOB   NOT NULL,
    recipient  TEXT,
    wanted_at  BIGINT NOT NULL
);

-- A message may be dispatched again: attempts are told apart by their time, everything else happens once.
CREATE TABLE events_anew (
    message_id BLOB   NOT NULL,
    recipient  TEXT   NOT NULL,
    step       TEXT   NOT NULL,
    attempt    BIGINT NOT NULL,
    occurrence BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    code       TEXT,
    detail     TEXT,
    losses     TEXT   NOT NULL,
    versions   TEXT   NOT NULL,
    PRIMARY KEY (message_id, recipient, step, attempt, occurrence)
);
INSERT INTO events_anew SELECT message_id, recipient, step, attempt, CASE WHEN attempt > 0 THEN at ELSE 0 END, at, code, detail,
    losses, versions FROM events;
DROP TABLE events;
ALTER TABLE events_anew RENAME TO events;

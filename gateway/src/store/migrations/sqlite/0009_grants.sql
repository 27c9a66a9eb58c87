-- Grants of persons, who are pseudonyms here: the record as it was asked for, and its events; the version counts them.
CREATE TABLE grants (
    record_id BLOB   NOT NULL PRIMARY KEY,
    subject   BLOB   NOT NULL,
    version   BIGINT NOT NULL,
    state     TEXT   NOT NULL,
    record    TEXT   NOT NULL,
    made_at   BIGINT NOT NULL
);
CREATE INDEX grants_of_subjects ON grants (subject, made_at);

CREATE TABLE grant_events (
    record_id   BLOB   NOT NULL,
    version     BIGINT NOT NULL,
    event       TEXT   NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (record_id, version)
);

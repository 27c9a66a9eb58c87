-- Grants of persons, who are pseudonyms here: the record as it was asked for, and its events; the version counts them.
CREATE TABLE grants (
    record_id UUID               NOT NULL PRIMARY KEY,
    subject   UUID               NOT NULL,
    version   BIGINT             NOT NULL,
    state     TEXT COLLATE "C"   NOT NULL,
    record    TEXT COLLATE "C"   NOT NULL,
    made_at   BIGINT             NOT NULL
);
CREATE INDEX grants_of_subjects ON grants (subject, made_at);

CREATE TABLE grant_events (
    record_id   UUID             NOT NULL,
    version     BIGINT           NOT NULL,
    event       TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT           NOT NULL,
    PRIMARY KEY (record_id, version)
);

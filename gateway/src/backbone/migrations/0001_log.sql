-- The log. `log_offset` runs over all topics; large rows never stand in a WITHOUT ROWID table.
CREATE TABLE log_meta (generation INTEGER NOT NULL);
INSERT INTO log_meta (generation) VALUES (1);

CREATE TABLE topics (
    topic_id INTEGER PRIMARY KEY,
    topic    TEXT NOT NULL UNIQUE
);

CREATE TABLE log (
    log_offset INTEGER PRIMARY KEY,
    topic_id   INTEGER NOT NULL,
    envelope   BLOB    NOT NULL
);
CREATE INDEX log_by_topic ON log (topic_id, log_offset);

CREATE TABLE consumers (
    consumer   TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    log_offset INTEGER NOT NULL,
    PRIMARY KEY (consumer, topic)
);

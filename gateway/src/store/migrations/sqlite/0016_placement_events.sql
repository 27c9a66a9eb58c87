-- What happened on the ways of persons to jobs, as each party says it; sealed.
CREATE TABLE placement_events (
    message_id  BLOB   NOT NULL PRIMARY KEY,
    entity_key  BLOB   NOT NULL,
    partner     TEXT   NOT NULL,
    generation  BIGINT NOT NULL,
    log_offset  BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    canonical   BLOB   NOT NULL
);
CREATE INDEX placement_events_by_person ON placement_events (entity_key, generation, log_offset);

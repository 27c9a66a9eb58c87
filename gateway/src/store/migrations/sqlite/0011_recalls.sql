-- Who was sent what about a person: one row per recipient and entity, the newest send counting. A send that may have
-- begun is enough. `version` is the person's, as the send was permitted under it.
CREATE TABLE disclosures (
    subject      BLOB   NOT NULL,
    partner      TEXT   NOT NULL,
    entity_key   BLOB   NOT NULL,
    kind         TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    generation   BIGINT NOT NULL,
    log_offset   BIGINT NOT NULL,
    message_id   BLOB   NOT NULL,
    origin       TEXT   NOT NULL,
    sent_at      BIGINT NOT NULL,
    -- When the recipient last agreed that it has nothing any more.
    taken_back_at BIGINT,
    PRIMARY KEY (subject, partner, entity_key)
);
CREATE INDEX disclosures_of_entities ON disclosures (partner, entity_key);

-- What recipients are asked to delete, and what came of it.
CREATE TABLE recalls (
    subject      BLOB   NOT NULL,
    partner      TEXT   NOT NULL,
    entity_key   BLOB   NOT NULL,
    -- The change of the person's that it follows from.
    version      BIGINT NOT NULL,
    code         TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    owed_at      BIGINT NOT NULL,
    sent_at      BIGINT,
    settled_at   BIGINT,
    escalated_at BIGINT,
    attempts     BIGINT NOT NULL,
    detail       TEXT,
    -- The closing that carries it, once it waits to be sent.
    dispatch_id  BLOB,
    PRIMARY KEY (subject, partner, entity_key, version)
);
CREATE INDEX recalls_to_begin ON recalls (partner, owed_at) WHERE state = 'owed' AND dispatch_id IS NULL;
CREATE INDEX recalls_open ON recalls (partner, entity_key) WHERE state <> 'acknowledged';
CREATE INDEX recalls_by_dispatch ON recalls (dispatch_id) WHERE dispatch_id IS NOT NULL;
CREATE INDEX recalls_to_escalate ON recalls (owed_at) WHERE state <> 'acknowledged' AND escalated_at IS NULL;

-- Since when a person wants their data left alone (GDPR article 18); none if they do not. What persons wanted beside
-- their grants.
ALTER TABLE subjects ADD COLUMN restricted_since BIGINT;
CREATE TABLE subject_events (
    subject BLOB NOT NULL,
    version BIGINT NOT NULL,
    event   TEXT NOT NULL,
    method  TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (subject, version)
);

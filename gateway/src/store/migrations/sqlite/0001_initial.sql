-- What is store-first: versions of entities, idempotency, dispatches, what was sent, feeds, parked inputs, keys.
-- The journal tables are derived from the log and may be dropped and read again.

CREATE TABLE ownership (
    resource TEXT   NOT NULL PRIMARY KEY,
    epoch    BIGINT NOT NULL
);

CREATE TABLE versions (
    entity_key   BLOB   NOT NULL,
    generation   BIGINT NOT NULL,
    log_offset   BIGINT NOT NULL,
    message_id   BLOB   NOT NULL,
    partner      TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    reference    TEXT,
    content_hash TEXT   NOT NULL,
    is_open      BOOLEAN NOT NULL,
    modified_at  TEXT,
    recipients   TEXT   NOT NULL,
    canonical    BLOB   NOT NULL,
    PRIMARY KEY (entity_key, generation, log_offset)
);

CREATE TABLE complements (
    entity_key BLOB   NOT NULL,
    dialect    TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    log_offset BIGINT NOT NULL,
    complement BLOB   NOT NULL,
    PRIMARY KEY (entity_key, dialect)
);

CREATE TABLE idempotency (
    partner    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    key_hash   TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    log_offset BIGINT NOT NULL,
    body_hash  TEXT   NOT NULL,
    message_id BLOB   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (partner, kind, key_hash, generation, log_offset)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- A dispatch gets a row when its first send is claimed, or when it has to wait.
CREATE TABLE dispatches (
    dispatch_id BLOB    NOT NULL PRIMARY KEY,
    partner     TEXT    NOT NULL,
    entity_key  BLOB    NOT NULL,
    generation  BIGINT  NOT NULL,
    log_offset  BIGINT  NOT NULL,
    message_id  BLOB    NOT NULL,
    kind        TEXT    NOT NULL,
    operation   TEXT    NOT NULL,
    origin      TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    lane        BIGINT  NOT NULL,
    due_at      BIGINT  NOT NULL,
    attempt     BIGINT  NOT NULL,
    epoch       BIGINT  NOT NULL,
    body_hash   TEXT,
    in_doubt    BOOLEAN NOT NULL,
    deadline    BIGINT  NOT NULL,
    code        TEXT,
    detail      TEXT,
    faults      TEXT,
    losses      TEXT,
    versions    TEXT,
    updated_at  BIGINT  NOT NULL,
    journaled   BOOLEAN NOT NULL,
    envelope    BLOB
);
CREATE INDEX dispatches_due ON dispatches (partner, lane, due_at) WHERE state = 'deferred';
CREATE INDEX dispatches_open ON dispatches (partner, entity_key) WHERE state IN ('claimed', 'deferred', 'rejected', 'ambiguous');
CREATE INDEX dispatches_parked ON dispatches (updated_at) WHERE state IN ('rejected', 'ambiguous');
CREATE INDEX dispatches_unjournaled ON dispatches (partner) WHERE NOT journaled;

-- What each partner has been sent, and what it calls it.
CREATE TABLE sent (
    partner           TEXT    NOT NULL,
    entity_key        BLOB    NOT NULL,
    generation        BIGINT  NOT NULL,
    log_offset        BIGINT  NOT NULL,
    is_active         BOOLEAN NOT NULL,
    foreign_reference TEXT,
    PRIMARY KEY (partner, entity_key)
);
CREATE INDEX sent_by_foreign_reference ON sent (partner, foreign_reference) WHERE foreign_reference IS NOT NULL;

CREATE TABLE feed_items (
    partner     TEXT    NOT NULL,
    reference   TEXT    NOT NULL,
    is_active   BOOLEAN NOT NULL,
    content     TEXT    NOT NULL,
    created_at  BIGINT  NOT NULL,
    modified_at BIGINT  NOT NULL,
    closed_at   BIGINT,
    PRIMARY KEY (partner, reference)
);
CREATE INDEX feed_items_by_change ON feed_items (partner, modified_at);

CREATE TABLE feed_clocks (
    partner TEXT   NOT NULL PRIMARY KEY,
    last_at BIGINT NOT NULL
);

CREATE TABLE parked_inputs (
    parked_id   BLOB   NOT NULL PRIMARY KEY,
    partner     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    dialect     TEXT   NOT NULL,
    channel     TEXT   NOT NULL,
    code        TEXT   NOT NULL,
    faults      TEXT   NOT NULL,
    media_type  TEXT,
    raw         BLOB   NOT NULL,
    received_at BIGINT NOT NULL,
    state       TEXT   NOT NULL
);

CREATE TABLE api_keys (
    key_id     TEXT   NOT NULL PRIMARY KEY,
    key_hash   TEXT   NOT NULL UNIQUE,
    partner    TEXT,
    label      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE messages (
    message_id  BLOB   NOT NULL PRIMARY KEY,
    entity_key  BLOB   NOT NULL,
    partner     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    operation   TEXT   NOT NULL,
    dialect     TEXT   NOT NULL,
    channel     TEXT   NOT NULL,
    reference   TEXT,
    generation  BIGINT NOT NULL,
    log_offset  BIGINT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX messages_by_reference ON messages (reference, received_at);
CREATE INDEX messages_by_entity ON messages (entity_key, received_at);

CREATE TABLE events (
    message_id BLOB   NOT NULL,
    recipient  TEXT   NOT NULL,
    step       TEXT   NOT NULL,
    attempt    BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    code       TEXT,
    detail     TEXT,
    losses     TEXT   NOT NULL,
    versions   TEXT   NOT NULL,
    PRIMARY KEY (message_id, recipient, step, attempt)
);

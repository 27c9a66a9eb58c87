-- What is store-first: versions of entities, idempotency, dispatches, what was sent, feeds, parked inputs, keys.
-- The journal tables are derived from the log and may be dropped and read again.
-- Times are microseconds since 1970 UTC, those of feeds milliseconds, by the clock of the gateway that wrote them.

CREATE TABLE ownership (
    resource TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch    BIGINT NOT NULL
);

-- Who of several nodes does what only one may do, by the clock of this database.
CREATE TABLE leases (
    resource    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder      TEXT COLLATE "C" NOT NULL,
    runs_out_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE versions (
    entity_key   UUID    NOT NULL,
    generation   BIGINT  NOT NULL,
    log_offset   BIGINT  NOT NULL,
    message_id   UUID    NOT NULL,
    partner      TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    reference    TEXT COLLATE "C",
    content_hash TEXT COLLATE "C" NOT NULL,
    is_open      BOOLEAN NOT NULL,
    modified_at  TEXT COLLATE "C",
    recipients   TEXT COLLATE "C" NOT NULL,
    canonical    BYTEA   NOT NULL,
    PRIMARY KEY (entity_key, generation, log_offset)
);
CREATE INDEX versions_open ON versions (partner, reference) WHERE is_open;

CREATE TABLE complements (
    entity_key UUID   NOT NULL,
    dialect    TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    log_offset BIGINT NOT NULL,
    complement BYTEA  NOT NULL,
    PRIMARY KEY (entity_key, dialect)
);

CREATE TABLE idempotency (
    partner    TEXT COLLATE "C" NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL,
    key_hash   TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    log_offset BIGINT NOT NULL,
    body_hash  TEXT COLLATE "C" NOT NULL,
    message_id UUID   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (partner, kind, key_hash, generation, log_offset)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- A dispatch gets a row when its first send is claimed, or when it has to wait.
CREATE TABLE dispatches (
    dispatch_id UUID    NOT NULL PRIMARY KEY,
    partner     TEXT COLLATE "C" NOT NULL,
    entity_key  UUID    NOT NULL,
    generation  BIGINT  NOT NULL,
    log_offset  BIGINT  NOT NULL,
    message_id  UUID    NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    operation   TEXT COLLATE "C" NOT NULL,
    origin      TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    lane        BIGINT  NOT NULL,
    due_at      BIGINT  NOT NULL,
    attempt     BIGINT  NOT NULL,
    epoch       BIGINT  NOT NULL,
    body_hash   TEXT COLLATE "C",
    in_doubt    BOOLEAN NOT NULL,
    deadline    BIGINT  NOT NULL,
    code        TEXT COLLATE "C",
    detail      TEXT COLLATE "C",
    faults      TEXT COLLATE "C",
    losses      TEXT COLLATE "C",
    versions    TEXT COLLATE "C",
    updated_at  BIGINT  NOT NULL,
    journaled   BOOLEAN NOT NULL,
    envelope    BYTEA
);
CREATE INDEX dispatches_due ON dispatches (partner, lane, due_at) WHERE state = 'deferred';
CREATE INDEX dispatches_open ON dispatches (partner, entity_key, state) WHERE state IN ('claimed', 'deferred', 'rejected', 'ambiguous');
CREATE INDEX dispatches_claimed ON dispatches (partner, epoch) WHERE state = 'claimed';
CREATE INDEX dispatches_parked ON dispatches (updated_at) WHERE state IN ('rejected', 'ambiguous');
CREATE INDEX dispatches_unjournaled ON dispatches (partner) WHERE NOT journaled;

-- What each partner has been sent, what it calls it, and until when it may show it.
CREATE TABLE sent (
    partner           TEXT COLLATE "C" NOT NULL,
    entity_key        UUID    NOT NULL,
    generation        BIGINT  NOT NULL,
    log_offset        BIGINT  NOT NULL,
    is_active         BOOLEAN NOT NULL,
    foreign_reference TEXT COLLATE "C",
    dispatch_id       UUID,
    ends_at           BIGINT,
    ends_code         TEXT COLLATE "C",
    PRIMARY KEY (partner, entity_key)
);
-- By hash: nobody bounds what a partner calls something, and an entry of a B-tree has to fit into a third of a page.
CREATE INDEX sent_by_foreign_reference ON sent USING HASH (foreign_reference) WHERE foreign_reference IS NOT NULL;
CREATE INDEX sent_by_end ON sent (partner, ends_at) WHERE ends_at IS NOT NULL;

CREATE TABLE feed_items (
    partner       TEXT COLLATE "C" NOT NULL,
    reference     TEXT COLLATE "C" NOT NULL,
    is_active     BOOLEAN NOT NULL,
    content       TEXT COLLATE "C" NOT NULL,
    media_type    TEXT COLLATE "C" NOT NULL DEFAULT '',
    created_at    BIGINT  NOT NULL,
    modified_at   BIGINT  NOT NULL,
    closed_at     BIGINT,
    reason        TEXT COLLATE "C",
    source_reason TEXT COLLATE "C",
    PRIMARY KEY (partner, reference)
);
CREATE INDEX feed_items_by_change ON feed_items (partner, modified_at);

CREATE TABLE feed_clocks (
    partner TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last_at BIGINT NOT NULL
);

CREATE TABLE parked_inputs (
    parked_id   UUID   NOT NULL PRIMARY KEY,
    partner     TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    dialect     TEXT COLLATE "C" NOT NULL,
    channel     TEXT COLLATE "C" NOT NULL,
    code        TEXT COLLATE "C" NOT NULL,
    faults      TEXT COLLATE "C" NOT NULL,
    media_type  TEXT COLLATE "C",
    raw         BYTEA  NOT NULL,
    received_at BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL
);

CREATE TABLE api_keys (
    key_id     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    key_hash   TEXT COLLATE "C" NOT NULL UNIQUE,
    partner    TEXT COLLATE "C",
    label      TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- How far the initial sync of each partner is: it is owed everything that was open when it joined.
CREATE TABLE syncs (
    partner    TEXT COLLATE "C" NOT NULL,
    share      BIGINT  NOT NULL,
    entity_key UUID,
    is_done    BOOLEAN NOT NULL,
    PRIMARY KEY (partner, share)
);

-- Where each poller is, what its run over everything has seen so far, and the marks of what was accepted.
CREATE TABLE polls (
    partner    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    cursor     TEXT COLLATE "C" NOT NULL,
    run        TEXT COLLATE "C",
    before     TEXT COLLATE "C" NOT NULL,
    is_doubted BOOLEAN NOT NULL
);

CREATE TABLE poll_seen (
    partner   TEXT COLLATE "C" NOT NULL,
    run       TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX poll_seen_once ON poll_seen (partner, run, md5(reference));

CREATE TABLE poll_marks (
    partner   TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    mark      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (partner, reference)
);

-- Under which names and legal identifiers the employers of entities are known.
CREATE TABLE employers (
    employer   TEXT COLLATE "C" NOT NULL,
    entity_key UUID NOT NULL
);
CREATE UNIQUE INDEX employers_once ON employers (md5(employer), entity_key);
CREATE INDEX employers_by_name ON employers USING HASH (employer);

-- Entities that an operator wants to be dispatched again; the router takes them up.
CREATE TABLE replays (
    replay_id  UUID   NOT NULL PRIMARY KEY,
    entity_key UUID   NOT NULL,
    share      BIGINT NOT NULL,
    recipient  TEXT COLLATE "C",
    wanted_at  BIGINT NOT NULL
);

CREATE TABLE messages (
    message_id  UUID   NOT NULL PRIMARY KEY,
    entity_key  UUID   NOT NULL,
    partner     TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    operation   TEXT COLLATE "C" NOT NULL,
    dialect     TEXT COLLATE "C" NOT NULL,
    channel     TEXT COLLATE "C" NOT NULL,
    reference   TEXT COLLATE "C",
    generation  BIGINT NOT NULL,
    log_offset  BIGINT NOT NULL,
    received_at BIGINT NOT NULL
);
CREATE INDEX messages_by_reference ON messages (reference, received_at);
CREATE INDEX messages_by_entity ON messages (entity_key, received_at);
CREATE INDEX messages_by_time ON messages (received_at, message_id);
CREATE INDEX messages_by_partner ON messages (partner, received_at, message_id);

-- A message may be dispatched again: attempts are told apart by their time, everything else happens once.
CREATE TABLE events (
    message_id UUID   NOT NULL,
    recipient  TEXT COLLATE "C" NOT NULL,
    step       TEXT COLLATE "C" NOT NULL,
    attempt    BIGINT NOT NULL,
    occurrence BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    code       TEXT COLLATE "C",
    detail     TEXT COLLATE "C",
    losses     TEXT COLLATE "C" NOT NULL,
    versions   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (message_id, recipient, step, attempt, occurrence)
);

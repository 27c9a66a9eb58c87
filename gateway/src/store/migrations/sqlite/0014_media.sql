-- Files that profiles link to. The id is derived by a key of the person's, and where a file lies is sealed.
CREATE TABLE media (
    media_id    BLOB   NOT NULL PRIMARY KEY,
    entity_key  BLOB   NOT NULL,
    -- The newest version that links to it, the message that made that, and where it came from.
    generation  BIGINT NOT NULL,
    log_offset  BIGINT NOT NULL,
    message_id  BLOB   NOT NULL,
    origin      TEXT NOT NULL,
    category    TEXT NOT NULL,
    sealed      BLOB  NOT NULL,
    -- `wanted`, `kept` or `failed`.
    state       TEXT NOT NULL,
    blob_id     BLOB,
    -- Attempts that have begun; whoever settles one names it.
    attempt     BIGINT NOT NULL,
    wanted_at   BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    -- Until when somebody is fetching it.
    taken_until BIGINT,
    code        TEXT,
    settled_at  BIGINT,
    -- Whether the journal has yet to hear of it.
    is_untold   BOOLEAN NOT NULL,
    -- Since when no version links to it any more.
    dropped_at  BIGINT
);
CREATE INDEX media_due ON media (due_at) WHERE state = 'wanted' AND dropped_at IS NULL;
CREATE INDEX media_of_entities ON media (entity_key);
CREATE INDEX media_by_blob ON media (blob_id) WHERE blob_id IS NOT NULL;
CREATE INDEX media_untold ON media (settled_at) WHERE is_untold;
CREATE INDEX media_dropped ON media (dropped_at) WHERE dropped_at IS NOT NULL;

-- Tokens by which recipients read files: what a token is good for, and what the decision behind it rests on.
CREATE TABLE media_tokens (
    token_hash  TEXT NOT NULL PRIMARY KEY,
    media_id    BLOB   NOT NULL,
    recipient   TEXT NOT NULL,
    subject     BLOB   NOT NULL,
    version     BIGINT NOT NULL,
    valid_until BIGINT,
    rules       TEXT NOT NULL,
    expires_at  BIGINT NOT NULL,
    bytes_left  BIGINT NOT NULL
);
CREATE INDEX media_tokens_over ON media_tokens (expires_at);

-- What partners pull about persons, apart from other feeds: the document is sealed for the person and the partner, and
-- stands beside what its last decision rests on. Stamps are those of `feed_clocks`, which a partner's feeds share.
CREATE TABLE person_feed_items (
    partner      TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    entity_key   BLOB    NOT NULL,
    subject      BLOB    NOT NULL,
    -- Who said it.
    source       TEXT    NOT NULL,
    is_active    BOOLEAN NOT NULL,
    sealed       BLOB,
    -- A keyed hash of what is sealed.
    content_hash TEXT,
    -- The last decision: the person's version and the rules that it was made under, until when it holds, and whether it
    -- says to leave the item out. `permit` is what the document was written under.
    version      BIGINT  NOT NULL,
    permit       TEXT    NOT NULL,
    valid_until  BIGINT,
    rules        TEXT    NOT NULL,
    is_withheld  BOOLEAN NOT NULL,
    created_at   BIGINT  NOT NULL,
    modified_at  BIGINT  NOT NULL,
    closed_at    BIGINT,
    reason       TEXT,
    -- Whether the puller still has to hear that something has gone, and which send that ended.
    awaits_pull  BOOLEAN NOT NULL,
    ended_send   BIGINT,
    PRIMARY KEY (partner, kind, entity_key)
);
CREATE INDEX person_feed_items_by_change ON person_feed_items (partner, kind, modified_at);
CREATE INDEX person_feed_items_withheld ON person_feed_items (partner, kind) WHERE is_withheld;
CREATE INDEX person_feed_items_not_pulled ON person_feed_items (partner, kind, modified_at) WHERE awaits_pull;

-- A log may be read in shares: syncs and replays are done by whoever reads the share of the entity, and a run of a poller
-- remembers how far each share reached.
CREATE TABLE syncs_of_shares (
    partner    TEXT    NOT NULL,
    share      BIGINT  NOT NULL,
    entity_key BLOB,
    is_done    BOOLEAN NOT NULL,
    PRIMARY KEY (partner, share)
);
INSERT INTO syncs_of_shares SELECT partner, 0, entity_key, is_done FROM syncs;
DROP TABLE syncs;
ALTER TABLE syncs_of_shares RENAME TO syncs;

ALTER TABLE replays ADD COLUMN share BIGINT NOT NULL DEFAULT 0;

CREATE TABLE polls_anew (
    partner    TEXT    NOT NULL PRIMARY KEY,
    cursor     TEXT    NOT NULL,
    run        TEXT,
    before     TEXT    NOT NULL,
    is_doubted BOOLEAN NOT NULL
);
INSERT INTO polls_anew SELECT partner, cursor, run, generation || ':' || log_offset, is_doubted FROM polls;
DROP TABLE polls;
ALTER TABLE polls_anew RENAME TO polls;

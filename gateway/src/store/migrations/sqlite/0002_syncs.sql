-- How far the initial sync of each partner is: it is owed everything that was open when it joined.
CREATE TABLE syncs (
    partner    TEXT    NOT NULL PRIMARY KEY,
    entity_key BLOB,
    is_done    BOOLEAN NOT NULL
);

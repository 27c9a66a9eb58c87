-- Persons by pseudonym. One whose keys were destroyed stays, so that it is never given new ones.
CREATE TABLE subjects (
    subject_id   BLOB NOT NULL PRIMARY KEY,
    created_at   INTEGER NOT NULL,
    destroyed_at INTEGER
);

-- HMACs of what partners call a person; the secret is a key of the subject that is nobody.
CREATE TABLE foreign_ids (
    id_hash    TEXT NOT NULL PRIMARY KEY,
    subject_id BLOB NOT NULL
);
CREATE INDEX foreign_ids_of_subject ON foreign_ids (subject_id);

-- Wrapped keys: one per subject (recipient is empty), and one per subject and recipient. A destroyed one is empty.
CREATE TABLE data_keys (
    key_id     BLOB NOT NULL PRIMARY KEY,
    subject_id BLOB NOT NULL,
    recipient  TEXT NOT NULL,
    version    TEXT,
    wrapped    BLOB,
    created_at INTEGER NOT NULL,
    UNIQUE (subject_id, recipient)
);
CREATE INDEX data_keys_by_version ON data_keys (version, key_id);

INSERT INTO subjects (subject_id, created_at) VALUES (zeroblob(16), 0);

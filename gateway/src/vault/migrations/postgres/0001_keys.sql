-- Persons by pseudonym. One whose keys were destroyed stays, so that it is never given new ones.
CREATE TABLE subjects (
    subject_id   UUID NOT NULL PRIMARY KEY,
    created_at   BIGINT NOT NULL,
    destroyed_at BIGINT
);

-- HMACs of what partners call a person; the secret is a key of the subject that is nobody.
CREATE TABLE foreign_ids (
    id_hash    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    subject_id UUID NOT NULL
);
CREATE INDEX foreign_ids_of_subject ON foreign_ids (subject_id);

-- Wrapped keys: one per subject (recipient is empty), and one per subject and recipient. A destroyed one is empty.
CREATE TABLE data_keys (
    key_id     UUID NOT NULL PRIMARY KEY,
    subject_id UUID NOT NULL,
    recipient  TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C",
    wrapped    BYTEA,
    created_at BIGINT NOT NULL,
    UNIQUE (subject_id, recipient)
);
CREATE INDEX data_keys_by_version ON data_keys (version, key_id);

INSERT INTO subjects (subject_id, created_at) VALUES ('00000000-0000-0000-0000-000000000000', 0);

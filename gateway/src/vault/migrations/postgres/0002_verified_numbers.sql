-- HMACs of numbers that partners have verified of a person; the secret is a key of the subject that is nobody. Two persons of
-- different partners with the same one are the same person.
CREATE TABLE verified_numbers (
    subject_id  UUID NOT NULL,
    scheme      TEXT COLLATE "C" NOT NULL,
    number_hash TEXT COLLATE "C" NOT NULL,
    partner     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (subject_id, scheme, number_hash)
);
CREATE INDEX verified_numbers_by_number ON verified_numbers (number_hash);

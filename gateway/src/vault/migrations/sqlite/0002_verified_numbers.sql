-- HMACs of numbers that partners have verified of a person; the secret is a key of the subject that is nobody. Two persons of
-- different partners with the same one are the same person.
CREATE TABLE verified_numbers (
    subject_id  BLOB NOT NULL,
    scheme      TEXT NOT NULL,
    number_hash TEXT NOT NULL,
    partner     TEXT NOT NULL,
    PRIMARY KEY (subject_id, scheme, number_hash)
);
CREATE INDEX verified_numbers_by_number ON verified_numbers (number_hash);

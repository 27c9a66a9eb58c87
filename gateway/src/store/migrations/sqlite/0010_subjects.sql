-- Persons, who are pseudonyms here: the version moves with whatever a decision about a person rests on, so that a claim
-- can be made conditional on it.
CREATE TABLE subjects (
    subject BLOB   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO subjects (subject, version) SELECT subject, COUNT(*) FROM grants GROUP BY subject;

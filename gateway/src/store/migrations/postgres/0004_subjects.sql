-- Persons, who are pseudonyms here: the version moves with whatever a decision about a person rests on, so that a claim
-- can be made conditional on it. A claim locks the row shared, a change of the person's grants locks it alone.
CREATE TABLE subjects (
    subject UUID   NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO subjects (subject, version) SELECT subject, COUNT(*) FROM grants GROUP BY subject;

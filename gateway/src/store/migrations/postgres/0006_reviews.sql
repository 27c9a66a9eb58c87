-- When persons are looked at again: when something of them has changed (`reviewed` is behind `version`), and when time
-- alone may change what they permit. A version that knows nothing of it leaves `reviewed` behind, so that it is made up for.
ALTER TABLE subjects ADD COLUMN reviewed BIGINT NOT NULL DEFAULT -1;
ALTER TABLE subjects ADD COLUMN review_at BIGINT;
CREATE INDEX subjects_to_review ON subjects (review_at) WHERE review_at IS NOT NULL;
CREATE INDEX subjects_changed ON subjects (subject) WHERE reviewed <> version;

-- By what a recipient was sent it: a mark of the permission and of the send, and until when that permission holds.
ALTER TABLE disclosures ADD COLUMN permit TEXT COLLATE "C";
ALTER TABLE disclosures ADD COLUMN valid_until BIGINT;
CREATE INDEX disclosures_to_review ON disclosures (valid_until) WHERE valid_until IS NOT NULL;

-- Every person is looked at when other instruments for transfers come into force: how far that is.
CREATE TABLE instrument_reviews (
    generation  BIGINT NOT NULL PRIMARY KEY,
    instruments TEXT COLLATE "C" NOT NULL,
    begun_at    BIGINT NOT NULL,
    -- The last person that was looked at, and how many were.
    subject     UUID,
    persons     BIGINT NOT NULL,
    finished_at BIGINT
);

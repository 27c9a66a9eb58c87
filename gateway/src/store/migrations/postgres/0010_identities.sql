-- Who is the same person as whom, though from different sources: what was said of it, in order. Nothing is ever changed here.
CREATE TABLE identity_events (
    sequence BIGINT NOT NULL PRIMARY KEY,
    event_id UUID NOT NULL UNIQUE,
    -- The two, the lower one first.
    one UUID NOT NULL,
    other UUID NOT NULL,
    -- The partners that know them.
    one_source TEXT COLLATE "C" NOT NULL,
    other_source TEXT COLLATE "C" NOT NULL,
    -- `linked` or `split`.
    event TEXT COLLATE "C" NOT NULL,
    -- By what: `verified_id` (with its scheme), `confirmation` (with who confirmed it, how, and where that stands) or
    -- `source_merge`.
    evidence TEXT COLLATE "C" NOT NULL,
    scheme TEXT COLLATE "C",
    confirmed_by TEXT COLLATE "C",
    method TEXT COLLATE "C",
    reference TEXT COLLATE "C",
    -- Who told us: a partner, or none for an operator.
    said_by TEXT COLLATE "C",
    -- Why, if it followed from something else than what was said.
    code TEXT COLLATE "C",
    effective_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE INDEX identity_events_of_pair ON identity_events (one, other, sequence);
CREATE INDEX identity_events_of_other ON identity_events (other);

-- What holds now: each link twice, once for each of the two, with the partner that knows the other one and the event that it
-- rests on.
CREATE TABLE identity_links (
    subject UUID NOT NULL,
    linked UUID NOT NULL,
    source   TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (subject, linked)
);

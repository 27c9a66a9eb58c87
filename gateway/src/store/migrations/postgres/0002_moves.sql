-- Which embedded installation was moved here. Nobody works here before it is all there.
CREATE TABLE moves (
    source      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    begun_at    TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    finished_at TIMESTAMPTZ
);

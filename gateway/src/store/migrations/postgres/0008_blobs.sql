-- Blobs: large, sealed, never changed once they have a head.
CREATE TABLE blobs (
    blob_id UUID NOT NULL PRIMARY KEY,
    head    BYTEA
);

CREATE TABLE blob_chunks (
    blob_id UUID   NOT NULL REFERENCES blobs (blob_id) ON DELETE CASCADE,
    place   BIGINT NOT NULL,
    sealed  BYTEA  NOT NULL,
    PRIMARY KEY (blob_id, place)
);
-- What is sealed cannot be compressed.
ALTER TABLE blob_chunks ALTER COLUMN sealed SET STORAGE EXTERNAL;

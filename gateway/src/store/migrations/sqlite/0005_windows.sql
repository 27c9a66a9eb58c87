-- Until when a partner may show what it was sent, why not longer, and the dispatch that brought it.
ALTER TABLE sent ADD COLUMN dispatch_id BLOB;
ALTER TABLE sent ADD COLUMN ends_at BIGINT;
ALTER TABLE sent ADD COLUMN ends_code TEXT;
CREATE INDEX sent_by_end ON sent (partner, ends_at) WHERE ends_at IS NOT NULL;

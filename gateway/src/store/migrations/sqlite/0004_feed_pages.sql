-- What a page of a feed says beside the document: its media type, and why something has gone.
ALTER TABLE feed_items ADD COLUMN media_type TEXT NOT NULL DEFAULT '';
ALTER TABLE feed_items ADD COLUMN reason TEXT;
ALTER TABLE feed_items ADD COLUMN source_reason TEXT;

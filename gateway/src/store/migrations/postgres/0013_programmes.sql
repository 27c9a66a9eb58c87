-- Which programme an event is a step of: a keyed hash of its name.
ALTER TABLE placement_events ADD COLUMN programme TEXT COLLATE "C";
CREATE INDEX placement_events_by_programme ON placement_events (programme, entity_key) WHERE programme IS NOT NULL;

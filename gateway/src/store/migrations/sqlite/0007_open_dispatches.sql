-- What stands open is counted without its rows, and claims are found among a million that wait.
DROP INDEX dispatches_open;
CREATE INDEX dispatches_open ON dispatches (partner, entity_key, state) WHERE state IN ('claimed', 'deferred', 'rejected', 'ambiguous');
CREATE INDEX dispatches_claimed ON dispatches (partner, epoch) WHERE state = 'claimed';

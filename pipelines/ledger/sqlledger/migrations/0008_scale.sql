-- A store of millions of rows answers as quickly as a small one.

-- The last page of a generation that may hold a hash is one step away.
DROP INDEX IF EXISTS skey_first;
CREATE INDEX IF NOT EXISTS skey_first ON skey (gen, first, n);

-- Rows of the states that a desk asks for. What simply goes its way never enters these.
CREATE INDEX IF NOT EXISTS delivery_desk ON delivery (state, connection, operation, code, id)
	WHERE state NOT IN ('ready', 'sending', 'delivered', 'filtered');
CREATE INDEX IF NOT EXISTS record_desk ON record (state, stream, code, id) WHERE state NOT IN ('received', 'routed');

CREATE INDEX IF NOT EXISTS hint_desk ON hint (state, connection, stream, code, id) WHERE state = 'parked';

-- Entries that rows wait for.
CREATE INDEX IF NOT EXISTS dep_lookup ON dep (key, delivery) WHERE kind = 'lookup';

CREATE INDEX IF NOT EXISTS incident_open ON incident (opened_at, id) WHERE n > 0;
CREATE INDEX IF NOT EXISTS incident_code ON incident (code, opened_at, id);

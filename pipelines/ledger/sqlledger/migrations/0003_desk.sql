-- The desk. An incident is a cause that rows fail for, kept by the commits that move
-- them; its id is a hash of the cause. Open fills both tables from the rows when they are
-- empty.
CREATE TABLE IF NOT EXISTS incident (
	id {{id}},
	kind TEXT NOT NULL,
	connection TEXT NOT NULL,
	name TEXT NOT NULL,
	code TEXT NOT NULL,
	field TEXT NOT NULL,
	opened_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL,
	closed_at BIGINT NOT NULL,
	n BIGINT NOT NULL,
	seen BIGINT NOT NULL,
	lifetime BIGINT NOT NULL,
	episodes BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS incident_opened ON incident (opened_at, id);
CREATE TABLE IF NOT EXISTS incident_row (
	incident BIGINT NOT NULL,
	row_id BIGINT NOT NULL,
	PRIMARY KEY (incident, row_id)
){{clustered}};

-- Bulk replays and their items.
CREATE TABLE IF NOT EXISTS bulk (
	id {{id}},
	kind TEXT NOT NULL,
	incident BIGINT NOT NULL,
	connection TEXT NOT NULL,
	operation TEXT NOT NULL,
	flow TEXT NOT NULL,
	code TEXT NOT NULL,
	mode TEXT NOT NULL,
	rate BIGINT NOT NULL,
	confirmed BIGINT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	state TEXT NOT NULL,
	text TEXT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS bulk_item (
	bulk BIGINT NOT NULL,
	row_id BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	state TEXT NOT NULL,
	became TEXT NOT NULL,
	code TEXT NOT NULL,
	text TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (bulk, row_id)
){{clustered}};
CREATE INDEX IF NOT EXISTS bulk_item_pending ON bulk_item (bulk, row_id) WHERE state = 'pending';

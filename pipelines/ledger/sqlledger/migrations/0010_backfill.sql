-- Backfills: what was asked for, what was expected, and how far they are. The cursor of
-- one is a row of cursor, moved with its pages.
CREATE TABLE IF NOT EXISTS backfill (
	id {{id}},
	connection TEXT NOT NULL,
	stream TEXT NOT NULL,
	from_at BIGINT NOT NULL,
	to_at BIGINT NOT NULL,
	leaves BIGINT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	method TEXT NOT NULL,
	expected_items BIGINT NOT NULL,
	expected_new BIGINT NOT NULL,
	expected_pages BIGINT NOT NULL,
	expected_millis BIGINT NOT NULL,
	state TEXT NOT NULL,
	text TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	pages BIGINT NOT NULL,
	items BIGINT NOT NULL,
	fresh BIGINT NOT NULL,
	same BIGINT NOT NULL,
	failed BIGINT NOT NULL,
	busy_millis BIGINT NOT NULL
);

-- The first schema. {{id}}, {{blob}}, {{clustered}} and {{hot}} are replaced per
-- engine; times are microseconds since 1970 in UTC, 0 = none; booleans are 0 and 1.
-- `open` is 1 while the bus has something to do with the row, 2 while only a person or
-- another row can move it, 0 when nothing follows.

CREATE TABLE lease (
	part BIGINT PRIMARY KEY,
	owner TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	until BIGINT NOT NULL
);
CREATE TABLE node (
	owner TEXT PRIMARY KEY,
	epoch BIGINT NOT NULL,
	started_at BIGINT NOT NULL
);

CREATE TABLE doc (
	id {{id}},
	connection TEXT NOT NULL,
	entity TEXT NOT NULL,
	key TEXT NOT NULL,
	version BIGINT NOT NULL,
	digest {{blob}} NOT NULL,
	fetched_at BIGINT NOT NULL,
	record BIGINT NOT NULL,
	watch TEXT NOT NULL,
	UNIQUE (key, entity, connection)
){{hot}};
CREATE INDEX doc_watch ON doc (connection, watch, id) WHERE watch <> '';
CREATE TABLE record (
	id {{id}},
	doc BIGINT NOT NULL,
	part BIGINT NOT NULL,
	root BIGINT NOT NULL,
	root_key TEXT NOT NULL,
	stream TEXT NOT NULL,
	version BIGINT NOT NULL,
	fetched_at BIGINT NOT NULL,
	at BIGINT NOT NULL,
	digest {{blob}} NOT NULL,
	deleted BIGINT NOT NULL,
	headers TEXT NOT NULL,
	state TEXT NOT NULL,
	code TEXT NOT NULL,
	text TEXT NOT NULL,
	repeats BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	label TEXT NOT NULL,
	blk BIGINT NOT NULL,
	idx BIGINT NOT NULL,
	open BIGINT NOT NULL
){{hot}};
CREATE INDEX record_root ON record (root, id);
CREATE INDEX record_doc ON record (doc, version);
CREATE INDEX record_open ON record (part, id) WHERE open > 0;

CREATE TABLE delivery (
	id {{id}},
	record BIGINT NOT NULL,
	doc BIGINT NOT NULL,
	part BIGINT NOT NULL,
	root BIGINT NOT NULL,
	lane BIGINT NOT NULL,
	version BIGINT NOT NULL,
	flow TEXT NOT NULL,
	step TEXT NOT NULL,
	connection TEXT NOT NULL,
	operation TEXT NOT NULL,
	undoes TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	source TEXT NOT NULL,
	remote_key TEXT NOT NULL,
	generation BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	state TEXT NOT NULL,
	code TEXT NOT NULL,
	text TEXT NOT NULL,
	holds BIGINT NOT NULL,
	clean BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	ticket TEXT NOT NULL,
	absent BIGINT NOT NULL,
	progress {{blob}} NOT NULL,
	blk BIGINT NOT NULL,
	idx BIGINT NOT NULL,
	digest {{blob}} NOT NULL,
	map_version TEXT NOT NULL,
	cause BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	open BIGINT NOT NULL
){{hot}};
CREATE INDEX delivery_record ON delivery (record, id);
CREATE INDEX delivery_open ON delivery (part, id) WHERE open > 0;

CREATE TABLE link (
	remote_key TEXT NOT NULL,
	operation TEXT NOT NULL,
	connection TEXT NOT NULL,
	doc BIGINT NOT NULL,
	remote_ids TEXT NOT NULL,
	generation BIGINT NOT NULL,
	applied BIGINT NOT NULL,
	version BIGINT NOT NULL,
	digest {{blob}} NOT NULL,
	withdrawn BIGINT NOT NULL,
	withdrawn_by BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (remote_key, operation, connection)
){{clustered}}{{hot}};
CREATE INDEX link_doc ON link (doc);

-- Append-only: no statement of the store changes or deletes a row.
CREATE TABLE attempt (
	delivery BIGINT NOT NULL,
	id BIGINT NOT NULL,
	n BIGINT NOT NULL,
	kind TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	state TEXT NOT NULL,
	code TEXT NOT NULL,
	text TEXT NOT NULL,
	map_version TEXT NOT NULL,
	who TEXT NOT NULL,
	blk BIGINT NOT NULL,
	idx BIGINT NOT NULL,
	PRIMARY KEY (delivery, id)
){{clustered}};

CREATE TABLE dep (
	delivery BIGINT NOT NULL,
	kind TEXT NOT NULL,
	key TEXT NOT NULL,
	PRIMARY KEY (delivery, kind, key)
){{clustered}};
CREATE INDEX dep_target ON dep (key, kind);

CREATE TABLE hint (
	id {{id}},
	connection TEXT NOT NULL,
	stream TEXT NOT NULL,
	key TEXT NOT NULL,
	part BIGINT NOT NULL,
	root BIGINT NOT NULL,
	asked BIGINT NOT NULL,
	done BIGINT NOT NULL,
	state TEXT NOT NULL,
	next_at BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	code TEXT NOT NULL,
	text TEXT NOT NULL,
	first_at BIGINT NOT NULL,
	open BIGINT NOT NULL,
	UNIQUE (key, stream, connection)
){{hot}};
CREATE INDEX hint_open ON hint (part, id) WHERE open > 0;

CREATE TABLE cursor (
	connection TEXT NOT NULL,
	stream TEXT NOT NULL,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (connection, stream, name)
);
CREATE TABLE gate (
	connection TEXT NOT NULL,
	operation TEXT NOT NULL,
	reason TEXT NOT NULL,
	code TEXT NOT NULL,
	text TEXT NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	who TEXT NOT NULL,
	PRIMARY KEY (connection, operation)
);
CREATE TABLE budget (
	connection TEXT NOT NULL,
	operation TEXT NOT NULL,
	key TEXT NOT NULL,
	used BIGINT NOT NULL,
	PRIMARY KEY (key, operation, connection)
){{clustered}};

CREATE TABLE lookup (
	tab TEXT NOT NULL,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (tab, key)
);
CREATE TABLE lookup_history (
	id {{id}},
	tab TEXT NOT NULL,
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	deleted BIGINT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX lookup_history_key ON lookup_history (tab, key, id);

CREATE TABLE vault (
	name TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	value {{blob}} NOT NULL
);
CREATE TABLE job_run (
	id {{id}},
	job TEXT NOT NULL,
	tick BIGINT NOT NULL,
	owner TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	state TEXT NOT NULL,
	counts TEXT NOT NULL,
	text TEXT NOT NULL,
	UNIQUE (job, tick)
);
CREATE TABLE report (
	id {{id}},
	kind TEXT NOT NULL,
	at BIGINT NOT NULL,
	body {{blob}} NOT NULL
);
CREATE INDEX report_kind ON report (kind, id);

-- Packed payloads of one connection, kind and day.
CREATE TABLE blk (
	id {{id}},
	connection TEXT NOT NULL,
	kind TEXT NOT NULL,
	day BIGINT NOT NULL,
	n BIGINT NOT NULL,
	body {{blob}} NOT NULL
);
CREATE INDEX blk_day ON blk (day);

-- Search keys: pairs of a keyed hash and a row of doc, never the values; 16 bytes a
-- pair. A commit appends its pairs to the tail; when the tail is long it becomes a
-- sorted generation, cut into pages.
CREATE TABLE skey_tail (
	id {{id}},
	pairs {{blob}} NOT NULL
);
CREATE TABLE skey (
	gen BIGINT NOT NULL,
	n BIGINT NOT NULL,
	first BIGINT NOT NULL,
	pairs {{blob}} NOT NULL,
	PRIMARY KEY (gen, n)
);
CREATE INDEX skey_first ON skey (gen, first);
CREATE TABLE skey_gen (
	gen BIGINT PRIMARY KEY,
	pairs BIGINT NOT NULL
);
CREATE TABLE skey_kind (
	kind TEXT PRIMARY KEY
);

-- How many rows are in which state; kept by the commits that move them.
CREATE TABLE tally (
	kind TEXT NOT NULL,
	connection TEXT NOT NULL,
	name TEXT NOT NULL,
	state TEXT NOT NULL,
	code TEXT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (kind, connection, name, state, code)
);

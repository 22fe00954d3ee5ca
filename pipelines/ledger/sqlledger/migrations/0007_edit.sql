-- Documents that people changed: what stood there before, and what stands there since. Appended; only
-- where a payload lies changes, when retention moves it. Of a record, no payload since
-- means its own bytes again.
CREATE TABLE edit (
	id {{id}},
	record BIGINT NOT NULL,
	delivery BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	at BIGINT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	before_blk BIGINT NOT NULL,
	before_idx BIGINT NOT NULL,
	blk BIGINT NOT NULL,
	idx BIGINT NOT NULL
);
CREATE INDEX edit_record ON edit (record, id) WHERE record > 0;
CREATE INDEX edit_delivery ON edit (delivery, id) WHERE delivery > 0;

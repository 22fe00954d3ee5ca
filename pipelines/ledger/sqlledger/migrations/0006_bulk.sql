-- A bulk replay knows how many rows it was planned for; when its items were dropped by
-- age, what they came to stands in counts.
ALTER TABLE bulk ADD COLUMN total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bulk ADD COLUMN counts TEXT NOT NULL DEFAULT '';
ALTER TABLE bulk ADD COLUMN summed_at BIGINT NOT NULL DEFAULT 0;
UPDATE bulk SET total = (SELECT count(*) FROM bulk_item i WHERE i.bulk = bulk.id);
ALTER TABLE bulk DROP COLUMN text;
DELETE FROM bulk WHERE total = 0;
CREATE INDEX bulk_state ON bulk (state, id);

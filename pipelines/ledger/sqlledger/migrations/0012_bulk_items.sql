-- A bulk replay goes through its items once, in order; an index of what is left cost a
-- plan more than it spared.
DROP INDEX IF EXISTS bulk_item_pending;

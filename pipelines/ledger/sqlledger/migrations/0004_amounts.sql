-- What a record is about in money, and the sums of the rows in an incident; minor units.
-- Rows from before have no amount.
ALTER TABLE record ADD COLUMN amount BIGINT NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN currency TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN amount BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN currency TEXT NOT NULL DEFAULT '';
CREATE TABLE incident_money (
	incident BIGINT NOT NULL,
	currency TEXT NOT NULL,
	amount BIGINT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (incident, currency)
){{clustered}};

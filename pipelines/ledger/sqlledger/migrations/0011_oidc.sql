-- Whom an OpenID provider vouches for: its issuer and its id of the person; empty for
-- people of the hub's own.
ALTER TABLE person ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX person_subject ON person (subject) WHERE subject <> '';

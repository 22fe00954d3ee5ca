-- When a person signed in last; sessions themselves are swept.
ALTER TABLE person ADD COLUMN signed_in_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX session_person ON session (person);

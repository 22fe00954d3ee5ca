-- Who may do what, and who did. See 0001 for the words in braces.

CREATE TABLE person (
	name TEXT PRIMARY KEY,
	hash TEXT NOT NULL,
	roles TEXT NOT NULL,
	disabled BIGINT NOT NULL,
	generation BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL
);
CREATE TABLE api_token (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	digest {{blob}} NOT NULL,
	roles TEXT NOT NULL,
	maker TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	revoked_at BIGINT NOT NULL
);
CREATE TABLE session (
	id TEXT PRIMARY KEY,
	person TEXT NOT NULL,
	generation BIGINT NOT NULL,
	came_from TEXT NOT NULL,
	began_at BIGINT NOT NULL,
	until BIGINT NOT NULL,
	seen_at BIGINT NOT NULL
);
CREATE INDEX session_until ON session (until);
CREATE TABLE invite (
	id TEXT PRIMARY KEY,
	person TEXT NOT NULL,
	roles TEXT NOT NULL,
	until BIGINT NOT NULL
);
-- Attempts to sign in, by name and by address: a restart does not forget them.
CREATE TABLE sign_in_try (
	key TEXT PRIMARY KEY,
	n BIGINT NOT NULL,
	since BIGINT NOT NULL,
	locked_until BIGINT NOT NULL,
	until BIGINT NOT NULL
);
CREATE INDEX sign_in_try_until ON sign_in_try (until);

-- Appended only, without gaps; hash is over the hash before it and body.
CREATE TABLE audit (
	id {{id}},
	at BIGINT NOT NULL,
	who TEXT NOT NULL,
	act TEXT NOT NULL,
	target TEXT NOT NULL,
	body {{blob}} NOT NULL,
	hash {{blob}} NOT NULL
);
CREATE INDEX audit_who ON audit (who, id);
CREATE INDEX audit_act ON audit (act, id);
CREATE INDEX audit_target ON audit (target, id);

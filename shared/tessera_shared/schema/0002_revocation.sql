-- What was revoked before it expired. Durable here first, then announced over a Redis stream.
CREATE SCHEMA revocation;

CREATE TABLE revocation.entries (
    kind       text NOT NULL CHECK (kind IN ('jti', 'grant_id', 'client_id')),
    value      text NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,   -- from then on no token that it concerns can be valid
    PRIMARY KEY (kind, value)
);
CREATE INDEX entries_by_revoked_at ON revocation.entries (revoked_at);

GRANT USAGE ON SCHEMA revocation TO tessera_authz, tessera_idp, tessera_rs;
GRANT SELECT, INSERT, UPDATE, DELETE ON revocation.entries TO tessera_authz;
GRANT SELECT ON revocation.entries TO tessera_idp, tessera_rs;

-- Pushed authorization requests (RFC 9126): known by the hash of their request_uri, used up when the user has finished.
CREATE TABLE authz.pushed_requests (
    uri_hash    bytea PRIMARY KEY,
    client_id   text NOT NULL REFERENCES authz.clients ON DELETE CASCADE,
    parameters  jsonb NOT NULL,          -- the checked request
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    consumed_at timestamptz
);
CREATE INDEX pushed_requests_by_expiry ON authz.pushed_requests (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON authz.pushed_requests TO tessera_authz;

ALTER TABLE authz.authorization_requests ADD COLUMN pushed_hash bytea;  -- the pushed request that this one came from

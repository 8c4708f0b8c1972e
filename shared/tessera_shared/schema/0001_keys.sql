-- The key ring: one for all services, written by authz alone. Private parts are encrypted under the master key.
CREATE SCHEMA keys;

CREATE TABLE keys.ring (
    kid          text PRIMARY KEY,
    use          text NOT NULL CHECK (use IN ('sig', 'enc')),
    alg          text NOT NULL,
    public_jwk   jsonb,                -- absent for symmetric keys
    private_part bytea NOT NULL,       -- AES-256-GCM: nonce, ciphertext, tag; the kid is authenticated data
    created_at   timestamptz NOT NULL,
    active_from  timestamptz NOT NULL, -- until then: next
    retired_at   timestamptz,          -- from then on it signs no more, but still verifies
    expires_at   timestamptz           -- from then on it is no longer published
);
CREATE INDEX ring_by_alg ON keys.ring (use, alg, active_from);

GRANT USAGE ON SCHEMA keys TO tessera_authz, tessera_idp;
GRANT SELECT, INSERT, UPDATE, DELETE ON keys.ring TO tessera_authz;
GRANT SELECT ON keys.ring TO tessera_idp;

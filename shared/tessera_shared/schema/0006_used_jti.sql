-- Identifiers that may be used once (jti of assertions and DPoP proofs), beside Redis: neither store alone is relied on.
CREATE SCHEMA replay;

CREATE TABLE replay.used_jti (
    hash       bytea PRIMARY KEY,      -- SHA-256 of what kind it is, whose, and the jti
    expires_at timestamptz NOT NULL    -- from then on what carries it is refused for its age
);
CREATE INDEX used_jti_by_expiry ON replay.used_jti (expires_at);

GRANT USAGE ON SCHEMA replay TO tessera_authz, tessera_idp, tessera_rs;
GRANT INSERT ON replay.used_jti TO tessera_authz, tessera_idp, tessera_rs;
GRANT SELECT, DELETE ON replay.used_jti TO tessera_authz;   -- which purges

-- client_secret_jwt (OpenID Connect Core §9) needs the readable secret: AES-256-GCM under a key derived from the master
-- key, the client_id as authenticated data; for clients of that method only.
ALTER TABLE authz.client_secrets ADD COLUMN sealed bytea;

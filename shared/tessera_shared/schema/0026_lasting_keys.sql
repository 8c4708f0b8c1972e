-- Keys that stay when the master key changes: they are sealed under it, not derived from it.
CREATE TABLE keys.lasting (
    name       text PRIMARY KEY,
    sealed     bytea NOT NULL,          -- AES-256-GCM: nonce, ciphertext, tag; the name is authenticated data
    created_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON keys.lasting TO tessera_authz;
GRANT SELECT ON keys.lasting TO tessera_idp;

-- What the authorization server owns. Codes, tokens and browser bindings are stored as SHA-256 only.
CREATE SCHEMA authz;

CREATE TABLE authz.clients (
    client_id  text PRIMARY KEY,
    metadata   jsonb NOT NULL,          -- RFC 7591 names and Tessera's per-client settings
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE authz.client_secrets (
    id         uuid PRIMARY KEY,
    client_id  text NOT NULL REFERENCES authz.clients ON DELETE CASCADE,
    hash       text NOT NULL,           -- Argon2id
    created_at timestamptz NOT NULL,
    expires_at timestamptz              -- set when a newer secret replaces it
);
CREATE INDEX client_secrets_by_client ON authz.client_secrets (client_id);

-- Replicas remember clients and verified secrets; a change makes them forget.
CREATE FUNCTION authz.announce_client_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('client_changed', COALESCE(NEW.client_id, OLD.client_id));
    RETURN NULL;
END $$;
CREATE TRIGGER client_changed AFTER INSERT OR UPDATE OR DELETE ON authz.clients
    FOR EACH ROW EXECUTE FUNCTION authz.announce_client_change();
CREATE TRIGGER client_secret_changed AFTER INSERT OR UPDATE OR DELETE ON authz.client_secrets
    FOR EACH ROW EXECUTE FUNCTION authz.announce_client_change();

CREATE TABLE authz.authorization_requests (
    id             uuid PRIMARY KEY,
    client_id      text NOT NULL REFERENCES authz.clients ON DELETE CASCADE,
    parameters     jsonb NOT NULL,      -- the checked request
    browser_hash   bytea NOT NULL,      -- of the cookie of the browser that started it
    step           uuid,                -- the hand-over that may come back; none once it is finished
    authentication jsonb,               -- what the identity provider said about the user
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX authorization_requests_by_expiry ON authz.authorization_requests (expires_at);

CREATE TABLE authz.consents (
    sub        text NOT NULL,
    client_id  text NOT NULL REFERENCES authz.clients ON DELETE CASCADE,
    scope      text[] NOT NULL,
    granted_at timestamptz NOT NULL,
    PRIMARY KEY (sub, client_id)
);

CREATE TABLE authz.grants (
    id         uuid PRIMARY KEY,
    client_id  text NOT NULL REFERENCES authz.clients ON DELETE CASCADE,
    sub        text NOT NULL,
    scope      text[] NOT NULL,
    sid        text,                    -- the login session at the identity provider
    auth_time  timestamptz NOT NULL,
    acr        text NOT NULL,
    amr        text[] NOT NULL,
    nonce      text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX grants_by_sid ON authz.grants (sid) WHERE revoked_at IS NULL;
CREATE INDEX grants_by_sub ON authz.grants (sub, client_id);
CREATE INDEX grants_by_expiry ON authz.grants (expires_at);

CREATE TABLE authz.authorization_codes (
    code_hash      bytea PRIMARY KEY,
    grant_id       uuid NOT NULL REFERENCES authz.grants ON DELETE CASCADE,
    redirect_uri   text NOT NULL,
    code_challenge text,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    consumed_at    timestamptz
);
CREATE INDEX authorization_codes_by_grant ON authz.authorization_codes (grant_id);

CREATE TABLE authz.refresh_tokens (
    token_hash   bytea PRIMARY KEY,
    grant_id     uuid NOT NULL REFERENCES authz.grants ON DELETE CASCADE,
    scope        text[] NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    consumed_at  timestamptz,
    answer       bytea                  -- for a retry: what was answered, encrypted under a key derived from the token
);
CREATE INDEX refresh_tokens_by_grant ON authz.refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_expiry ON authz.refresh_tokens (expires_at);

GRANT USAGE ON SCHEMA authz TO tessera_authz;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA authz TO tessera_authz;

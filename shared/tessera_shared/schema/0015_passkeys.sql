-- Passkeys (WebAuthn Level 3), and codes by e-mail.
CREATE TABLE idp.passkey_users (
    sub    text PRIMARY KEY REFERENCES idp.users ON DELETE CASCADE,
    handle bytea NOT NULL UNIQUE             -- 64 random bytes: what authenticators know the user by, never the sub
);

CREATE TABLE idp.passkeys (
    credential_id   bytea PRIMARY KEY,
    id              text NOT NULL UNIQUE,    -- what pages call it
    sub             text NOT NULL REFERENCES idp.passkey_users ON DELETE CASCADE,
    name            text NOT NULL,
    public_key      bytea NOT NULL,          -- COSE key
    sign_count      bigint NOT NULL,         -- of the authenticator, at the last use
    transports      text[] NOT NULL,
    backup_eligible boolean NOT NULL,        -- whether it may leave the device it was made on
    backed_up       boolean NOT NULL,        -- whether it had, at the last use
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz,
    suspected_at    timestamptz              -- when its sign count last failed to grow: a copy may be about
);
CREATE INDEX passkeys_by_sub ON idp.passkeys (sub);

-- One code at a time for a login under way, whose hash is the key.
CREATE TABLE idp.email_codes (
    login_hash bytea PRIMARY KEY,
    code_hash  bytea NOT NULL,               -- HMAC-SHA256 under a key derived from the master key
    tries_left integer NOT NULL,
    sent_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX email_codes_by_expiry ON idp.email_codes (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON idp.passkey_users, idp.passkeys, idp.email_codes TO tessera_idp;

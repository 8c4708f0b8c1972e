-- What the identity provider owns.
CREATE SCHEMA idp;

CREATE TABLE idp.users (
    sub        text PRIMARY KEY,
    username   text NOT NULL,
    claims     jsonb NOT NULL,          -- standard claims, OpenID Connect Core §5.1, without sub
    disabled   boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_by_username ON idp.users (lower(username));

CREATE TABLE idp.passwords (
    sub        text PRIMARY KEY REFERENCES idp.users ON DELETE CASCADE,
    hash       text NOT NULL,           -- Argon2id
    changed_at timestamptz NOT NULL
);

CREATE TABLE idp.sessions (
    sid         text PRIMARY KEY,       -- told to clients
    cookie_hash bytea NOT NULL UNIQUE,  -- SHA-256 of the cookie
    sub         text NOT NULL REFERENCES idp.users ON DELETE CASCADE,
    auth_time   timestamptz NOT NULL,
    acr         text NOT NULL,
    amr         text[] NOT NULL,
    user_agent  text NOT NULL,
    address     text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE INDEX sessions_by_sub ON idp.sessions (sub);
CREATE INDEX sessions_by_expiry ON idp.sessions (expires_at);

GRANT USAGE ON SCHEMA idp TO tessera_idp;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA idp TO tessera_idp;

-- Logout: the one thing that the identity provider may do to grants. Returns the grants it revoked, to be announced.
CREATE FUNCTION authz.revoke_session(ended_sid text, access_tokens_until timestamptz) RETURNS SETOF uuid
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH ended AS (
        UPDATE authz.grants SET revoked_at = clock_timestamp()
        WHERE sid = ended_sid AND revoked_at IS NULL RETURNING id
    ), listed AS (
        INSERT INTO revocation.entries (kind, value, expires_at)
        SELECT 'grant_id', id::text, access_tokens_until FROM ended
        ON CONFLICT DO NOTHING
    )
    SELECT id FROM ended
$$;
REVOKE ALL ON FUNCTION authz.revoke_session(text, timestamptz) FROM PUBLIC;
GRANT USAGE ON SCHEMA authz TO tessera_idp;
GRANT EXECUTE ON FUNCTION authz.revoke_session(text, timestamptz) TO tessera_idp;

-- RP-initiated logout checks post_logout_redirect_uri and shows the client's name: no more than these columns.
CREATE VIEW authz.client_logout AS
    SELECT client_id,
           metadata ->> 'client_name' AS client_name,
           metadata -> 'post_logout_redirect_uris' AS post_logout_redirect_uris
    FROM authz.clients;
GRANT SELECT ON authz.client_logout TO tessera_idp;

-- Clients that register themselves (RFC 7591, RFC 7592), client ID metadata documents, scopes made at run time.

ALTER TABLE authz.clients
    ADD COLUMN origin text NOT NULL DEFAULT 'administrator'
        CHECK (origin IN ('administrator', 'registration', 'document')),
    ADD COLUMN bounds jsonb,                       -- what registration allowed: later changes stay within
    ADD COLUMN registration_token_hash bytea,      -- SHA-256 of the registration access token
    ADD COLUMN document_fresh_until timestamptz;   -- of a client ID metadata document
CREATE INDEX clients_by_origin ON authz.clients (origin, created_at) WHERE origin <> 'administrator';

ALTER TABLE authz.client_secrets
    ADD COLUMN replaced_at timestamptz;            -- by a newer one: works until it expires, cannot be rotated with

-- When clients that nobody looks after were used last: flushed from memory now and then, not a write per request.
CREATE TABLE authz.client_uses (
    client_id text PRIMARY KEY REFERENCES authz.clients ON DELETE CASCADE,
    used_at   timestamptz NOT NULL
);

-- How many clients were registered in an hour, by source address and in total (source '*').
CREATE TABLE authz.registrations (
    source text NOT NULL,
    hour   timestamptz NOT NULL,
    count  integer NOT NULL,
    PRIMARY KEY (source, hour)
);

CREATE TABLE authz.initial_access_tokens (
    id         uuid PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    note       text NOT NULL,
    bounds     jsonb NOT NULL,                     -- what clients registered with it may have
    uses_left  integer CHECK (uses_left >= 0),     -- none: any number
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE authz.scopes (
    name         text PRIMARY KEY,
    title        text NOT NULL,                    -- what the consent page says
    detail       text NOT NULL,
    is_default   boolean NOT NULL,                 -- for a registration that names no scope
    is_open      boolean NOT NULL,                 -- clients may register for it by themselves
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
INSERT INTO authz.scopes (name, title, detail, is_default, is_open, created_at, updated_at)
SELECT name, title, detail, is_default, true, now() + place * interval '1 microsecond', now() FROM (VALUES
    (0, 'openid', 'Recognize you', 'With the same identifier at every login', true),
    (1, 'profile', 'See your profile', 'Name, picture, gender, birthdate, language and time zone', true),
    (2, 'email', 'See your email address', 'And whether it is verified', true),
    (3, 'address', 'See your postal address', 'Street, city, postal code and country', false),
    (4, 'phone', 'See your phone number', 'And whether it is verified', false),
    (5, 'offline_access', 'Stay connected', 'Also while you are not using it', false)
) AS standard (place, name, title, detail, is_default);

-- A client may use those of its scopes that exist: a change makes replicas forget all clients (an empty client_id).
CREATE FUNCTION authz.announce_scope_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('scope_changed', COALESCE(NEW.name, OLD.name));
    PERFORM pg_notify('client_changed', '');
    RETURN NULL;
END $$;
CREATE TRIGGER scope_changed AFTER INSERT OR UPDATE OR DELETE ON authz.scopes
    FOR EACH ROW EXECUTE FUNCTION authz.announce_scope_change();

-- Keys that a command made or removed are known to running replicas at once.
CREATE FUNCTION keys.announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('keys_changed', COALESCE(NEW.kid, OLD.kid));
    RETURN NULL;
END $$;
CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE OR DELETE ON keys.ring
    FOR EACH ROW EXECUTE FUNCTION keys.announce_change();

GRANT SELECT, INSERT, UPDATE, DELETE
    ON authz.client_uses, authz.registrations, authz.initial_access_tokens, authz.scopes TO tessera_authz;

-- A user who is disabled or removed: every grant of that user ends, not only those of live sessions.
CREATE FUNCTION authz.revoke_user(ended_sub text, access_tokens_until timestamptz) RETURNS SETOF uuid
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH ended AS (
        UPDATE authz.grants SET revoked_at = clock_timestamp()
        WHERE sub = ended_sub AND revoked_at IS NULL RETURNING id
    ), listed AS (
        INSERT INTO revocation.entries (kind, value, expires_at)
        SELECT 'grant_id', id::text, access_tokens_until FROM ended
        ON CONFLICT DO NOTHING
    )
    SELECT id FROM ended
$$;
REVOKE ALL ON FUNCTION authz.revoke_user(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authz.revoke_user(text, timestamptz) TO tessera_idp;

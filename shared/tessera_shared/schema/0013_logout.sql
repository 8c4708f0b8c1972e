-- Clients are told when a session ends (OpenID Connect Back-Channel Logout 1.0, Front-Channel Logout 1.0).

-- Of every grant, revoked or not: whoever got something in a session is told of its end.
CREATE INDEX grants_by_session ON authz.grants (sid);
DROP INDEX authz.grants_by_sid;

CREATE TABLE authz.logout_deliveries (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    client_id   text NOT NULL REFERENCES authz.clients ON DELETE CASCADE,
    sub         text NOT NULL,
    sid         text NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    due_at      timestamptz,            -- of the next attempt; none once it is over
    outcome     text CHECK (outcome IN ('delivered', 'refused', 'failed')),
    status      integer,                -- of the last answer
    reason      text,                   -- why the last attempt did not succeed
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (client_id, sid)
);
CREATE INDEX logout_deliveries_due ON authz.logout_deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX logout_deliveries_by_time ON authz.logout_deliveries (created_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON authz.logout_deliveries TO tessera_authz;

-- Whatever ends a session, its clients are told: in the transaction that ends it, so that none is forgotten.
CREATE FUNCTION authz.queue_logouts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO authz.logout_deliveries (client_id, sub, sid, due_at, created_at)
    SELECT DISTINCT c.client_id, NEW.sub, NEW.sid, NEW.ended_at, NEW.ended_at
    FROM authz.grants g JOIN authz.clients c USING (client_id)
    WHERE g.sid = NEW.sid AND c.metadata ->> 'backchannel_logout_uri' IS NOT NULL
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM pg_notify('logout_queued', '');
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION authz.queue_logouts() FROM PUBLIC;
CREATE TRIGGER session_ended AFTER UPDATE OF ended_at ON idp.sessions
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION authz.queue_logouts();

-- What a logout takes from clients: 'all' of the session's grants, those 'online' (without offline_access), or 'none'.
CREATE FUNCTION authz.revoke_session(ended_sid text, access_tokens_until timestamptz, which text) RETURNS SETOF uuid
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH ended AS (
        UPDATE authz.grants SET revoked_at = clock_timestamp()
        WHERE sid = ended_sid AND revoked_at IS NULL
            AND (which = 'all' OR (which = 'online' AND 'offline_access' <> ALL (scope))) RETURNING id
    ), listed AS (
        INSERT INTO revocation.entries (kind, value, expires_at)
        SELECT 'grant_id', id::text, access_tokens_until FROM ended
        ON CONFLICT DO NOTHING
    )
    SELECT id FROM ended
$$;
REVOKE ALL ON FUNCTION authz.revoke_session(text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authz.revoke_session(text, timestamptz, text) TO tessera_idp;

-- Whom the page after a logout loads in frames: no more of clients and grants than that.
CREATE VIEW authz.frontchannel_logout AS
    SELECT DISTINCT g.sid, c.client_id, c.metadata ->> 'frontchannel_logout_uri' AS uri
    FROM authz.grants g JOIN authz.clients c USING (client_id)
    WHERE c.metadata ->> 'frontchannel_logout_uri' IS NOT NULL;
GRANT SELECT ON authz.frontchannel_logout TO tessera_idp;

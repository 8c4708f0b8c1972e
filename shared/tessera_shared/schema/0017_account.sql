-- What users see of their accounts, and the one thing that they may do to what they allowed: withdraw it.

ALTER TABLE idp.sessions ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE idp.sessions SET last_used_at = auth_time;

-- The applications that a user allowed something, or that hold live grants of that user's: those of one user only.
CREATE FUNCTION authz.applications_of(asked_sub text) RETURNS TABLE (
    client_id text, client_name text, client_uri text, logo_uri text, policy_uri text, tos_uri text,
    described jsonb, since timestamptz, last_used timestamptz
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH allowed AS (
        SELECT c.client_id, c.scope, c.granted_at AS at FROM authz.consents AS c WHERE c.sub = asked_sub
        UNION ALL
        SELECT g.client_id, g.scope, g.created_at FROM authz.grants AS g
        WHERE g.sub = asked_sub AND g.revoked_at IS NULL AND g.expires_at > clock_timestamp()
    ), used AS (
        SELECT g.client_id, min(g.created_at) AS first_at, max(greatest(g.created_at, t.created_at)) AS last_at
        FROM authz.grants AS g LEFT JOIN authz.refresh_tokens AS t ON t.grant_id = g.id
        WHERE g.sub = asked_sub GROUP BY g.client_id
    ), listed AS (
        SELECT a.client_id, array_agg(DISTINCT token) AS scope, min(a.at) AS at
        FROM allowed AS a, unnest(a.scope) AS token GROUP BY a.client_id
    )
    SELECT l.client_id, c.metadata ->> 'client_name', c.metadata ->> 'client_uri', c.metadata ->> 'logo_uri',
           c.metadata ->> 'policy_uri', c.metadata ->> 'tos_uri',
           (SELECT jsonb_agg(jsonb_build_object('scope', token, 'title', coalesce(s.title, ''),
                                                'detail', coalesce(s.detail, '')) ORDER BY s.created_at, token)
            FROM unnest(l.scope) AS token LEFT JOIN authz.scopes AS s ON s.name = token),
           least(l.at, u.first_at), coalesce(u.last_at, l.at)
    FROM listed AS l JOIN authz.clients AS c USING (client_id) LEFT JOIN used AS u USING (client_id)
    ORDER BY coalesce(u.last_at, l.at) DESC
$$;
REVOKE ALL ON FUNCTION authz.applications_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authz.applications_of(text) TO tessera_idp;

-- Withdrawal: the consent and every grant of one user to one client. Returns the grants it revoked, to be announced.
CREATE FUNCTION authz.withdraw_application(asked_sub text, asked_client text, access_tokens_until timestamptz)
    RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH forgotten AS (
        DELETE FROM authz.consents WHERE sub = asked_sub AND client_id = asked_client
    ), ended AS (
        UPDATE authz.grants SET revoked_at = clock_timestamp()
        WHERE sub = asked_sub AND client_id = asked_client AND revoked_at IS NULL RETURNING id
    ), listed AS (
        INSERT INTO revocation.entries (kind, value, expires_at)
        SELECT 'grant_id', id::text, access_tokens_until FROM ended
        ON CONFLICT DO NOTHING
    )
    SELECT id FROM ended
$$;
REVOKE ALL ON FUNCTION authz.withdraw_application(text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authz.withdraw_application(text, text, timestamptz) TO tessera_idp;

-- What a user did, or had done to the account: the newest events of the kinds named, of one user only.
CREATE INDEX events_by_actor ON audit.events (actor, at);
CREATE FUNCTION audit.events_of(asked_sub text, actions text[], most integer) RETURNS TABLE (
    at timestamptz, action text, object_id text, origin text, outcome text, details jsonb
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT e.at, e.action, e.object_id, e.origin, e.outcome, e.details FROM audit.events AS e
    WHERE e.action = ANY (actions)
      AND (e.actor = 'user:' || asked_sub OR (e.object_type = 'user' AND e.object_id = asked_sub))
    ORDER BY e.at DESC LIMIT most
$$;
REVOKE ALL ON FUNCTION audit.events_of(text, text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.events_of(text, text[], integer) TO tessera_idp;

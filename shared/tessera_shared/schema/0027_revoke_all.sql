-- The grants of one user, whatever session they come from, one that has run out too: a new password, or a logout
-- everywhere, ends them. `which` as for one session: 'all', or those 'online' (without offline_access), or 'none'.
CREATE FUNCTION authz.revoke_user(ended_sub text, access_tokens_until timestamptz, which text, kept_sid text)
    RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH ended AS (
        UPDATE authz.grants SET revoked_at = clock_timestamp()
        WHERE sub = ended_sub AND revoked_at IS NULL AND sid IS DISTINCT FROM kept_sid
            AND (which = 'all' OR (which = 'online' AND 'offline_access' <> ALL (scope))) RETURNING id
    ), listed AS (
        INSERT INTO revocation.entries (kind, value, expires_at)
        SELECT 'grant_id', id::text, access_tokens_until FROM ended
        ON CONFLICT DO NOTHING
    )
    SELECT id FROM ended
$$;
REVOKE ALL ON FUNCTION authz.revoke_user(text, timestamptz, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authz.revoke_user(text, timestamptz, text, text) TO tessera_idp;

-- What a user did, or had done to the account, before a point in time: the next page of the list, without one the first. Events of the same
-- moment come together, so that the time alone says where the next page begins.
CREATE FUNCTION audit.events_before(asked_sub text, actions text[], before timestamptz, most integer) RETURNS TABLE (
    at timestamptz, action text, object_id text, origin text, outcome text, details jsonb
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT e.at, e.action, e.object_id, e.origin, e.outcome, e.details FROM audit.events AS e
    WHERE e.action = ANY (actions) AND (before IS NULL OR e.at < before)
      AND (e.actor = 'user:' || asked_sub OR (e.object_type = 'user' AND e.object_id = asked_sub))
    ORDER BY e.at DESC FETCH FIRST (most) ROWS WITH TIES
$$;
REVOKE ALL ON FUNCTION audit.events_before(text, text[], timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.events_before(text, text[], timestamptz, integer) TO tessera_idp;

-- What an OpenID Connect request may ask for: a level of login, and single claims (OpenID Connect Core §5.5).

-- The authentication context class that a login must reach before a user can allow the scope; none: any login will do.
ALTER TABLE authz.scopes ADD COLUMN acr text;

-- The claims parameter as far as it is served: {"id_token": {name: wish}, "userinfo": {name: wish}}, where a wish is
-- {"essential": boolean, "values": [...]}; none: nothing was asked for.
ALTER TABLE authz.grants ADD COLUMN claims jsonb;

-- The identity provider tells at userinfo what was asked for there; access tokens name their grant.
CREATE VIEW authz.userinfo_claims AS
    SELECT id AS grant_id, client_id, claims -> 'userinfo' AS claims
    FROM authz.grants
    WHERE revoked_at IS NULL AND claims -> 'userinfo' <> '{}'::jsonb;
GRANT SELECT ON authz.userinfo_claims TO tessera_idp;

-- ID tokens tell the claims that were asked for there: those of one user, and no others, are authz's business.
CREATE FUNCTION idp.claims_of(asked_sub text, names text[]) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT COALESCE(jsonb_object_agg(known.key, known.value), '{}')
    FROM idp.users AS u, jsonb_each(
        u.claims || jsonb_build_object('updated_at', extract(epoch FROM date_trunc('second', u.updated_at))::bigint)
    ) AS known
    WHERE u.sub = asked_sub AND NOT u.disabled AND known.key = ANY (names) AND known.value <> 'null'
$$;
REVOKE ALL ON FUNCTION idp.claims_of(text, text[]) FROM PUBLIC;
GRANT USAGE ON SCHEMA idp TO tessera_authz;
GRANT EXECUTE ON FUNCTION idp.claims_of(text, text[]) TO tessera_authz;

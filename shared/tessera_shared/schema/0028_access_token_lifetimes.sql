-- How long access tokens live: authz says it here, so that the identity provider remembers a revocation for as long.
-- A lifetime that is not in force any more counts until the last token of that time has expired.
CREATE TABLE authz.access_token_lifetimes (
    seconds     integer PRIMARY KEY,
    in_force_at timestamptz NOT NULL    -- when a replica last said so
);
GRANT SELECT, INSERT, UPDATE, DELETE ON authz.access_token_lifetimes TO tessera_authz;
GRANT SELECT ON authz.access_token_lifetimes TO tessera_idp;

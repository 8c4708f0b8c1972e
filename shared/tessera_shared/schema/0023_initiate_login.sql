-- Where a user may be sent to begin a login at an application (OpenID Connect Core §4), for the account page's links.
CREATE VIEW authz.login_initiation AS
    SELECT client_id, metadata ->> 'initiate_login_uri' AS initiate_login_uri
    FROM authz.clients WHERE jsonb_typeof(metadata -> 'initiate_login_uri') = 'string';
GRANT SELECT ON authz.login_initiation TO tessera_idp;

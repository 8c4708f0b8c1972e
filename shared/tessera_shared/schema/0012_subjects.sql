-- Pairwise subject identifiers (OpenID Connect Core §8): what the identity provider needs to know a client's sector.
CREATE VIEW authz.client_subjects AS
    SELECT client_id,
           coalesce(metadata ->> 'subject_type', 'public') AS subject_type,
           metadata ->> 'sector_identifier_uri' AS sector_identifier_uri,
           metadata -> 'redirect_uris' AS redirect_uris
    FROM authz.clients;
GRANT SELECT ON authz.client_subjects TO tessera_idp;

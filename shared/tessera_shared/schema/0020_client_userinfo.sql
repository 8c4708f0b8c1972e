-- Userinfo (OpenID Connect Core §5.3): how a client wants to be told, and what it encrypts with; no more than that.
-- The secret is the newest of a client that registered for `dir`, sealed; other clients' secrets are authz's alone.
CREATE VIEW authz.client_userinfo AS
    SELECT c.client_id,
           s.subject_type, s.sector_identifier_uri, s.redirect_uris,
           c.metadata ->> 'scope' AS scope,
           c.metadata ->> 'userinfo_signed_response_alg' AS signed_response_alg,
           c.metadata ->> 'userinfo_encrypted_response_alg' AS encrypted_response_alg,
           c.metadata ->> 'userinfo_encrypted_response_enc' AS encrypted_response_enc,
           CASE WHEN c.metadata ? 'userinfo_encrypted_response_alg' THEN c.metadata -> 'jwks' END AS jwks,
           CASE WHEN c.metadata ? 'userinfo_encrypted_response_alg' THEN c.metadata ->> 'jwks_uri' END AS jwks_uri,
           CASE WHEN c.metadata ->> 'userinfo_encrypted_response_alg' = 'dir' THEN (
               SELECT k.sealed FROM authz.client_secrets k
               WHERE k.client_id = c.client_id AND k.sealed IS NOT NULL
                   AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
               ORDER BY k.created_at DESC LIMIT 1
           ) END AS sealed_secret
    FROM authz.clients c JOIN authz.client_subjects s USING (client_id);
GRANT SELECT ON authz.client_userinfo TO tessera_idp;

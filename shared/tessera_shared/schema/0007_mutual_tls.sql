-- Mutual TLS (RFC 8705).
ALTER TABLE authz.refresh_tokens ADD COLUMN x5t_s256 text;  -- of a public client: usable with this certificate only (§4)

-- What clients registered as x5c (RFC 7517 §4.7), for the TLS ports: a handshake passes only with a certificate that is
-- known. The certificates alone, not whose they are: no more than that is the resource server's business.
CREATE VIEW authz.client_certificates AS
    SELECT DISTINCT certificate #>> '{}' AS x5c
    FROM authz.clients, jsonb_path_query(metadata, 'lax $.jwks.keys[*].x5c[0]') AS certificate
    WHERE jsonb_typeof(certificate) = 'string' AND length(certificate #>> '{}') <= 8192;
GRANT USAGE ON SCHEMA authz TO tessera_rs;
GRANT SELECT ON authz.client_certificates TO tessera_authz, tessera_rs;

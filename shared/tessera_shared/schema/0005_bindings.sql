-- What tokens are for and bound to: resource indicators (RFC 8707), DPoP keys (RFC 9449).
ALTER TABLE authz.grants ADD COLUMN resource text[] NOT NULL DEFAULT '{}';
ALTER TABLE authz.authorization_codes ADD COLUMN dpop_jkt text;  -- the code may be redeemed with this key only
ALTER TABLE authz.refresh_tokens ADD COLUMN dpop_jkt text;       -- of a public client: the same for the refresh token

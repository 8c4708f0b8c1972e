// npm oidc-provider with its in-memory adapter, set up to do work comparable to Tessera's authorization server.
// Configuration comes from the environment: ISSUER, PORT, JWKS_FILE, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, RESOURCE.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const { ISSUER, PORT, JWKS_FILE, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, RESOURCE } = process.env;
const SCOPES = 'openid profile email';

// ES256 JWTs (RFC 9068) for whoever names the resource; an opaque token, the only kind it introspects, otherwise
function resourceServer() {
  return {
    scope: SCOPES,
    audience: RESOURCE,
    accessTokenFormat: 'jwt',
    accessTokenTTL: 600,
    jwt: { sign: { alg: 'ES256' } },
  };
}

const provider = new Provider(ISSUER, {
  jwks: JSON.parse(readFileSync(JWKS_FILE, 'utf8')),
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      scope: SCOPES,
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
    },
  ],
  scopes: SCOPES.split(' '),
  pkce: { required: () => true },
  cookies: { keys: [CLIENT_SECRET] },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: resourceServer,
      useGrantedResource: () => true,
    },
  },
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: () => false,
  rotateRefreshToken: true,
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 600, RefreshToken: 30 * 86400, Grant: 365 * 86400 },
});

createServer(provider.callback()).listen(Number(PORT), '127.0.0.1');

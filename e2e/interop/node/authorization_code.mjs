// A user's whole way: authorization code with PKCE, userinfo, the resource, refresh, introspection, revocation.
import * as oidc from "openid-client";
import { configure } from "./client.mjs";
import { converse } from "./conversation.mjs";

async function begin(config, { redirect_uri, scope, parameters, pushed, signed_answer }) {
  const verifier = oidc.randomPKCECodeVerifier();
  const expected = { pkceCodeVerifier: verifier, expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() };
  const request = {
    redirect_uri,
    scope,
    state: expected.expectedState,
    nonce: expected.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...parameters,
  };
  if (signed_answer) oidc.useJwtResponseMode(config);
  const build = pushed ? oidc.buildAuthorizationUrlWithPAR : oidc.buildAuthorizationUrl;
  return { url: await build(config, request), expected };
}

async function use(config, { access_token, refresh_token, claims }, { client, resource, parameters }) {
  const confidential = client.token_endpoint_auth_method !== "none"; // RFC 7662 §2.1 asks for credentials
  const used = {};
  // a token for a resource is for nothing else (RFC 8707 §2)
  if (!parameters.resource) used.userinfo = await oidc.fetchUserInfo(config, access_token, claims.sub);
  if (resource) used.resource = await call(config, access_token, resource);
  if (confidential) used.introspection = await oidc.tokenIntrospection(config, access_token);
  if (refresh_token) {
    used.refreshed = await oidc.refreshTokenGrant(config, refresh_token);
    await oidc.tokenRevocation(config, used.refreshed.refresh_token);
    if (confidential) used.after_revocation = await oidc.tokenIntrospection(config, used.refreshed.access_token);
  }
  return used;
}

async function call(config, access_token, resource) {
  const response = await oidc.fetchProtectedResource(config, access_token, new URL(resource), "GET");
  return response.json();
}

await converse(async (options, visit) => {
  const config = await configure(options);
  const { url, expected } = await begin(config, options);
  const arrived = await visit(url);
  const tokens = await oidc.authorizationCodeGrant(config, arrived, { ...expected, idTokenExpected: true });
  const claims = tokens.claims();
  return { url: String(url), tokens, claims, ...(await use(config, { ...tokens, claims }, options)) };
});

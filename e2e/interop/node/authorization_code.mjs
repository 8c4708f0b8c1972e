// A user's whole way: authorization code with PKCE, userinfo, the resource, refresh, introspection, revocation.
import * as oidc from "openid-client";
import { configure } from "./client.mjs";
import { converse } from "./conversation.mjs";
import { importKey } from "./keys.mjs";

async function begin(config, options, bound) {
  const verifier = oidc.randomPKCECodeVerifier();
  const expected = { pkceCodeVerifier: verifier, expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() };
  const request = {
    redirect_uri: options.redirect_uri,
    scope: options.scope,
    state: expected.expectedState,
    nonce: expected.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...options.parameters,
  };
  if (options.signed_answer) oidc.useJwtResponseMode(config);
  return { url: await address(config, request, options, bound), expected };
}

// In the query, signed by the client (RFC 9101), pushed (RFC 9126), or signed and pushed.
async function address(config, request, { signed, pushed, key }, bound) {
  const url = signed && (await oidc.buildAuthorizationUrlWithJAR(config, request, await importKey(key)));
  if (pushed) return oidc.buildAuthorizationUrlWithPAR(config, url ? url.searchParams : request, bound);
  return url || oidc.buildAuthorizationUrl(config, request);
}

async function use(config, tokens, { client, resource, parameters }, bound) {
  const confidential = client.token_endpoint_auth_method !== "none"; // RFC 7662 §2.1 asks for credentials
  const { access_token, refresh_token } = tokens;
  const used = {};
  // a token for a resource is for nothing else (RFC 8707 §2)
  if (!parameters.resource) used.userinfo = await oidc.fetchUserInfo(config, access_token, tokens.claims().sub, bound);
  if (resource) used.resource = await call(config, access_token, resource, bound);
  if (confidential) used.introspection = await oidc.tokenIntrospection(config, access_token);
  if (refresh_token) {
    used.refreshed = await oidc.refreshTokenGrant(config, refresh_token, {}, bound);
    await oidc.tokenRevocation(config, used.refreshed.refresh_token ?? refresh_token);
    if (confidential) used.after_revocation = await oidc.tokenIntrospection(config, used.refreshed.access_token);
  }
  return used;
}

async function call(config, access_token, resource, bound) {
  const response = await oidc.fetchProtectedResource(
    config, access_token, new URL(resource), "GET", undefined, undefined, bound,
  );
  return response.json();
}

await converse(async (options, visit) => {
  options.answers = [];
  const config = await configure(options);
  const bound = options.dpop && { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(options.dpop)) };
  const { url, expected } = await begin(config, options, bound);
  const arrived = await visit(url);
  const checks = { ...expected, idTokenExpected: true };
  if (options.parameters.max_age) checks.maxAge = Number(options.parameters.max_age);
  const tokens = await oidc.authorizationCodeGrant(config, arrived, checks, undefined, bound);
  const used = await use(config, tokens, options, bound);
  return { url: String(url), answers: options.answers, tokens, claims: tokens.claims(), ...used };
});

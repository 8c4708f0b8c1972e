// A client for itself: client credentials, the resource, introspection, revocation.
import * as oidc from "openid-client";
import { configure } from "./client.mjs";
import { converse } from "./conversation.mjs";

await converse(async (options) => {
  const config = await configure(options);
  const bound = options.dpop && { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(options.dpop)) };
  const tokens = await oidc.clientCredentialsGrant(config, options.parameters ?? {}, bound);
  const result = { tokens, introspection: await oidc.tokenIntrospection(config, tokens.access_token) };
  for (const url of options.resources ?? []) {
    const method = [new URL(url), "GET", undefined, undefined];
    const response = await oidc.fetchProtectedResource(config, tokens.access_token, ...method, bound);
    (result.resources ??= []).push(await response.json());
  }
  await oidc.tokenRevocation(config, tokens.access_token);
  result.after_revocation = await oidc.tokenIntrospection(config, tokens.access_token);
  return result;
});

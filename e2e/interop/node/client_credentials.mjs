// A client for itself: client credentials, the resource, introspection, revocation.
import * as oidc from "openid-client";
import { configure } from "./client.mjs";
import { converse } from "./conversation.mjs";

await converse(async (options) => {
  const config = await configure(options);
  const tokens = await oidc.clientCredentialsGrant(config, options.parameters ?? {});
  const introspection = await oidc.tokenIntrospection(config, tokens.access_token);
  await oidc.tokenRevocation(config, tokens.access_token);
  const after_revocation = await oidc.tokenIntrospection(config, tokens.access_token);
  return { tokens, introspection, after_revocation };
});

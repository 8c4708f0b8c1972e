// Dynamic registration (RFC 7591) by openid-client, and a token with what came of it.
import * as oidc from "openid-client";
import { fetchFor } from "./client.mjs";
import { converse } from "./conversation.mjs";
import { importKey } from "./keys.mjs";

await converse(async (options) => {
  const { metadata, key, initial_access_token } = options;
  const authenticate = key && oidc.PrivateKeyJwt(await importKey(key));
  const config = await oidc.dynamicClientRegistration(new URL(options.issuer), metadata, authenticate, {
    execute: [oidc.allowInsecureRequests],
    initialAccessToken: initial_access_token,
    [oidc.customFetch]: fetchFor(options),
  });
  const tokens = await oidc.clientCredentialsGrant(config, {});
  return { client: config.clientMetadata(), tokens };
});

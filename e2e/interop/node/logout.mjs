// RP-initiated logout: to the address that discovery names, and back with the state.
import * as oidc from "openid-client";
import { configure } from "./client.mjs";
import { converse } from "./conversation.mjs";

await converse(async (options, visit) => {
  const config = await configure(options);
  const state = oidc.randomState();
  const { id_token: id_token_hint, post_logout_redirect_uri } = options;
  const url = oidc.buildEndSessionUrl(config, { id_token_hint, post_logout_redirect_uri, state });
  const arrived = await visit(url);
  return { arrived: `${arrived.origin}${arrived.pathname}`, same_state: arrived.searchParams.get("state") === state };
});

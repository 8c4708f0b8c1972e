// A configured openid-client: discovery, and the registered way to authenticate.
import * as oidc from "openid-client";

const AUTHENTICATE = {
  client_secret_basic: ({ client_secret }) => oidc.ClientSecretBasic(client_secret),
  client_secret_post: ({ client_secret }) => oidc.ClientSecretPost(client_secret),
  none: () => oidc.None(),
};

// Every request tells which test it is of; answers of the token endpoint may be changed on the way.
function fetchFor({ request_id, tamper }) {
  return async (url, init) => {
    const headers = new Headers(init.headers);
    headers.set("x-request-id", request_id);
    const response = await fetch(url, { ...init, headers });
    if (!tamper || !new URL(url).pathname.endsWith("/token")) return response;
    return Response.json(tampered(await response.json()), { status: response.status });
  };
}

function tampered(tokens) {
  const [header, payload, signature] = tokens.id_token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  const forged = Buffer.from(JSON.stringify({ ...claims, acr: "forged" })).toString("base64url");
  return { ...tokens, id_token: `${header}.${forged}.${signature}` };
}

export async function configure(options) {
  const { client_id, ...metadata } = options.client;
  const authenticate = AUTHENTICATE[metadata.token_endpoint_auth_method](metadata);
  const config = await oidc.discovery(new URL(options.issuer), client_id, metadata, authenticate, {
    algorithm: options.algorithm ?? "oidc",
    execute: [oidc.allowInsecureRequests],
    [oidc.customFetch]: fetchFor(options),
  });
  oidc.enableNonRepudiationChecks(config); // verifies the ID token's signature even though TLS protects it
  return config;
}

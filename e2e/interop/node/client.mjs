// A configured openid-client: discovery, and the registered way to authenticate.
import * as oidc from "openid-client";
import { Agent, fetch as tlsFetch } from "undici";
import { importDecryptionKey, importKey } from "./keys.mjs";

const AUTHENTICATE = {
  client_secret_basic: ({ client }) => oidc.ClientSecretBasic(client.client_secret),
  client_secret_post: ({ client }) => oidc.ClientSecretPost(client.client_secret),
  client_secret_jwt: ({ client }) => oidc.ClientSecretJwt(client.client_secret),
  private_key_jwt: async ({ key }) => oidc.PrivateKeyJwt(await importKey(key)),
  tls_client_auth: () => oidc.TlsClientAuth(),
  self_signed_tls_client_auth: () => oidc.TlsClientAuth(),
  none: () => oidc.None(),
};

// Every request tells which test it is of, and shows the client's certificate where there is one (RFC 8705); the ID
// token may be changed on its way; `through` is another replica of the issuer; `answers` are noted down.
export function fetchFor({ issuer, request_id, certificate, tamper, through, answers = [] }) {
  const dispatcher = certificate && new Agent({ connect: certificate });
  const send = dispatcher ? tlsFetch : fetch;
  return async (url, init) => {
    const headers = new Headers(init.headers);
    headers.set("x-request-id", request_id);
    const address = through && url.startsWith(issuer) ? url.replace(issuer, through) : url;
    const response = await send(address, { ...init, headers: Object.fromEntries(headers), dispatcher });
    answers.push([new URL(url).pathname, response.status]);
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
  const authenticate = await AUTHENTICATE[metadata.token_endpoint_auth_method](options);
  metadata.use_mtls_endpoint_aliases = Boolean(options.certificate);
  const config = await oidc.discovery(new URL(options.issuer), client_id, metadata, authenticate, {
    algorithm: options.algorithm ?? "oidc",
    execute: [oidc.allowInsecureRequests],
    [oidc.customFetch]: fetchFor(options),
  });
  oidc.enableNonRepudiationChecks(config); // verifies the ID token's signature even though TLS protects it
  const { decrypt } = options; // the key that the client registered, and the content encryption that it takes
  if (decrypt) oidc.enableDecryptingResponses(config, [decrypt.enc], await importDecryptionKey(decrypt.key));
  return config;
}

// What openid-client found, by OpenID discovery or by RFC 8414.
import { configure } from "./client.mjs";
import { converse } from "./conversation.mjs";

await converse(async (options) => (await configure(options)).serverMetadata());

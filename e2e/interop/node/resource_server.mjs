// A protected resource that express-oauth2-jwt-bearer guards: strict (RFC 9068), and with DPoP (RFC 9449) where asked.
import express from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";
import { hear, tell, end } from "./conversation.mjs";

const { issuer, audience, dpop } = await hear();
const app = express();
app.set("env", "production"); // errors without stack traces
app.use(auth({ issuerBaseURL: issuer, audience, strict: true, tokenSigningAlg: "ES256", dpop }));
app.get("/", (request, response) => response.json(request.auth.payload));
app.get("/email", requiredScopes("email"), (request, response) => response.json(request.auth.payload));
app.use((error, request, response, next) => {
  response.status(error.status ?? 500).set(error.headers ?? {}).json({ error: error.code, message: error.message });
});
const server = app.listen(0, "127.0.0.1", () => tell({ result: `http://127.0.0.1:${server.address().port}` }));
await end();
server.close();
process.exit(0);

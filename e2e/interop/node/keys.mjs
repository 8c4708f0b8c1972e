// Private keys, as the test gives them: a JWK with its alg.
const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
  Ed25519: { name: "Ed25519" },
};

export async function importKey({ alg, kid, ...jwk }) {
  const key = await crypto.subtle.importKey("jwk", { ...jwk, key_ops: ["sign"] }, ALGORITHMS[alg], false, ["sign"]);
  return { key, kid };
}

const EXCHANGES = { EC: (jwk) => ({ name: "ECDH", namedCurve: jwk.crv }), OKP: (jwk) => ({ name: jwk.crv }) };

export async function importDecryptionKey({ alg, kid, use, key_ops, ...jwk }) {
  const algorithm = EXCHANGES[jwk.kty]?.(jwk) ?? { name: "RSA-OAEP", hash: "SHA-256" };
  const usages = jwk.kty === "RSA" ? ["decrypt", "unwrapKey"] : ["deriveBits"];
  return { key: await crypto.subtle.importKey("jwk", jwk, algorithm, false, usages), kid, alg };
}

"""Decryption of a compact JWE as RFC 7516 §5.2 and RFC 7518 say it, by `cryptography` alone: it knows no JOSE."""

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac, padding
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey | bytes
_CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_CEK_BYTES = {"A128CBC-HS256": 32, "A256CBC-HS512": 64, "A128GCM": 16, "A256GCM": 32}


def decrypt(token: str, key: PrivateKey) -> tuple[dict[str, Any], bytes]:
    """The protected header and the plaintext."""
    protected, encrypted_key, iv, ciphertext, tag = token.split(".")
    header = json.loads(decode(protected))
    cek = _content_key(header, decode(encrypted_key), key)
    return header, _content(header["enc"], cek, decode(iv), decode(ciphertext), decode(tag), protected.encode())


def concat_kdf(shared: bytes, algorithm: str, size: int, apu: bytes = b"", apv: bytes = b"") -> bytes:
    """RFC 7518 §4.6.2."""
    info = b"".join(len(part).to_bytes(4, "big") + part for part in (algorithm.encode(), apu, apv))
    return ConcatKDFHash(hashes.SHA256(), size, info + (size * 8).to_bytes(4, "big")).derive(shared)


def decode(text: str) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _content_key(header: dict[str, Any], encrypted_key: bytes, key: PrivateKey) -> bytes:
    alg, enc = header["alg"], header["enc"]
    match key:
        case bytes():
            assert (alg, encrypted_key) == ("dir", b"")
            return key
        case rsa.RSAPrivateKey():
            assert alg == "RSA-OAEP-256"
            return key.decrypt(encrypted_key, OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None))
        case ec.EllipticCurvePrivateKey():
            epk = header["epk"]
            x, y = (int.from_bytes(decode(epk[name])) for name in ("x", "y"))
            shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicNumbers(x, y, _CURVES[epk["crv"]]).public_key())
        case x25519.X25519PrivateKey():
            shared = key.exchange(x25519.X25519PublicKey.from_public_bytes(decode(header["epk"]["x"])))
    if alg == "ECDH-ES":
        assert encrypted_key == b""
        return concat_kdf(shared, enc, _CEK_BYTES[enc])
    size = {"ECDH-ES+A128KW": 16, "ECDH-ES+A256KW": 32}[alg]
    return aes_key_unwrap(concat_kdf(shared, alg, size), encrypted_key)


def _content(enc: str, cek: bytes, iv: bytes, ciphertext: bytes, tag: bytes, aad: bytes) -> bytes:
    assert len(cek) == _CEK_BYTES[enc]
    if enc.endswith("GCM"):
        return AESGCM(cek).decrypt(iv, ciphertext + tag, aad)
    half = len(cek) // 2
    mac = hmac.HMAC(cek[:half], hashes.SHA256() if half == 16 else hashes.SHA512())
    mac.update(aad + iv + ciphertext + (len(aad) * 8).to_bytes(8, "big"))
    assert mac.finalize()[:half] == tag
    decryptor = Cipher(AES(cek[half:]), CBC(iv)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()

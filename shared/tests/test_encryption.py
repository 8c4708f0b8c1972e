"""Encryption for clients (RFC 7516, RFC 7518, OpenID Connect Core §10.2), decrypted by nothing that encrypts here."""

import hashlib
import json

import pytest
from cryptography.exceptions import InvalidTag
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from shared.tests.jwe_by_hand import concat_kdf, decode, decrypt
from tessera_shared.jose.encryption import (
    CONTENT_ENCRYPTION,
    DIRECT,
    KEY_MANAGEMENT,
    Recipient,
    choose,
    direct_recipient,
    encrypt,
)
from tessera_shared.jose.public_key import read_jwks

SECRET = b"a secret that the client and the server share"
KEYS = {
    "RSA": RSAKey.generate_key(2048, auto_kid=True),
    "P-256": ECKey.generate_key("P-256", auto_kid=True),
    "P-384": ECKey.generate_key("P-384", auto_kid=True),
    "P-521": ECKey.generate_key("P-521", auto_kid=True),
    "X25519": OKPKey.generate_key("X25519", auto_kid=True),
}
PAIRS = [
    (alg, name, enc)
    for alg in KEY_MANAGEMENT
    if alg != DIRECT
    for name, key in KEYS.items()
    if key.key_type in KEY_MANAGEMENT[alg]
    for enc in CONTENT_ENCRYPTION
]


def jwks(*keys, **changes):
    return {"keys": [{**key.as_dict(private=False), **changes} for key in keys]}


def test_the_concat_kdf_of_these_tests_is_that_of_rfc_7518_appendix_c():
    shared = bytes.fromhex("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4")
    assert concat_kdf(shared, "A128GCM", 16, b"Alice", b"Bob") == decode("VqqN6vgjbSBcIijNcacQGg")


@pytest.mark.parametrize(("alg", "name", "enc"), PAIRS)
def test_the_holder_of_the_key_reads_it_by_each_pair_of_algorithms(alg, name, enc):
    key = choose(read_jwks(jwks(KEYS[name], use="enc"), "enc"), alg)
    token = encrypt(b"header.payload.signature", Recipient(alg, enc, key.key, key.kid), is_jwt=True)
    header, plaintext = decrypt(token, KEYS[name].private_key)
    assert plaintext == b"header.payload.signature"
    assert {name: header[name] for name in ("alg", "enc", "kid", "cty")} == {
        "alg": alg,
        "enc": enc,
        "kid": KEYS[name].kid,
        "cty": "JWT",  # RFC 7519 §5.2
    }


@pytest.mark.parametrize("enc", CONTENT_ENCRYPTION)
def test_dir_takes_the_left_part_of_the_secrets_hash(enc):
    header, plaintext = decrypt(encrypt(b"x", direct_recipient(SECRET, enc), is_jwt=True), by_secret(enc))
    assert (header["alg"], plaintext, "kid" in header) == (DIRECT, b"x", False)


def by_secret(enc):
    """OpenID Connect Core §10.2."""
    size = {"A128CBC-HS256": 32, "A256CBC-HS512": 64, "A128GCM": 16, "A256GCM": 32}[enc]
    return (hashlib.sha512 if size == 64 else hashlib.sha256)(SECRET).digest()[:size]


def test_claims_that_are_no_jwt_are_not_called_one():
    token = encrypt(json.dumps({"sub": "a"}).encode(), direct_recipient(SECRET, "A256GCM"), is_jwt=False)
    header, plaintext = decrypt(token, by_secret("A256GCM"))
    assert ("cty" in header, header["typ"], json.loads(plaintext)) == (False, "JWT", {"sub": "a"})


def test_each_encryption_is_another_and_a_changed_one_is_none():
    recipient = direct_recipient(SECRET, "A256GCM")
    first, second = (encrypt(b"x", recipient, is_jwt=True) for _ in range(2))
    assert first.split(".")[2:] != second.split(".")[2:]
    mixed = ".".join([*first.split(".")[:3], *second.split(".")[3:]])
    with pytest.raises(InvalidTag):
        decrypt(mixed, by_secret("A256GCM"))


def test_a_key_that_says_it_is_for_encryption_comes_before_one_that_says_nothing():
    silent, said = (ECKey.generate_key("P-256", auto_kid=True) for _ in range(2))
    keys = read_jwks({"keys": [*jwks(silent)["keys"], *jwks(said, use="enc")["keys"]]}, "enc")
    assert choose(keys, "ECDH-ES").kid == said.kid
    assert choose(keys[:1], "ECDH-ES").kid == silent.kid


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("RSA", {"use": "sig"}),
        ("RSA", {"alg": "RS256"}),
        ("RSA", {"alg": "RSA-OAEP"}),
        ("RSA", {"key_ops": ["verify"]}),
        ("RSA", {"key_ops": "wrapKey"}),
        ("P-256", {}),
        ("X25519", {}),
    ],
)
def test_a_key_for_something_else_is_not_encrypted_with(key, changes):
    assert choose(read_jwks(jwks(KEYS[key], **changes), "enc"), "RSA-OAEP-256") is None


@pytest.mark.parametrize(
    "jwk",
    [
        RSAKey.generate_key(1024).as_dict(private=False),
        KEYS["RSA"].as_dict(private=True),
        KEYS["P-256"].as_dict(private=True),
        OctKey.generate_key(256).as_dict(private=True),
        OKPKey.generate_key("Ed25519").as_dict(private=False),
        ECKey.generate_key("secp256k1").as_dict(private=False),
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    ],
    ids=["small", "private RSA", "private EC", "symmetric", "a signing curve", "another curve", "no point"],
)
def test_a_key_that_is_too_small_private_or_of_another_kind_is_left_out(jwk):
    assert read_jwks({"keys": [jwk]}, "enc") == ()


def test_keys_for_encryption_verify_no_signature():
    assert read_jwks(jwks(KEYS["P-256"], use="enc")) == ()
    assert read_jwks(jwks(KEYS["X25519"])) == ()

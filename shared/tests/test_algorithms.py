"""Row P6.01.01: every algorithm, with every key size it takes, makes keys that work."""

import hashlib
import json

import pytest
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey
from joserfc.util import urlsafe_b64encode

from tessera_shared.errors import StartupError
from tessera_shared.jose.algorithms import ALGORITHMS, ASYMMETRIC_SIGNING, generate

SIGNING = [(a.name, size) for a in ALGORITHMS.values() if a.use == "sig" for size in a.sizes]
ENCRYPTING = [(a.name, size) for a in ALGORITHMS.values() if a.use == "enc" for size in a.sizes]


def test_the_registry_holds_what_the_row_names():
    rsa, secret_bits = (2048, 3072, 4096), {"HS256": 256, "HS384": 384, "HS512": 512}
    wanted = {f"{family}{bits}": rsa for family in ("RS", "PS") for bits in (256, 384, 512)}
    wanted |= {"ES256": ("P-256",), "ES384": ("P-384",), "ES512": ("P-521",)}
    wanted |= {"EdDSA": ("Ed25519",), "Ed25519": ("Ed25519",), "A256GCM": (256,)}
    wanted |= {name: (bits,) for name, bits in secret_bits.items()}
    assert {a.name: a.sizes for a in ALGORITHMS.values()} == wanted


@pytest.mark.parametrize(("alg", "size"), SIGNING)
def test_each_made_key_signs_and_verifies(alg, size):
    key = generate(alg, size)
    token = jws.serialize_compact({"alg": alg, "kid": key.kid}, b"signed", key, algorithms=[alg])
    public = key if isinstance(key, OctKey) else type(key).import_key(key.as_dict(private=False))
    assert jws.deserialize_compact(token, public, algorithms=[alg]).payload == b"signed"
    header, _, signature = token.split(".")
    changed = f"{header}.{urlsafe_b64encode(b'changed').decode()}.{signature}"
    with pytest.raises(JoseError):
        jws.deserialize_compact(changed, public, algorithms=[alg])
    with pytest.raises(JoseError):
        jws.deserialize_compact(token, generate(alg, size), algorithms=[alg])


@pytest.mark.parametrize(("alg", "size"), ENCRYPTING)
def test_each_made_encryption_key_encrypts_and_decrypts(alg, size):
    key = generate(alg, size)
    token = jwe.encrypt_compact({"alg": "dir", "enc": alg}, b"hidden", key, algorithms=["dir", alg])
    assert jwe.decrypt_compact(token, key, algorithms=["dir", alg]).plaintext == b"hidden"
    with pytest.raises(JoseError):
        jwe.decrypt_compact(token, generate(alg, size), algorithms=["dir", alg])


@pytest.mark.parametrize(("alg", "size"), SIGNING + ENCRYPTING)
def test_each_made_key_has_the_size_that_was_asked_for(alg, size):
    key = generate(alg, size)
    match key.key_type:
        case "RSA":
            assert key.raw_value.key_size == size
            assert key.raw_value.public_key().public_numbers().e == 65537
        case "oct":
            assert len(key.raw_value) * 8 == size
        case _:
            assert key.as_dict(private=False)["crv"] == size


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_names_its_use_and_algorithm_and_has_its_thumbprint_as_kid(alg):
    key = generate(alg)
    members = key.as_dict(private=True)
    assert (members["use"], members["alg"], members["kid"]) == (ALGORITHMS[alg].use, alg, key.kid)
    required = {
        "RSA": ("e", "kty", "n"),
        "EC": ("crv", "kty", "x", "y"),
        "OKP": ("crv", "kty", "x"),
        "oct": ("k", "kty"),
    }
    canonical = json.dumps({name: members[name] for name in required[key.key_type]}, separators=(",", ":"))
    assert key.kid == urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode()  # RFC 7638 §3


def test_public_halves_hold_no_private_member():
    for alg in ASYMMETRIC_SIGNING:
        assert not set(generate(alg).as_dict(private=False)) & {"d", "p", "q", "dp", "dq", "qi", "k"}


def test_no_two_keys_are_the_same():
    assert len({generate(alg).kid for alg in ("ES256", "HS256", "Ed25519", "A256GCM") for _ in range(20)}) == 80


def test_none_is_no_algorithm():
    assert not {"none", "None", "NONE"} & set(ALGORITHMS)
    with pytest.raises(StartupError, match="none is no known algorithm"):
        generate("none")


@pytest.mark.parametrize(("alg", "size"), [("RS256", 1024), ("ES256", "P-384"), ("HS256", 128), ("EdDSA", "X25519")])
def test_a_size_that_the_algorithm_does_not_take_is_refused(alg, size):
    with pytest.raises(StartupError, match=f"{alg} takes .*, not {size}"):
        generate(alg, size)


def test_the_smallest_size_is_the_default():
    key = generate("RS256")
    assert isinstance(key, RSAKey)
    assert key.raw_value.key_size == 2048

"""What is read of a JWS from outside, and which key it takes for the signature: JOSE confusion of every kind."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tessera_shared.jose.algorithms import ALGORITHMS, ASYMMETRIC_SIGNING, generate
from tessera_shared.jose.compact import is_keyed_with, is_signed_by, read
from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.jose.public_key import (
    PRIVATE_MEMBERS,
    PublicKey,
    UnusableKey,
    import_public_key,
    read_jwks,
    select,
)

_RSA, _ED25519 = RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")
KEYS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), _RSA),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "ES512": ECKey.generate_key("P-521"),
    **dict.fromkeys(("EdDSA", "Ed25519"), _ED25519),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def encode(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(alg, claims=None, **header):
    body = json.dumps(claims or {"sub": "c"}).encode()
    return jws.serialize_compact({"alg": alg, **header}, body, KEYS[alg], algorithms=[alg])


def public(alg):
    return import_public_key(KEYS[alg].as_dict(private=False))


@pytest.mark.parametrize("alg", ASYMMETRIC_SIGNING)
def test_every_asymmetric_algorithm_is_verified_by_its_key_and_no_other(alg):
    signed = read(sign(alg))
    assert is_signed_by(signed, public(alg).key, alg)
    other = generate(alg)
    assert not is_signed_by(signed, other, alg)
    assert not is_signed_by(read(sign(alg, {"sub": "d"})[:-8] + "AAAAAAAA"), public(alg).key, alg)


@pytest.mark.parametrize("alg", ASYMMETRIC_SIGNING)
@pytest.mark.parametrize("other", [*ASYMMETRIC_SIGNING, "HS256", "HS512", "none", ""])
def test_a_signature_counts_for_the_algorithm_of_its_header_only(alg, other):
    if other != alg:
        assert not is_signed_by(read(sign(alg)), public(alg).key, other)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["AA", "AAAA"])
def test_none_is_never_an_algorithm(alg, signature):
    unsigned = read(f"{encode({'alg': alg})}.{encode({'sub': 'c'})}.{signature}")
    for key in KEYS.values():
        assert not is_signed_by(unsigned, key, unsigned.alg)
        assert not PublicKey(key).fits(unsigned.alg)


def test_an_empty_signature_is_not_even_read():
    with pytest.raises(InvalidToken):
        read(f"{encode({'alg': 'none'})}.{encode({})}.")


@pytest.mark.parametrize("alg", ["RS256", "ES256", "Ed25519"])
@pytest.mark.parametrize("form", ["pem", "der", "jwk", "pkcs1"])
def test_hs256_with_a_public_key_as_the_secret_is_impossible(alg, form):
    """RFC 8725 §2.1: however the public key is written, no MAC under it is a signature."""
    key = KEYS[alg].public_key
    match form:
        case "pem":
            secret = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        case "der":
            secret = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        case "jwk":
            secret = json.dumps(KEYS[alg].as_dict(private=False)).encode()
        case _:
            secret = key.public_bytes(
                Encoding.PEM, PublicFormat.PKCS1 if alg == "RS256" else PublicFormat.SubjectPublicKeyInfo
            )
    for mac in ("HS256", "HS384", "HS512"):
        text = f"{encode({'alg': mac})}.{encode({'sub': 'c'})}"
        forged = read(f"{text}.{encode(hmac.digest(secret, text.encode(), ALGORITHMS[mac].hash_name))}")
        assert not is_signed_by(forged, public(alg).key, mac)
        assert not select((public(alg),), None, mac)


def test_a_mac_is_verified_by_its_secret_and_no_other():
    secret = b"a secret of at least thirty-two octets"
    key = OctKey.import_key(secret)
    for alg in ("HS256", "HS384", "HS512"):
        text = jws.serialize_compact({"alg": alg}, b"{}", key, algorithms=[alg])
        assert is_keyed_with(read(text), secret, alg)
        assert not is_keyed_with(read(text), secret + b"x", alg)
        assert not any(
            is_keyed_with(read(text), secret, other) for other in ("HS256", "HS384", "HS512") if other != alg
        )
    pem = KEYS["RS256"].public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert not is_keyed_with(read(text), pem, "HS512")


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_in_the_header_is_never_used(member):
    mine = ECKey.generate_key("P-256")
    values = {
        "jwk": mine.as_dict(private=False),
        "jku": "https://evil.example/jwks",
        "x5u": "https://evil.example/cert",
        "x5c": ["MIIB"],
    }
    forged = jws.serialize_compact({"alg": "ES256", member: values[member]}, b"{}", mine, algorithms=["ES256"])
    assert not is_signed_by(read(forged), public("ES256").key, "ES256")


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["urn:x"], [], "exp", None, ["alg"]])
def test_a_critical_extension_is_refused(crit):
    with pytest.raises(InvalidToken):
        read(f"{encode({'alg': 'ES256', 'crit': crit, 'exp': 1})}.{encode({})}.AAAA")


def test_an_unencoded_payload_is_refused():
    with pytest.raises(InvalidToken):
        read(f"{encode({'alg': 'ES256', 'b64': False})}.{encode({})}.AAAA")


@pytest.mark.parametrize(
    "text",
    [
        b'{"alg":"ES256","alg":"none"}',
        b'{"alg":"ES256","typ":"a","typ":"b"}',
        b'{"alg":"ES256","\\u0061lg":"none"}',
        b'{"alg":"ES256","jwk":{"kty":"EC","kty":"oct"}}',
        b'{"alg":NaN}',
        b'{"alg":Infinity}',
        b"[]",
        b'"x"',
        b"1",
        b"",
        b"{",
        b"\xff\xfe",
        b'{"alg":"\xff"}',
        b"{}{}",
        b"[" * 5000,
        b'{"a":' * 5000,
        b'{"n":' + b"9" * 5000 + b"}",
    ],
)
def test_json_that_two_parsers_could_read_differently_is_refused_in_header_and_claims(text):
    for broken in (f"{encode(text)}.{encode({})}.AAAA", f"{encode({'alg': 'ES256'})}.{encode(text)}.AAAA"):
        with pytest.raises(InvalidToken):
            read(broken)


@pytest.mark.parametrize("change", [
    lambda t: t + "=", lambda t: t + ".", lambda t: "." + t, lambda t: t.replace(".", "..", 1), lambda t: t + "\n",
    lambda t: " " + t, lambda t: t.replace(".", ". ", 1), lambda t: t[: t.rindex(".")], lambda t: t + ".a.b",
    lambda t: "{" + t + "}", lambda _: "", lambda t: t.replace("e", "\u0435"), lambda t: t + "A" * 16_384,
])  # fmt: skip
def test_what_is_no_plain_compact_serialization_is_refused(change):
    with pytest.raises(InvalidToken):
        read(change(sign("ES256")))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: f"{encode(raw)}.{encode(raw[::-1])}.AAAA"))
@settings(max_examples=2000)
def test_whatever_comes_reading_ends_in_a_value_or_a_refusal(text):
    with suppress(InvalidToken):
        assert read(text).text == text


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jwk", "jku", "x5c", "cty", "x"]), JSON), JSON)
@settings(max_examples=300, deadline=None)
def test_no_header_makes_a_foreign_signature_count(header, claims):
    try:
        forged = read(f"{encode(header)}.{encode(claims)}.{'A' * 86}")
    except InvalidToken:
        return
    assert isinstance(forged.alg, str)
    assert forged.kid is None or isinstance(forged.kid, str)
    for alg in ("ES256", "RS256", "Ed25519", forged.alg):
        assert not any(is_signed_by(forged, key, alg) for key in KEYS.values())


@pytest.mark.parametrize("member", sorted(PRIVATE_MEMBERS))
def test_a_key_with_a_private_part_is_refused(member):
    with pytest.raises(UnusableKey):
        import_public_key({**KEYS["ES256"].as_dict(private=False), member: "AQAB"})


@pytest.mark.parametrize(
    "jwk",
    [
        OctKey.generate_key(256).as_dict(),
        {"kty": "oct"},
        OKPKey.generate_key("X25519").as_dict(private=False),
        OKPKey.generate_key("Ed448").as_dict(private=False),
        ECKey.generate_key("secp256k1").as_dict(private=False),
        {**KEYS["ES256"].as_dict(private=False), "use": "enc"},
        {**KEYS["ES256"].as_dict(private=False), "key_ops": ["sign"]},
        {**KEYS["ES256"].as_dict(private=False), "kid": 7},
        {**KEYS["ES256"].as_dict(private=False), "alg": ["ES256"]},
        {**KEYS["ES256"].as_dict(private=False), "x": "AAAA"},
        {**KEYS["ES256"].as_dict(private=False), "y": KEYS["ES256"].as_dict(private=False)["x"]},
        {**KEYS["ES256"].as_dict(private=False), "crv": "P-384"},
        {"kty": "RSA", "e": "AQAB", "n": encode((1 << 1023 | 1).to_bytes(128, "big"))},
        {"kty": "RSA", "e": "AQAB", "n": encode((1 << 16383 | 1).to_bytes(2048, "big"))},
        {"kty": "RSA", "e": encode(b"\xff" * 256), "n": KEYS["RS256"].as_dict(private=False)["n"]},
        {"kty": "RSA", "e": "AQ", "n": KEYS["RS256"].as_dict(private=False)["n"]},
        {"kty": ["EC"]},
        {"kty": "EC"},
        {},
        [],
        None,
        "EC",
    ],
)
def test_a_jwk_that_is_no_usable_public_key_is_refused(jwk):
    with pytest.raises(UnusableKey):
        import_public_key(jwk)


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "use", "key_ops", "alg", "kid"]), JSON))
@settings(max_examples=300, deadline=None)
def test_whatever_a_jwk_holds_importing_ends_in_a_key_or_a_refusal(jwk):
    with suppress(UnusableKey):
        assert import_public_key(jwk).key


def test_an_rsa_key_of_2048_bits_is_taken():
    assert import_public_key(RSAKey.generate_key(2048).as_dict(private=False)).fits("PS256")


@pytest.mark.parametrize(("alg", "fitting"), [
    ("RS256", {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("ES256", {"ES256"}), ("ES384", {"ES384"}), ("ES512", {"ES512"}), ("Ed25519", {"Ed25519", "EdDSA"}),
])  # fmt: skip
def test_a_key_fits_the_algorithms_of_its_kind_only(alg, fitting):
    assert {name for name in (*ALGORITHMS, "none", "ES256K") if public(alg).fits(name)} == fitting


def test_a_key_that_names_its_algorithm_fits_no_other():
    jwk = {**KEYS["RS256"].as_dict(private=False), "alg": "PS256"}
    assert import_public_key(jwk).fits("PS256")
    assert not import_public_key(jwk).fits("RS256")


def test_eddsa_and_ed25519_are_two_names_of_one_algorithm():
    for name in ("EdDSA", "Ed25519"):
        key = import_public_key({**KEYS["Ed25519"].as_dict(private=False), "alg": name})
        assert key.fits("EdDSA")
        assert key.fits("Ed25519")


def test_a_set_gives_its_usable_keys_and_leaves_the_others_out():
    usable = {**KEYS["ES256"].as_dict(private=False), "kid": "a"}
    document = {"keys": [usable, {**usable, "use": "enc"}, {"kty": "oct", "k": "AQAB"}, 7, {"kty": "new kind"}]}
    assert [key.kid for key in read_jwks(document)] == ["a"]
    for broken in ({}, [], None, {"keys": {}}, {"keys": [usable] * 51}):
        with pytest.raises(ValueError, match="key"):
            read_jwks(broken)


def test_a_key_is_selected_by_kid_where_one_is_named_and_by_algorithm():
    keys = [PublicKey(public("ES256").key, "a"), PublicKey(public("RS256").key, "b"), PublicKey(public("ES256").key)]
    assert select(keys, "a", "ES256") == (keys[0],)
    assert select(keys, None, "ES256") == (keys[0], keys[2])
    assert select(keys, "b", "ES256") == ()
    assert select(keys, "c", "ES256") == ()


def test_the_token_itself_is_not_shown_by_repr():
    text = sign("ES256", {"sub": "hidden-subject"})
    assert text not in repr(read(text))
    assert "hidden-subject" not in repr(read(text))
    assert hashlib.sha256(text.encode()).hexdigest() not in repr(read(text))

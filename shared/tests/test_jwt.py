"""Verification of JWTs (RFC 8725 §3, RFC 9068 §4): what must be refused, and by which check."""

import hmac
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64encode

from tessera_shared.access_token import REQUIRED
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING, generate
from tessera_shared.jose.jwt import Expectation, InvalidToken, mint, verify
from tessera_shared.jose.keys import parse_jwks

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = generate("ES256")
OTHER = generate("ES256")
RSA = generate("RS256")
ISSUER, AUDIENCE = "https://issuer.example", "https://resource.example"
EXPECTATION = Expectation("at+jwt", ("ES256",), ISSUER, (AUDIENCE, ISSUER), REQUIRED)
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "alice",
    "client_id": "client",
    "iat": SECONDS,
    "exp": SECONDS + 600,
    "jti": "one",
    "scope": "openid",
}


class Published:
    """A key source that holds these keys."""

    def __init__(self, *keys):
        self.keys = parse_jwks({"keys": [{**key.as_dict(private=False), "alg": alg} for key, alg in keys]})

    async def find(self, kid):
        """The key of that kid."""
        return self.keys.get(kid)


PUBLISHED = Published((KEY, "ES256"), (RSA, "RS256"))


def token(changes=None, *, key=KEY, kid=None, alg="ES256", typ="at+jwt"):
    claims = {name: value for name, value in {**CLAIMS, **(changes or {})}.items() if value is not None}
    return mint(claims, key=key, kid=kid or key.kid, alg=alg, typ=typ)


def signed(payload, header=None):
    header = {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt", **(header or {})}
    return jws.serialize_compact(header, payload, KEY, algorithms=["ES256"])


def joined(header, payload, signature=b""):
    return ".".join(urlsafe_b64encode(part).decode() for part in (header, payload, signature))


async def refusal(text, expectation=EXPECTATION, keys=PUBLISHED, now=NOW):
    with pytest.raises(InvalidToken) as refused:
        await verify(text, keys, expectation, now)
    return refused.value.check


async def test_a_token_as_expected_is_accepted():
    assert await verify(token(), PUBLISHED, EXPECTATION, NOW) == CLAIMS


@pytest.mark.parametrize("alg", ASYMMETRIC_SIGNING)
async def test_every_asymmetric_algorithm_verifies(alg):
    key = generate(alg)
    expectation = Expectation("at+jwt", (alg,), ISSUER, (AUDIENCE,), REQUIRED)
    text = token(key=key, alg=alg)
    assert await verify(text, Published((key, alg)), expectation, NOW) == CLAIMS
    head, body, signature = text.split(".")
    flipped = ("B" if signature[10] == "A" else "A").join((signature[:10], signature[11:]))
    assert await refusal(f"{head}.{body}.{flipped}", expectation, Published((key, alg))) == "signature"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "application/AT+jwt"])
async def test_the_type_may_be_written_out_and_in_any_case(typ):
    await verify(token(typ=typ), PUBLISHED, EXPECTATION, NOW)


async def test_the_expected_type_may_be_named_in_any_case():
    expectation = Expectation("JWT", ("ES256",), ISSUER, (AUDIENCE,), ("iss",))
    for typ in ("JWT", "jwt", "application/jwt"):
        await verify(token(typ=typ), PUBLISHED, expectation, NOW)
    assert await refusal(token(), expectation) == "typ"


@pytest.mark.parametrize("typ", ["JWT", "", "logout+jwt", "dpop+jwt", "id_token", "xapplication/at+jwt"])
async def test_another_type_is_refused(typ):
    assert await refusal(token(typ=typ)) == "typ"


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", ""])
async def test_none_is_never_an_algorithm(alg):
    header = json.dumps({"alg": alg, "kid": KEY.kid, "typ": "at+jwt"}).encode()
    assert await refusal(joined(header, json.dumps(CLAIMS).encode())) == "alg"
    allowing = Expectation("at+jwt", ("ES256", alg), ISSUER, (AUDIENCE,), REQUIRED)
    assert await refusal(joined(header, json.dumps(CLAIMS).encode()), allowing) == "alg"


@pytest.mark.parametrize("public", [RSA, KEY], ids=["rsa", "ec"])
async def test_hs256_with_the_public_key_as_secret_is_refused(public):
    careless = Expectation("at+jwt", ("ES256", "RS256", "HS256"), ISSUER, (AUDIENCE,), REQUIRED)
    header = json.dumps({"alg": "HS256", "kid": public.kid, "typ": "at+jwt"}).encode()
    start = joined(header, json.dumps(CLAIMS).encode()).rpartition(".")[0]
    for secret in (public.as_pem(private=False), json.dumps(public.as_dict(private=False)).encode()):
        signature = urlsafe_b64encode(hmac.digest(secret, start.encode(), "sha256")).decode()
        assert await refusal(f"{start}.{signature}") == "alg"
        assert await refusal(f"{start}.{signature}", careless) == "alg"


async def test_a_key_is_used_with_its_own_algorithm_only():
    both = Expectation("at+jwt", ("ES256", "RS256", "PS256"), ISSUER, (AUDIENCE,), REQUIRED)
    unbound = RSAKey.import_key(RSA.as_pem(private=True))
    assert await refusal(token(key=unbound, kid=RSA.kid, alg="PS256"), both) == "alg"
    assert await refusal(token(kid=RSA.kid), both) == "alg"


async def test_an_algorithm_the_verifier_did_not_name_is_refused():
    assert await refusal(token(key=RSA, alg="RS256")) == "alg"


async def test_another_key_under_a_published_kid_is_refused():
    assert await refusal(token(key=OTHER, kid=KEY.kid)) == "signature"


async def test_an_unknown_or_missing_kid_is_refused():
    assert await refusal(token(key=OTHER)) == "kid"
    header = json.dumps({"alg": "ES256", "typ": "at+jwt"}).encode()
    assert await refusal(joined(header, b"{}")) == "kid"


async def test_a_key_that_the_token_brings_along_is_not_used():
    header = {"jwk": OTHER.as_dict(private=False), "kid": KEY.kid, "alg": "ES256", "typ": "at+jwt"}
    text = jws.serialize_compact(header, json.dumps(CLAIMS).encode(), OTHER, algorithms=["ES256"])
    assert await refusal(text) in ("signature", "form")


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": ISSUER + "/"}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": ["https://other.example"]}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": {"0": AUDIENCE}}, "aud"),
        ({"aud": [[AUDIENCE]]}, "aud"),
        ({"aud": AUDIENCE + "/"}, "aud"),
        ({"exp": SECONDS - 15}, "exp"),
        ({"exp": SECONDS - 600}, "exp"),
        ({"exp": 0}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"exp": True}, "exp"),
        ({"nbf": SECONDS + 16}, "nbf"),
        ({"nbf": "now"}, "nbf"),
        ({"iat": "today"}, "iat"),
    ],
)
async def test_a_wrong_claim_is_refused(changes, check):
    assert await refusal(token(changes)) == check


@pytest.mark.parametrize("name", REQUIRED)
async def test_a_missing_or_null_claim_is_refused(name):
    assert await refusal(token({name: None})) == "claims"
    assert await refusal(signed(json.dumps({**CLAIMS, name: None}).encode())) == "claims"


@pytest.mark.parametrize("name", ["sub", "client_id", "jti"])
@pytest.mark.parametrize("value", [5, ["alice"], {"a": 1}, True, ""])
async def test_an_identifier_that_is_no_text_is_refused(name, value):
    assert await refusal(token({name: value})) == name


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [AUDIENCE, "https://other.example"]},
        {"aud": ISSUER},
        {"exp": SECONDS - 14},
        {"exp": SECONDS + 0.5},
        {"nbf": SECONDS + 15},
        {"iat": SECONDS + 3600},
        {"unknown": {"claims": ["are", "ignored"]}},
    ],
)
async def test_what_the_specification_allows_is_accepted(changes):
    assert await verify(token(changes), PUBLISHED, EXPECTATION, NOW) == {**CLAIMS, **changes}


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "-Infinity", "9" * 400])
async def test_a_time_that_is_no_sensible_number_is_refused(number):
    claims = json.dumps(CLAIMS).replace(str(SECONDS + 600), number)
    assert await refusal(signed(claims.encode())) in ("exp", "signature")


async def test_duplicate_members_are_refused():
    claims = json.dumps(CLAIMS)[:-1] + ', "sub": "mallory"}'
    assert await refusal(signed(claims.encode())) == "signature"
    nested = json.dumps(CLAIMS)[:-1] + ', "cnf": {"jkt": "a", "jkt": "b"}}'
    assert await refusal(signed(nested.encode())) == "signature"


@pytest.mark.parametrize("payload", [b"[]", b'"text"', b"5", b"null", b"", b"{", b"\xff\xfe", b"[" * 5000])
async def test_a_signed_payload_that_is_no_object_is_refused(payload):
    assert await refusal(signed(payload)) in ("claims", "signature", "form")


async def test_an_unknown_critical_header_is_refused():
    text = signed(json.dumps(CLAIMS).encode())
    _, payload, signature = text.split(".")
    header = {"alg": "ES256", "kid": KEY.kid, "typ": "at+jwt", "crit": ["exp"], "exp": 1}
    start = joined(json.dumps(header).encode(), b"").split(".", 1)[0]
    assert await refusal(f"{start}.{payload}.{signature}") in ("form", "signature")
    own = jws.JWSRegistry(strict_check_header=False)
    crit = jws.serialize_compact({**header, "crit": []}, json.dumps(CLAIMS).encode(), KEY, ["ES256"], own)
    assert await refusal(crit) in ("form", "signature", "accepted")


async def test_a_huge_token_is_refused_before_it_is_parsed():
    assert await refusal("a" * 16_385) == "size"
    assert await refusal("." * 16_385) == "size"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        "ü.ü.ü",
        "\ud800.a.b",
        " ",
        "\x00",
        "e30.e30.",
        "e30.e30.e30",
    ],
)
async def test_what_is_no_jws_is_refused(text):
    assert await refusal(text) == "form"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_.-]{0,200}"))
async def test_any_text_is_refused_and_never_breaks_the_verifier(text):
    assert await refusal(text)


@given(JSON | st.fixed_dictionaries({"alg": JSON, "kid": JSON, "typ": JSON | st.just("at+jwt")}), JSON)
async def test_any_header_is_refused_and_never_breaks_the_verifier(header, payload):
    assert await refusal(joined(json.dumps(header).encode(), json.dumps(payload).encode(), b"x" * 64))


@given(st.dictionaries(st.sampled_from([*REQUIRED, "nbf", "scope"]), JSON))
async def test_any_claims_are_accepted_or_refused_and_never_break_the_verifier(changes):
    try:
        await verify(signed(json.dumps({**CLAIMS, **changes}).encode()), PUBLISHED, EXPECTATION, NOW)
    except InvalidToken as refused:
        assert refused.check  # noqa: PT017 - either is right


async def test_a_header_nested_too_deep_is_refused():
    assert await refusal(joined(b'{"alg":' + b"[" * 5000, b"{}")) == "form"


async def test_refusing_a_large_token_costs_little():
    started = time.perf_counter()
    for _ in range(100):
        await refusal(joined(b'{"alg":"ES256"}', b"x" * 11_000, b"y" * 60))
    assert time.perf_counter() - started < 1


def test_jwks_entries_without_kid_or_alg_or_of_unknown_kinds_are_left_out():
    good = {**KEY.as_dict(private=False), "alg": "ES256"}
    entries = [
        good,
        {name: value for name, value in good.items() if name != "kid"},
        {name: value for name, value in good.items() if name != "alg"},
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": "odd", "kty": "odd"},
        {**good, "kid": "curve", "crv": "P-999"},
        {**good, "kid": "broken", "x": "!"},
        {**good, "kid": "number", "x": 5},
        {**good, "kid": 5},
        "no object",
        None,
    ]
    assert list(parse_jwks({"keys": entries})) == [KEY.kid]


@pytest.mark.parametrize("document", [None, [], "text", {}, {"keys": {}}, {"keys": None}])
def test_what_is_no_jwks_is_refused(document):
    with pytest.raises(ValueError, match="no list of keys"):
        parse_jwks(document)


@pytest.mark.parametrize("alg", ["HS256", "ES256", "A256GCM", "none"])
def test_a_symmetric_key_in_a_jwks_is_left_out(alg):
    entry = {**generate("HS256").as_dict(private=True), "kid": "s", "alg": alg}
    assert parse_jwks({"keys": [entry]}) == {}


@pytest.mark.parametrize(("key", "alg"), [(RSA, "ES256"), (KEY, "RS256"), (KEY, "ES384"), (KEY, "Ed25519"), (RSA, "X")])
def test_a_key_that_does_not_fit_its_algorithm_is_left_out(key, alg):
    assert parse_jwks({"keys": [{**key.as_dict(private=False), "alg": alg}]}) == {}

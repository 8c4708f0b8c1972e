"""DPoP proofs (RFC 9449 §4.3), nonces (§8, §9) and single use (§11.1)."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tessera_shared.clock import seconds
from tessera_shared.dpop import ALGS, WINDOW, Expected, InvalidProof, NonceNeeded, Nonces, ProofVerifier, check
from tessera_shared.http_url import normalize
from tessera_shared.rotating_key import RotatingKey

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
T = seconds(NOW)
URL = "https://as.example/oauth2/v1/token"
RESOURCE = "https://rs.example/resource"
TOLERANCE = timedelta(seconds=15)
KEY = ECKey.generate_key("P-256")
OTHER_KEY = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)
KEYS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    "ES256": KEY,
    "ES384": ECKey.generate_key("P-384"),
    "ES512": ECKey.generate_key("P-521"),
    **dict.fromkeys(("EdDSA", "Ed25519"), OKPKey.generate_key("Ed25519")),
}
TOKEN = "an.access.token"
ATH = base64.urlsafe_b64encode(hashlib.sha256(TOKEN.encode()).digest()).rstrip(b"=").decode()


def proof(claims=None, *, key=KEY, alg="ES256", header=None, **changes):
    """A proof that is right, but for the changes; None leaves a member out."""
    made = {"jti": uuid4().hex, "htm": "POST", "htu": URL, "iat": T, **(claims or {}), **changes}
    members = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False), **(header or {})}
    members = {name: value for name, value in members.items() if value is not None}
    payload = json.dumps({name: value for name, value in made.items() if value is not None}).encode()
    registry = jws.JWSRegistry(algorithms=[alg, "HS256"], strict_check_header=False)
    registry.max_header_length = 100_000
    return jws.serialize_compact(members, payload, key, registry=registry)


def with_header(text, **members):
    """A proof with another header, which its signature is not for."""
    head, payload, signature = text.split(".")
    changed = {**json.loads(base64.urlsafe_b64decode(head + "==")), **members}
    encoded = base64.urlsafe_b64encode(json.dumps(changed).encode("utf-8", "surrogatepass")).rstrip(b"=").decode()
    return f"{encoded}.{payload}.{signature}"


def verify(text, now=T, **expected):
    return check(text, Expected(**{"method": "POST", "urls": [URL], **expected}), TOLERANCE, now)


def refused(text, **expected):
    with pytest.raises(InvalidProof) as caught:
        verify(text, **expected)
    return caught.value.check


@pytest.mark.parametrize("alg", ALGS)
def test_a_proof_by_every_algorithm_that_is_told_is_taken(alg):
    key = KEYS[alg]
    found = verify(proof(key=key, alg=alg, jti="j", nonce="n"))
    assert (found.jkt, found.jti, found.iat, found.nonce) == (key.thumbprint(), "j", T, "n")


def test_a_proof_by_a_long_rsa_key_is_taken():
    assert verify(proof(key=RSAKey.generate_key(4096), alg="PS256"))


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "dpop", "client-authentication+jwt", 1])
def test_another_type_is_refused(typ):
    assert refused(with_header(proof(), typ=typ)) == "typ"


@pytest.mark.parametrize("typ", ["DPoP+JWT", "application/dpop+jwt"])
def test_a_type_is_compared_as_a_media_type(typ):
    assert verify(proof(header={"typ": typ}))


@pytest.mark.parametrize("alg", ["RS256", "RS512", "PS384", "ES384"])
def test_an_algorithm_that_the_client_may_not_use_is_refused(alg):
    assert refused(proof(key=KEYS[alg], alg=alg), algs=("PS256", "ES256", "EdDSA", "Ed25519")) == "alg"


def test_a_symmetric_or_missing_algorithm_is_refused():
    secret = OctKey.generate_key(256)
    assert refused(proof(key=secret, alg="HS256", header={"jwk": secret.as_dict()})) == "alg"
    assert refused(proof(key=secret, alg="HS256", header={"jwk": KEY.as_dict(private=False)})) == "alg"
    for alg in ("none", "None", ""):
        head = base64.urlsafe_b64encode(json.dumps({"typ": "dpop+jwt", "alg": alg}).encode()).rstrip(b"=").decode()
        assert refused(f"{head}.{proof().split('.')[1]}.AA") == "alg"


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        {},
        "KEY",
        [KEY.as_dict(private=False)],
        KEY.as_dict(private=True),
        {**KEY.as_dict(private=False), "d": "AQAB"},
        {"kty": "oct", "k": "AQAB"},
        {**KEY.as_dict(private=False), "use": "enc"},
        KEYS["ES384"].as_dict(private=False),
        RSA.as_dict(private=False),
        {"kid": "a kid is no key"},
    ],
)
def test_a_header_without_one_public_key_for_the_algorithm_is_refused(jwk):
    assert refused(with_header(proof(), jwk=jwk)) == "jwk"


def test_a_signature_by_another_key_than_the_one_in_the_header_is_refused():
    assert refused(proof(header={"jwk": OTHER_KEY.as_dict(private=False)})) == "signature"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_proof_is_refused(part):
    parts = proof().split(".")
    middle = len(parts[part]) // 2
    parts[part] = parts[part][:middle] + ("A" if parts[part][middle] != "A" else "B") + parts[part][middle + 1 :]
    with pytest.raises(InvalidProof):
        verify(".".join(parts))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.b", f"{proof()},{proof()}", f"{proof()} ", f"DPoP {proof()}"])
def test_what_is_no_jws_is_refused(text):
    with pytest.raises(InvalidProof):
        verify(text)


@pytest.mark.parametrize("htm", [None, "GET", "post", "PUT", "", 1, ["POST"]])
def test_another_method_is_refused(htm):
    assert refused(proof(htm=htm)) == "htm"


@pytest.mark.parametrize("htu", [
    URL, f"{URL}?a=b", f"{URL}#c", f"{URL}?a=b#c", "HTTPS://AS.EXAMPLE/oauth2/v1/token", "https://as.example:443/oauth2/v1/token",
    "https://as.example:/oauth2/v1/token", "https://as.example/oauth2/./v1/token", "https://as.example/x/../oauth2/v1/token",
    "https://as.example/oauth2/v1/%74oken", "https://as.example:0443/oauth2/v1/token",
])  # fmt: skip
def test_a_url_is_compared_by_its_normal_form_without_query_and_fragment(htu):
    assert verify(proof(htu=htu))


@pytest.mark.parametrize("htu", [
    None, "", 1, ["x"], "https://as.example", "https://as.example/", f"{URL}/", "https://as.example/oauth2/v1/par",
    "http://as.example/oauth2/v1/token", "https://as.example:8443/oauth2/v1/token", "https://evil.example/oauth2/v1/token",
    "https://as.example.evil.example/oauth2/v1/token", "https://as.example@evil.example/oauth2/v1/token",
    "https://evil.example@as.example/oauth2/v1/token", "https://as.example/OAUTH2/v1/token", "/oauth2/v1/token",
    "https://as.example/oauth2%2Fv1/token", "https://as.example\\oauth2/v1/token", f" {URL}", f"{URL}\n",
    "https://as.example//oauth2/v1/token", "https://as.example/oauth2/v1/token;x", "https://\u0430s.example/oauth2/v1/token",
])  # fmt: skip
def test_another_url_is_refused(htu):
    assert refused(proof(htu=htu)) == "htu"


def test_any_of_the_servers_own_urls_will_do():
    urls = [URL, "https://as.example:8443/oauth2/v1/token"]
    assert all(verify(proof(htu=url), urls=urls) for url in urls)


@pytest.mark.parametrize("iat", [T - 15, T - 8, T, T + 8, T + 15, T + 0.5])
def test_a_time_within_the_tolerance_is_taken(iat):
    assert verify(proof(iat=iat))


@pytest.mark.parametrize("iat", [None, T - 16, T + 16, T - 62, T + 62, 0, -T, 2**60, "now", True, [T], float("nan")])
def test_a_time_beyond_it_or_none_is_refused(iat):
    assert refused(proof(iat=iat)) in ("iat", "json")


@pytest.mark.parametrize("jti", [None, "", 1, ["a"], "x" * 1025, {}])
def test_a_proof_without_a_usable_jti_is_refused(jti):
    assert refused(proof(jti=jti)) == "jti"


@pytest.mark.parametrize("nonce", [1, True, ["a"], {}])
def test_a_nonce_that_is_no_text_is_refused(nonce):
    assert refused(proof(nonce=nonce)) == "nonce"


def at_resource(text, **changes):
    expected = {"method": "GET", "urls": [RESOURCE], "access_token": TOKEN, "jkt": KEY.thumbprint(), **changes}
    return check(text, Expected(**expected), TOLERANCE, T)


def test_at_a_resource_the_proof_names_the_token_and_is_by_the_tokens_key():
    assert at_resource(proof(htm="GET", htu=RESOURCE, ath=ATH))


@pytest.mark.parametrize(
    "ath", [None, "", "x", ATH + "=", ATH[:-1], ATH.lower(), hashlib.sha256(TOKEN.encode()).hexdigest(), 1, "\ud800"]
)
def test_at_a_resource_another_tokens_hash_is_refused(ath):
    with pytest.raises(InvalidProof) as caught:
        at_resource(proof(htm="GET", htu=RESOURCE, ath=ath))
    assert caught.value.check in ("ath", "json")


@pytest.mark.parametrize("jkt", [OTHER_KEY.thumbprint(), None, ""])
def test_at_a_resource_another_key_than_the_tokens_is_refused(jkt):
    with pytest.raises(InvalidProof):
        at_resource(proof(htm="GET", htu=RESOURCE, ath=ATH), jkt=jkt)


def test_a_proof_of_the_token_endpoint_is_none_for_a_resource():
    with pytest.raises(InvalidProof):
        at_resource(proof())


MEMBERS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=10)
    | st.lists(st.text(max_size=3), max_size=2)
)


@given(st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce"]), MEMBERS, min_size=1))
@settings(max_examples=300, deadline=None)
def test_whatever_is_put_into_a_proof_it_is_taken_or_refused_and_never_for_another_request(changes):
    try:
        found = verify(proof(changes))
    except InvalidProof:
        return
    assert not {"htm", "htu"} & {name for name, value in changes.items() if value is not None}
    assert isinstance(found.jti, str)


@given(
    st.dictionaries(
        st.sampled_from(["typ", "jwk", "kid", "jku", "x5c", "x5u", "crit", "b64", "cty"]),
        MEMBERS | st.dictionaries(st.text(max_size=3), MEMBERS, max_size=2),
        min_size=1,
    )
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_put_into_its_header_the_key_is_the_one_that_signed(changes):
    with pytest.raises(InvalidProof):
        verify(with_header(proof(), **changes))


def test_the_thumbprint_is_that_of_rfc_7638():
    jwk = {
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "x",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }  # fmt: skip
    assert ECKey.import_key(jwk).thumbprint() == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"  # RFC 9449 §6.1


def test_a_nonce_is_known_for_its_window_and_the_next_and_to_every_replica():
    mine, replica, other = (
        Nonces(RotatingKey(b"k" * 32)),
        Nonces(RotatingKey(b"k" * 32)),
        Nonces(RotatingKey(b"x" * 32)),
    )
    nonce = mine.current(NOW)
    assert replica.current(NOW) == nonce
    assert all(replica.is_known(nonce, NOW + passed) for passed in (timedelta(0), WINDOW, -WINDOW))
    assert not mine.is_known(nonce, NOW + 2 * WINDOW)
    assert not mine.is_known(nonce, NOW - 2 * WINDOW)
    assert not other.is_known(nonce, NOW)
    assert mine.current(NOW + WINDOW) != nonce
    for wrong in ("", "x", nonce + "=", nonce[:-1], nonce.swapcase(), "ä", "\ud800"):
        assert not mine.is_known(wrong, NOW)


def test_a_nonce_holds_no_character_that_a_header_cannot():
    assert set(Nonces(RotatingKey(b"k" * 32)).current(NOW)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


class _OnceMemory:
    """Remembers in a dict; the real one is tested with the real stores."""

    def __init__(self):
        self.used = {}

    async def is_first_use(self, kind, issuer, jti, valid_until):
        first = (kind, issuer, jti) not in self.used
        self.used.setdefault((kind, issuer, jti), valid_until)
        return first


def verifier(*, requires_nonce=False):
    return ProofVerifier(Nonces(RotatingKey(b"k" * 32)), _OnceMemory(), TOLERANCE, requires_nonce)


EXPECTED = Expected("POST", [URL])


async def test_a_proof_is_taken_once():
    by, text = verifier(), proof()
    assert await by.verify(text, EXPECTED, NOW)
    with pytest.raises(InvalidProof) as caught:
        await by.verify(text, EXPECTED, NOW)
    assert caught.value.check == "jti"


async def test_a_jti_is_one_keys_own_and_kept_while_its_proof_could_be_taken():
    by = verifier()
    for key in (KEY, OTHER_KEY):
        assert await by.verify(proof(jti="j", key=key, iat=T + 15), EXPECTED, NOW)
    assert set(by.replay.used.values()) == {NOW + timedelta(seconds=30)}


async def test_a_proof_that_is_refused_uses_nothing_up():
    by = verifier()
    for wrong in (proof(jti="j", htm="GET"), proof(jti="j", nonce="old")):
        with pytest.raises((InvalidProof, NonceNeeded)):
            await by.verify(wrong, EXPECTED, NOW)
    assert await by.verify(proof(jti="j"), EXPECTED, NOW)


async def test_where_a_nonce_is_required_a_proof_without_one_or_with_an_old_one_is_asked_again():
    by = verifier(requires_nonce=True)
    old = by.nonces.current(NOW - 3 * WINDOW)
    for nonce in (None, "", "x", old):
        with pytest.raises(NonceNeeded):
            await by.verify(proof(nonce=nonce), EXPECTED, NOW)
    assert await by.verify(proof(nonce=by.nonces.current(NOW)), EXPECTED, NOW)
    assert await by.verify(proof(nonce=by.nonces.current(NOW - WINDOW)), EXPECTED, NOW)


async def test_where_none_is_required_a_wrong_one_is_still_wrong():
    by = verifier()
    with pytest.raises(NonceNeeded):
        await by.verify(proof(nonce="x"), EXPECTED, NOW)
    assert await by.verify(proof(nonce=by.nonces.current(NOW)), EXPECTED, NOW)


async def test_an_invalid_proof_is_invalid_whatever_its_nonce():
    with pytest.raises(InvalidProof):
        await verifier(requires_nonce=True).verify(proof(htm="GET"), EXPECTED, NOW)


@pytest.mark.parametrize(("url", "normal"), [
    ("HTTP://EXAMPLE.com:80", "http://example.com/"),
    ("https://example.com:0443/", "https://example.com/"),
    ("http://example.com:443/", "http://example.com:443/"),
    ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
    ("https://e.com/%7euser/%2fx/%c3%a4", "https://e.com/~user/%2Fx/%C3%A4"),
    ("https://e.com/a/b/../c/./d/..", "https://e.com/a/c/"),
    ("https://e.com/../../a", "https://e.com/a"),
    ("https://e.com/a/%2e%2e/b", "https://e.com/b"),
    ("https://e.com/.", "https://e.com/"),
    ("https://e.com//", "https://e.com//"),
    ("https://e.com?x", "https://e.com/"),
])  # fmt: skip
def test_a_url_has_one_normal_form(url, normal):
    assert normalize(url) == normal
    assert normalize(normal) == normal


@given(st.text(alphabet="abc./%2eE:@[]?#\\ \u00e4", max_size=30))
@settings(max_examples=1000)
def test_a_normal_form_is_its_own_and_never_leaves_its_host(rest):
    found = normalize(f"https://as.example/{rest}")
    if found is not None:
        assert normalize(found) == found
        assert found.startswith("https://as.example/")
        assert "/../" not in found
        assert not set(found) & set("?# \\")

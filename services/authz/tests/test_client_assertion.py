"""Client assertions (RFC 7523, OpenID Connect Core §9): their rules, their keys, and that each is taken once."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from tessera_authz.client_auth import METHODS, _extract, client_assertion, client_secret_jwt, private_key_jwt
from tessera_authz.client_auth.client_assertion import AssertionVerifier
from tessera_authz.client_auth.credentials import AssertionCredentials, Presentation
from tessera_authz.client_auth.method import Verifiers
from tessera_authz.protocol.client import Client
from tessera_authz.protocol.client_assertion import ASSERTION_TYPE, Expected, problem_with
from tessera_authz.store.clients import ClientRecord, ClientSecret
from tessera_shared.client_keys import ClientKeys
from tessera_shared.clock import seconds
from tessera_shared.errors import OAuthError
from tessera_shared.fetch import Fetched, NotFetched
from tessera_shared.http.form import parse
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING, generate
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.sealed import SealBroken
from tessera_shared.secret_sealer import SecretSealer

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
T = seconds(NOW)
ISSUER = "https://as.example"
TOKEN_ENDPOINT = f"{ISSUER}/oauth2/v1/token"
PAR = f"{ISSUER}/oauth2/v1/par"
EXPECTED = Expected(ISSUER, TOKEN_ENDPOINT, timedelta(seconds=15), timedelta(minutes=60))
SECRET = "a secret that is long enough for every hash, 64 octets at least!!"
KEY = ECKey.generate_key("P-256", {"kid": "k1"})


def client(**changes):
    settings = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [KEY.as_dict(private=False)]}}
    return Client(client_id="c", client_name="C", **{**settings, **changes})


def claims(**changes):
    made = {"iss": "c", "sub": "c", "aud": ISSUER, "exp": T + 60, "iat": T, "jti": uuid4().hex, **changes}
    return {name: value for name, value in made.items() if value is not None}


def problem(made, of=None, endpoint=TOKEN_ENDPOINT):
    return problem_with(made, of or client(), endpoint, EXPECTED, T)


def test_an_assertion_as_the_specification_asks_is_taken():
    assert problem(claims()) is None
    assert problem(claims(iat=None)) is None


@pytest.mark.parametrize("changes", [
    {"iss": "other"}, {"sub": "other"}, {"iss": None}, {"sub": None}, {"iss": ["c"]}, {"sub": 1}, {"iss": "C"},
    {"iss": "other", "sub": "other"}, {"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 1025}, {"jti": ["a"]},
    {"exp": None}, {"exp": T - 15}, {"exp": T - 62}, {"exp": "soon"}, {"exp": True}, {"exp": 2**60}, {"exp": -1},
    {"exp": T + 3600 + 62}, {"exp": [T + 60]}, {"exp": float("inf")}, {"exp": float("nan")},
    {"nbf": T + 62}, {"nbf": T + 16}, {"nbf": "now"}, {"nbf": True}, {"nbf": None, "iat": "now"},
    {"iat": T + 62}, {"iat": T + 16}, {"iat": False},
    {"aud": None}, {"aud": ""}, {"aud": []}, {"aud": {}}, {"aud": 1}, {"aud": "https://other.example"},
])  # fmt: skip
def test_a_claim_that_is_missing_wrong_or_of_another_type_is_a_problem(changes):
    assert problem(claims(**changes))
    assert problem(claims(**changes), client(assertion_audience="any"))


@pytest.mark.parametrize("changes", [
    {"nbf": T + 8}, {"iat": T + 8}, {"nbf": T + 15}, {"iat": T - 3600}, {"nbf": T - 3600}, {"exp": T - 14},
    {"exp": T + 3600}, {"exp": T + 59.5}, {"iat": T - 62},
])  # fmt: skip
def test_times_within_the_tolerance_are_taken(changes):
    assert problem(claims(**changes)) is None


@pytest.mark.parametrize("audience", [
    [ISSUER], [ISSUER, TOKEN_ENDPOINT], TOKEN_ENDPOINT, PAR, ISSUER + "/", ISSUER.upper(), [ISSUER, "https://evil.example"],
])  # fmt: skip
def test_the_strict_audience_is_the_issuer_as_one_string(audience):
    assert problem(claims(aud=audience))


@pytest.mark.parametrize("audience", [ISSUER, [ISSUER], TOKEN_ENDPOINT, PAR, [TOKEN_ENDPOINT, "https://x.example"]])
def test_any_audience_takes_the_token_endpoint_and_the_endpoint_it_was_sent_to(audience):
    assert problem(claims(aud=audience), client(assertion_audience="any"), PAR) is None


def test_any_audience_takes_no_other_endpoint_than_it_was_sent_to():
    assert problem(claims(aud=PAR), client(assertion_audience="any"), TOKEN_ENDPOINT)


JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.text(max_size=8), max_size=2)
)


@given(st.fixed_dictionaries(dict.fromkeys(("iss", "sub", "aud", "exp", "iat", "nbf", "jti"), JSON)))
@settings(max_examples=500, deadline=None)
def test_no_random_claims_are_an_assertion(made):
    assert problem(made)
    assert problem({**claims(), "exp": made["exp"]}) or EXPECTED.longest.total_seconds() + 15 >= made["exp"] - T > -15


def test_the_registered_algorithm_is_the_only_one():
    registered = client(token_endpoint_auth_signing_alg="ES256")
    assert client_assertion.AssertionVerifier(EXPECTED, None, None).problem_before_signature(
        credentials(sign(KEY, "ES256")), registered, ("ES384",), NOW
    )


def sign(key, alg, made=None, **header):
    payload = json.dumps(made or claims()).encode()
    return jws.serialize_compact({"alg": alg, "kid": "k1", **header}, payload, key, algorithms=[alg])


def form(assertion, **more):
    parameters = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE, **more}
    return parse("&".join(f"{name}={value}" for name, value in parameters.items() if value is not None).encode())


def credentials(assertion, **more):
    return client_assertion.extract(Presentation((), form(assertion, **more), TOKEN_ENDPOINT))


class _OnceMemory:
    """Remembers in a set; the real one is tested with the real stores."""

    def __init__(self):
        self.used = {}

    async def is_first_use(self, kind, issuer, jti, valid_until):
        first = (kind, issuer, jti) not in self.used
        self.used.setdefault((kind, issuer, jti), valid_until)
        return first


class _Host:
    """Where a client's keys are; counts what is fetched."""

    def __init__(self, *keys, **headers):
        self.keys, self.headers, self.fetches, self.is_away = keys, headers, 0, False
        self.media_type = "application/jwk-set+json"

    async def get(self, _url, _accept):
        self.fetches += 1
        if self.is_away:
            raise NotFetched("away")
        body = json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()
        return Fetched(200, {"content-type": self.media_type, **self.headers}, body)


def verifiers(host=None):
    keys = ClientKeys(host or _Host())
    assertions = AssertionVerifier(EXPECTED, keys, _OnceMemory())
    return Verifiers(None, SecretSealer(RotatingKey(bytes(32))), assertions, keys)


async def verify(assertion, of=None, by=None, now=NOW, **more):
    of = of or client()
    method = METHODS[of.token_endpoint_auth_method]
    return await method.verify(credentials(assertion, **more), ClientRecord(of, ()), by or verifiers(), now)


@pytest.mark.parametrize("alg", ASYMMETRIC_SIGNING)
async def test_private_key_jwt_takes_every_algorithm_that_is_told(alg):
    key = generate(alg)
    of = client(jwks={"keys": [key.as_dict(private=False)]})
    assert await verify(sign(key, alg, kid=key.kid), of) is None
    assert await verify(sign(key, alg, kid=key.kid), replace(of, token_endpoint_auth_signing_alg=alg)) is None


@pytest.mark.parametrize("alg", ["RS256", "RS512", "PS384", "PS512", "ES384", "ES512"])
async def test_a_fapi2_client_may_not_use_other_algorithms(alg):
    key = generate(alg)
    of = client(jwks={"keys": [key.as_dict(private=False)]}, signing_algs=("PS256", "ES256", "EdDSA", "Ed25519"))
    assert await verify(sign(key, alg, kid=key.kid), of)


async def test_another_algorithm_than_the_registered_one_is_refused():
    key = generate("RS256")
    jwk = {name: value for name, value in key.as_dict(private=False).items() if name != "alg"}
    of = client(jwks={"keys": [jwk]}, token_endpoint_auth_signing_alg="PS256")
    bare = type(key).import_key({name: value for name, value in key.as_dict(private=True).items() if name != "alg"})
    assert await verify(sign(bare, "PS256", kid=key.kid), of) is None
    assert await verify(sign(bare, "RS256", kid=key.kid), of)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"])
async def test_the_types_of_an_assertion_are_taken(typ):
    assert await verify(sign(KEY, "ES256", typ=typ)) is None


@pytest.mark.parametrize(
    "typ", ["at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "logout+jwt", "token-introspection+jwt", "x"]
)
async def test_a_jwt_that_was_made_for_something_else_is_refused(typ):
    assert await verify(sign(KEY, "ES256", typ=typ))


async def test_an_assertion_is_taken_once():
    by, assertion = verifiers(), sign(KEY, "ES256")
    assert await verify(assertion, by=by) is None
    assert await verify(assertion, by=by)


async def test_a_jti_is_kept_until_the_assertion_is_refused_for_its_age():
    by = verifiers()
    assert await verify(sign(KEY, "ES256", claims(exp=T + 60)), by=by) is None
    assert list(by.assertions.replay.used.values()) == [NOW + timedelta(seconds=75)]


async def test_an_assertion_that_is_refused_does_not_use_its_jti_up():
    by, made = verifiers(), claims()
    assert await verify(sign(ECKey.generate_key("P-256"), "ES256", made), by=by)
    assert await verify(sign(KEY, "ES256", {**made, "aud": "x"}), by=by)
    assert await verify(sign(KEY, "ES256", made), by=by) is None


async def test_the_client_id_parameter_must_agree():
    assert await verify(sign(KEY, "ES256"), client_id="c") is None
    assert await verify(sign(KEY, "ES256"), client_id="other")


async def test_another_clients_key_is_refused_also_when_it_is_embedded():
    other = ECKey.generate_key("P-256", {"kid": "k1"})
    assert await verify(sign(other, "ES256"))
    assert await verify(sign(other, "ES256", jwk=other.as_dict(private=False)))
    assert await verify(sign(other, "ES256", jku="https://evil.example/jwks"))


async def test_a_mac_under_the_public_key_is_refused():
    text = json.dumps(KEY.as_dict(private=False))
    assert await verify(sign(OctKey.import_key(text), "HS256"))


@pytest.mark.parametrize("jwks", [{"keys": []}, {}, {"keys": "x"}, {"keys": [{"kty": "oct", "k": "AQAB"}]}])
async def test_a_client_without_usable_keys_is_refused(jwks):
    assert await verify(sign(KEY, "ES256"), client(jwks=jwks))


async def test_a_client_without_keys_at_all_is_refused():
    assert await verify(sign(KEY, "ES256"), client(jwks=None))


async def test_without_kid_each_key_of_the_algorithm_is_tried():
    keys = [ECKey.generate_key("P-256") for _ in range(3)]
    of = client(jwks={"keys": [key.as_dict(private=False) for key in keys]})
    for key in keys:
        payload = json.dumps(claims()).encode()
        assertion = jws.serialize_compact({"alg": "ES256"}, payload, key, algorithms=["ES256"])
        assert await verify(assertion, of) is None


def secret_client(**changes):
    return client(token_endpoint_auth_method="client_secret_jwt", jwks=None, **changes)


async def verify_mac(alg, secret=SECRET, stored=(SECRET,), of=None, ends=None):
    of, by = of or secret_client(), verifiers()
    secrets = [ClientSecret("a hash", ends, by.sealer.seal("c", one)) for one in stored]
    assertion = sign(OctKey.import_key(secret), alg)
    return await client_secret_jwt.verify(credentials(assertion), ClientRecord(of, secrets), by, NOW)


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
async def test_client_secret_jwt_takes_a_mac_under_the_secret(alg):
    assert await verify_mac(alg) is None
    assert await verify_mac(alg, of=secret_client(token_endpoint_auth_signing_alg=alg)) is None


async def test_any_of_several_valid_secrets_will_do():
    assert await verify_mac("HS256", stored=("x" * 64, SECRET)) is None


async def test_a_wrong_secret_another_algorithm_and_an_ended_secret_are_refused():
    assert await verify_mac("HS256", secret="y" * 64)
    assert await verify_mac("HS512", of=secret_client(token_endpoint_auth_signing_alg="HS256"))
    assert await verify_mac("HS256", ends=NOW)
    assert await verify_mac("HS256", stored=())


@pytest.mark.parametrize(("alg", "size"), [("HS256", 31), ("HS384", 47), ("HS512", 63)])
async def test_a_secret_shorter_than_the_hash_is_refused(alg, size):
    assert await verify_mac(alg, "x" * size, ("x" * size,))
    assert await verify_mac(alg, "x" * (size + 1), ("x" * (size + 1),)) is None


async def test_a_signature_by_a_registered_key_is_no_mac():
    assert await verify(sign(KEY, "ES256"), client(token_endpoint_auth_method="client_secret_jwt"))


async def test_a_client_whose_secret_is_only_a_hash_is_refused():
    record = ClientRecord(secret_client(), [ClientSecret("a hash", None)])
    assert await client_secret_jwt.verify(
        credentials(sign(OctKey.import_key(SECRET), "HS256")), record, verifiers(), NOW
    )


def test_a_sealed_secret_belongs_to_its_client_and_master_key():
    sealed = SecretSealer(RotatingKey(bytes(32))).seal("c", SECRET)
    assert SECRET.encode() not in sealed
    assert SecretSealer(RotatingKey(bytes(32))).unseal("c", sealed) == SECRET.encode()
    for other, client_id in ((SecretSealer(RotatingKey(bytes(32))), "d"), (SecretSealer(RotatingKey(b"x" * 32)), "c")):
        with pytest.raises(SealBroken):
            other.unseal(client_id, sealed)


def test_assertions_are_recognised_and_go_with_no_other_credentials():
    found = _extract(Presentation((), form(sign(KEY, "ES256")), TOKEN_ENDPOINT))
    assert found[0] is private_key_jwt.METHOD.extract is client_secret_jwt.METHOD.extract
    assert isinstance(found[1], AssertionCredentials)
    for presentation in (
        Presentation(("Basic YTpi",), form(sign(KEY, "ES256")), TOKEN_ENDPOINT),
        Presentation((), form(sign(KEY, "ES256"), client_id="c", client_secret="s"), TOKEN_ENDPOINT),
    ):
        with pytest.raises(OAuthError) as caught:
            _extract(presentation)
        assert caught.value.error == "invalid_request"


@pytest.mark.parametrize(("changes", "error"), [
    ({"client_assertion_type": None}, "invalid_request"),
    ({"client_assertion": None}, "invalid_request"),
    ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "invalid_client"),
    ({"client_assertion": "nonsense"}, "invalid_client"),
    ({"client_assertion": "a.b.c"}, "invalid_client"),
    ({"client_assertion": sign(KEY, "ES256", {"iss": "c"})}, "invalid_client"),
    ({"client_assertion": sign(KEY, "ES256", {"sub": 1})}, "invalid_client"),
])  # fmt: skip
def test_half_an_assertion_is_invalid_request_and_a_broken_one_invalid_client(changes, error):
    with pytest.raises(OAuthError) as caught:
        _extract(Presentation((), form(**{"assertion": sign(KEY, "ES256"), **changes}), TOKEN_ENDPOINT))
    assert (caught.value.error, caught.value.status) == (error, 401 if error == "invalid_client" else 400)


# keys behind a URL


def uri_client():
    return client(jwks=None, jwks_uri="https://client.example/jwks")


def after(**passed):
    return NOW + timedelta(**passed)


async def signs(by, key, now, kid="k1"):
    made = claims(exp=seconds(now) + 60, iat=seconds(now))
    return await verify(sign(key, "ES256", made, kid=kid), uri_client(), by, now) is None


async def test_a_jwks_uri_is_fetched_once_and_kept():
    host = _Host(KEY)
    by = verifiers(host)
    assert all([await signs(by, KEY, after(seconds=passed)) for passed in (0, 1, 30, 59)])
    assert host.fetches == 1
    assert await signs(by, KEY, after(seconds=61))
    assert host.fetches == 2


async def test_a_jwks_is_kept_as_its_headers_say_within_an_hour():
    host = _Host(KEY, **{"cache-control": "max-age=600"})
    by = verifiers(host)
    for passed in (0, 61, 599):
        assert await signs(by, KEY, after(seconds=passed))
    assert host.fetches == 1
    assert await signs(by, KEY, after(seconds=601))
    assert host.fetches == 2
    host.headers["cache-control"] = "max-age=9999999"
    assert await signs(by, KEY, after(seconds=1300))
    assert await signs(by, KEY, after(seconds=1300 + 3601))
    assert host.fetches == 4


async def test_an_unknown_kid_fetches_again_at_most_once_a_minute():
    host, new = _Host(KEY, **{"cache-control": "max-age=3600"}), ECKey.generate_key("P-256", {"kid": "k2"})
    by = verifiers(host)
    assert await signs(by, KEY, NOW)
    for passed in (1, 10, 59):
        assert not await signs(by, new, after(seconds=passed), "k2")
    assert host.fetches == 1
    host.keys = (new,)
    assert await signs(by, new, after(seconds=60), "k2")
    assert host.fetches == 2
    assert not await signs(by, KEY, after(seconds=61)), "a key that is gone"
    for passed in (62, 90, 119):
        assert not await signs(by, KEY, after(seconds=passed), "k3")
    assert host.fetches == 2


async def test_old_keys_stay_while_the_host_is_away_for_a_day():
    host = _Host(KEY)
    by = verifiers(host)
    assert await signs(by, KEY, NOW)
    host.is_away = True
    assert await signs(by, KEY, after(hours=1))
    assert await signs(by, KEY, after(hours=23))
    assert not await signs(by, KEY, after(hours=25))


async def test_a_host_that_never_answered_is_tried_again_soon_but_not_each_time():
    host = _Host(KEY)
    host.is_away, by = True, verifiers(host)
    for passed in (0, 1, 2, 4):
        assert not await signs(by, KEY, after(seconds=passed))
    assert host.fetches == 1
    host.is_away = False
    assert await signs(by, KEY, after(seconds=5))


@pytest.mark.parametrize("media_type", ["text/html", "", "application/jwt", "text/plain"])
async def test_what_does_not_call_itself_json_is_no_key_set(media_type):
    host = _Host(KEY)
    host.media_type = media_type
    assert not await signs(verifiers(host), KEY, NOW)


async def test_keys_without_kid_that_changed_are_fetched_again():
    old, new = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    host = _Host(old, **{"cache-control": "max-age=3600"})
    by = verifiers(host)

    async def works(key, now):
        payload = json.dumps(claims(exp=seconds(now) + 60, iat=seconds(now))).encode()
        assertion = jws.serialize_compact({"alg": "ES256"}, payload, key, algorithms=["ES256"])
        return await verify(assertion, uri_client(), by, now) is None

    assert await works(old, NOW)
    host.keys = (new,)
    assert await works(new, after(seconds=70))
    assert not await works(old, after(seconds=71))

"""The real process: row P6.05.04, and what it answers to bad requests."""

import asyncio
import json
import time
from uuid import uuid4

import pytest
from joserfc.util import urlsafe_b64encode
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from tessera_shared.dpop import ALGS
from tessera_shared.jose.algorithms import generate
from tessera_shared.jose.jwt import mint

pytestmark = pytest.mark.integration

BARE = 'Bearer realm="tessera"'


@pytest.fixture
def get(http, rs):
    async def request(path, token=None, **options):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return await http.get(f"{rs.url}{path}", headers=headers, **options)

    return request


async def test_a_valid_token_is_answered_with_subject_client_and_scope(get, issuer):
    answer = await get("/resource", issuer.token())
    assert answer.status_code == 200
    assert answer.json() == {"sub": "alice", "client_id": "client", "scope": "openid profile"}
    assert answer.headers["cache-control"] == "no-store"


async def test_a_token_for_this_resource_or_the_issuer_is_accepted(get, issuer, rs):
    for audience in (rs.url, issuer.url, ["http://other", rs.url]):
        assert (await get("/resource", issuer.token(aud=audience))).status_code == 200


def unsigned(claims):
    header = json.dumps({"alg": "none", "typ": "at+jwt"}).encode()
    return f"{urlsafe_b64encode(header).decode()}.{urlsafe_b64encode(json.dumps(claims).encode()).decode()}."


def by_a_stranger(issuer):
    key = generate("ES256")
    kid = issuer.ring.public_jwks(issuer.ring.keys[0].active_from)["keys"][0]["kid"]
    return mint(issuer.claims(), key=key, kid=kid, alg="ES256", typ="at+jwt")


INVALID = {
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - 16),
    "not yet valid": lambda issuer: issuer.token(nbf=int(time.time()) + 60),
    "wrong signature": by_a_stranger,
    "wrong issuer": lambda issuer: issuer.token(iss="http://evil.example"),
    "wrong audience": lambda issuer: issuer.token(aud="http://other.example"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "no jti": lambda issuer: issuer.token(jti=None),
    "an ID token": lambda issuer: issuer.token(typ="JWT"),
    "an algorithm that is not for access tokens": lambda issuer: issuer.token(alg="RS256"),
    "unsigned": lambda issuer: unsigned(issuer.claims()),
    "malformed": lambda _: "not-a-token",
    "three dots": lambda _: "a.b.c",
    "huge": lambda _: "a" * 20_000,
    "cut": lambda issuer: issuer.token()[:-20],
}


@pytest.mark.parametrize("kind", INVALID)
async def test_an_invalid_token_is_401_with_a_challenge(get, issuer, kind):
    answer = await get("/resource", INVALID[kind](issuer))
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert answer.headers["www-authenticate"].startswith(BARE + ', error="invalid_token", error_description="')


async def test_without_a_token_the_challenge_names_no_error(get, rs, issuer):
    for answer in (await get("/resource"), await get(f"/resource?access_token={issuer.token()}")):
        assert answer.status_code == 401
        metadata = f"{rs.url}/.well-known/oauth-protected-resource"
        told = f'resource_metadata="{metadata}"'
        dpop = f'DPoP realm="tessera", algs="{" ".join(ALGS)}"'
        assert answer.headers["www-authenticate"] == f"{BARE}, {told}, {dpop}, {told}"


async def test_two_authorization_headers_are_400(http, rs, issuer):
    headers = [("authorization", f"Bearer {issuer.token()}")] * 2
    assert (await http.get(f"{rs.url}/resource", headers=headers)).status_code == 400


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/resource", None, 200),
        ("/resource", "anything", 200),
        ("/resource/profile", "openid profile", 200),
        ("/resource/profile", "openid email", 403),
        ("/resource/profile", None, 403),
        ("/resource/profile", "profiles", 403),
        ("/resource/email", "email", 200),
        ("/resource/email", "openid profile", 403),
    ],
)
async def test_each_resource_asks_for_its_scope(get, issuer, path, scope, status):
    answer = await get(path, issuer.token(scope=scope))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"] == "insufficient_scope"
        needed = path.rpartition("/")[2]
        assert answer.headers["www-authenticate"].startswith(BARE + ', error="insufficient_scope"')
        assert f', scope="{needed}"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("kind", ["jti", "grant_id", "client_id"])
async def test_a_revoked_token_is_refused_at_once_and_others_are_not(get, issuer, kind):
    revoked = {kind: uuid4().hex}
    token, other = issuer.token(**revoked), issuer.token()
    assert (await get("/resource", token)).status_code == 200
    await issuer.revoke(kind, revoked[kind])
    await asyncio.sleep(0.2)
    answer = await get("/resource", token)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert (await get("/resource", other)).status_code == 200


async def test_a_token_under_a_key_that_was_just_published_is_accepted(get, issuer):
    other = generate("ES256")
    token = mint(issuer.claims(), key=other, kid=other.kid, alg="ES256", typ="at+jwt")
    assert (await get("/resource", token)).status_code == 401
    published = issuer.ring.public_jwks(issuer.ring.keys[0].active_from)
    published["keys"].append(other.as_dict(private=False))
    await issuer.redis.swap("tessera:jwks", json.dumps(published))
    await issuer.redis.publish("tessera:jwks:changed", "changed")
    await asyncio.sleep(0.2)
    assert (await get("/resource", token)).status_code == 200
    assert (await get("/resource", issuer.token())).status_code == 200
    await issuer.publish()
    await asyncio.sleep(0.2)
    assert (await get("/resource", token)).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_another_method_is_405_as_json(http, rs, issuer, method):
    answer = await http.request(method, f"{rs.url}/resource", headers={"authorization": f"Bearer {issuer.token()}"})
    assert answer.status_code == 405
    assert answer.json()["error"] == "method_not_allowed"
    assert "GET" in answer.headers["allow"]


async def test_head_is_answered_as_get_without_a_body(http, rs, issuer):
    answer = await http.head(f"{rs.url}/resource", headers={"authorization": f"Bearer {issuer.token()}"})
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", ["/", "/resource/", "/resource/address", "/Resource", "/%00"])
async def test_an_unknown_path_is_404_as_json(get, issuer, path):
    answer = await get(path, issuer.token())
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_a_large_body_is_413(http, rs):
    assert (await http.post(f"{rs.url}/resource", content=b"x" * 70_000)).status_code == 413


async def test_health_is_ok(get):
    answer = await get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_the_openapi_document_is_valid_and_tells_every_path(get):
    document = (await get("/ui/swagger/doc.json")).json()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["info"]["title"] == "Tessera Resource Server"
    own = {"/resource", "/resource/profile", "/resource/email", "/resource/sensitive", "/health"}
    own |= {"/.well-known/oauth-protected-resource"}
    assert own | {"/ui/swagger", "/ui/swagger/doc.json", "/ui/swagger/{asset}"} == set(document["paths"])
    assert document["paths"]["/resource"]["get"]["security"] == [{"bearer": []}, {"dpop": []}]
    assert {"200", "401", "403", "503"} <= set(document["paths"]["/resource"]["get"]["responses"])


async def test_the_page_of_the_document_is_served(get):
    page = await get("/ui/swagger", follow_redirects=True)
    assert page.status_code == 200
    assert "<html" in page.text


async def test_a_thousand_requests_make_no_call_to_redis_or_the_database(get, issuer, own_database_as):
    owner = await own_database_as("owner")
    statements = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'tessera'"
    token = issuer.token()
    before, started = await owner.fetchval(statements), time.monotonic()
    for _ in range(1000):
        assert (await get("/resource", token)).status_code == 200
    seconds = time.monotonic() - started
    await asyncio.sleep(1.2)  # statistics are told about once a second
    assert await owner.fetchval(statements) - before < 10 + 5 * (seconds + 1.2)


async def test_no_token_reaches_the_log(get, issuer, rs):
    token = issuer.token()
    for sent in (token, token[:-4] + "AAAA", issuer.token(aud="http://other.example")):
        await get("/resource", sent)
        await get(f"/resource?access_token={sent}")
    log = rs.log.read_text()
    assert "refused" in log
    assert token.split(".")[1] not in log
    assert "eyJ" not in log

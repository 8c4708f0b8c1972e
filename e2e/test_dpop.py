"""DPoP (RFC 9449) at the pushed request, token and userinfo endpoints and the resource server."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey, OKPKey

from e2e import dpop
from e2e.browser import Browser
from e2e.clients import DEMO, DPOP_BOUND, FAPI2, PUBLIC
from e2e.conftest import PartyOf
from e2e.dpop import DpopKey
from e2e.relying_party import RelyingParty, base64url, error_of
from e2e.stack import Control, Stack

TOKEN, PAR = "/oauth2/v1/token", "/oauth2/v1/par"
USERINFO = "/oidc/v1/userinfo"


@pytest.fixture(scope="module")
def key() -> DpopKey:
    """A client's key."""
    return DpopKey()


def refused(response: httpx.Response, error: str = "invalid_dpop_proof", status: int = 400) -> bool:
    """Whether the token endpoint refuses it so."""
    return (response.status_code, error_of(response)) == (status, error)


def refused_at_resource(response: httpx.Response, error: str, scheme: str) -> bool:
    """Whether a resource refuses it so, in the scheme of the request (§7.1)."""
    challenge = response.headers.get("www-authenticate", "")
    return response.status_code == 401 and challenge.startswith(f'{scheme} realm="tessera", error="{error}"')


def key_for(alg: str) -> DpopKey:
    """A key for an algorithm."""
    match alg:
        case "ES256":
            return DpopKey()
        case "EdDSA" | "Ed25519":
            return DpopKey(OKPKey.generate_key("Ed25519"), alg)
        case _:
            return DpopKey.rsa(alg)


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])
def test_a_proof_binds_the_token_to_its_key(stack: Stack, demo: RelyingParty, alg: str) -> None:
    made = key_for(alg)
    answer = dpop.token(demo, made)
    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    assert answer.headers["dpop-nonce"]
    token = answer.json()["access_token"]
    assert demo.verify(token, "ES256")[1]["cnf"] == {"jkt": made.jkt}
    told = demo.introspect(token).json()
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": made.jkt})
    assert dpop.call_with(demo, f"{stack.rs}/resource", token, made).status_code == 200


def test_without_a_proof_the_token_is_a_bearer_token(demo: RelyingParty) -> None:
    answer = demo.token("client_credentials")
    assert answer.json()["token_type"] == "Bearer"
    assert "dpop-nonce" not in answer.headers
    assert "cnf" not in demo.verify(answer.json()["access_token"], "ES256")[1]


def now(seconds: int) -> int:
    """So many seconds from now."""
    return int(time.time()) + seconds


CRITICAL = base64url(b'{"alg": "ES256", "typ": "dpop+jwt", "crit": ["x"], "x": 1}')
WRONG: dict[str, Callable[[DpopKey, str], str]] = {
    "another method": lambda key, url: key.proof(url, "GET"),
    "a method in lower case": lambda key, url: key.proof(url, "post"),
    "no method": lambda key, url: key.proof(url, htm=None),
    "another path": lambda key, url: key.proof(url.replace("/token", "/par")),
    "another host": lambda key, _: key.proof("https://evil.example/oauth2/v1/token"),
    "another scheme": lambda key, url: key.proof(url.replace("http:", "https:")),
    "no url": lambda key, url: key.proof(url, htu=None),
    "no url at all": lambda key, _: key.proof("/oauth2/v1/token"),
    "an old time": lambda key, url: key.proof(url, iat=now(-62)),
    "a time to come": lambda key, url: key.proof(url, iat=now(62)),
    "no time": lambda key, url: key.proof(url, iat=None),
    "a time as text": lambda key, url: key.proof(url, iat="now"),
    "no jti": lambda key, url: key.proof(url, jti=None),
    "an empty jti": lambda key, url: key.proof(url, jti=""),
    "another type": lambda key, url: key.proof(url, header={"typ": "JWT"}),
    "no type": lambda key, url: key.proof(url, header={"typ": None}),
    "no key": lambda key, url: key.proof(url, header={"jwk": None}),
    "a private key": lambda key, url: key.proof(url, header={"jwk": key.key.as_dict(private=True)}),
    "another key": lambda key, url: key.proof(url, header={"jwk": DpopKey().key.as_dict(private=False)}),
    "a secret": lambda _, url: DpopKey(OctKey.generate_key(256), "HS256").proof(url),
    "a critical extension": lambda key, url: f"{CRITICAL}.{key.proof(url).split('.', 1)[1]}",
    "no JWT": lambda *_: "x",
    "two in one header": lambda key, url: f"{key.proof(url)}, {key.proof(url)}",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_proof_is_refused(stack: Stack, demo: RelyingParty, key: DpopKey, kind: str) -> None:
    sent = WRONG[kind](key, stack.authz + TOKEN)
    assert refused(dpop.post(demo, TOKEN, sent, grant_type="client_credentials"))


def test_two_headers_are_refused(stack: Stack, demo: RelyingParty, key: DpopKey) -> None:
    proofs = [key.proof(stack.authz + TOKEN) for _ in range(2)]
    assert refused(dpop.post(demo, TOKEN, *proofs, grant_type="client_credentials"))


def test_a_proof_is_taken_once(stack: Stack, demo: RelyingParty, key: DpopKey) -> None:
    once = key.proof(stack.authz + TOKEN)
    answers = [dpop.post(demo, TOKEN, once, grant_type="client_credentials") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 400, 400]
    assert refused(answers[1])


def test_query_and_fragment_case_and_default_port_do_not_matter(stack: Stack, demo: RelyingParty, key: DpopKey) -> None:
    for url in (f"{stack.authz}{TOKEN}?a=b#c", f"{stack.authz}{TOKEN}".replace("http://localhost", "HTTP://LOCALHOST")):
        assert dpop.post(demo, TOKEN, key.proof(url), grant_type="client_credentials").status_code == 200


def test_the_host_header_does_not_matter(stack: Stack, demo: RelyingParty, key: DpopKey) -> None:
    headers = {**demo.header_credentials(), "host": "evil.example"}
    for url, status in (("http://evil.example" + TOKEN, 400), (stack.authz + TOKEN, 200)):
        sent = {**headers, "dpop": key.proof(url)}
        data = {"grant_type": "client_credentials"}
        assert demo.http.post(stack.authz + TOKEN, data=data, headers=sent).status_code == status


def test_an_alias_is_a_url_of_its_own(stack: Stack, demo: RelyingParty, key: DpopKey) -> None:
    alias = "/oauth/token"
    assert dpop.post(demo, alias, key.proof(stack.authz + alias), grant_type="client_credentials").status_code == 200
    assert refused(dpop.post(demo, alias, key.proof(stack.authz + TOKEN), grant_type="client_credentials"))


def test_a_client_that_must_use_it_gets_nothing_without(party_of: PartyOf, key: DpopKey) -> None:
    party = party_of(DPOP_BOUND)
    answer = party.token("client_credentials")
    assert refused(answer)
    assert answer.headers["dpop-nonce"]
    assert dpop.token(party, key).json()["token_type"] == "DPoP"


def test_a_fapi2_clients_proof_is_not_by_rs256(party_of: PartyOf) -> None:
    party = party_of(FAPI2)
    assert refused(dpop.token(party, DpopKey.rsa("RS256")))
    assert dpop.token(party, DpopKey.rsa("PS256")).status_code == 200


def test_every_algorithm_told_is_told_at_the_resources_too(stack: Stack, http: httpx.Client) -> None:
    told = http.get(f"{stack.authz}/.well-known/oauth-authorization-server").json()["dpop_signing_alg_values_supported"]
    assert "none" not in told
    assert not any(alg.startswith("HS") for alg in told)
    for url in (f"{stack.rs}/resource", f"{stack.idp}{USERINFO}"):
        challenge = http.get(url).headers["www-authenticate"]
        assert challenge.startswith('Bearer realm="tessera"')
        assert f'DPoP realm="tessera", algs="{" ".join(told)}"' in challenge


# nonces


def test_a_nonce_that_was_given_is_taken_and_another_is_not(stack: Stack, demo: RelyingParty, key: DpopKey) -> None:
    nonce = dpop.token(demo, key).headers["dpop-nonce"]
    for sent, error in ((nonce, None), ("x", "use_dpop_nonce"), (nonce[::-1], "use_dpop_nonce")):
        proof = key.proof(stack.authz + TOKEN, nonce=sent)
        answer = dpop.post(demo, TOKEN, proof, grant_type="client_credentials")
        assert answer.status_code == 200 if error is None else refused(answer, error)
        assert answer.headers["dpop-nonce"] == nonce


def test_where_nonces_are_required_the_client_learns_one_and_any_replica_takes_it(
    stack: Stack, demo: RelyingParty, key: DpopKey, control: Control
) -> None:
    url = stack.authz + TOKEN
    elsewhere = dpop.token(demo, key).headers["dpop-nonce"]
    with control.authz_replica({"TESSERA_AUTHZ_DPOP__REQUIRE_NONCE": "true"}) as replica:

        def ask(**changes: Any) -> httpx.Response:
            proof = key.proof(url, **changes)
            return dpop.post(demo, TOKEN, proof, base=replica, grant_type="client_credentials")

        asked = ask()
        assert refused(asked, "use_dpop_nonce")
        assert ask(nonce=asked.headers["dpop-nonce"]).status_code == 200
        assert ask(nonce=elsewhere).status_code == 200, "given by another replica"
        assert demo.post(TOKEN, base=replica, grant_type="client_credentials").status_code == 200, "no proof, no nonce"


# users' tokens


def test_a_public_clients_refresh_token_is_bound_to_the_key(
    stack: Stack, party_of: PartyOf, browser: Browser, key: DpopKey
) -> None:
    party = party_of(PUBLIC)
    tokens = dpop.redeem(party, key, party.get_code(browser)).json()
    assert tokens["token_type"] == "DPoP"
    for answer in (
        party.refresh(tokens["refresh_token"]),
        dpop.token(party, DpopKey(), "refresh_token", refresh_token=tokens["refresh_token"]),
    ):
        assert refused(answer, "invalid_grant")
    refreshed = dpop.token(party, key, "refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.json()["token_type"] == "DPoP"
    assert dpop.call_with(party, f"{stack.rs}/resource", refreshed.json()["access_token"], key).status_code == 200
    again = dpop.token(party, DpopKey(), "refresh_token", refresh_token=refreshed.json()["refresh_token"])
    assert refused(again, "invalid_grant"), "the successor is bound too"


def test_a_confidential_client_may_refresh_with_a_new_key(
    stack: Stack, demo: RelyingParty, browser: Browser, key: DpopKey
) -> None:
    tokens = dpop.redeem(demo, key, demo.get_code(browser)).json()
    new = DpopKey()
    refreshed = dpop.token(demo, new, "refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert demo.verify(refreshed["access_token"], "ES256")[1]["cnf"] == {"jkt": new.jkt}
    assert dpop.call_with(demo, f"{stack.rs}/resource", refreshed["access_token"], new).status_code == 200


def test_a_code_bound_by_dpop_jkt_is_redeemed_with_that_key_only(
    demo: RelyingParty, browser: Browser, key: DpopKey
) -> None:
    code = demo.get_code(browser, dpop_jkt=key.jkt)
    for answer in (demo.redeem(code), dpop.redeem(demo, DpopKey(), code)):
        assert refused(answer, "invalid_grant")
    assert dpop.redeem(demo, key, code).json()["token_type"] == "DPoP"


def test_a_proof_at_the_push_binds_the_code(stack: Stack, demo: RelyingParty, browser: Browser, key: DpopKey) -> None:
    pushed = dpop.post(demo, PAR, key.proof(stack.authz + PAR), **demo.authorization_request())
    assert pushed.status_code == 201, pushed.text
    assert pushed.headers["dpop-nonce"]
    code = pushed_code(demo, browser, pushed)
    assert refused(dpop.redeem(demo, DpopKey(), code), "invalid_grant")
    assert dpop.redeem(demo, key, code).status_code == 200


def pushed_code(party: RelyingParty, browser: Browser, pushed: httpx.Response) -> str:
    """The code of a pushed request."""
    request_uri = pushed.json()["request_uri"]
    left_out = dict.fromkeys(party.authorization_request(), None)
    return party.get_code(browser, **{**left_out, "client_id": party.client.client_id, "request_uri": request_uri})


def test_a_push_with_another_key_than_dpop_jkt_or_a_wrong_proof_is_refused(
    stack: Stack, demo: RelyingParty, key: DpopKey
) -> None:
    request = demo.authorization_request()
    other = dpop.post(demo, PAR, key.proof(stack.authz + PAR), **{**request, "dpop_jkt": DpopKey().jkt})
    wrong = dpop.post(demo, PAR, key.proof(stack.authz + TOKEN), **request)
    assert refused(other)
    assert refused(wrong)
    agreed = dpop.post(demo, PAR, key.proof(stack.authz + PAR), **{**request, "dpop_jkt": key.jkt})
    assert agreed.status_code == 201


# resources


@pytest.fixture
def bound(demo: RelyingParty, alice: Browser, key: DpopKey) -> str:
    """A user's access token, bound to the key."""
    return str(dpop.redeem(demo, key, demo.get_code(alice)).json()["access_token"])


def test_userinfo_takes_a_bound_token_by_get_and_post(
    stack: Stack, demo: RelyingParty, bound: str, key: DpopKey
) -> None:
    for method in ("GET", "POST"):
        answer = dpop.call_with(demo, stack.idp + USERINFO, bound, key, method)
        assert answer.status_code == 200, answer.text
        assert answer.json()["sub"]
        assert answer.headers["dpop-nonce"]


@pytest.mark.parametrize("place", ["rs", "idp"])
def test_a_resource_refuses_a_wrong_proof(
    stack: Stack, demo: RelyingParty, bound: str, key: DpopKey, place: str
) -> None:
    url = f"{stack.rs}/resource" if place == "rs" else stack.idp + USERINFO
    right = key.proof(url, "GET", token=bound)
    wrong = [
        [],
        [right, key.proof(url, "GET", token=bound)],
        [key.proof(url, "POST", token=bound)],
        [key.proof(f"{url}/x", "GET", token=bound)],
        [key.proof(url, "GET")],
        [key.proof(url, "GET", token=bound + "x")],
        [key.proof(url, "GET", token=bound, iat=now(-62))],
        [key.proof(url, "GET", token=bound, iat=now(62))],
        [key.proof(url, "GET", token=bound, jti=None)],
        [DpopKey().proof(url, "GET", token=bound)],
        ["x"],
    ]
    for proofs in wrong:
        answer = dpop.call(demo, url, bound, proofs)
        assert refused_at_resource(answer, "invalid_dpop_proof", "DPoP")
        assert answer.headers["dpop-nonce"]
    old = dpop.call(demo, url, bound, [key.proof(url, "GET", token=bound, nonce="x")])
    assert refused_at_resource(old, "use_dpop_nonce", "DPoP")
    given = key.proof(url, "GET", token=bound, nonce=old.headers["dpop-nonce"])
    assert dpop.call(demo, url, bound, [given]).status_code == 200
    assert refused_at_resource(dpop.call(demo, url, bound, [given]), "invalid_dpop_proof", "DPoP"), "used"


@pytest.mark.parametrize("place", ["rs", "idp"])
def test_schemes_are_not_exchanged(
    stack: Stack, demo: RelyingParty, alice: Browser, bound: str, key: DpopKey, place: str
) -> None:
    url = f"{stack.rs}/resource" if place == "rs" else stack.idp + USERINFO
    as_bearer = dpop.call(demo, url, bound, [key.proof(url, "GET", token=bound)], scheme="Bearer")
    assert refused_at_resource(as_bearer, "invalid_token", "Bearer")
    unbound = demo.get_tokens(alice)["access_token"]
    assert refused_at_resource(dpop.call_with(demo, url, unbound, key), "invalid_token", "DPoP")
    beside = dpop.call(demo, url, unbound, ["nonsense"], scheme="Bearer")
    assert beside.status_code == 200


def test_a_bound_token_in_the_form_is_refused(stack: Stack, demo: RelyingParty, bound: str, key: DpopKey) -> None:
    url = stack.idp + USERINFO
    headers = {"dpop": key.proof(url, "POST", token=bound)}
    answer = demo.http.post(url, data={"access_token": bound}, headers=headers)
    assert refused_at_resource(answer, "invalid_token", "Bearer")


def test_a_proof_for_one_place_is_none_for_another(stack: Stack, demo: RelyingParty, bound: str, key: DpopKey) -> None:
    at_rs = key.proof(f"{stack.rs}/resource", "GET", token=bound)
    assert refused_at_resource(dpop.call(demo, stack.idp + USERINFO, bound, [at_rs]), "invalid_dpop_proof", "DPoP")
    assert refused(dpop.post(demo, TOKEN, at_rs, grant_type="client_credentials"))


def test_a_revoked_bound_token_is_refused(stack: Stack, demo: RelyingParty, bound: str, key: DpopKey) -> None:
    assert demo.revoke(bound).status_code == 200
    assert refused_at_resource(dpop.call_with(demo, f"{stack.rs}/resource", bound, key), "invalid_token", "DPoP")
    assert not demo.is_active(bound)


def test_the_scope_counts_as_ever(stack: Stack, demo: RelyingParty, key: DpopKey) -> None:
    token = dpop.token(demo, key, scope="profile").json()["access_token"]
    assert dpop.call_with(demo, f"{stack.rs}/resource/profile", token, key).status_code == 200
    lacking = dpop.call_with(demo, f"{stack.rs}/resource/email", token, key)
    assert lacking.status_code == 403
    assert lacking.headers["www-authenticate"].startswith('DPoP realm="tessera", error="insufficient_scope"')


def test_neither_proofs_nor_assertions_are_in_the_logs(
    stack: Stack, party_of: PartyOf, control: Control, key: DpopKey
) -> None:
    party = party_of(FAPI2)
    proof, form = key.proof(stack.authz + TOKEN), party.form_credentials()
    answer = dpop.post(party, TOKEN, proof, grant_type="client_credentials", **form)
    assert answer.status_code == 200
    for secret in (proof, str(form["client_assertion"]), answer.json()["access_token"]):
        assert control.log_lines(secret) == []
        assert control.log_lines(secret.rsplit(".", 1)[1]) == []
    assert DEMO.secret
    assert control.log_lines(DEMO.secret) == []

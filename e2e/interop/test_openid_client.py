"""npm openid-client: what its checks accept, and what they refuse on the way."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from e2e.browser import Answer
from e2e.clients import DEMO, EVERY_SCOPE, PUBLIC, SERVICE
from e2e.conftest import PartyOf
from e2e.interop.node import ForeignError, Node, Visit
from e2e.interop.scenario import Known, of
from e2e.stack import OTHER_RESOURCE, Stack


@pytest.fixture
def known(party_of: PartyOf) -> Known:
    """The demo client and what it asks for, as scripts read it."""
    return of(party_of(DEMO).client)


def asked(result: dict[str, Any]) -> dict[str, list[str]]:
    """The parameters of the authorization request that went through the browser."""
    return parse_qs(urlsplit(result["url"]).query)


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
def test_both_discoveries_are_accepted(node: Node, known: Known, stack: Stack, algorithm: str) -> None:
    found = node.run("discovery", algorithm=algorithm, **known)
    assert found["issuer"] == stack.issuer
    assert found["authorization_response_iss_parameter_supported"] is True


def test_code_with_pkce_to_revocation(node: Node, known: Known, stack: Stack, user: Visit) -> None:
    result = node.run("authorization_code", user, resource=f"{stack.rs}/resource/profile", **known)
    assert result["tokens"]["token_type"] == "bearer"
    assert result["claims"]["aud"] == "demo-client"
    assert result["userinfo"]["sub"] == result["claims"]["sub"] == result["resource"]["sub"]
    assert result["userinfo"]["email_verified"] is True
    assert result["introspection"]["active"] is True
    assert result["refreshed"]["refresh_token"] != result["tokens"]["refresh_token"]
    assert result["after_revocation"] == {"active": False}


def test_public_client_needs_no_secret(node: Node, party_of: PartyOf, user: Visit) -> None:
    result = node.run("authorization_code", user, **of(party_of(PUBLIC).client))
    assert result["claims"]["aud"] == PUBLIC.client_id
    assert result["refreshed"]["access_token"]


def test_client_secret_post_with_every_scope(node: Node, party_of: PartyOf, user: Visit) -> None:
    client = party_of(EVERY_SCOPE).client
    result = node.run("authorization_code", user, **of(client, prompt="consent"))
    assert {"address", "phone_number", "birthdate"} <= set(result["userinfo"])
    assert "offline_access" in result["introspection"]["scope"]


def test_pushed_request(node: Node, known: Known, user: Visit) -> None:
    result = node.run("authorization_code", user, pushed=True, **known)
    assert set(asked(result)) == {"client_id", "request_uri"}
    assert result["claims"]["nonce"]


@pytest.mark.parametrize("pushed", [False, True])
def test_signed_answer(node: Node, known: Known, user: Visit, pushed: bool) -> None:  # noqa: FBT001
    result = node.run("authorization_code", user, signed_answer=True, pushed=pushed, **known)
    assert result["claims"]["aud"] == "demo-client"


def test_answer_posted_by_a_form(node: Node, known: Known, user: Visit) -> None:
    arrived: list[Answer] = []

    def watched(url: str) -> Answer:
        arrived.append(user(url))
        return arrived[-1]

    known["parameters"] = {"response_mode": "form_post"}
    assert node.run("authorization_code", watched, **known)["claims"]["sub"]
    assert arrived[0].posted is not None
    assert "code" in arrived[0].posted


def test_token_for_a_resource(node: Node, party_of: PartyOf, stack: Stack, user: Visit) -> None:
    known = of(party_of(DEMO).client, resource=stack.rs)
    result = node.run("authorization_code", user, resource=f"{stack.rs}/resource/email", **known)
    assert result["introspection"]["aud"] == stack.rs
    assert result["resource"]["client_id"] == "demo-client"


def test_client_credentials_to_revocation(node: Node, party_of: PartyOf) -> None:
    known = of(party_of(SERVICE).client)
    known["parameters"] = {"scope": "reports:read", "resource": OTHER_RESOURCE}
    result = node.run("client_credentials", **known)
    assert result["tokens"]["scope"] == "reports:read" or "scope" not in result["tokens"]
    assert result["introspection"]["sub"] == f"client:{SERVICE.client_id}"
    assert result["introspection"]["aud"] == OTHER_RESOURCE
    assert result["after_revocation"] == {"active": False}


def test_wrong_secret_is_understood(node: Node, known: Known) -> None:
    known["client"]["client_secret"] = "wrong"
    with pytest.raises(ForeignError) as refused:
        node.run("client_credentials", **known)
    assert refused.value.told["status"] == 401


def test_login_required_is_understood(node: Node, known: Known, user: Visit) -> None:
    with pytest.raises(ForeignError) as refused:
        node.run("authorization_code", user, **known | {"parameters": {"prompt": "none", "max_age": "0"}})
    assert refused.value.told["error"] == "login_required"


def changed(user: Visit, **values: str) -> Visit:
    """A browser that brings back other values than those that were sent."""

    def visit(url: str) -> Answer:
        answer = user(url)
        query = {**answer.query, **values}
        return replace(answer, url=str(httpx.URL(answer.url.partition("?")[0], params=query)), query=query)

    return visit


@pytest.mark.parametrize(
    ("values", "complaint"),
    [({"iss": "https://evil.example"}, '"iss"'), ({"state": "made-up"}, '"state"')],
)
def test_changed_answers_are_refused_by_the_client(
    node: Node, known: Known, user: Visit, values: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ForeignError) as refused:
        node.run("authorization_code", changed(user, **values), **known)
    assert complaint in refused.value.messages


def test_id_token_of_another_request_is_refused_by_the_client(node: Node, known: Known, user: Visit) -> None:
    with pytest.raises(ForeignError) as refused:
        node.run(
            "authorization_code", lambda url: user(str(httpx.URL(url).copy_set_param("nonce", "another"))), **known
        )
    assert "nonce" in refused.value.messages


def test_tampered_id_token_is_refused_by_the_client(node: Node, known: Known, user: Visit) -> None:
    with pytest.raises(ForeignError) as refused:
        node.run("authorization_code", user, tamper=True, **known)
    assert "signature" in refused.value.messages

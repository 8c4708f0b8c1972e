"""npm openid-client: every way to authenticate, signed requests, bound tokens and registration."""

import httpx
import pytest

from e2e.clients import CALLBACK
from e2e.interop.conftest import Register
from e2e.interop.node import ForeignError, Node, Visit
from e2e.interop.scenario import KEYS, asking, private, public
from e2e.relying_party import bearer
from e2e.stack import Stack

SECRET_METHODS = ["client_secret_basic", "client_secret_post", "client_secret_jwt"]


@pytest.mark.parametrize("method", SECRET_METHODS)
def test_secret_authenticates_everywhere(node: Node, registered: Register, user: Visit, method: str) -> None:
    client = registered(token_endpoint_auth_method=method)
    known = asking(client, redirect_uri=CALLBACK, scope=client["scope"])
    result = node.run("authorization_code", user, pushed=True, **known)
    assert result["introspection"]["client_id"] == client["client_id"]
    assert result["after_revocation"] == {"active": False}


@pytest.mark.parametrize("algorithm", KEYS)
def test_key_authenticates_everywhere(node: Node, registered: Register, user: Visit, algorithm: str) -> None:
    client = registered(token_endpoint_auth_method="private_key_jwt", jwks=public(algorithm))
    known = asking(client, redirect_uri=CALLBACK, scope=client["scope"])
    result = node.run("authorization_code", user, pushed=True, key=private(algorithm), **known)
    assert result["introspection"]["client_id"] == client["client_id"]
    assert result["after_revocation"] == {"active": False}


def test_key_that_was_not_registered_is_refused(node: Node, registered: Register) -> None:
    client = registered(token_endpoint_auth_method="private_key_jwt", jwks=public("ES256"))
    with pytest.raises(ForeignError) as refused:
        node.run("client_credentials", client=client, key=private("RS256"))
    assert (refused.value.told["status"], refused.value.told["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "Ed25519"])
def test_signed_request(node: Node, registered: Register, user: Visit, algorithm: str, pushed: bool) -> None:  # noqa: FBT001
    client = registered(jwks=public(algorithm), require_signed_request_object=True)
    known = asking(client, redirect_uri=CALLBACK, scope=client["scope"])
    result = node.run("authorization_code", user, signed=True, pushed=pushed, key=private(algorithm), **known)
    assert result["claims"]["aud"] == client["client_id"]


def test_unsigned_request_is_refused_where_signatures_are_required(
    node: Node, registered: Register, user: Visit
) -> None:
    client = registered(jwks=public("ES256"), require_signed_request_object=True)
    with pytest.raises(ForeignError) as refused:
        node.run("authorization_code", user, **asking(client, redirect_uri=CALLBACK, scope=client["scope"]))
    assert refused.value.told["error"] == "invalid_request"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_id_token_is_signed_as_registered(node: Node, registered: Register, user: Visit, algorithm: str) -> None:
    client = registered(id_token_signed_response_alg=algorithm, authorization_signed_response_alg=algorithm)
    known = asking(client, redirect_uri=CALLBACK, scope=client["scope"])
    assert node.run("authorization_code", user, signed_answer=True, **known)["claims"]["sub"]


def test_registered_client_works_at_once(node: Node, stack: Stack) -> None:
    metadata = {
        "client_name": "By itself",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": public("ES256"),
        "scope": "profile",
    }
    result = node.run("registration", metadata=metadata, key=private("ES256"))
    assert result["client"]["registration_client_uri"].startswith(stack.issuer)
    assert result["tokens"]["access_token"]


def test_refused_registration_is_understood(node: Node) -> None:
    metadata = {"redirect_uris": ["http://evil.example/callback"], "token_endpoint_auth_method": "none"}
    with pytest.raises(ForeignError) as refused:
        node.run("registration", metadata=metadata)
    assert refused.value.told["error"] == "invalid_redirect_uri"


def test_registered_client_manages_itself_until_it_is_gone(node: Node, http: httpx.Client) -> None:
    metadata = {
        "client_name": "First name",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "profile",
    }
    client = node.run("registration", metadata=metadata)["client"]
    own = {"url": client["registration_client_uri"], "headers": bearer(client["registration_access_token"])}
    assert http.get(**own).json()["client_name"] == "First name"
    renamed = http.put(**own, json={**metadata, "client_id": client["client_id"], "client_name": "Second name"})
    assert renamed.json()["client_name"] == "Second name"
    known = client
    assert node.run("client_credentials", client=known)["introspection"]["client_id"] == client["client_id"]

    assert http.delete(**own).status_code == 204
    with pytest.raises(ForeignError) as refused:
        node.run("client_credentials", client=known)
    assert refused.value.told["status"] == 401
    assert http.get(**own).status_code == 401

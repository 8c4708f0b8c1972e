"""The foreign clients of a test: the scripts of Node.js, and what they need to know of the stack."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from e2e.browser import Browser
from e2e.clients import CALLBACK, PASSWORD, USERNAME
from e2e.document_host import DocumentHost, document_host
from e2e.interop.node import Node, Visit, install
from e2e.stack import Stack

Register = Callable[..., dict[str, Any]]

_METADATA = {
    "client_name": "Foreign",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    "response_types": ["code"],
    "scope": "openid profile email",
}


@pytest.fixture(scope="session")
def _packages() -> None:
    """The packages of npm."""
    install()


@pytest.fixture
def node(_packages: None, stack: Stack, add_request_id: Callable[[httpx.Request], None]) -> Node:
    """Runs scripts against the stack; their requests carry the test's request id."""
    request = httpx.Request("GET", stack.issuer)
    add_request_id(request)
    return Node({"issuer": stack.issuer, "request_id": request.headers["x-request-id"]}, {})


@pytest.fixture
def user(browser: Browser) -> Visit:
    """Alice in a browser without JavaScript: logs in, allows, and brings back what arrived at the redirect URI."""
    return lambda url: browser.authorize(url, USERNAME, PASSWORD)


@pytest.fixture
def registered(stack: Stack, http: httpx.Client) -> Register:
    """Registers clients (RFC 7591); all the metadata that comes back, as a foreign client wants it."""
    metadata = http.get(f"{stack.issuer}/.well-known/oauth-authorization-server").json()
    if "registration_endpoint" not in metadata:
        pytest.skip("this stack registers no clients")

    def register(**wanted: Any) -> dict[str, Any]:
        response = http.post(metadata["registration_endpoint"], json={**_METADATA, **wanted})
        assert response.status_code == httpx.codes.CREATED, response.text
        return dict(response.json())

    return register


@pytest.fixture
def documents(stack: Stack) -> Iterator[DocumentHost]:
    """Where clients publish metadata documents."""
    if stack.kind == "url":
        pytest.skip("this stack does not fetch from the tests' own server")
    with document_host(outside=stack.kind == "compose") as host:
        yield host

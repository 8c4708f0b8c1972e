"""The foreign clients of a test: the scripts of Node.js, and what they need to know of the stack."""

from collections.abc import Callable

import httpx
import pytest

from e2e.browser import Browser
from e2e.clients import PASSWORD, USERNAME
from e2e.interop.node import Node, Visit, install
from e2e.stack import Stack


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

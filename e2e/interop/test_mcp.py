"""PyPI mcp: the OAuth client of MCP hosts, from the resource's challenge to a call with a token."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import httpx2
import pytest
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from e2e.browser import Answer, Browser
from e2e.clients import CALLBACK
from e2e.document_host import DocumentHost
from e2e.interop.node import Visit
from e2e.relying_party import unverified
from e2e.stack import Stack


@dataclass(slots=True)
class Host:
    """An MCP host: what it remembers, and the user in front of it."""

    user: Visit
    visited: list[str] = field(default_factory=list)
    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None
    answer: Answer | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """What was stored."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Store it."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """What was stored."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Store it."""
        self.client = client_info

    async def send(self, url: str) -> None:
        """Send the user to the authorization endpoint."""
        self.visited.append(url)
        self.answer = self.user(url)

    async def receive(self) -> AuthorizationCodeResult:
        """What arrived at the redirect URI."""
        assert self.answer is not None
        query = self.answer.query
        return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))

    def provider(self, server_url: str, method: str, client_id: str | None = None) -> OAuthClientProvider:
        """The SDK's client for a server; a client_id is the address of a metadata document."""
        metadata = OAuthClientMetadata(
            client_name="MCP host",
            redirect_uris=[CALLBACK],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            token_endpoint_auth_method=method,
        )
        return OAuthClientProvider(server_url, metadata, self, self.send, self.receive, client_id)


@pytest.fixture
async def mcp_http(add_request_id: Callable[[httpx.Request], None]) -> AsyncIterator[httpx2.AsyncClient]:
    """The HTTP client of the SDK."""

    async def add(request: httpx2.Request) -> None:
        add_request_id(request)

    async with httpx2.AsyncClient(trust_env=False, timeout=30, event_hooks={"request": [add]}) as opened:
        yield opened


@pytest.mark.parametrize("method", ["none", "client_secret_post", "client_secret_basic"])
async def test_challenge_leads_to_a_token_for_the_resource(
    stack: Stack, user: Visit, mcp_http: httpx2.AsyncClient, method: str
) -> None:
    host = Host(user)
    url = f"{stack.rs}/resource/profile"
    response = await mcp_http.get(url, auth=host.provider(url, method))
    assert response.status_code == 200, response.text
    assert host.client is not None
    assert response.json()["client_id"] == host.client.client_id
    asked = parse_qs(urlsplit(host.visited[0]).query)
    assert asked["resource"] == [stack.rs]
    assert host.tokens is not None
    assert host.tokens.refresh_token


async def test_metadata_document_stands_for_the_registration(
    stack: Stack, user: Visit, mcp_http: httpx2.AsyncClient, documents: DocumentHost
) -> None:
    metadata = {"client_name": "MCP host", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    grants = {"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]}
    client_id = documents.publish("/mcp/host.json", **metadata, **grants)
    host = Host(user)
    url = f"{stack.rs}/resource/profile"
    response = await mcp_http.get(url, auth=host.provider(url, "none", client_id))
    assert response.status_code == 200, response.text
    assert response.json()["client_id"] == client_id
    assert documents.host.asked == ["/mcp/host.json"]


async def test_document_that_names_another_client_is_refused(
    stack: Stack, browser: Browser, documents: DocumentHost
) -> None:
    other = documents.publish("/other.json", redirect_uris=[CALLBACK])
    documents.host.answers["/posing.json"] = documents.host.answers["/other.json"]
    posing = other.replace("/other.json", "/posing.json")
    asked = {"client_id": posing, "redirect_uri": CALLBACK, "response_type": "code"}
    page = browser.show(f"{stack.authz}/oauth2/v1/authorize?{urlencode(asked)}")
    assert page.status in (400, 401)


async def test_stored_client_and_refresh_token_are_used_again(
    stack: Stack, user: Visit, mcp_http: httpx2.AsyncClient
) -> None:
    host = Host(user)
    url = f"{stack.rs}/resource/profile"
    first = host.provider(url, "none")
    assert (await mcp_http.get(url, auth=first)).status_code == 200
    before = host.tokens
    first.context.token_expiry_time = 1
    assert (await mcp_http.get(url, auth=first)).status_code == 200
    assert host.tokens is not None
    assert before is not None
    assert host.tokens.access_token != before.access_token
    assert len(host.visited) == 1


async def test_insufficient_scope_makes_the_client_ask_for_more(
    stack: Stack, user: Visit, mcp_http: httpx2.AsyncClient
) -> None:
    host = Host(user)
    url = f"{stack.rs}/resource/email"
    assert (await mcp_http.get(url, auth=host.provider(url, "none"))).status_code == 200
    assert host.tokens is not None
    assert host.client is not None
    narrowing = {
        "grant_type": "refresh_token",
        "refresh_token": host.tokens.refresh_token,
        "client_id": host.client.client_id,
        "scope": "profile",
    }
    narrowed = await mcp_http.post(f"{stack.authz}/oauth2/v1/token", data=narrowing)
    host.tokens = OAuthToken.model_validate(narrowed.json())
    assert (await mcp_http.get(url, auth=host.provider(url, "none"))).status_code == 200
    assert len(host.visited) == 2
    assert "email" in parse_qs(urlsplit(host.visited[1]).query)["scope"][0].split()


async def test_answer_of_another_issuer_is_refused_by_the_client(
    stack: Stack, user: Visit, mcp_http: httpx2.AsyncClient
) -> None:
    def confused(url: str) -> Answer:
        answer = user(url)
        return replace(answer, query={**answer.query, "iss": "https://evil.example"})

    host = Host(confused)
    url = f"{stack.rs}/resource/profile"
    with pytest.raises(OAuthFlowError, match="iss"):
        await mcp_http.get(url, auth=host.provider(url, "none"))


async def test_token_is_for_the_resource_alone(stack: Stack, user: Visit, mcp_http: httpx2.AsyncClient) -> None:
    host = Host(user)
    url = f"{stack.rs}/resource/profile"
    await mcp_http.get(url, auth=host.provider(url, "none"))
    assert host.tokens is not None
    _, payload = unverified(host.tokens.access_token)
    assert f'"aud":"{stack.rs}"'.encode() in payload.replace(b" ", b"")
    headers = {"authorization": f"Bearer {host.tokens.access_token}"}
    userinfo = await mcp_http.get(f"{stack.idp}/oidc/v1/userinfo", headers=headers)
    assert userinfo.status_code == 401

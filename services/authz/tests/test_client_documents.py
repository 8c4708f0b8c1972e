"""Client ID metadata documents on a real PostgreSQL: fetched once, checked, kept in bounds, never for other ids."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from tessera_authz.client_documents import ClientDocuments, DocumentRules
from tessera_authz.protocol.client_document import is_document_id
from tessera_authz.protocol.client_metadata import Supported
from tessera_authz.protocol.registration_policy import Bounds
from tessera_authz.store import registration
from tessera_authz.store.clients import ClientDirectory
from tessera_shared.claims import ACR_VALUES
from tessera_shared.errors import OAuthError
from tessera_shared.fetch import Fetched, NotFetched

pytestmark = pytest.mark.integration

DOCUMENT_ID = "https://mcp.example/client.json"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Pages:
    """Answers what a test says, and counts how often it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def get(self, _url, _accept):
        """As the fetcher does."""
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(media_type="application/json", **changes):
    content = {"client_id": DOCUMENT_ID, "client_name": "MCP", "redirect_uris": ["http://127.0.0.1/cb"], **changes}
    headers = {"content-type": media_type, "cache-control": "max-age=600"}
    return Fetched(200, headers, json.dumps(content).encode())


async def all_open():
    return Bounds(("openid", "profile"), ("authorization_code", "refresh_token"), "oauth21")


def documents(database, pages):
    supported = Supported(
        auth_methods=("none", "private_key_jwt"),
        default_auth_method="none",
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        response_types=("code",),
        default_scope=(),
        algs={},
    )
    return ClientDocuments(database, pages, DocumentRules(supported, frozenset(), 100, all_open))


@pytest.fixture
async def fresh(fresh_database_as):
    return await fresh_database_as("authz")


async def test_a_document_becomes_a_client_that_is_fetched_once(fresh):
    levels = ["urn:example:gold", ACR_VALUES[1]]
    grant_types = ["authorization_code", "refresh_token", "urn:other"]
    pages = Pages(page(grant_types=grant_types, scope="openid unknown", default_acr_values=levels))
    directory = ClientDirectory(fresh, lambda _: None, documents(fresh, pages).renew)
    found = await asyncio.gather(*(directory.find(DOCUMENT_ID) for _ in range(10)))
    assert {record.client.client_name for record in found} == {"MCP"}
    client = found[0].client
    assert (client.scope, client.is_public) == (("openid",), True)
    assert client.grant_types == ("authorization_code", "refresh_token")
    assert client.default_acr_values == (ACR_VALUES[1],)
    assert pages.asked == 1
    assert (await ClientDirectory(fresh, lambda _: None).find_known(DOCUMENT_ID)).client == client


@pytest.mark.parametrize(
    "answer",
    [
        NotFetched("the host has an address that is not public"),
        page(client_id="https://other.example/client.json"),
        page(client_id=None),
        page(client_secret="s"),
        page(token_endpoint_auth_method="client_secret_basic"),
        page(redirect_uris=["javascript:alert(1)"]),
        page(redirect_uris=[]),
        page(logo_uri="data:text/html,x"),
        page(media_type="text/html"),
        page(profile="oidc"),
        Fetched(200, {"content-type": "application/json"}, b"[]"),
        Fetched(200, {"content-type": "application/json"}, b'{"client_id": 1, "client_id": 2}'),
        Fetched(200, {"content-type": "application/json"}, b"\xff"),
        Fetched(200, {"content-type": "application/json"}, b'{"a": ' * 5000),
    ],
    ids=str,
)
async def test_a_document_that_cannot_be_used_is_refused_and_not_asked_for_again_at_once(fresh, answer):
    pages = Pages(answer)
    made = documents(fresh, pages)
    for _ in range(3):
        with pytest.raises(OAuthError) as caught:
            await made.renew(DOCUMENT_ID, None, NOW)
        assert caught.value.error == "invalid_client"
    assert pages.asked == 1
    assert await registration.find(fresh, DOCUMENT_ID) is None


async def test_a_pairwise_document_has_the_sector_of_its_redirect_uris_and_keeps_it(fresh):
    served = {"subject_type": "pairwise", "redirect_uris": ["https://a.example/cb"]}
    sector = {"sector_identifier_uri": "https://other.example/uris", "request_object_encryption_alg": "RSA-OAEP"}
    pages = Pages(page(**served, **sector))
    known = documents(fresh, pages)
    assert await known.renew(DOCUMENT_ID, None, NOW)
    client = (await ClientDirectory(fresh, lambda _: None).find_known(DOCUMENT_ID)).client
    assert client.sector == "a.example"
    pages.answers = [page(subject_type="pairwise", redirect_uris=["https://moved.example/cb"])]
    later = NOW + timedelta(days=2)
    with pytest.raises(OAuthError) as caught:
        await known.renew(DOCUMENT_ID, NOW, later)
    assert caught.value.error == "invalid_client"
    stored = (await ClientDirectory(fresh, lambda _: None).find_known(DOCUMENT_ID)).client
    assert stored.redirect_uris == ("https://a.example/cb",)


async def test_a_stale_document_is_fetched_again_and_kept_for_an_hour_while_its_host_is_away(fresh):
    pages = Pages(page(), page(client_name="Renamed"), NotFetched("away"))
    made = documents(fresh, pages)
    await made.renew(DOCUMENT_ID, None, NOW)
    fresh_until = NOW + timedelta(minutes=10)
    assert (await registration.find(fresh, DOCUMENT_ID)).fresh_until == fresh_until
    await made.renew(DOCUMENT_ID, fresh_until, fresh_until)
    assert (await registration.find(fresh, DOCUMENT_ID)).metadata["client_name"] == "Renamed"
    later = fresh_until + timedelta(minutes=30)
    assert await made.renew(DOCUMENT_ID, fresh_until + timedelta(minutes=10), later)
    with pytest.raises(OAuthError):
        await made.renew(DOCUMENT_ID, fresh_until, fresh_until + timedelta(minutes=90))


async def test_a_client_that_an_administrator_made_is_never_fetched(fresh):
    await fresh.execute("INSERT INTO authz.clients VALUES ($1, '{}', now(), now())", DOCUMENT_ID)
    pages = Pages(page())
    assert (await ClientDirectory(fresh, lambda _: None, documents(fresh, pages).renew).find(DOCUMENT_ID)) is not None
    assert pages.asked == 0


async def test_one_host_is_not_asked_more_than_ten_times_a_minute(fresh):
    pages = Pages(NotFetched("away"))
    made = documents(fresh, pages)
    for number in range(15):
        with pytest.raises(OAuthError):
            await made.renew(f"https://mcp.example/{number}", None, NOW)
    assert pages.asked == 10


@pytest.mark.parametrize(
    "client_id",
    [
        "demo-client",
        "https://mcp.example",
        "http://mcp.example/client.json",
        "https://user@mcp.example/client.json",
        "https://mcp.example/client.json#x",
        "https://mcp.example/../client.json",
        "https://mcp.example/%2e%2e/client.json",
        "https://0x7f000001/client.json",
        "javascript://mcp.example/x",
        "ftp://mcp.example/client.json",
        "https:///client.json",
        "",
    ],
)
def test_what_is_no_address_of_a_document_is_not_fetched(client_id):
    assert not is_document_id(client_id, frozenset({"localhost:9000"}))


def test_hosts_that_the_configuration_names_may_tell_documents_by_http():
    assert is_document_id("http://localhost:9000/client.json", frozenset({"localhost:9000"}))
    assert not is_document_id("http://localhost:9001/client.json", frozenset({"localhost:9000"}))
    assert is_document_id("http://keys.inside:9000/client.json", frozenset({"keys.inside:9000"}))
    assert not is_document_id("http://u@localhost:9000/client.json", frozenset({"localhost:9000"}))
    assert is_document_id("https://mcp.example/", frozenset())

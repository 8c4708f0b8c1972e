"""Dynamic registration (RFC 7591), its management (RFC 7592), secret rotation, client ID metadata documents."""

import json
import time
from typing import Any

import httpx
import pytest

from e2e import key_host as hosts
from e2e.browser import Browser, as_answer, as_page
from e2e.clients import CALLBACK, DEMO, PASSWORD, USERNAME, Client
from e2e.conftest import PartyOf
from e2e.key_host import Answer, KeyHost
from e2e.relying_party import RelyingParty, basic, bearer, error_of
from e2e.stack import Stack

METADATA = {
    "client_name": "Registered <b>by</b> itself",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    "scope": "openid profile",
}
NATIVE = "http://127.0.0.1/native/callback"


@pytest.fixture
def register(stack: Stack, http: httpx.Client):
    """Registers a client and returns what came back."""

    def post(**changes: Any) -> dict[str, Any]:
        response = http.post(f"{stack.authz}/oauth2/v1/register", json={**METADATA, **changes})
        assert response.status_code == 201, response.text
        return dict(response.json())

    return post


def party(stack: Stack, http: httpx.Client, made: dict[str, Any]) -> RelyingParty:
    """Speaks for a registered client."""
    method = made["token_endpoint_auth_method"]
    return RelyingParty(
        stack,
        http,
        Client(made["client_id"], made.get("client_secret"), method, made["redirect_uris"][0], made["scope"]),
    )


def manage(http: httpx.Client, made: dict[str, Any], method: str = "GET", **changes: Any) -> httpx.Response:
    """A request to the registration_client_uri."""
    headers = bearer(made["registration_access_token"])
    if method != "PUT":
        return http.request(method, made["registration_client_uri"], headers=headers)
    kept = {name: value for name, value in made.items() if name in METADATA}
    return http.put(
        made["registration_client_uri"], headers=headers, json={"client_id": made["client_id"], **kept, **changes}
    )


def test_a_client_registers_is_used_changes_itself_and_is_gone_with_its_tokens(
    stack: Stack, http: httpx.Client, browser: Browser, demo: RelyingParty
) -> None:
    # registration (RFC 7591 §3.2.1): everything as stored, defaults filled in
    response = http.post(f"{stack.authz}/oauth2/v1/register", json={**METADATA, "unknown_member": 1})
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    made = response.json()
    assert {**METADATA, **made} == made
    assert (made["token_endpoint_auth_method"], made["response_types"]) == ("client_secret_basic", ["code"])
    assert (made["client_secret_expires_at"], "unknown_member" in made) == (0, False)
    assert abs(made["client_id_issued_at"] - time.time()) < 10
    assert len(made["client_secret"]) >= 43

    # the flow
    client = party(stack, http, made)
    consent = as_page(browser.log_in(browser.show(client.authorization_url()), USERNAME, PASSWORD))
    assert "Registered <b>by</b> itself" in consent.response.text.replace("&lt;", "<").replace("&gt;", ">")
    assert "<b>by</b>" not in consent.response.text
    tokens = client.redeem(as_answer(browser.submit(consent, "allow"))["code"]).json()
    own = client.token("client_credentials", scope="profile").json()
    for token in (tokens["access_token"], own["access_token"]):
        assert client.resource(token).status_code == 200

    # management (RFC 7592 §2.1, §2.2)
    read = manage(http, made).json()
    assert read == {name: value for name, value in made.items() if name != "client_secret"}
    changed = manage(http, made, "PUT", client_name="Renamed", contacts=["me@client.example"])
    assert (changed.status_code, changed.json()["client_name"]) == (200, "Renamed")
    assert manage(http, made).json()["contacts"] == ["me@client.example"]
    assert client.token("client_credentials").status_code == 200, "the secret goes on working"

    # deletion (§2.3): nothing of it is accepted any more
    assert (manage(http, made, "DELETE").status_code, manage(http, made).status_code) == (204, 401)
    assert error_of(client.token("client_credentials")) == "invalid_client"
    assert error_of(client.refresh(tokens["refresh_token"])) == "invalid_client"
    for token in (tokens["access_token"], own["access_token"]):
        assert client.resource(token).status_code == 401
        assert not demo.is_active(token)
    assert browser.show(client.authorization_url()).status == 400


def test_a_public_client_has_no_secret_and_needs_pkce(
    stack: Stack, http: httpx.Client, browser: Browser, register
) -> None:
    made = register(token_endpoint_auth_method="none", grant_types=["authorization_code"], redirect_uris=[NATIVE])
    assert not {"client_secret", "client_secret_expires_at"} & made.keys()
    client = party(stack, http, made)
    assert client.get_tokens(browser)["token_type"] == "Bearer"
    answer = as_answer(browser.open(client.authorization_url(code_challenge=None, code_challenge_method=None)))
    assert answer["error"] == "invalid_request"


REFUSED = [
    ({"redirect_uris": ["https://client.example/cb#x"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["http://client.example/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://u@client.example/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://client.example/a/..;/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["com.example.app:/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": []}, "invalid_redirect_uri"),
    ({"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
    ({"tos_uri": "data:text/html,x"}, "invalid_client_metadata"),
    ({"initiate_login_uri": "http://localhost/start"}, "invalid_client_metadata"),
    ({"jwks_uri": "http://client.example/jwks"}, "invalid_client_metadata"),
    ({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "magic"}, "invalid_client_metadata"),
    ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
    ({"grant_types": ["client_credentials"], "response_types": ["code"]}, "invalid_client_metadata"),
    ({"response_types": ["code token"]}, "invalid_client_metadata"),
    ({"scope": "no-such-scope"}, "invalid_client_metadata"),
    ({"scope": "reports:read"}, "invalid_client_metadata"),
    ({"profile": "oidc"}, "invalid_client_metadata"),
    ({"require_pkce": False}, "invalid_client_metadata"),
    ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
    ({"software_statement": "a.b.c"}, "unapproved_software_statement"),
    ({"client_name": "Bank\u202eknaB"}, "invalid_client_metadata"),
]


@pytest.mark.parametrize(("changes", "error"), REFUSED, ids=lambda value: json.dumps(value)[:50])
def test_wrong_metadata_is_refused_at_registration_and_at_a_later_change(
    stack: Stack, http: httpx.Client, register, changes: dict[str, Any], error: str
) -> None:
    response = http.post(f"{stack.authz}/oauth2/v1/register", json={**METADATA, **changes})
    assert (response.status_code, error_of(response)) == (400, error)
    later = manage(http, register(), "PUT", **changes)
    assert (later.status_code, error_of(later)) == (400, error)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (
            b'{"redirect_uris": ["https://a/cb"], "redirect_uris": ["https://b/cb"]}',
            "application/json",
            400,
        ),
        (b'{"client_name": "\\u0000"}', "application/json", 400),
        (b'{"client_name": "\\ud800"}', "application/json", 400),
        (b'{"x": 1e999}', "application/json", 400),
        (b'{"x": ' * 2500, "application/json", 400),
        (b'{"x": "' + b"a" * 20_000 + b'"}', "application/json", 413),
        (b"redirect_uris=x", "application/x-www-form-urlencoded", 415),
    ],
)
def test_what_is_no_metadata_is_refused(
    stack: Stack, http: httpx.Client, content: bytes, content_type: str, status: int
) -> None:
    headers = {"content-type": content_type}
    response = http.post(f"{stack.authz}/oauth2/v1/register", content=content, headers=headers)
    assert response.status_code == status
    assert error_of(response) in ("invalid_client_metadata", "invalid_request")


def test_management_takes_the_clients_own_token_and_nothing_else(stack: Stack, http: httpx.Client, register) -> None:
    one, other = register(), register()
    own_tokens = party(stack, http, one).token("client_credentials").json()
    tokens = (other["registration_access_token"], own_tokens["access_token"], one["client_secret"], "x")
    for token in tokens:
        for method in ("GET", "PUT", "DELETE"):
            response = http.request(
                method, one["registration_client_uri"], headers=bearer(token), json={} if method == "PUT" else None
            )
            assert (response.status_code, error_of(response)) == (401, "invalid_token")
            assert response.headers["www-authenticate"].startswith("Bearer")
    assert http.get(one["registration_client_uri"]).status_code == 401
    assert manage(http, one).status_code == 200
    unknown = f"{stack.authz}/oauth2/v1/register/unknown"
    assert http.get(unknown, headers=bearer(one["registration_access_token"])).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"client_secret": "another"},
        {"client_secret_expires_at": 0},
        {"registration_access_token": "mine"},
        {"token_endpoint_auth_method": "none"},
        {"scope": "openid profile email address phone offline_access reports:read"},
    ],
    ids=str,
)
def test_a_later_change_gives_a_client_nothing_that_registration_would_not(
    http: httpx.Client, register, changes: dict[str, Any]
) -> None:
    made = register()
    assert error_of(manage(http, made, "PUT", **changes)) == "invalid_client_metadata"
    assert manage(http, made).json() == {name: value for name, value in made.items() if name != "client_secret"}


def test_a_change_with_the_secret_in_force_is_taken(http: httpx.Client, register) -> None:
    made = register()
    assert manage(http, made, "PUT", client_secret=made["client_secret"]).status_code == 200


def test_after_a_rotation_both_secrets_work_until_the_old_one_ends(stack: Stack, http: httpx.Client, register) -> None:
    made = register()
    url = f"{stack.authz}/oauth2/v1/clients/{made['client_id']}/rotate-secret"
    old = basic(made["client_id"], made["client_secret"])
    response = http.post(url, headers=old, data={"grace_seconds": "2"})
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    rotated = response.json()
    assert rotated["client_secret_expires_at"] == 0
    assert 0 < rotated["previous_client_secret_expires_at"] - time.time() <= 3
    new = basic(made["client_id"], rotated["client_secret"])
    assert [token_status(stack, http, headers) for headers in (old, new)] == [200, 200]
    # the old secret cannot make itself a new one
    assert error_of(http.post(url, headers=old)) == "invalid_client"
    time.sleep(max(0, rotated["previous_client_secret_expires_at"] - time.time()) + 1)
    assert [token_status(stack, http, headers) for headers in (old, new)] == [401, 200]
    # with the registration access token too
    again = http.post(url, headers=bearer(made["registration_access_token"]))
    assert again.status_code == 200
    assert token_status(stack, http, basic(made["client_id"], again.json()["client_secret"])) == 200


def token_status(stack: Stack, http: httpx.Client, headers: dict[str, str]) -> int:
    """How a token request of the client itself ends."""
    data = {"grant_type": "client_credentials"}
    return http.post(f"{stack.authz}/oauth2/v1/token", headers=headers, data=data).status_code


def test_only_the_client_itself_rotates_its_secret(
    stack: Stack, http: httpx.Client, register, party_of: PartyOf
) -> None:
    made, other = register(), register()
    path = f"/oauth2/v1/clients/{made['client_id']}/rotate-secret"
    assert party_of(DEMO).post(path).status_code == 403
    assert party(stack, http, other).post(path).status_code == 403
    assert http.post(stack.authz + path).status_code == 401
    assert http.post(stack.authz + path, headers=bearer(other["registration_access_token"])).status_code == 401
    assert http.post(stack.authz + path, headers=basic(made["client_id"], "wrong")).status_code == 401
    own = basic(made["client_id"], made["client_secret"])
    bad = http.post(stack.authz + path, headers=own, data={"grace_seconds": "-1"})
    assert error_of(bad) == "invalid_request"
    public = register(token_endpoint_auth_method="none", grant_types=["authorization_code"])
    url = f"{stack.authz}/oauth2/v1/clients/{public['client_id']}/rotate-secret"
    assert error_of(http.post(url, headers=bearer(public["registration_access_token"]))) == "unauthorized_client"


def test_a_sector_document_names_every_redirect_uri(
    stack: Stack, http: httpx.Client, register, key_host: KeyHost
) -> None:
    host = "host.docker.internal" if stack.kind == "compose" else "localhost"
    uri = f"http://{host}:{hosts.PORT}/sector"
    key_host.answers["/sector"] = Answer(json.dumps([CALLBACK]).encode(), headers={"content-type": "application/json"})
    made = register(sector_identifier_uri=uri)
    assert made["sector_identifier_uri"] == uri
    for wrong in (json.dumps(["https://other.example/cb"]), json.dumps({"uris": [CALLBACK]}), "no JSON"):
        key_host.answers["/sector"] = Answer(wrong.encode())
        response = http.post(f"{stack.authz}/oauth2/v1/register", json={**METADATA, "sector_identifier_uri": uri})
        assert error_of(response) == "invalid_client_metadata"
        assert error_of(manage(http, made, "PUT", sector_identifier_uri=uri)) == "invalid_client_metadata"
    inside = {**METADATA, "sector_identifier_uri": "https://127.0.0.1/sector"}
    assert error_of(http.post(f"{stack.authz}/oauth2/v1/register", json=inside)) == "invalid_client_metadata"


def tell(key_host: KeyHost, stack: Stack, path: str, **changes: Any) -> str:
    """Publish a client ID metadata document; its address."""
    host = "host.docker.internal" if stack.kind == "compose" else "localhost"
    client_id = f"http://{host}:{hosts.PORT}{path}"
    document = {
        "client_id": client_id,
        "client_name": "A client of MCP",
        "redirect_uris": [NATIVE],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "token_endpoint_auth_method": "none",
        **changes,
    }
    key_host.answers[path] = Answer(json.dumps(document).encode(), headers={"content-type": "application/json"})
    return client_id


def test_a_client_id_metadata_document_is_a_client_whose_host_the_pages_show(
    stack: Stack, http: httpx.Client, browser: Browser, key_host: KeyHost
) -> None:
    client_id = tell(key_host, stack, "/mcp/client.json")
    client = RelyingParty(
        stack, http, Client(client_id, None, "none", NATIVE.replace("/native", ":4711/native"), "openid")
    )
    login = browser.show(client.authorization_url())
    assert login.texts["client-host"] == client_id.split("/")[2]
    consent = as_page(browser.log_in(login, USERNAME, PASSWORD))
    assert consent.texts["client-host"] == client_id.split("/")[2]
    tokens = client.redeem(as_answer(browser.submit(consent, "allow"))["code"]).json()
    assert client.verify(tokens["access_token"], "ES256")[1]["client_id"] == client_id
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert key_host.asked.count("/mcp/client.json") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://other.example/client.json"},
        {"client_secret": "s"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"redirect_uris": ["javascript:alert(1)"]},
    ],
    ids=str,
)
def test_a_document_that_cannot_be_trusted_is_refused_on_a_page(
    stack: Stack, http: httpx.Client, browser: Browser, key_host: KeyHost, changes: dict[str, Any]
) -> None:
    path = f"/mcp/{abs(hash(str(changes)))}.json"
    client_id = tell(key_host, stack, path, **changes)
    client = RelyingParty(stack, http, Client(client_id, None, "none", NATIVE, "openid"))
    page = browser.show(client.authorization_url())
    assert (page.status, "cannot be used" in page.texts["message"]) == (400, True)


@pytest.mark.parametrize(
    "client_id", ["https://localhost/client.json", "https://127.0.0.1:8443/x", "http://localhost/x"]
)
def test_a_document_is_never_fetched_from_an_address_inside(
    stack: Stack, http: httpx.Client, browser: Browser, client_id: str
) -> None:
    client = RelyingParty(stack, http, Client(client_id, None, "none", NATIVE, "openid"))
    assert browser.show(client.authorization_url()).status == 400

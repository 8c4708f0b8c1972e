"""Operators' commands, on the machine or inside the containers; running replicas know of a change within a second."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from e2e.browser import as_answer, as_page
from e2e.clients import CALLBACK, DEMO, PASSWORD, STEADY, USERNAME, Client
from e2e.conftest import NewBrowser, PartyOf
from e2e.relying_party import RelyingParty, basic, bearer, error_of
from e2e.stack import Control, Stack

Operate = Callable[..., Any]
RSA_KEY = RSAKey.generate_key(2048, {"use": "enc"}, auto_kid=True)


@pytest.fixture
def authz(control: Control) -> Operate:
    """Runs a command of authz that must be done; what it says as JSON."""
    return lambda *arguments, **typed: done(control, "authz", *arguments, **typed)


@pytest.fixture
def idp(control: Control) -> Operate:
    """The same of idp."""
    return lambda *arguments, **typed: done(control, "idp", *arguments, **typed)


def done(control: Control, service: str, *arguments: str, typed: str = "") -> Any:
    """What a command answers."""
    result = control.operate(service, *arguments, "--json", typed=typed)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def within_a_second(holds: Callable[[], bool]) -> None:
    """Ask until it holds."""
    deadline = time.monotonic() + 1
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def status(stack: Stack, http: httpx.Client, secret: str, client_id: str = "e2e-shop", **form: str) -> int:
    """How a token request of the client itself ends."""
    data = {"grant_type": "client_credentials", **form}
    return http.post(f"{stack.authz}/oauth2/v1/token", headers=basic(client_id, secret), data=data).status_code


def test_a_client_is_added_changed_given_secrets_and_removed(stack: Stack, http: httpx.Client, authz: Operate) -> None:
    arguments = ("--name", "Shop", "--grant-type", "client_credentials", "--scope", "profile")
    made = authz("clients", "add", "e2e-shop", *arguments)
    first = made["client_secret"]
    assert status(stack, http, first) == 200
    token = http.post(
        f"{stack.authz}/oauth2/v1/token", headers=basic("e2e-shop", first), data={"grant_type": "client_credentials"}
    ).json()["access_token"]

    # metadata
    assert status(stack, http, first, scope="email") == 400
    authz("clients", "change", "e2e-shop", "--set", "scope=profile email")
    within_a_second(lambda: status(stack, http, first, scope="email") == 200)
    assert authz("clients", "show", "e2e-shop")["metadata"]["scope"] == "profile email"
    assert "e2e-shop" in [client["client_id"] for client in authz("clients", "list")]

    # secrets: chosen and made ones, several at once
    authz("secrets", "add", "e2e-shop", "--chosen", typed="chosen by a person\n")
    within_a_second(lambda: status(stack, http, "chosen by a person") == 200)
    rotated = authz("secrets", "rotate", "e2e-shop", "--grace-seconds", "600")
    within_a_second(lambda: status(stack, http, rotated["client_secret"]) == 200)
    assert status(stack, http, first) == 200
    listed = authz("secrets", "list", "e2e-shop")
    assert [secret["kind"] for secret in listed] == ["generated", "chosen", "generated"]
    assert first not in json.dumps(listed)
    authz("secrets", "remove", "e2e-shop", listed[-1]["id"])
    within_a_second(lambda: status(stack, http, first) == 401)

    # the end
    authz("clients", "remove", "e2e-shop")
    within_a_second(lambda: status(stack, http, rotated["client_secret"]) == 401)
    within_a_second(lambda: http.get(f"{stack.rs}/resource", headers=bearer(token)).status_code == 401)


def test_a_client_is_made_pairwise_and_encrypted_and_keeps_its_sector(control: Control, authz: Operate) -> None:
    keys = json.dumps({"keys": [dict(RSA_KEY.as_dict(private=False))]})
    members = ("subject_type=pairwise", "userinfo_encrypted_response_alg=RSA-OAEP-256", f"jwks={keys}")
    authz(
        "clients", "add", "e2e-pairwise", "--name", "Pairwise", "--redirect-uri", CALLBACK, "--scope", "openid",
        *(word for member in members for word in ("--set", member)),
    )  # fmt: skip
    shown = authz("clients", "show", "e2e-pairwise")["metadata"]
    assert (shown["subject_type"], shown["userinfo_encrypted_response_enc"]) == ("pairwise", "A128CBC-HS256")
    for change in ("subject_type=public", 'redirect_uris=["https://moved.example/cb"]'):
        refused = control.operate("authz", "clients", "change", "e2e-pairwise", "--set", change)
        assert refused.returncode == 1
        assert "sector" in refused.stderr
    authz("clients", "remove", "e2e-pairwise")


def test_a_scope_is_made_described_given_and_taken_away(
    stack: Stack, http: httpx.Client, new_browser: NewBrowser, authz: Operate
) -> None:
    authz("scopes", "add", "tea:pour", "--title", "Pour your <tea>", "--detail", "One cup at a time", "--open")
    metadata = f"{stack.authz}/.well-known/oauth-authorization-server"
    within_a_second(lambda: "tea:pour" in http.get(metadata).json()["scopes_supported"])
    request = {"redirect_uris": [CALLBACK], "client_name": "Tea", "scope": "openid tea:pour"}
    made = http.post(f"{stack.authz}/oauth2/v1/register", json=request).json()
    client = RelyingParty(
        stack, http, Client(made["client_id"], made["client_secret"], "client_secret_basic", CALLBACK, made["scope"])
    )

    browser = new_browser()
    consent = as_page(browser.log_in(browser.show(client.authorization_url()), USERNAME, PASSWORD))
    assert "Pour your &lt;tea&gt;" in consent.response.text
    assert "One cup at a time" in consent.response.text
    code = as_answer(browser.submit(consent, "allow"))["code"]
    assert client.redeem(code).json()["scope"] == "openid tea:pour"

    authz("scopes", "change", "tea:pour", "--title", "Pour it", "--no-open")
    refused = http.post(f"{stack.authz}/oauth2/v1/register", json=request)
    assert error_of(refused) == "invalid_client_metadata"
    authz("scopes", "remove", "tea:pour")
    within_a_second(lambda: "tea:pour" not in http.get(metadata).json()["scopes_supported"])
    answer = as_answer(browser.open(client.authorization_url()))
    assert answer["error"] == "invalid_scope"


def test_an_initial_access_token_gives_what_open_registration_does_not(
    stack: Stack, http: httpx.Client, authz: Operate
) -> None:
    made = authz("initial-access-tokens", "add", "--note", "e2e", "--scope", "reports:read profile", "--uses", "1")
    token = bearer(made["initial_access_token"])
    request = {"client_name": "Reports", "grant_types": ["client_credentials"], "scope": "reports:read"}
    url = f"{stack.authz}/oauth2/v1/register"
    assert error_of(http.post(url, json=request)) == "invalid_client_metadata"
    assert error_of(http.post(url, json=request, headers=bearer("wrong"))) == "invalid_token"
    assert error_of(http.post(url, json={**request, "scope": "openid"}, headers=token)) == "invalid_client_metadata"
    client = http.post(url, json=request, headers=token).json()
    assert status(stack, http, client["client_secret"], client["client_id"], scope="reports:read") == 200
    assert error_of(http.post(url, json=request, headers=token)) == "invalid_token", "it had one use"
    wider = {**request, "client_id": client["client_id"], "scope": "reports:read email"}
    own = bearer(client["registration_access_token"])
    assert error_of(http.put(client["registration_client_uri"], json=wider, headers=own)) == "invalid_client_metadata"
    authz("initial-access-tokens", "remove", made["id"])
    assert made["id"] not in [entry["id"] for entry in authz("initial-access-tokens", "list")]


def test_registration_modes_are_settings(http: httpx.Client, control: Control) -> None:
    request = {"redirect_uris": [CALLBACK]}
    with control.authz_replica({"TESSERA_AUTHZ_REGISTRATION__MODE": "initial_access_token"}) as url:
        refused = http.post(f"{url}/oauth2/v1/register", json=request)
        assert (refused.status_code, refused.headers["www-authenticate"].split()[0]) == (401, "Bearer")
    settings = {
        "TESSERA_AUTHZ_REGISTRATION__MODE": "off",
        "TESSERA_AUTHZ_REGISTRATION__METADATA_DOCUMENTS": "false",
    }
    with control.authz_replica(settings) as url:
        assert http.post(f"{url}/oauth2/v1/register", json=request).status_code == 404
        metadata = http.get(f"{url}/.well-known/oauth-authorization-server").json()
        assert "registration_endpoint" not in metadata
        assert metadata["client_id_metadata_document_supported"] is False


def test_registrations_from_one_source_are_bounded(http: httpx.Client, control: Control) -> None:
    settings = {"TESSERA_AUTHZ_REGISTRATION__PER_SOURCE_PER_HOUR": "1"}
    with control.authz_replica(settings) as url:
        answers = [http.post(f"{url}/oauth2/v1/register", json={"redirect_uris": [CALLBACK]}) for _ in range(2)]
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) > 0


def test_grants_are_listed_and_revoked(new_browser: NewBrowser, authz: Operate, party_of: PartyOf) -> None:
    client = party_of(STEADY)
    tokens = client.get_tokens(new_browser())
    grant_id = client.verify(tokens["access_token"], "ES256")[1]["grant_id"]
    assert grant_id in [grant["id"] for grant in authz("grants", "list", "--client", STEADY.client_id)]
    assert authz("grants", "show", grant_id)["revoked_at"] is None
    authz("grants", "revoke", grant_id)
    within_a_second(lambda: client.resource(tokens["access_token"]).status_code == 401)
    assert error_of(client.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert authz("grants", "show", grant_id)["revoked_at"] is not None


def test_keys_are_rotated_and_removed(stack: Stack, http: httpx.Client, authz: Operate, party_of: PartyOf) -> None:
    demo_token = party_of(DEMO).token("client_credentials").json()["access_token"]
    before = {key["kid"] for key in authz("keys", "list")}
    made = authz("keys", "rotate", "ES256", "--now")
    assert made["kid"] not in before

    def published() -> list[str]:
        return [key["kid"] for key in http.get(f"{stack.authz}/oauth2/v1/jwks").json()["keys"]]

    within_a_second(lambda: made["kid"] in published())
    assert http.get(f"{stack.rs}/resource", headers=bearer(demo_token)).status_code == 200, "the old key verifies"
    follower = authz("keys", "rotate", "ES256", "--now")
    authz("keys", "remove", made["kid"])
    within_a_second(lambda: made["kid"] not in published())
    assert follower["kid"] in published()


def test_a_user_is_added_logs_in_is_kept_out_and_is_removed(
    new_browser: NewBrowser, idp: Operate, party_of: PartyOf
) -> None:
    made = idp("users", "add", "e2e-bob", "--claim", "email=bob@e2e.example", typed="a password of bob\n")
    assert idp("users", "show", "E2E-BOB")["claims"] == {"email": "bob@e2e.example"}
    client, browser = party_of(STEADY), new_browser()
    tokens = client.redeem(browser.authorize(client.authorization_url(), "e2e-bob", "a password of bob")["code"]).json()
    sessions = idp("sessions", "list", "--user", "e2e-bob")
    assert [session["sub"] for session in sessions] == [made["sub"]]

    # another password; the session goes on
    changed = idp("users", "change", "e2e-bob", "--generate-password")
    other = new_browser()
    assert "code" in other.authorize(client.authorization_url(), "e2e-bob", changed["password"])

    # out: sessions and tokens end at once
    assert idp("users", "change", "e2e-bob", "--disable")["revoked_grants"] >= 1
    within_a_second(lambda: client.resource(tokens["access_token"]).status_code == 401)
    assert error_of(client.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert browser.show(client.authorization_url()).has("login")
    idp("users", "remove", "e2e-bob")
    assert idp("sessions", "list") == [s for s in idp("sessions", "list") if s["sub"] != made["sub"]]


def test_a_session_is_ended_with_what_was_granted_in_it(
    new_browser: NewBrowser, idp: Operate, party_of: PartyOf
) -> None:
    client, browser = party_of(STEADY), new_browser()
    tokens = client.get_tokens(browser)
    sid = client.verify(tokens["id_token"], "RS256")[1]["sid"]
    assert idp("sessions", "show", sid)["username"] == USERNAME
    assert idp("sessions", "revoke", sid) == {"revoked": [sid]}
    within_a_second(lambda: client.resource(tokens["access_token"]).status_code == 401)
    assert browser.show(client.authorization_url()).has("login")


def test_an_operator_may_set_a_weak_password_knowingly(
    idp: Operate, new_browser: NewBrowser, demo: RelyingParty
) -> None:
    made = idp("users", "add", "e2e-simple", "--any-password", typed="simple-one\n")
    browser = new_browser()
    page = as_page(browser.log_in(browser.show(demo.authorization_url()), "e2e-simple", "simple-one"))
    assert page.has("allow")
    assert idp("users", "remove", "e2e-simple")["removed"] == made["sub"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("service", "arguments", "typed", "said"),
    [
        ("authz", ("clients", "show", "nobody"), "", "there is no client nobody"),
        (
            "authz",
            ("clients", "add", "demo-client", "--name", "x", "--grant-type", "client_credentials"),
            "",
            "already",
        ),
        ("authz", ("clients", "add", "x", "--name", "x", "--redirect-uri", "javascript:x"), "", "redirect_uris"),
        ("authz", ("clients", "change", "demo-client", "--set", "nonsense=1"), "", "no member of client metadata"),
        ("authz", ("scopes", "add", 'a"b', "--title", "x"), "", "RFC 6749"),
        ("authz", ("scopes", "remove", "nothing"), "", "there is no scope nothing"),
        ("authz", ("secrets", "add", "demo-client", "--chosen"), "short\n", "at least 8"),
        ("authz", ("grants", "revoke"), "", "name a grant"),
        ("authz", ("keys", "rotate", "none"), "", "no none keys"),
        ("idp", ("users", "show", "nobody"), "", "there is no user nobody"),
        ("idp", ("users", "add", "e2e-weak"), "eleven-char\n", "too short, 15 characters are asked for"),
        ("idp", ("users", "add", "e2e-weak"), "password12345678\n", "tried first; --any-password takes it"),
        (
            "idp",
            ("users", "add", "e2e-x", "--claim", "email=ALICE@wonderland.example", "--claim", "email_verified=true"),
            "long enough to be one\n",
            "is another user's",
        ),
        ("idp", ("users", "add", "alice"), "long enough to be one\n", "there is a user alice already"),
        ("idp", ("sessions", "revoke"), "", "name a session"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_with_status_1(
    control: Control, service: str, arguments: tuple[str, ...], typed: str, said: str
) -> None:
    result = control.operate(service, *arguments, typed=typed)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"tessera {service}: ")
    assert said in result.stderr


@pytest.mark.once
@pytest.mark.parametrize("arguments", [("nonsense",), ("clients", "nonsense"), ("clients", "add"), ("clients", "show")])
def test_what_is_not_understood_ends_with_status_2(control: Control, arguments: tuple[str, ...]) -> None:
    result = control.operate("authz", *arguments)
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)


def test_lists_are_tables_for_people(control: Control) -> None:
    result = control.operate("authz", "scopes", "list")
    assert result.stdout.splitlines()[0].split()[:2] == ["name", "title"]
    assert any(line.startswith("openid ") for line in result.stdout.splitlines())

"""A new master key, on a stack of its own: nobody notices, all is sealed anew by commands, and the earlier key goes."""

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyotp
import pytest

from e2e.browser import Browser, Page, as_page
from e2e.clients import CALLBACK, PASSWORD, SECRET_JWT, USERNAME, Client
from e2e.embedded import Embedded
from e2e.relying_party import RelyingParty
from e2e.stack import Stack, kind

SERVICES = ("authz", "idp")
METADATA = {
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid profile",
    "subject_type": "pairwise",
}


def new_key() -> str:
    """32 random bytes, as a master key is written."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


class Keys:
    """The files of the stack's master keys: the one in use, and the one that is accepted beside it."""

    def __init__(self, folder: Path) -> None:
        self.further = folder / "further_master_key"
        self.further.write_text(new_key())
        named = json.dumps([str(self.further)])
        self.settings = {name: {f"TESSERA_{name.upper()}_KEYS__FURTHER_MASTER_KEY_FILES": named} for name in SERVICES}

    def use(self, embedded: Embedded, current: str, further: str) -> None:
        """Write both."""
        for name in SERVICES:
            embedded.whole.servers.password_file(name, "master_key").write_text(current)
        self.further.write_text(further)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The keys; the services accept the coming one from the start."""
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def own_stack(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose master key may be changed."""
    if kind() != "embedded":
        pytest.skip("a stack of its own is an embedded one")
    with Embedded(tmp_path_factory.mktemp("own"), keys.settings, is_measured=False).run() as started:
        yield started
        own_control(started).kill(*SERVICES, "rs")  # open connections would hold a graceful end up


def own_control(stack: Stack) -> Embedded:
    """What may be done to it."""
    assert isinstance(stack.control, Embedded)
    return stack.control


def resealed(embedded: Embedded, name: str) -> dict[str, tuple[int, int, int]]:
    """What the command of a service says it did: sealed anew, current before, unreadable."""
    done = embedded.operate(name, "master-key", "reseal", "--json")
    assert done.returncode == 0, done.stderr
    return {row["what"]: (row["resealed"], row["current"], row["unreadable"]) for row in json.loads(done.stdout)}


def pairwise_client(stack: Stack, http: httpx.Client) -> RelyingParty:
    """A client of pairwise subjects."""
    response = http.post(f"{stack.authz}/oauth2/v1/register", json=METADATA)
    assert response.status_code == 201, response.text
    made = response.json()
    return RelyingParty(stack, http, Client(made["client_id"], made["client_secret"], scope="openid profile"))


def offered(browser: Browser, stack: Stack) -> Page:
    """The page that offers alice an authenticator app."""
    page = browser.show(f"{stack.idp}/account/security/totp/new")
    return as_page(browser.log_in(page, USERNAME, PASSWORD)) if page.has("login") else page


def confirm(browser: Browser, page: Page) -> Page:
    """Type the first code of the key that the page shows."""
    return as_page(browser.submit(page, "confirm", code=pyotp.TOTP(page.texts["key"].replace(" ", "")).now()))


@pytest.mark.timeout(300)
def test_the_master_key_is_changed_and_the_earlier_one_removed(
    own_stack: Stack, keys: Keys, http: httpx.Client, new_http: type[httpx.Client]
) -> None:
    embedded = own_control(own_stack)
    old = embedded.whole.servers.password_file("authz", "master_key").read_text()
    new = keys.further.read_text()
    browser = Browser(new_http(), own_stack.urls.values())
    party, signing = pairwise_client(own_stack, http), RelyingParty(own_stack, http, SECRET_JWT)

    # before: a pairwise subject, a readable client secret, an authenticator app, and a page that is still open
    tokens = party.get_tokens(browser)
    sub = party.verify(tokens["id_token"], "RS256")[1]["sub"]
    assert signing.token("client_credentials").status_code == 200
    assert confirm(browser, offered(browser, own_stack)).status == 200
    still_open = offered(browser, own_stack)

    # the new key is used, the earlier one accepted: nobody notices
    embedded.kill(*SERVICES)
    keys.use(embedded, new, old)
    embedded.start(*SERVICES)
    refreshed = party.refresh(tokens["refresh_token"]).json()
    assert party.verify(refreshed["id_token"], "RS256")[1]["sub"] == sub
    assert party.userinfo(refreshed["access_token"]).json()["sub"] == sub
    assert party.userinfo(tokens["access_token"]).json()["sub"] == sub  # signed before
    assert signing.token("client_credentials").status_code == 200
    assert confirm(browser, still_open).status == 200

    # sealed anew, while the services run
    did = {name: resealed(embedded, name) for name in SERVICES}
    assert did["authz"]["keys"][0] >= 5
    assert did["authz"]["lasting keys"] == (1, 0, 0)
    assert did["authz"]["client secrets"][0] >= 2
    assert did["idp"]["authenticator apps"] == (1, 1, 0)  # the second one was set up under the new key
    assert party.userinfo(party.refresh(refreshed["refresh_token"]).json()["access_token"]).json()["sub"] == sub
    assert signing.token("client_credentials").status_code == 200

    # the earlier key is gone: nothing is left to do, and everything opens
    keys.use(embedded, new, new)
    for name in SERVICES:
        now = {what: (0, anew + current, 0) for what, (anew, current, _) in did[name].items() if what != "mails"}
        assert {what: counts for what, counts in resealed(embedded, name).items() if what != "mails"} == now

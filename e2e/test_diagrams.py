"""docs/flows.md: every arrow of a diagram is a request that happens, in that order, and every diagram can be drawn."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from e2e import chromium
from e2e.browser import Browser, as_page
from e2e.clients import DEMO, ROOT
from e2e.conftest import NewBrowser
from e2e.dpop import DpopKey
from e2e.dpop import token as dpop_token
from e2e.interop.node import install
from e2e.mails import Mailbox
from e2e.relying_party import RelyingParty
from e2e.stack import Stack
from e2e.test_accounts import OTHER, PASSWORD, account, address_of, new_name
from e2e.test_accounts import sign_up as to_name_and_password

FLOWS = ROOT / "docs" / "flows.md"
FOLDER = Path(__file__).parent / "diagrams"
Arrow = tuple[str, str, str]
_DIAGRAM = re.compile(r"<!-- flow: (\w+) -->\n```mermaid\n(.*?)```", re.DOTALL)
_ARROW = re.compile(r"^\s*([BCAIR])--?>>([BCAIR]): (.+)$", re.MULTILINE)


class Recorder:
    """Every request of the actors, with its answer, as arrows."""

    def __init__(self, stack: Stack) -> None:
        self._services = {httpx.URL(url).port: letter for url, letter in zip(stack.urls.values(), "AIR", strict=True)}
        self.arrows: list[Arrow] = []

    def listen(self, actor: str, http: httpx.Client) -> None:
        """Record what this client sends."""

        def note(response: httpx.Response) -> None:
            service = self._services[response.request.url.port]
            self.arrows.append((actor, service, f"{response.request.method} {response.request.url.path}"))
            self.arrows.append((service, actor, str(response.status_code)))

        http.event_hooks["response"].append(note)


class Actors:
    """The browser and the client of one flow."""

    def __init__(self, stack: Stack, new_browser: NewBrowser, http: httpx.Client, mailbox: Mailbox) -> None:
        self.recorder = Recorder(stack)
        self.mailbox = mailbox
        self.new_browser = new_browser
        self.browser: Browser = new_browser()
        self.party = RelyingParty(stack, http, DEMO)

    def begin(self) -> None:
        """From here on everything is recorded."""
        self.recorder.listen("B", self.browser.http)
        self.recorder.listen("C", self.party.http)


@pytest.fixture
def actors(stack: Stack, new_browser: NewBrowser, http: httpx.Client, mailbox: Mailbox) -> Actors:
    """The actors of one flow."""
    return Actors(stack, new_browser, http, mailbox)


def authorization_code(actors: Actors) -> None:
    actors.begin()
    tokens = actors.party.get_tokens(actors.browser, prompt="consent")
    actors.party.userinfo(tokens["access_token"])
    actors.party.resource(tokens["access_token"])


def single_sign_on(actors: Actors) -> None:
    actors.party.get_tokens(actors.browser)
    actors.begin()
    actors.party.get_code(actors.browser)


def client_credentials(actors: Actors) -> None:
    actors.begin()
    actors.party.resource(actors.party.token("client_credentials").json()["access_token"])


def refresh(actors: Actors) -> None:
    tokens = actors.party.get_tokens(actors.browser)
    actors.begin()
    first = actors.party.refresh(tokens["refresh_token"])
    assert actors.party.refresh(tokens["refresh_token"]).json() == first.json()
    actors.party.refresh(first.json()["refresh_token"])


def introspection(actors: Actors) -> None:
    token = actors.party.token("client_credentials").json()["access_token"]
    actors.begin()
    assert actors.party.is_active(token)
    assert not actors.party.is_active("unknown")


def revocation(actors: Actors) -> None:
    token = actors.party.token("client_credentials").json()["access_token"]
    actors.begin()
    actors.party.resource(token)
    actors.party.revoke(token)
    actors.party.resource(token)
    assert not actors.party.is_active(token)


def pushed_request(actors: Actors) -> None:
    party = actors.party
    party.get_tokens(actors.browser)
    actors.begin()
    pushed = party.post("/oauth2/v1/par", **party.authorization_request()).json()["request_uri"]
    url = httpx.URL(
        f"{party.stack.authz}/oauth2/v1/authorize", params={"client_id": "demo-client", "request_uri": pushed}
    )
    found = actors.browser.open(str(url))
    party.redeem(found["code"])  # type: ignore[index]


def dpop(actors: Actors) -> None:
    party, key = actors.party, DpopKey()
    actors.begin()
    token = dpop_token(party, key).json()["access_token"]
    url = f"{party.stack.rs}/resource"
    shown = {"authorization": f"DPoP {token}", "dpop": key.proof(url, "GET", token=token)}
    party.http.get(url, headers=shown)
    party.resource(token)


def registration(actors: Actors) -> None:
    http, authz = actors.party.http, actors.party.stack.authz
    actors.begin()
    made = http.post(f"{authz}/oauth2/v1/register", json={"redirect_uris": ["https://tea.example/callback"]}).json()
    own = {"authorization": f"Bearer {made['registration_access_token']}"}
    http.get(made["registration_client_uri"], headers=own)
    credentials = (made["client_id"], made["client_secret"])
    http.post(f"{authz}/oauth2/v1/clients/{made['client_id']}/rotate-secret", auth=credentials)
    http.delete(made["registration_client_uri"], headers=own)


def logout(actors: Actors) -> None:
    token = actors.party.get_tokens(actors.browser)["access_token"]
    actors.begin()
    page = actors.browser.show(f"{actors.party.stack.idp}/oidc/v1/logout")
    as_page(actors.browser.submit(page, "logout"))
    actors.party.resource(token)


def step_up(actors: Actors) -> None:
    weak = actors.party.token("client_credentials").json()["access_token"]
    actors.party.get_tokens(actors.new_browser())  # consent was given once
    actors.begin()
    actors.party.resource(weak, "/resource/sensitive")
    token = actors.party.get_tokens(actors.browser, max_age="300")["access_token"]
    actors.party.resource(token, "/resource/sensitive")


def sign_up(actors: Actors) -> None:
    name = new_name()
    actors.begin()
    login = actors.browser.show(actors.party.authorization_url())
    form = to_name_and_password(actors.browser, actors.mailbox, login, name)
    actors.browser.submit(form, "create", username=name, password=PASSWORD)


def reset_password(actors: Actors) -> None:
    name = account(actors.new_browser(), actors.mailbox, actors.party)
    newest = actors.mailbox.all(address_of(name))[-1].id
    actors.begin()
    page = actors.browser.show(f"{actors.party.stack.idp}/oidc/v1/reset-password")
    actors.browser.submit(page, "send", account=name)
    form = actors.browser.show(actors.mailbox.newest(address_of(name), newest).link)
    actors.browser.submit(form, "set", password=OTHER)


PLAYED: tuple[Callable[[Actors], None], ...] = (
    *(authorization_code, single_sign_on, client_credentials, refresh, introspection, revocation),
    *(pushed_request, dpop, registration, logout, step_up, sign_up, reset_password),
)


def drawn() -> dict[str, list[Arrow]]:
    """The arrows of each diagram: requests, and the status of each answer."""
    found = {}
    for name, diagram in _DIAGRAM.findall(FLOWS.read_text(encoding="utf-8")):
        arrows = [(source, target, text.strip()) for source, target, text in _ARROW.findall(diagram)]
        found[name] = [(s, t, text.split()[0] if s in "AIR" else text) for s, t, text in arrows]
    return found


def is_same(drawn_arrow: Arrow, recorded: Arrow) -> bool:
    """Whether an arrow is that request; `…` in a path stands for an id."""
    pattern = re.escape(drawn_arrow[2]).replace("…", "[^/]+")
    return drawn_arrow[:2] == recorded[:2] and re.fullmatch(pattern, recorded[2]) is not None


@pytest.mark.parametrize("play", PLAYED, ids=lambda play: play.__name__)
def test_every_arrow_is_a_request_that_happens_in_that_order(play: Callable[[Actors], None], actors: Actors) -> None:
    play(actors)
    arrows, recorded = drawn()[play.__name__], actors.recorder.arrows
    assert len(arrows) == len(recorded), recorded
    assert [pair for pair in zip(arrows, recorded, strict=True) if not is_same(*pair)] == []


def test_every_diagram_is_played() -> None:
    assert set(drawn()) == {play.__name__ for play in PLAYED}


@pytest.mark.once
@pytest.mark.parametrize("document", ["docs/flows.md", "docs/architecture.md"])
def test_every_diagram_can_be_drawn(document: str, tmp_path: Path) -> None:
    install(FOLDER)
    browser = {"executablePath": chromium.executable(), "args": ["--no-sandbox"]}
    (tmp_path / "browser.json").write_text(json.dumps(browser))
    files = ("-i", ROOT / document, "-o", tmp_path / "out.md")
    command = ["node_modules/.bin/mmdc", "-p", tmp_path / "browser.json", *files]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = (ROOT / document).read_text(encoding="utf-8").count("```mermaid")
    assert len(list(tmp_path.glob("out-*.svg"))) == wanted > 0

"""The stack, browsers and clients for the tests; the services' log lines of a test that failed."""

import itertools
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from e2e import measured
from e2e.browser import Browser, as_answer
from e2e.clients import DEMO, PASSWORD, USERNAME, Client
from e2e.collector import Collector
from e2e.collector import collector as run_collector
from e2e.containers import CLEANUP, FILES, PROJECT, READY_SECONDS, SETUP, Containers, choose_ports
from e2e.embedded import Embedded, measures
from e2e.key_host import KeyHost
from e2e.key_host import key_host as run_key_host
from e2e.mails import Mailbox
from e2e.relying_party import RelyingParty
from e2e.secrets_used import SecretsUsed, listen
from e2e.stack import NO_AUTHORITIES, Control, Stack, kind, running
from e2e.tabs import browser_program, callback, open_tab

__all__ = ["browser_program", "callback", "open_tab"]  # fixtures of all tests in Chromium

_STACK = pytest.StashKey[Stack]()
_IDS = pytest.StashKey[str]()
_MEASURED = pytest.StashKey[measured.Measured | None]()
_PARTIAL = pytest.StashKey[bool]()
_MISSING = pytest.StashKey[bool]()
_TEST_SECONDS = 240
_LAST = ("test_single_use.py", "test_replicas.py", "test_startup.py", "test_faults.py", "test_secrets.py")

NewBrowser = Callable[[], Browser]
PartyOf = Callable[[Client], RelyingParty]


def pytest_report_header() -> str:
    """Say in the first lines which stack is used."""
    return f"e2e stack: {kind()}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that take services down come last, and none may hang."""
    del config
    items.sort(key=lambda item: _LAST.index(item.path.name) + 1 if item.path.name in _LAST else 0)
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_TEST_SECONDS))


@pytest.fixture(scope="session")
def docker_compose_file() -> list[str]:
    """The real compose.yaml, and the tests' settings."""
    return FILES


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    """A project of its own."""
    return PROJECT


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    """As a user starts it."""
    return SETUP


@pytest.fixture(scope="session")
def docker_cleanup() -> list[str]:
    """Nothing stays: no container, volume or image."""
    return CLEANUP


@pytest.fixture(scope="session", autouse=True)
def secrets_used() -> Iterator[SecretsUsed]:
    """Every secret that the run's tests send or get."""
    seen = SecretsUsed()
    end = listen(seen)
    yield seen
    end()


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Takes the traces of the stack that the tests start."""
    with run_collector(outside=kind() == "compose") as collected:
        yield collected


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack under test."""
    if kind() != "url":
        request.getfixturevalue("collector")
    match kind():
        case "url":
            yield running()
        case "compose":
            control = Containers(choose_ports())
            request.getfixturevalue("docker_services").wait_until_responsive(control.is_ready, READY_SECONDS, 0.2)
            request.config.stash[_STACK] = control.stack()
            yield control.stack()
        case "embedded":
            if measures():
                measured.forget()
            with Embedded(tmp_path_factory.mktemp("stack")).run() as started:
                request.config.stash[_STACK] = started
                yield started


@pytest.fixture(scope="session")
def control(stack: Stack) -> Control:
    """What may be done to the stack; a stack that was not started here is left alone."""
    if stack.control is None:
        pytest.skip("this stack was not started by the tests")
    return stack.control


@pytest.fixture(scope="session")
def embedded(stack: Stack) -> Embedded:
    """The control of an embedded stack, for tests that look at processes."""
    if not isinstance(stack.control, Embedded):
        pytest.skip("only the embedded stack runs plain processes")
    return stack.control


@pytest.fixture
def add_request_id(request: pytest.FixtureRequest) -> Callable[[httpx.Request], None]:
    """Gives each request of the test an X-Request-Id that a reader of the log understands."""
    prefix = re.sub(r"[^A-Za-z0-9._-]+", "-", request.node.name.removeprefix("test_"))[:52].strip("-")
    request.node.stash[_IDS] = prefix
    numbers = itertools.count(1)

    def add(sent: httpx.Request) -> None:
        sent.headers.setdefault("x-request-id", f"{prefix}.{next(numbers):04}")

    return add


@pytest.fixture
def new_http(add_request_id: Callable[[httpx.Request], None]) -> Iterator[Callable[[], httpx.Client]]:
    """Makes HTTP clients; cookies and connections are theirs alone."""
    made: list[httpx.Client] = []

    def new() -> httpx.Client:
        hooks = {"request": [add_request_id]}
        made.append(httpx.Client(verify=NO_AUTHORITIES, timeout=30, trust_env=False, event_hooks=hooks))
        return made[-1]

    yield new
    for http in made:
        http.close()


@pytest.fixture
def http(new_http: Callable[[], httpx.Client]) -> httpx.Client:
    """An HTTP client."""
    return new_http()


@pytest.fixture
def new_browser(stack: Stack, new_http: Callable[[], httpx.Client]) -> NewBrowser:
    """Opens browsers that nobody is logged in with."""
    return lambda: Browser(new_http(), stack.urls.values())


@pytest.fixture
def browser(new_browser: NewBrowser) -> Browser:
    """A browser that nobody is logged in with."""
    return new_browser()


@pytest.fixture(scope="session")
def alices_cookies() -> httpx.Cookies:
    """The cookies of the browser in which alice has logged in, for all tests."""
    return httpx.Cookies()


@pytest.fixture
def alice(stack: Stack, new_browser: NewBrowser, alices_cookies: httpx.Cookies) -> Browser:
    """A browser in which alice is logged in, for tests that do not log in or out; a login would change its cookie."""
    browser = new_browser()
    browser.http.cookies = httpx.Cookies(alices_cookies)
    party = RelyingParty(stack, browser.http, DEMO)
    if "code" not in as_answer(browser.open(party.authorization_url(prompt="none"))):
        # the first time, or since a test ended alice's sessions or withdrew what she allowed
        browser.authorize(party.authorization_url(), USERNAME, PASSWORD)
        alices_cookies.clear()
        alices_cookies.update(browser.http.cookies)
    return browser


@pytest.fixture(scope="session")
def mailbox(stack: Stack) -> Mailbox:
    """Where every mail of the stack arrives."""
    if not stack.mail:
        pytest.skip("the mailbox of this stack is not named")
    return Mailbox(stack)


@pytest.fixture(scope="session")
def key_host(stack: Stack) -> Iterator[KeyHost]:
    """Where clients keep their keys."""
    if stack.kind == "url":
        pytest.skip("a stack that was not started here does not reach the tests")
    with run_key_host(outside=stack.kind == "compose") as host:
        yield host


@pytest.fixture
def party_of(stack: Stack, http: httpx.Client) -> PartyOf:
    """Speaks for a client; skips where a stack that was not started here does not know it."""

    def make(client: Client) -> RelyingParty:
        party = RelyingParty(stack, http, client)
        if stack.kind == "url" and client is not DEMO and party.post("/oauth2/v1/revoke", token="x").is_error:
            pytest.skip(f"this stack does not know the client {client.client_id}")
        return party

    return make


@pytest.fixture
def demo(party_of: PartyOf) -> RelyingParty:
    """The demo client."""
    return party_of(DEMO)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the services logged for its requests."""
    del call
    report = yield
    stack, prefix = item.config.stash.get(_STACK, None), item.stash.get(_IDS, None)
    if report.failed and prefix is not None and stack is not None and stack.control is not None:
        lines = stack.control.log_lines(f"{prefix}.")
        report.sections.append((f"the services' log of {prefix}", "\n".join(lines)))
    return report


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Part of the suite executes part of the lines: then no share is asked for."""
    if items:
        items[0].config.stash[_PARTIAL] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Collect what was measured; after a whole suite, too little of it fails the session."""
    if kind() != "embedded" or not measures() or _STACK not in session.config.stash:
        return
    found = measured.collect()
    session.config.stash[_MEASURED] = found
    files = {item.path.name for item in session.items}
    whole = files >= {path.name for path in Path(__file__).parent.glob("test_*.py")}
    if whole and not session.config.stash.get(_PARTIAL, False):
        enough = found is not None and found.handlers.ratio >= measured.WANTED
        if not enough and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            session.config.stash[_MISSING] = True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell the share of lines that the running services executed."""
    found = config.stash.get(_MEASURED, None)
    if found is None:
        return
    terminalreporter.section("executed inside the running services")
    terminalreporter.line(f"everything      {found.everything}")
    terminalreporter.line(f"OAuth handlers  {found.handlers}, at least {measured.WANTED:.0%} wanted of the whole suite")
    for path, lines in found.handlers.missing.items():
        terminalreporter.line(f"  not executed: {path}: {', '.join(map(str, lines))}")
    if config.stash.get(_MISSING, False):
        terminalreporter.line("FAILED: the suite executes too little of the OAuth handlers", red=True)

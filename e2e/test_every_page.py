"""What must hold of every page and form, whichever there are: the list is the services' own OpenAPI documents.

A page that is added is tested here without a line more.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from e2e.browser import Browser
from e2e.relying_party import RelyingParty
from e2e.stack import Stack

SERVICES = ("authz", "idp")
EVIL = "attacker.example"
SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path that a person's browser uses."""

    service: str
    method: str
    path: str
    query: tuple[str, ...]
    form: tuple[str, ...]
    actions: tuple[str, ...]
    """What the buttons of its page send."""

    def __str__(self) -> str:
        return f"{self.method} {self.service}{self.path}"


def operations_of(service: str, document: dict[str, Any]) -> Iterator[Operation]:
    """The operations of a document that answer with a page, or take what a page sends."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            replies = operation["responses"].values()
            if path.startswith("/ui/") or not any("text/html" in reply.get("content", {}) for reply in replies):
                continue
            query = tuple(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query")
            fields = _form_fields(operation)
            actions = fields.get("action", {}).get("enum", ())
            yield Operation(service, method.upper(), path, query, tuple(fields), tuple(actions))


def _form_fields(operation: dict[str, Any]) -> dict[str, Any]:
    contents = operation.get("requestBody", {}).get("content", {}).values()
    return {name: field for content in contents for name, field in content["schema"].get("properties", {}).items()}


@pytest.fixture(scope="module")
def operations(stack: Stack) -> list[Operation]:
    """All of both services."""
    with httpx.Client(trust_env=False) as http:
        documents = {name: http.get(f"{stack.urls[name]}/ui/swagger/doc.json").json() for name in SERVICES}
    found = [one for name, document in documents.items() for one in operations_of(name, document)]
    assert len([one for one in found if one.method == "GET"]) >= 10
    assert len([one for one in found if one.method == "POST"]) >= 5
    return found


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that opens addresses as they are, without following anything."""

    http: httpx.Client
    stack: Stack
    asks: dict[str, str]

    def ask_of(self, operation: Operation) -> str:
        """What the issuer asked of that page, so that more than a refusal is seen."""
        return next((ask for path, ask in self.asks.items() if operation.path.startswith(path)), "")

    def send(self, operation: Operation, values: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        """One request with these values, and a good ask where none is among them."""
        sent = values or {}
        if "ask" in (*operation.query, *operation.form):
            sent = {"ask": self.ask_of(operation), **sent}
        url = self.stack.urls[operation.service] + re.sub(r"\{\w+\}", "x", operation.path)
        where = "params" if operation.method == "GET" else "data"
        if where == "data":  # also a form without fields says what it is
            options["headers"] = {"content-type": "application/x-www-form-urlencoded", **options.get("headers", {})}
        return self.http.request(operation.method, url, **{where: sent}, **options)


@pytest.fixture(params=["a stranger", "alice"])
def visitor(
    request: pytest.FixtureRequest, stack: Stack, demo: RelyingParty, new_browser: Callable[[], Browser]
) -> Visitor:
    """Somebody without and somebody with a session, each on the way through an authorization request."""
    browser = request.getfixturevalue("alice") if request.param == "alice" else new_browser()
    asks = {}
    prompts = {"/oidc/v1/login": "login", "/oidc/v1/consent": "consent"}
    for path, prompt in prompts.items():
        browser.open(demo.authorization_url(prompt=prompt))
        asks[path] = _ask(browser.visited[-1].url)
    return Visitor(browser.http, stack, asks)


def _ask(url: httpx.URL) -> str:
    return parse_qs(url.query.decode()).get("ask", [""])[0]


def every_answer(visitor: Visitor, operations: list[Operation]) -> Iterator[tuple[Operation, httpx.Response]]:
    """The answer of each operation to an empty request and to one with a value in every field."""
    for operation in operations:
        names = operation.query if operation.method == "GET" else operation.form
        yield operation, visitor.send(operation)
        yield operation, visitor.send(operation, {name: "x" for name in names if name not in ("ask", "action")})


class _Sources(HTMLParser):
    """Whatever a page loads or runs, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element's addresses and its code."""
        attributes = {name: value or "" for name, value in attrs}
        self.loaded += [attributes[name] for name in ("src", "srcset", "poster", "data") if name in attributes]
        if tag == "link":
            self.loaded.append(attributes.get("href", ""))
        if (tag == "script" and "src" not in attributes) or tag in ("style", "iframe", "object", "embed", "base"):
            self.inline.append(tag)
        self.inline += [name for name in attributes if name.startswith("on") or name == "style"]


def test_no_page_can_be_framed_stored_or_made_to_run_anything(visitor: Visitor, operations: list[Operation]) -> None:
    pages = 0
    for operation, answer in every_answer(visitor, operations):
        headers, where = answer.headers, f"{operation}: {answer.status_code}"
        assert answer.status_code < 500, where
        assert headers["cache-control"] == "no-store", where
        assert headers["x-content-type-options"] == "nosniff", where
        if not headers.get("content-type", "").startswith("text/html"):
            continue
        pages += 1
        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'", where
        assert policy["frame-ancestors"] == "'none'", where
        assert policy["base-uri"] == "'none'", where
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'", where
        assert "unsafe" not in headers["content-security-policy"], where
        assert "*" not in headers["content-security-policy"], where
        assert headers["x-frame-options"] == "DENY", where
        assert headers["referrer-policy"] == "no-referrer", where
        assert headers["cross-origin-opener-policy"] == "same-origin", where
        assert "access-control-allow-origin" not in headers, where
        parser = _Sources()
        parser.feed(answer.text)
        assert parser.inline == [], where
        # the logos of clients alone come from elsewhere: as images, from the origins that the policy names
        named = {urlsplit(origin).netloc for origin in policy["img-src"].split() if origin.startswith("http")}
        loaded = {urlsplit(urljoin(str(answer.url), url)).netloc for url in parser.loaded}
        assert loaded <= {urlsplit(str(answer.url)).netloc, *named}, where
    assert pages >= 10


def test_no_form_is_taken_that_another_site_sent(visitor: Visitor, operations: list[Operation]) -> None:
    foreign = ({"sec-fetch-site": "cross-site"}, {"origin": f"https://{EVIL}"})
    for operation in operations:
        if operation.method == "POST" and operation.service == "idp":
            for headers, action in itertools.product(foreign, _buttons(operation)):
                answer = visitor.send(operation, action, headers=headers)
                assert _does_nothing(answer), f"{operation} {headers} {action}: {answer.status_code}"


def test_no_form_is_taken_without_the_token_of_its_page(visitor: Visitor, operations: list[Operation]) -> None:
    tokens: tuple[dict[str, str], ...] = ({}, {"csrf": "A" * 43})
    for operation in operations:
        if operation.method == "POST" and operation.service == "idp":
            for csrf, action in itertools.product(tokens, _buttons(operation)):
                answer = visitor.send(operation, {**action, **csrf}, headers={"sec-fetch-site": "same-origin"})
                assert _does_nothing(answer), f"{operation} {csrf} {action}: {answer.status_code}"


def _buttons(operation: Operation) -> list[dict[str, str]]:
    """What the buttons send; without one a form is sent by Enter."""
    return [{}, *({"action": action} for action in operation.actions)]


def _does_nothing(answer: httpx.Response) -> bool:
    """Whether a form was refused, or sent to the login page, and no session came of it or went."""
    cookies = " ".join(answer.headers.get_list("set-cookie"))
    to_login = answer.status_code == httpx.codes.SEE_OTHER and "/oidc/v1/login?" in answer.headers["location"]
    refused = answer.status_code in (400, 403, 405, 410, 429)
    if answer.url.path == "/oidc/v1/logout":  # RP-Initiated Logout 1.0 §2: clients may send it; it asks the user then
        refused = refused or answer.status_code == httpx.codes.OK
    return (refused or to_login) and "tessera_session" not in cookies and "tessera_device" not in cookies


def test_no_page_repeats_what_an_address_or_a_form_says_as_markup(
    visitor: Visitor, operations: list[Operation]
) -> None:
    for operation in operations:
        for name in operation.query if operation.method == "GET" else operation.form:
            answer = visitor.send(operation, {name: SCRIPT})
            assert answer.status_code < 500, f"{operation} {name}"
            for part in ("<script>alert", "<img src=x"):
                assert part not in answer.text, f"{operation} {name}"


@pytest.mark.parametrize("target", [f"https://{EVIL}/", f"//{EVIL}/", f"/\\{EVIL}/"])
def test_no_address_or_form_leads_away(visitor: Visitor, operations: list[Operation], target: str) -> None:
    guessed = ("return_to", "next", "url", "redirect", "redirect_uri", "continue", "rd")
    for operation in operations:
        names = operation.query if operation.method == "GET" else operation.form
        for sent in (dict.fromkeys(guessed, target), *({name: target} for name in names)):
            answer = visitor.send(operation, sent)
            assert _stays(visitor.stack, answer), f"{operation} {sent}: {answer.headers.get('location')}"


def _stays(stack: Stack, answer: httpx.Response) -> bool:
    if answer.status_code not in _REDIRECTS:
        return True
    target = urlsplit(urljoin(str(answer.url), answer.headers["location"]))
    own = {urlsplit(url).netloc for url in stack.urls.values()}
    return target.scheme in ("http", "https") and target.netloc in own and "\\" not in answer.headers["location"]


def test_no_answer_depends_on_which_host_a_request_names(visitor: Visitor, operations: list[Operation]) -> None:
    for headers in (
        {"host": EVIL},
        {"x-forwarded-host": EVIL, "forwarded": f"host={EVIL}", "x-original-url": f"https://{EVIL}/"},
    ):
        for operation in operations:
            answer = visitor.send(operation, headers=headers)
            assert EVIL not in answer.text + str(answer.headers), f"{operation} {headers}"


def test_no_parameter_becomes_a_header(visitor: Visitor, operations: list[Operation]) -> None:
    for operation in operations:
        for name in operation.query if operation.method == "GET" else operation.form:
            answer = visitor.send(operation, {name: "x\r\nX-Injected: yes\r\nSet-Cookie: tessera_session=x"})
            assert answer.status_code < 500, f"{operation} {name}"
            assert "x-injected" not in answer.headers, f"{operation} {name}"
            assert "tessera_session=x" not in str(answer.headers), f"{operation} {name}"


def test_every_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(
    visitor: Visitor, operations: list[Operation]
) -> None:
    seen = set()
    for operation, answer in every_answer(visitor, operations):
        for line in answer.headers.get_list("set-cookie"):
            name, *attributes = line.lower().split("; ")
            seen.add(name.partition("=")[0])
            assert "httponly" in attributes, f"{operation}: {line}"
            assert "samesite=lax" in attributes, f"{operation}: {line}"
            assert "path=/" in attributes, f"{operation}: {line}"
            assert not any(part.startswith("domain") for part in attributes), f"{operation}: {line}"
    assert seen <= {"tessera_form", "tessera_login", "tessera_language"} | {n for n in seen if "authorization" in n}, (
        seen
    )

"""A browser without JavaScript: follows redirects, keeps cookies, sends the forms that pages show.

It stops where the browser leaves the stack: at the client's redirect URI, whose parameters are the `Answer`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 12
_EMPTY_ELEMENTS = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, what its fields hold, and its buttons by id."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str | None, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows."""

    url: str
    response: httpx.Response
    forms: list[Form]
    texts: Mapping[str, str]
    """The text of each element that has an id."""
    links: Mapping[str, str]
    """What each element that has an id links to."""

    @property
    def status(self) -> int:
        """The HTTP status it came with."""
        return self.response.status_code

    def has(self, button: str) -> bool:
        """Whether it has that button."""
        return any(button in form.buttons for form in self.forms)

    def form(self, button: str) -> Form:
        """The form with that button."""
        found = [form for form in self.forms if button in form.buttons]
        assert found, f"no button {button} at {self.url} ({self.status}): {self.response.text[:2000]}"
        return found[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What arrived at the client: the parameters of its redirect URI, or of the form that was posted there."""

    url: str
    query: Mapping[str, str]
    posted: Mapping[str, str] | None = None

    @property
    def parameters(self) -> Mapping[str, str]:
        """Wherever they were."""
        return self.query if self.posted is None else self.posted

    def __getitem__(self, name: str) -> str:
        return self.parameters[name]

    def __contains__(self, name: str) -> bool:
        return name in self.parameters


class Browser:
    """One browser, with its cookies: by host alone, as browsers keep them, whatever the port.

    Args:
        http: Adds the test's request ids; its cookies are the browser's.
        own: The URLs of the stack; everything else is the client.

    """

    def __init__(self, http: httpx.Client, own: Collection[str]) -> None:
        self.http = http
        self._own = {urlsplit(url).netloc for url in own}
        self.visited: list[httpx.Response] = []

    def open(self, url: str, **options: Any) -> Page | Answer:
        """Go to an address, and wherever it leads."""
        return self._follow("GET", url, **options)

    def show(self, url: str) -> Page:
        """Go to an address that shows a page."""
        return as_page(self.open(url))

    def submit(self, page: Page, button: str, **values: str) -> Page | Answer:
        """Press a button: its form is sent with these values in its fields."""
        form = page.form(button)
        name, value = form.buttons[button]
        data = {**form.fields, **values, **({name: value} if name else {})}
        url = urljoin(page.url, form.action)
        if form.method == "get":
            return self._follow("GET", url, params=data)
        # pages without referrer send a null Origin (Fetch §3.2), and say that they are of the same origin
        headers = {"origin": "null", "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
        return self._follow("POST", url, data=data, headers=headers)

    def follow(self, page: Page, link: str) -> Page | Answer:
        """Follow a link of the page."""
        return self.open(urljoin(page.url, page.links[link]))

    def log_in(self, page: Page, username: str, password: str) -> Page | Answer:
        """Fill in the login page."""
        return self.submit(page, "login", username=username, password=password)

    def authorize(self, url: str, username: str, password: str) -> Answer:
        """Open an authorization request, log in, stay and allow as pages ask for it, and return the answer."""
        found = self.open(url)
        while isinstance(found, Page):
            if "this-account" in found.links:
                found = self.follow(found, "this-account")
            elif found.has("login"):
                found = self.log_in(found, username, password)
            else:
                found = self.submit(found, "allow" if found.has("allow") else "continue")
        return found

    def _follow(self, method: str, url: str, **options: Any) -> Page | Answer:
        for _ in range(_MOST_REDIRECTS):
            if urlsplit(url).netloc not in self._own:
                return _answer(url, options.get("data"))
            response = self.http.request(method, url, **options)
            self.visited.append(response)
            if response.status_code not in _REDIRECTS:
                return _page(response)
            url = urljoin(url, response.headers["location"])
            if response.status_code not in (307, 308):
                method, options = "GET", {}
        raise AssertionError(f"more than {_MOST_REDIRECTS} redirects, at last to {url}")


def as_page(found: Page | Answer) -> Page:
    """The page, where a page must be."""
    assert isinstance(found, Page), f"left the stack for {found.url}"
    return found


def as_answer(found: Page | Answer) -> Answer:
    """The answer, where the client must have got one."""
    assert isinstance(found, Answer), f"stayed at {found.url} ({found.status}): {found.response.text[:2000]}"
    return found


def _answer(url: str, posted: Mapping[str, str] | None) -> Answer:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), f"a parameter came twice: {url}"
    return Answer(url, dict(pairs), posted)


def _page(response: httpx.Response) -> Page:
    reader = _Reader()
    if "html" in response.headers.get("content-type", ""):
        reader.feed(response.text)
    return Page(str(response.url), response, reader.forms, reader.texts, reader.links)


class _Reader(HTMLParser):
    """Reads forms, and the texts and links of elements with an id."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.texts: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self._open: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        name = attributes.get("id")
        if tag not in _EMPTY_ELEMENTS:
            self._open.append((tag, name))
        if name is not None:
            self.texts.setdefault(name, "")
            if "href" in attributes:
                self.links[name] = attributes["href"]
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get").lower()))
        elif tag == "input" and self.forms and "name" in attributes and _is_sent(attributes):
            self.forms[-1].fields[attributes["name"]] = attributes.get("value", "")
        elif tag == "button" and self.forms:
            button = attributes.get("name"), attributes.get("value", "")
            self.forms[-1].buttons[attributes.get("id", "")] = button

    def handle_endtag(self, tag: str) -> None:
        while self._open and tag in [name for name, _ in self._open]:
            if self._open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        for _, name in self._open:
            if name is not None:
                self.texts[name] += data


def _is_sent(attributes: Mapping[str, str]) -> bool:
    """Whether a form is sent with this field: a box or a choice only where it is checked (HTML §4.10.5.1)."""
    return attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes

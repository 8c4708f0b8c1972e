"""A browser without JavaScript: follows redirects, keeps cookies, fills in and submits forms, until it has a code."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from bench.load import LoadError

__all__ = ["Application", "refresh_token"]

_STEPS = 20


@dataclass(frozen=True, slots=True)
class Application:
    """The client that asks, and what its user types into forms.

    Attributes:
        authorization_endpoint: Where its browser is sent.
        token_endpoint: Where it redeems the code.
        client_id: Its name.
        client_secret: For HTTP Basic.
        redirect_uri: Where the code comes back; nothing needs to listen there.
        parameters: More parameters of the authorization request.
        typed: What the user types, by the name of the form's field.

    """

    authorization_endpoint: str
    token_endpoint: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    parameters: Mapping[str, str]
    typed: Mapping[str, str] = field(repr=False)


def refresh_token(application: Application) -> str:
    """Log in as a new browser, consent, redeem the code (RFC 6749 §4.1, RFC 7636) and return the refresh token.

    Raises:
        LoadError: Says at which page it went no further.

    """
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": application.redirect_uri,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "state": secrets.token_urlsafe(8),
        **application.parameters,
    }
    with httpx.Client(trust_env=False, timeout=20) as browser:
        code = _code(browser, application, browser.get(application.authorization_endpoint, params=asked))
        answer = browser.post(
            application.token_endpoint,
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": application.redirect_uri,
                "code_verifier": verifier,
            },
            auth=(application.client_id, application.client_secret),
        )
    token = answer.json().get("refresh_token") if answer.status_code == 200 else None
    if not isinstance(token, str):
        raise LoadError(f"no refresh token from {application.token_endpoint}: {answer.status_code}")
    return token


def _code(browser: httpx.Client, application: Application, page: httpx.Response) -> str:
    for _step in range(_STEPS):
        if page.is_redirect:
            target = urljoin(str(page.url), page.headers["location"])
            if target.startswith(application.redirect_uri):
                return _code_of(target)
            page = browser.get(target)
        elif page.status_code == 200:
            page = _submit(browser, page, application.typed)
        else:
            break
    raise LoadError(f"no code: the browser ended at {urlsplit(str(page.url)).path} with status {page.status_code}")


def _code_of(target: str) -> str:
    answered = parse_qs(urlsplit(target).query)
    if "code" not in answered:
        raise LoadError(f"no code: the server answered {answered.get('error')}")
    return answered["code"][0]


def _submit(browser: httpx.Client, page: httpx.Response, typed: Mapping[str, str]) -> httpx.Response:
    """Submit the page's first form."""
    form = _Form()
    form.feed(page.text)
    if form.action is None:
        raise LoadError(f"no form at {urlsplit(str(page.url)).path}")
    fields = form.fields | {name: value for name, value in typed.items() if name in form.fields}
    return browser.post(urljoin(str(page.url), form.action), data=fields)


class _Form(HTMLParser):
    """The first form of a page: where it leads, its fields, and its first submit button that does not deny."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = False
        self._has_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take in the form and what is in it."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self._inside = values.get("action", ""), True
        elif self._inside and "name" in values:
            is_button = tag == "button" or values.get("type") == "submit"
            if tag == "input" and not is_button:
                self.fields[values["name"]] = values.get("value", "")
            elif is_button and not self._has_button and values.get("value") != "deny":
                self._has_button = True
                self.fields[values["name"]] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Fields after the form's end are not its own."""
        if tag == "form":
            self._inside = False

"""Every secret that the tests of a run sent or got by HTTP, so that its end can look for them where none may be.

It listens where httpx sends, in all clients of the tests; what Chromium sends is not seen.
"""

import base64
import binascii
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

NAMES = frozenset(
    {
        *("access_token", "refresh_token", "id_token", "client_secret", "registration_access_token", "token"),
        *("code", "code_verifier", "client_assertion", "password", "ask", "answer", "csrf", "id_token_hint"),
    }
)
"""Parameters and JSON members whose values are secret."""
_RUN = re.compile(r"[A-Za-z0-9_-]{11,}")
_SIGNIFICANT = 24
"""In characters: a secret cut off after so many is still one."""


_PHRASE = 12
"""In characters: the least of a password with spaces, which has no long word."""
_LEAST_DIFFERENT = 7
"""Characters that differ: fewer are no secret."""


class SecretsUsed:
    """The secrets seen so far."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def __len__(self) -> int:
        return len(self._values)

    def see(self, request: httpx.Request, response: httpx.Response) -> None:
        """Take in what travelled in one exchange."""
        self._values.update(value for value in (*_sent(request), *_got(response)) if value)

    def found_in(self, text: str) -> set[str]:
        """Those that are in a text, whole or cut off."""
        told = {run[:_SIGNIFICANT] for run in _RUN.findall(text)}
        words = {value for value in self._values if " " in value and value.replace(" ", "").isalnum()}
        phrases = {value for value in words if len(value) >= _PHRASE and value in text}
        return phrases | {value for value in self._values if (mark := _mark(value)) and mark in told}


def listen(seen: SecretsUsed) -> Callable[[], None]:
    """See every exchange from now on; the returned function ends it."""
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def seeing(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        response = send(self, request, **options)
        seen.see(request, response)
        return response

    async def seeing_async(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        awaited: Awaitable[httpx.Response] = send_async(self, request, **options)
        response = await awaited
        seen.see(request, response)
        return response

    httpx.Client.send, httpx.AsyncClient.send = seeing, seeing_async  # type: ignore[method-assign]

    def end() -> None:
        httpx.Client.send, httpx.AsyncClient.send = send, send_async  # type: ignore[method-assign]

    return end


def _mark(value: str) -> str | None:
    """What stands for a secret in a text: the longest of its words; of a JWT the signature, since headers repeat.

    What hostile tests send in a secret's place is none: a character again and again, or control characters.
    """
    words = _RUN.findall(value.rpartition(".")[2] if value.startswith("eyJ") else value)
    if not words or not value.isprintable() or len(set(value)) < _LEAST_DIFFERENT:
        return None
    return max(words, key=len)[:_SIGNIFICANT]


def _sent(request: httpx.Request) -> Iterator[str]:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        yield from _basic_password(credentials)
    elif credentials:
        yield credentials
    yield request.headers.get("dpop", "")
    for pair in request.headers.get("cookie", "").split(";"):
        yield pair.partition("=")[2].strip()
    yield from _parameters(request.url.query.decode())
    if "urlencoded" in request.headers.get("content-type", "") and hasattr(request, "_content"):
        yield from _parameters(request.content.decode("utf-8", "replace"))


def _basic_password(credentials: str) -> Iterator[str]:
    try:
        yield unquote(base64.b64decode(credentials).decode().partition(":")[2])
    except (binascii.Error, ValueError):
        return


def _got(response: httpx.Response) -> Iterator[str]:
    for cookie in response.headers.get_list("set-cookie"):
        yield cookie.partition("=")[2].partition(";")[0]
    yield from _parameters(urlsplit(response.headers.get("location", "")).query)
    if response.is_closed and "json" in response.headers.get("content-type", ""):
        yield from _members(response)


def _members(response: httpx.Response) -> Iterator[str]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return
    if isinstance(body, Mapping):
        yield from (value for name, value in body.items() if name in NAMES and isinstance(value, str))


def _parameters(text: str) -> Iterator[str]:
    yield from (value for name, value in parse_qsl(text) if name in NAMES)

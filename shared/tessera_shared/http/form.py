"""Request parameters: urlencoded, each at most once, bounded (RFC 6749 §3.1, §3.2)."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from tessera_shared.errors import OAuthError

MAX_BODY = 64 * 1024
MAX_PARAMETER = 8192
BODY_SECONDS = 10
"""A client that sends its body more slowly holds a connection and nothing else of use."""
_MAX_PARAMETERS = 100
_FORM = "application/x-www-form-urlencoded"


_REPEATABLE = frozenset({"resource"})
"""RFC 8707 §2 is the one specification that lets a parameter be repeated."""


class Form:
    """Parameters by name. Those without a value count as left out (RFC 6749 §3.1)."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        self._seen: set[str] = set()
        repeated = set()
        for name, value in pairs:
            if name in self._seen and name not in _REPEATABLE:
                repeated.add(name)
            self._seen.add(name)
            if value:
                self._values.setdefault(name, value)
        self.repeated = frozenset(repeated)
        self.resources = tuple(value for name, value in pairs if name == "resource" and value)
        """Every value of `resource`."""

    def get(self, name: str) -> str | None:
        """The value, or None where it was left out."""
        return self._values.get(name)

    def require(self, name: str, section: str) -> str:
        """The value.

        Raises:
            OAuthError: invalid_request, where it was left out.

        """
        value = self._values.get(name)
        if value is None:
            raise OAuthError(
                "invalid_request",
                f"The parameter {name} is missing.",
                section=section,
                expected=name,
                received="nothing",
            )
        return value

    def values(self) -> Mapping[str, str]:
        """All parameters that have a value."""
        return self._values

    def refuse_repeated(self, section: str = "RFC 6749 §3.2") -> None:
        """Refuse parameters that were sent more than once.

        Raises:
            OAuthError: invalid_request.

        """
        if self.repeated:
            raise OAuthError(
                "invalid_request",
                "A parameter was sent more than once.",
                section=section,
                expected="each parameter once",
                received=f"{len(self.repeated)} repeated",
            )


def parse(raw: bytes) -> Form:
    """Decode urlencoded parameters.

    Raises:
        OAuthError: invalid_request, for what is not UTF-8, holds NUL, or is out of bounds.

    """
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise OAuthError(
            "invalid_request",
            "The parameters are not urlencoded UTF-8, or there are too many.",
            section="RFC 6749 §B",
            expected=f"at most {_MAX_PARAMETERS} urlencoded parameters",
            received=type(error).__name__,
        ) from error
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise OAuthError("invalid_request", "A parameter holds a NUL character.", section="RFC 6749 §A")
        if len(value) > MAX_PARAMETER or len(name) > MAX_PARAMETER:
            raise OAuthError(
                "invalid_request",
                "A parameter is too long.",
                section="RFC 6749 §3.1",
                expected=f"at most {MAX_PARAMETER} characters",
                received=f"{max(len(name), len(value))} characters",
            )
    return Form(pairs)


def query(request: Request) -> Form:
    """The parameters of the query string."""
    return parse(request.scope["query_string"])


async def body(request: Request) -> Form:
    """The parameters of an urlencoded body.

    Raises:
        OAuthError: invalid_request: 415 for another content type, 413 for a body that is too large.

    """
    content_type = request.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    if content_type != _FORM:
        raise OAuthError(
            "invalid_request",
            f"The content type must be {_FORM}.",
            status=415,
            section="RFC 6749 §3.2",
            expected=_FORM,
            received=content_type[:80] or "nothing",
        )
    return parse(await read_body(request))


async def read_body(request: Request) -> bytes:
    """The whole body, of bounded size.

    Raises:
        OAuthError: invalid_request: 413; 408 for a body that does not come in time.

    """
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    raise body_too_large(size)
                chunks.append(chunk)
    except TimeoutError as error:
        raise OAuthError(
            "invalid_request",
            "The body did not come in time.",
            status=408,
            section="RFC 9110 §15.5.9",
            expected=f"the whole body within {BODY_SECONDS} s",
            received=f"{size} bytes",
            headers={"connection": "close"},
        ) from error
    return b"".join(chunks)


def body_too_large(size: int) -> OAuthError:
    """The answer to a body over the bound, be it announced or counted."""
    return OAuthError(
        "invalid_request",
        "The body is too large.",
        status=413,
        section="RFC 9110 §15.5.14",
        expected=f"at most {MAX_BODY} bytes",
        received=f"{size} bytes or more",
        headers={"connection": "close"},
    )

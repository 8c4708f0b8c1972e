"""The requests of each workload, as bytes made beforehand, and the scripts that send them."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import quote_plus, urlencode

from bench.load import LoadError, Script

__all__ = ["Target", "access_tokens", "get", "once_each", "post", "refreshing", "repeating"]


@dataclass(frozen=True, slots=True)
class Target:
    """A server's address, and the client that authenticates there by client_secret_basic (RFC 6749 §2.3.1)."""

    port: int
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect."""
        return ("127.0.0.1", self.port)

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


def post(target: Target, path: str, parameters: Mapping[str, str]) -> bytes:
    """A POST of an urlencoded form by the authenticated client."""
    body = urlencode(parameters).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost:{target.port}\r\nauthorization: {target.authorization}\r\n"
        f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n"
        "accept: application/json\r\n\r\n"
    )
    return head.encode() + body


def get(port: int, path: str, access_token: str) -> bytes:
    """A GET of a protected resource (RFC 6750 §2.1)."""
    return (
        f"GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\nauthorization: Bearer {access_token}\r\n"
        "accept: application/json\r\n\r\n"
    ).encode()


def repeating(requests: Sequence[bytes], answers: list[bytes] | None = None) -> Script:
    """Send these requests over and over; keep the answers where a list for them is given."""
    following = cycle(requests)

    def script(body: bytes | None) -> bytes:
        if body is not None and answers is not None:
            answers.append(body)
        return next(following)

    return script


def once_each(requests: Sequence[bytes], connections: int) -> list[Script]:
    """Scripts that share these requests, so that each is sent once before any is sent again."""
    shared = cycle(requests)
    return [lambda _body: next(shared)] * connections


def refreshing(target: Target, path: str, refresh_token: str) -> Script:
    """Present the refresh token that the last answer brought (RFC 6749 §6)."""
    current = refresh_token

    def script(body: bytes | None) -> bytes:
        nonlocal current
        if body is not None:
            rotated = json.loads(body).get("refresh_token")
            if not rotated or rotated == current:
                raise LoadError("the refresh token was not rotated: that is another workload")
            current = rotated
        return post(target, path, {"grant_type": "refresh_token", "refresh_token": current})

    return script


def access_tokens(answers: Sequence[bytes]) -> list[str]:
    """The access tokens of token answers."""
    return [json.loads(answer)["access_token"] for answer in answers]

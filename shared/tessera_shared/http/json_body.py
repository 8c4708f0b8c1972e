"""A JSON object as the body of a request: bounded, read once, without what different parsers read differently."""

import json
from typing import Any

from starlette.requests import Request

from tessera_shared.errors import OAuthError
from tessera_shared.http.form import read_body

_JSON = "application/json"


async def json_object(request: Request, max_bytes: int, error: str) -> dict[str, Any]:
    """The object.

    Args:
        request: The request.
        max_bytes: The largest body that is taken.
        error: The error code for a body that is none, such as `invalid_client_metadata`.

    Raises:
        OAuthError: 415 for another content type, 413 for a larger body, 400 for what is no JSON object.

    """
    content_type = request.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    if content_type != _JSON:
        raise OAuthError(
            "invalid_request",
            f"The content type must be {_JSON}.",
            status=415,
            section="RFC 7591 §3.1",
            expected=_JSON,
            received=content_type[:80] or "nothing",
        )
    raw = await read_body(request)
    if len(raw) > max_bytes:
        raise OAuthError(
            error, "The body is too large.", status=413, expected=f"at most {max_bytes} bytes", received=f"{len(raw)}"
        )
    return parse_object(raw, error)


def parse_object(raw: bytes, error: str) -> dict[str, Any]:
    """Read a JSON object (RFC 8259), each member once, its texts such as a database takes them.

    Raises:
        OAuthError: 400 with the given code.

    """
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant)
        # neither a lone surrogate nor a number without end can be written
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as problem:
        raise OAuthError(
            error, "The body is no JSON object.", section="RFC 8259", received=type(problem).__name__
        ) from problem
    if not isinstance(value, dict) or b"\\u0000" in raw or b"\x00" in raw:
        raise OAuthError(error, "The body is no JSON object.", section="RFC 8259", received=type(value).__name__)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse_constant(name: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(name)

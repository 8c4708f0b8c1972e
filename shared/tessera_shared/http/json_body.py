"""A JSON object as the body of a request: bounded, read once, without what different parsers read differently."""

from typing import Any

from starlette.requests import Request

from tessera_shared.errors import OAuthError
from tessera_shared.http.form import read_body
from tessera_shared.strict_json import read_object

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
        return read_object(raw.decode("utf-8"))
    except ValueError as problem:
        raise OAuthError(
            error, "The body is no JSON object.", section="RFC 8259", received=type(problem).__name__
        ) from problem

"""The one place where errors become HTTP answers and log lines."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera_shared import logging
from tessera_shared.errors import OAuthError, Unavailable
from tessera_shared.http.headers import NO_STORE

_ROUTING = {
    404: ("not_found", "There is nothing at this path."),
    405: ("method_not_allowed", "This path does not take that method."),
}


def to_response(error: Exception) -> Response:
    """Answer for `error` in the form of RFC 6749 §5.2, and log which rule failed."""
    match error:
        case OAuthError():
            return _refused(error)
        case Unavailable():
            logging.get().error("unavailable", reason=str(error))
            return _answer("temporarily_unavailable", "Try again in a moment.", 503, {"retry-after": "1"})
        case HTTPException():
            code, description = _ROUTING.get(error.status_code, ("invalid_request", "The request cannot be served."))
            return _answer(code, description, error.status_code, dict(error.headers or {}))
        case _:
            logging.get().error("server error", exc_info=error)
            return _answer("server_error", "Something broke here; the log has the details.", 500, {})


def log_refusal(error: OAuthError) -> None:
    """Say which rule failed, what was expected and what was received; there is no secret in any of them."""
    logging.get().info(
        "refused",
        error=error.error,
        description=error.description,
        section=error.section,
        expected=error.expected,
        received=error.received,
    )


def note_refusal(request: Request, error: OAuthError) -> None:
    """Log a refusal that is answered by other means than `to_response`, and let the exchange count it."""
    log_refusal(error)
    request.state.refused = error


def _refused(error: OAuthError) -> Response:
    log_refusal(error)
    return _answer(error.error, error.description, error.status, error.headers)


def _answer(code: str, description: str, status: int, headers: dict[str, str]) -> Response:
    content = {"error": code, "error_description": description}
    return JSONResponse(content, status, {**NO_STORE, **headers})

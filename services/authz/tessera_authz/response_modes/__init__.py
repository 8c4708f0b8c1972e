"""Response modes: how an authorization answer reaches the client (Multiple Response Types §2.1, JARM §2.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from tessera_authz.response_modes import form_post, query
from tessera_shared.http.pages import Pages

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ResponseMode:
    """One mode: how parameters are sent, and whether they are first signed into one (JARM)."""

    respond: Callable[[Request, Pages, str, Parameters], Response]
    is_signed: bool = False


RESPONSE_MODES: dict[str, ResponseMode] = {
    "query": ResponseMode(query.respond),
    "form_post": ResponseMode(form_post.respond),
    "jwt": ResponseMode(query.respond, is_signed=True),  # JARM §2.3.4: the default of response_type code, signed
    "query.jwt": ResponseMode(query.respond, is_signed=True),
    "form_post.jwt": ResponseMode(form_post.respond, is_signed=True),
}

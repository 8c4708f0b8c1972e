"""Response modes: how an authorization answer reaches the client (OAuth 2.0 Multiple Response Types §2.1)."""

from collections.abc import Callable, Sequence

from starlette.responses import Response

from tessera_authz.response_modes import form_post, query
from tessera_shared.http.pages import Pages

Parameters = Sequence[tuple[str, str]]

RESPONSE_MODES: dict[str, Callable[[Pages, str, Parameters], Response]] = {
    query.RESPONSE_MODE: query.respond,
    form_post.RESPONSE_MODE: form_post.respond,
}

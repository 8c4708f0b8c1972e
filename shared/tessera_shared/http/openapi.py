"""Routes and their OpenAPI 3.1 description from one declaration, so that the two cannot disagree."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send
from typing_extensions import TypedDict

Handler = Callable[[Request], Awaitable[Response]]
Security = Literal["client_basic", "client_post", "client_jwt", "client_tls", "bearer", "dpop"]


class OAuthErrorBody(TypedDict):
    """An error answer (RFC 6749 §5.2)."""

    error: str
    error_description: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One request parameter."""

    name: str
    description: str
    required: bool = False
    where: Literal["query", "form", "path", "header"] = "form"
    example: str | None = None
    values: tuple[str, ...] = ()
    """The values it may take, where they are few."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, meaning, and the TypedDict of its JSON body or another media type."""

    status: int
    description: str
    body: type[Any] | None = None
    media_type: str = "application/json"
    headers: tuple[str, ...] = ()

    @property
    def is_json_error(self) -> bool:
        """Whether it is an error in the form of RFC 6749 §5.2."""
        return self.status >= 400 and self.body is None and self.media_type == "application/json"  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a path: what serves it and what it promises."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    summary: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    replies: tuple[Reply, ...] = ()
    security: tuple[Security, ...] = ()
    section: str = ""
    """The specification's section, such as `RFC 7662 §2`."""
    body: type[Any] | None = None
    """The TypedDict of a JSON body, where the request has one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path and its aliases."""

    path: str
    operations: tuple[Operation, ...]
    aliases: tuple[str, ...] = ()


def routes(endpoints: Sequence[Endpoint]) -> list[BaseRoute]:
    """The Starlette routes of these declarations; a method that is not declared answers 405."""
    return [
        Route(path, _by_method(endpoint), methods=[operation.method for operation in endpoint.operations])
        for endpoint in endpoints
        for path in (endpoint.path, *endpoint.aliases)
    ]


@dataclass(frozen=True, slots=True)
class _ByMethod:
    """The ASGI application of one path. What a handler raises goes on to the exchange, which answers all errors."""

    path: str
    handlers: Mapping[str, Handler]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["route"] = self.path
        response = await self.handlers[scope["method"]](Request(scope, receive, send))
        await response(scope, receive, send)


def _by_method(endpoint: Endpoint) -> _ByMethod:
    handlers: dict[str, Handler] = {operation.method: operation.handler for operation in endpoint.operations}
    if "GET" in handlers:
        handlers["HEAD"] = handlers["GET"]  # Starlette routes HEAD to where GET is
    return _ByMethod(endpoint.path, handlers)

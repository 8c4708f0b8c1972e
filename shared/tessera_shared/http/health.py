"""Health: whether the service could serve a request now, not merely that the process is up."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from tessera_shared import logging
from tessera_shared.db import Database
from tessera_shared.errors import Unavailable
from tessera_shared.http.openapi import Endpoint, Operation, Reply

Check = Callable[[], Awaitable[bool]]


class Healthy(TypedDict):
    """The service could serve a request now."""

    status: Literal["ok"]


class Unhealthy(TypedDict):
    """It could not; `failing` names what is missing."""

    status: Literal["unavailable"]
    failing: list[str]


def health_endpoint(checks: Mapping[str, Check]) -> Endpoint:
    """`GET /health`: 200 while every check holds, else 503 with the names of those that do not."""

    async def health(_request: Request) -> Response:
        failing = [name for name, check in checks.items() if not await check()]
        if failing:
            logging.get().warning("unhealthy", failing=failing)
            return JSONResponse({"status": "unavailable", "failing": failing}, 503)
        return JSONResponse({"status": "ok"})

    replies = (
        Reply(200, "The service can serve requests.", Healthy),
        Reply(503, "It cannot; `failing` says what is missing.", Unhealthy),
    )
    return Endpoint("/health", (Operation("GET", "Health", health, replies=replies),))


def database_check(database: Database) -> Check:
    """Whether the database answers."""

    async def check() -> bool:
        try:
            return bool(await database.fetchval("SELECT true"))
        except Unavailable:
            return False

    return check

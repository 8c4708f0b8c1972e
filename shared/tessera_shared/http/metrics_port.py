"""The metrics port of a service: `GET /metrics` for Prometheus, never on a port that the public reaches."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from tessera_shared.config import Listen
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.server import SidePort, open_port
from tessera_shared.metrics import CONTENT_TYPE, Metrics


def open_metrics_port(config: Listen | None, metrics: Metrics) -> SidePort | None:
    """Open the port; None where the configuration has none.

    Raises:
        StartupError: The port cannot be bound.

    """
    if config is None:
        return None

    async def tell(_request: Request) -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE, "cache-control": "no-store"})

    return SidePort(open_port(config), Exchange(Router([Route("/metrics", tell)], redirect_slashes=False), ()))

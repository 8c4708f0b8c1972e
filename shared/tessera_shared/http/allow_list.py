"""Endpoints that are served to some networks only."""

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from tessera_shared import logging
from tessera_shared.errors import OAuthError
from tessera_shared.http.headers import Network, is_address_in, parse_networks
from tessera_shared.http.openapi import Endpoint, Handler, OAuthErrorBody, Operation, Reply

_REFUSED = Reply(403, "Not served to this network", OAuthErrorBody)


def only_from(networks: Sequence[str], endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """The same endpoints, for these networks (CIDR) only; for all where none is named."""
    if not networks:
        return list(endpoints)
    allowed = parse_networks(networks)
    return [
        replace(endpoint, operations=tuple(_only_from(allowed, operation) for operation in endpoint.operations))
        for endpoint in endpoints
    ]


def _only_from(networks: Sequence[Network], operation: Operation) -> Operation:
    told = operation.replies if any(reply.status == _REFUSED.status for reply in operation.replies) else None
    return replace(
        operation,
        handler=_guarded(networks, operation.handler),
        replies=told or (*operation.replies, _REFUSED),
    )


def _guarded(networks: Sequence[Network], handler: Handler) -> Handler:
    async def serve(request: Request) -> Response:
        address = request.state.client_address
        if not is_address_in(address, networks):
            logging.get().warning("refused by address", address=address, path=request.url.path)
            raise OAuthError(
                "access_denied",
                "This endpoint is not served to your network.",
                status=403,
                section="RFC 9110 §15.5.4",
                expected="an address of the allowed networks",
                received=address,
            )
        return await handler(request)

    return serve

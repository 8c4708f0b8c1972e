"""Who acts in a request, for the audit log."""

from starlette.requests import Request

from tessera_shared.audit import Actor


def actor(request: Request, name: str) -> Actor:
    """The actor of that name, such as `client:<client_id>`, where the request came from."""
    return Actor("authz", name, request.state.client_address, request.state.request_id)

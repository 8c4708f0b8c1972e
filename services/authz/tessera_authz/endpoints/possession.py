"""What a token request proves to hold, for its tokens to be bound to: a client certificate (RFC 8705 §3)."""

from starlette.requests import Request

from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.protocol.confirmation import Confirmation, confirm


def confirm_possession(request: Request, client: AuthenticatedClient) -> Confirmation:
    """What the tokens of this request are bound to.

    Raises:
        OAuthError: The client's tokens must be bound, and the request shows nothing to bind them to.

    """
    certificate = request.state.client_certificate
    return confirm(client, None, None if certificate is None else certificate.x5t_s256)

"""Client authentication (RFC 6749 §2.3): the registry of methods, and the one way a request is authenticated."""

from collections.abc import Callable, Sequence
from datetime import datetime

from starlette.requests import Request

from tessera_authz.client_auth import client_secret_basic, client_secret_post, none
from tessera_authz.client_auth.client_secret import SecretVerifier
from tessera_authz.client_auth.credentials import Credentials, NoCredentials, SecretCredentials
from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.store.clients import ClientDirectory, ClientRecord
from tessera_shared.errors import OAuthError
from tessera_shared.http.form import Form

METHODS: dict[str, Callable[[Sequence[str], Form], Credentials | None]] = {
    client_secret_basic.METHOD: client_secret_basic.extract,
    client_secret_post.METHOD: client_secret_post.extract,
    none.METHOD: none.extract,
}
"""How each method's credentials are found in the Authorization headers and the form. `none` is whatever is left."""

CONFIDENTIAL_METHODS = tuple(method for method in METHODS if method != none.METHOD)


class ClientAuthenticator:
    """Finds out which client made a request."""

    def __init__(self, directory: ClientDirectory, secrets: SecretVerifier) -> None:
        self._directory = directory
        self._secrets = secrets

    async def authenticate(self, request: Request, form: Form, now: datetime) -> AuthenticatedClient:
        """The client of this request, by the one method it registered.

        Raises:
            OAuthError: invalid_client (401), the same words whatever was wrong; invalid_request for two methods.

        """
        authorization = request.headers.getlist("authorization")
        method, credentials = _extract(authorization, form)
        record = await self._directory.find(credentials.client_id)
        problem = await self._check(method, credentials, record, now)
        if problem is None and record is not None:
            return AuthenticatedClient(record.client)
        raise _invalid_client(problem or "a known client", credentials.client_id, tried_basic=bool(authorization))

    async def authenticate_confidential(self, request: Request, form: Form, now: datetime) -> AuthenticatedClient:
        """The same for endpoints where a name alone is not enough.

        Raises:
            OAuthError: invalid_client (401).

        """
        client = await self.authenticate(request, form, now)
        if client.is_public:
            raise _invalid_client("a client with credentials", client.client_id, tried_basic=False)
        return client

    async def _check(
        self, method: str, credentials: Credentials, record: ClientRecord | None, now: datetime
    ) -> str | None:
        """What was expected and not met, for the log; None where the client is who it says."""
        if record is None:
            if isinstance(credentials, SecretCredentials):
                await self._secrets.verify_nothing(credentials.secret)
            return "a known client"
        match credentials:
            case SecretCredentials(client_id, secret):
                if not await self._secrets.verify(client_id, secret, record.secrets, now):
                    return "the client's secret"
            case NoCredentials():
                pass
        registered = record.client.token_endpoint_auth_method
        return None if method == registered else f"the registered method {registered}, not {method}"


def _extract(authorization: Sequence[str], form: Form) -> tuple[str, Credentials]:
    """The one method that the request uses, and its credentials."""
    found = [
        (method, credentials)
        for method in CONFIDENTIAL_METHODS
        if (credentials := METHODS[method](authorization, form)) is not None
    ]
    if len(found) > 1 or len(authorization) > 1:
        raise OAuthError(
            "invalid_request",
            "The client must authenticate by exactly one method.",
            section="RFC 6749 §2.3",
            expected="one method",
            received=", ".join(method for method, _ in found),
        )
    if found:
        return found[0]
    credentials = none.extract(authorization, form)
    if credentials is None:
        raise _invalid_client("client credentials", None, tried_basic=bool(authorization))
    return none.METHOD, credentials


def _invalid_client(expected: str, client_id: str | None, *, tried_basic: bool) -> OAuthError:
    """RFC 6749 §5.2: 401, with a challenge where the client used the Authorization header."""
    return OAuthError(
        "invalid_client",
        "Client authentication failed.",
        status=401,
        section="RFC 6749 §2.3",
        expected=expected,
        received=f"client {client_id[:100]}" if client_id else "no client_id",
        headers={"www-authenticate": 'Basic realm="tessera", charset="UTF-8"'} if tried_basic else {},
    )

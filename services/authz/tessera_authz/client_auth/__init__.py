"""Client authentication (RFC 6749 §2.3): the registry of methods, and the one way a request is authenticated."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from starlette.requests import Request

from tessera_authz.client_auth import (
    client_secret_basic,
    client_secret_jwt,
    client_secret_post,
    none,
    private_key_jwt,
    self_signed_tls_client_auth,
    tls_client_auth,
)
from tessera_authz.client_auth.credentials import Credentials, Presentation, SecretCredentials
from tessera_authz.client_auth.method import Extract, Method, Problem, Verifiers, client_id_alone
from tessera_authz.limits import Limits
from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.store.clients import ClientDirectory, ClientRecord
from tessera_shared.errors import OAuthError
from tessera_shared.http.form import Form
from tessera_shared.http.public_url import PublicUrl

METHODS: dict[str, Method[Any]] = {
    method.name: method
    for method in (
        client_secret_basic.METHOD,
        client_secret_post.METHOD,
        client_secret_jwt.METHOD,
        private_key_jwt.METHOD,
        tls_client_auth.METHOD,
        self_signed_tls_client_auth.METHOD,
        none.METHOD,
    )
}

ASSERTION_ALGS = (*private_key_jwt.ALGS, *client_secret_jwt.ALGS)
"""What assertions may be signed with."""

CONFIDENTIAL_METHODS = tuple(name for name in METHODS if name != none.METHOD.name)


@dataclass(frozen=True, slots=True)
class ClientAuthenticator:
    """Finds out which client made a request."""

    url: PublicUrl
    directory: ClientDirectory
    verifiers: Verifiers
    limits: Limits

    async def authenticate(self, request: Request, form: Form, now: datetime) -> AuthenticatedClient:
        """The client of this request, by the one method it registered.

        Raises:
            OAuthError: invalid_client (401), the same words whatever was wrong; invalid_request for two methods;
                429 where too many were wrong.

        """
        return await self._authenticate(request, form, now, lambda record: record)

    async def authenticate_with_current_secret(
        self, request: Request, form: Form, now: datetime
    ) -> AuthenticatedClient:
        """The same, but not by a secret that a newer one has replaced and that works for its grace period only.

        Raises:
            OAuthError: invalid_client (401).

        """
        return await self._authenticate(request, form, now, _without_replaced_secrets)

    async def _authenticate(
        self, request: Request, form: Form, now: datetime, narrow: Callable[[ClientRecord], ClientRecord]
    ) -> AuthenticatedClient:
        authorization = tuple(request.headers.getlist("authorization"))
        certificate = request.state.client_certificate
        presentation = Presentation(authorization, form, self.url.of(request.scope), certificate)
        extract, credentials = _extract(presentation)
        client_id, address = credentials.client_id, request.state.client_address
        self.limits.refuse_blocked(client_id, address)
        found = await self.directory.find(client_id)
        record = None if found is None else narrow(found)
        problem = await self._check(extract, credentials, record, now)
        if problem is None and record is not None:
            self.directory.note_use(record.client.client_id)
            return AuthenticatedClient(record.client)
        await self.limits.count_wrong_credentials(client_id, address)
        raise _invalid_client(problem or "a known client", client_id, tried_basic=bool(authorization))

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
        self, extract: Extract[Any], credentials: Credentials, record: ClientRecord | None, now: datetime
    ) -> Problem:
        if record is None:
            if isinstance(credentials, SecretCredentials):
                await self.verifiers.secrets.verify_nothing(credentials.secret)
            return "a known client"
        method = METHODS.get(record.client.token_endpoint_auth_method)
        if method is None or method.extract is not extract:
            return f"the registered method {record.client.token_endpoint_auth_method}"
        return await method.verify(credentials, record, self.verifiers, now)


def _without_replaced_secrets(record: ClientRecord) -> ClientRecord:
    return replace(record, secrets=[secret for secret in record.secrets if secret.replaced_at is None])


def _extract(presentation: Presentation) -> tuple[Extract[Any], Credentials]:
    """The one kind of credentials that the request presents, and how they were found."""
    kinds = dict.fromkeys(method.extract for method in METHODS.values() if method.extract is not client_id_alone)
    found = [(extract, credentials) for extract in kinds if (credentials := extract(presentation)) is not None]
    if len(found) > 1 or len(presentation.authorization) > 1:
        raise OAuthError(
            "invalid_request",
            "The client must authenticate by exactly one method.",
            section="RFC 6749 §2.3",
            expected="one kind of credentials",
            received=f"{max(len(found), len(presentation.authorization))} kinds",
        )
    if found:
        return found[0]
    credentials = client_id_alone(presentation)
    if credentials is None:
        raise _invalid_client("client credentials", None, tried_basic=bool(presentation.authorization))
    return client_id_alone, credentials


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

"""Where an authorization request is: in the parameters, in a request object (RFC 9101), or pushed before (RFC 9126)."""

from dataclasses import dataclass, replace
from datetime import datetime

from tessera_authz.endpoints.request_object_reader import RequestObjectReader
from tessera_authz.protocol import authorization_request as rules
from tessera_authz.protocol.authorization_request import (
    AuthorizationRequest,
    Checked,
    Parameters,
    ReplyAddress,
    Supported,
)
from tessera_authz.protocol.client import Client
from tessera_authz.store.pushed_requests import PushedRequestStore
from tessera_authz.store.scopes import ScopeDirectory
from tessera_authz.tokens import opaque
from tessera_shared import id_token_hint
from tessera_shared.clock import seconds
from tessera_shared.errors import OAuthError
from tessera_shared.http.form import Form
from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.jose.keys import KeySource
from tessera_shared.pairwise import Subjects

REQUEST_URI_PREFIX = "urn:ietf:params:oauth:request_uri:"
"""RFC 9126 §2.2; no other request_uri is fetched."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An error that the client is told."""

    reply: ReplyAddress
    error: OAuthError


@dataclass(frozen=True, slots=True)
class RequestReader:
    """Reads and checks authorization requests."""

    supported: Supported
    scopes: ScopeDirectory
    pushed: PushedRequestStore
    objects: RequestObjectReader
    keys: KeySource
    subjects: Subjects
    issuer: str

    async def read(self, form: Form, client: Client, now: datetime) -> Checked | Refused:
        """The request of an authorization endpoint's parameters.

        Raises:
            OAuthError: For the user alone, since there is no address to send it to.

        """
        request_uri = form.get("request_uri")
        if request_uri is not None and request_uri.startswith(REQUEST_URI_PREFIX):
            return await self._read_pushed(request_uri, client, now)
        outside = Parameters(form.values(), form.resources)
        try:
            form.refuse_repeated("RFC 6749 §3.1")
            parameters = await self.objects.unwrap(outside, client, now)
        except OAuthError as error:
            return self._refuse(outside, client, error)
        reply = rules.reply_address(parameters, client, self.supported.response_modes)
        try:
            if client.require_pushed_authorization_requests:
                raise OAuthError(
                    "invalid_request",
                    "This client must push its authorization requests.",
                    section="RFC 9126 §5",
                    expected="a request_uri of the pushed authorization request endpoint",
                )
            return Checked(await self._parse(parameters, client, reply, now))
        except OAuthError as error:
            return Refused(reply, error)

    def _refuse(self, outside: Parameters, client: Client, error: OAuthError) -> Refused:
        """Tell the client of a request object that cannot be read, if the parameters outside say where it is."""
        try:
            return Refused(rules.reply_address(outside, client, self.supported.response_modes), error)
        except OAuthError:
            raise error from None

    async def check_pushed(self, form: Form, client: Client, now: datetime) -> Checked:
        """The request of a push (RFC 9126 §2.1); every error is the push's answer.

        Raises:
            OAuthError: What is wrong with the request.

        """
        if form.get("request_uri") is not None:
            raise OAuthError(
                "invalid_request", "A request_uri cannot be pushed.", section="RFC 9126 §2.1", received="request_uri"
            )
        parameters = await self.objects.unwrap(Parameters(form.values(), form.resources), client, now)
        reply = rules.reply_address(parameters, client, self.supported.response_modes)
        return Checked(await self._parse(parameters, client, reply, now))

    async def _parse(
        self, parameters: Parameters, client: Client, reply: ReplyAddress, now: datetime
    ) -> AuthorizationRequest:
        levels = {entry.name: entry.acr for entry in await self.scopes.all() if entry.acr is not None}
        request = rules.parse(parameters, client, reply, replace(self.supported, acr_of_scope=levels), seconds(now))
        hint = parameters.get("id_token_hint")
        hinted = None if hint is None else await self._hinted(hint, client, request, now)
        named = self._named(request, client)
        if hinted is not None and named is not None and hinted != named:
            raise _nobody("The id_token_hint and the claims name different users.")
        return replace(request, expected_sub=named or hinted)

    async def _hinted(self, hint: str, client: Client, request: AuthorizationRequest, now: datetime) -> str | None:
        """OIDC Core §3.1.2.1: whom the hint names. One that names nobody must not let whoever is logged in through."""
        try:
            claims = await id_token_hint.verify(hint, self.keys, self.issuer, client.client_id, now)
            return self.subjects.meant(str(claims["sub"]), client.sector)
        except InvalidToken as error:
            if request.is_silent:
                raise OAuthError(
                    "login_required",
                    "The id_token_hint is not valid.",
                    section="OIDC Core §3.1.2.1",
                    expected=f"{error.check}: {error.expected}",
                    received=error.received,
                ) from error
            return None

    def _named(self, request: AuthorizationRequest, client: Client) -> str | None:
        """OIDC Core §5.5.1: whom the value of the claim sub names, as this client is told it."""
        if request.expected_sub is None:
            return None
        try:
            return self.subjects.meant(request.expected_sub, client.sector)
        except InvalidToken as error:
            raise _nobody("The claims name a user who is not known.") from error

    async def _read_pushed(self, request_uri: str, client: Client, now: datetime) -> Checked:
        """RFC 9126 §4: bound to its client; parameters beside it are ignored."""
        uri_hash = opaque.digest(request_uri)
        request = await self.pushed.find(uri_hash, client.client_id, now)
        if request is None:
            raise request_uri_not_valid("unknown, another client's, used up or expired")
        return Checked(request, uri_hash)


def _nobody(description: str) -> OAuthError:
    return OAuthError("login_required", description, section="OIDC Core §3.1.2.2", expected="one user who is known")


def request_uri_not_valid(received: str) -> OAuthError:
    """RFC 9126 §4: shown to the user, since nothing else of the request is known."""
    return OAuthError(
        "invalid_request_uri",
        "The request_uri is not valid, was used or has expired. Please start again at the application.",
        section="RFC 9126 §4",
        expected="a pushed request of this client that is still open",
        received=received,
    )

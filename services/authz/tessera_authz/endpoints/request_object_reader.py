"""Request objects (RFC 9101) by value: signed by the client, read into the parameters they hold."""

from dataclasses import dataclass
from datetime import datetime

from tessera_authz.protocol import request_object
from tessera_authz.protocol.authorization_request import Parameters
from tessera_authz.protocol.client import Client
from tessera_shared.client_keys import ClientKeys
from tessera_shared.clock import seconds
from tessera_shared.errors import OAuthError
from tessera_shared.jose import compact
from tessera_shared.jose.jwt import InvalidToken

_DOTS_OF_JWE = 4
"""RFC 7516 §7.1."""


@dataclass(frozen=True, slots=True)
class RequestObjectReader:
    """Reads request objects.

    Attributes:
        issuer: This server, their audience.
        keys: Verifies what clients sign.
        tolerance: How far a client's clock may be off, in seconds.

    """

    issuer: str
    keys: ClientKeys
    tolerance: int

    async def unwrap(self, outside: Parameters, client: Client, now: datetime) -> Parameters:
        """The parameters that count: those of the request object, or those outside where there is none.

        Raises:
            OAuthError: request_not_supported for a client without keys, invalid_request_object, or invalid_request
                where the client must sign its requests.

        """
        text = outside.get("request")
        if text is None:
            _check_none_needed(client)
            return outside
        if client.jwks is None and client.jwks_uri is None:
            raise OAuthError(
                "request_not_supported",
                "This client has no keys to sign request objects with.",
                section="OIDC Core §3.1.2.6",
                expected="jwks or jwks_uri in the client's metadata",
            )
        signed = _read(text)
        await self._check_signature(signed, client, now)
        return request_object.read(signed.claims, client, self.issuer, seconds(now), self.tolerance)

    async def _check_signature(self, signed: compact.Unverified, client: Client, now: datetime) -> None:
        registered = client.request_object_signing_alg
        algs = client.signing_algs if registered is None else (registered,)
        if signed.alg not in algs:  # RFC 9101 §6.2; `none` is never among them
            raise request_object.invalid("alg", ", ".join(algs))
        if signed.typ not in request_object.TYPES:
            raise request_object.invalid("typ", "oauth-authz-req+jwt")
        if not await self.keys.has_signed(client, signed, now):
            raise request_object.invalid("signature", "one of the client's keys")


def _check_none_needed(client: Client) -> None:
    if client.require_signed_request_object:  # RFC 9101 §10.5
        raise OAuthError(
            "invalid_request",
            "This client must sign its authorization requests.",
            section="RFC 9101 §10.5",
            expected="a request object",
            received="plain parameters",
        )


def _read(text: str) -> compact.Unverified:
    if text.count(".") == _DOTS_OF_JWE:
        raise request_object.encrypted()
    try:
        return compact.read(text)
    except InvalidToken as error:
        raise request_object.invalid(error.check, error.expected) from error

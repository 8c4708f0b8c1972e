"""The userinfo response as a client registered for it: JSON, or a JWT (OpenID Connect Core §5.3.2)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from tessera_idp.protocol.models import UserinfoClient
from tessera_shared.client_keys import ClientKeys, no_key
from tessera_shared.http.headers import NO_STORE
from tessera_shared.jose.encryption import DIRECT, Recipient, direct_recipient, encrypt
from tessera_shared.jose.jwt import mint
from tessera_shared.keystore.live import LiveRing
from tessera_shared.secret_sealer import SecretSealer

JWT = "application/jwt"


@dataclass(frozen=True, slots=True)
class UserinfoResponses:
    """Signs and encrypts, each where the client asked for it.

    Attributes:
        issuer: Who says it, in a JWT.
        ring: The issuer's keys.
        keys: Finds the clients' keys.
        sealer: Opens the secrets of clients that want `dir`.

    """

    issuer: str
    ring: LiveRing
    keys: ClientKeys
    sealer: SecretSealer

    async def respond(self, claims: Mapping[str, Any], client: UserinfoClient, now: datetime) -> Response:
        """The response.

        Raises:
            OAuthError: 503, where no key of the client can be had now.

        """
        signed, encrypted = client.signed_response_alg, client.encrypted_response_alg
        if signed is None and encrypted is None:
            return JSONResponse(claims, headers=NO_STORE)
        # no exp: such a JWT must never pass for an ID token, as one that names who is expected above all
        told = {**claims, "iss": self.issuer, "aud": client.client_id}
        content = json.dumps(told).encode() if signed is None else self._sign(told, signed, now)
        if encrypted is not None:
            recipient = await self._recipient(client, encrypted, now)
            content = encrypt(content, recipient, is_jwt=signed is not None).encode("ascii")
        return Response(content, headers=NO_STORE, media_type=JWT)

    def _sign(self, claims: Mapping[str, Any], alg: str, now: datetime) -> bytes:
        key = self.ring.current.active("sig", alg, now)
        return mint(claims, key=key.key, kid=key.kid, alg=key.alg, typ="JWT").encode("ascii")

    async def _recipient(self, client: UserinfoClient, alg: str, now: datetime) -> Recipient:
        if alg != DIRECT:
            return await self.keys.recipient(client, alg, client.encrypted_response_enc, now)
        if client.sealed_secret is None:
            raise no_key(DIRECT)
        secret = self.sealer.unseal(client.client_id, client.sealed_secret)
        return direct_recipient(secret, client.encrypted_response_enc)

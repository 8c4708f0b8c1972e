"""The id_token_hint of RP-initiated logout: an ID token that this issuer once gave to a client."""

import json
from dataclasses import dataclass
from datetime import datetime

from joserfc import jws
from joserfc.errors import JoseError

from tessera_idp.protocol.logout import Hint, LogoutRequest
from tessera_idp.store.client_subjects import ClientSubjects
from tessera_idp.store.clients import LogoutClientStore
from tessera_shared import logging
from tessera_shared.id_token_hint import verify
from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.jose.keys import KeySource


@dataclass(frozen=True, slots=True)
class HintReader:
    """Reads hints with the issuer's keys."""

    keys: KeySource
    clients: LogoutClientStore
    subjects: ClientSubjects
    issuer: str

    async def read(self, request: LogoutRequest, now: datetime) -> Hint | None:
        """What a valid hint says; None without one. Why one is not valid is logged, never told."""
        if request.id_token_hint is None:
            return None
        try:
            return await self._read(request.id_token_hint, request.client_id, now)
        except InvalidToken as error:
            logging.get().info("id_token_hint refused", check=error.check, section=error.section)
            return None

    async def _read(self, token: str, client_id: str | None, now: datetime) -> Hint:
        named = client_id or _audience(token)
        client = None if named is None else await self.clients.find(named)
        if client is None:
            raise InvalidToken("aud", section="RP-Initiated Logout §2", expected="a registered client")
        # §2: where client_id is sent too, it must be the audience
        claims = await verify(token, self.keys, self.issuer, client.client_id, now)
        sub, sid = await self.subjects.meant(str(claims["sub"]), client.client_id), claims.get("sid")
        return Hint(client, sub, None if sid is None else str(sid), str(claims["sub"]))


def _audience(token: str) -> str | None:
    """The client that the token names, not verified yet: to know whom to verify it for."""
    try:
        claims = json.loads(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError, RecursionError) as error:
        raise InvalidToken("form", section="RFC 7515 §7.1", expected="a compact JWS") from error
    audience = claims.get("azp") or claims.get("aud") if isinstance(claims, dict) else None
    if isinstance(audience, list):
        audience = audience[0] if audience else None
    # RFC 6749 §A.1: client identifiers are visible ASCII; nothing else needs to be looked for
    return audience if isinstance(audience, str) and audience.isascii() and audience.isprintable() else None

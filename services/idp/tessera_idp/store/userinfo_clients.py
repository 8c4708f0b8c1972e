"""How clients want to be told of users at userinfo, and what one grant asked for there."""

import json
from collections.abc import Mapping
from uuid import UUID

from tessera_idp.protocol.models import UserinfoClient
from tessera_shared.db import Database, Row
from tessera_shared.jose.encryption import DEFAULT_ENC
from tessera_shared.pairwise import sector_of

FIND = """
SELECT u.client_id, u.subject_type, u.sector_identifier_uri, u.redirect_uris, u.scope, u.signed_response_alg,
    u.encrypted_response_alg, u.encrypted_response_enc, u.jwks, u.jwks_uri, u.sealed_secret,
    (SELECT g.claims FROM authz.userinfo_claims g WHERE g.grant_id = $2 AND g.client_id = u.client_id) AS claims
FROM authz.client_userinfo u WHERE u.client_id = $1
"""


class UserinfoClientStore:
    """The views of clients and grants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, client_id: str, grant_id: str | None) -> UserinfoClient:
        """The client, and what it asked for with that grant; a client that is gone has registered nothing."""
        row = await self._database.fetchrow(FIND, client_id, None if grant_id is None else UUID(grant_id))
        return UserinfoClient(client_id) if row is None else _to_client(row)


def _to_client(row: Row) -> UserinfoClient:
    redirect_uris = json.loads(row["redirect_uris"] or "[]")
    return UserinfoClient(
        client_id=row["client_id"],
        sector=sector_of(row["subject_type"], row["sector_identifier_uri"], redirect_uris),
        scope=tuple((row["scope"] or "").split()),
        wishes=_read(row["claims"]),
        signed_response_alg=row["signed_response_alg"],
        encrypted_response_alg=row["encrypted_response_alg"],
        encrypted_response_enc=row["encrypted_response_enc"] or DEFAULT_ENC,
        jwks=_read(row["jwks"]) or None,
        jwks_uri=row["jwks_uri"],
        sealed_secret=row["sealed_secret"],
    )


def _read(text: str | None) -> Mapping[str, object]:
    return dict(json.loads(text or "{}") or {})

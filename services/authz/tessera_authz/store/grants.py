"""Grants with their codes and refresh tokens; each is consumed by one conditional statement."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tessera_authz.protocol.claims_request import NOTHING, ClaimsRequest
from tessera_authz.protocol.models import AuthorizationCode, Grant, RefreshToken
from tessera_shared.db import Database, Row
from tessera_shared.scope import Scope

_GRANT = """g.id, g.client_id, g.sub, g.scope AS grant_scope, g.sid, g.auth_time, g.acr, g.amr, g.nonce, g.resource,
    g.claims, g.created_at AS grant_created_at, g.expires_at AS grant_expires_at, g.revoked_at"""

# a session that ended since the idp told of it grants nothing: its end has revoked what there was, and would miss this
INSERT_GRANT = """
WITH live AS MATERIALIZED (
    SELECT true WHERE idp.holds_session($5, $3)
), consent AS (
    INSERT INTO authz.consents (sub, client_id, scope, granted_at)
    SELECT $3, $2, $12::text[], $10 FROM live WHERE cardinality($12::text[]) > 0
    ON CONFLICT (sub, client_id) DO UPDATE SET granted_at = excluded.granted_at, scope =
        (SELECT array_agg(DISTINCT token) FROM unnest(consents.scope || excluded.scope) AS token)
), made AS (
    INSERT INTO authz.grants
        (id, client_id, sub, scope, sid, auth_time, acr, amr, nonce, created_at, expires_at, resource, claims)
    SELECT $1, $2, $3, $4::text[], $5, $6, $7, $8::text[], $9, $10, $11, $17::text[], $19::jsonb FROM live RETURNING id
)
INSERT INTO authz.authorization_codes
    (code_hash, grant_id, redirect_uri, code_challenge, created_at, expires_at, dpop_jkt)
SELECT $13, id, $14, $15, $10, $16, $18 FROM made RETURNING true
"""
LOAD_CODE = f"""
SELECT c.code_hash, c.redirect_uri, c.code_challenge, c.dpop_jkt, c.expires_at, c.consumed_at, {_GRANT}
FROM authz.authorization_codes c JOIN authz.grants g ON g.id = c.grant_id WHERE c.code_hash = $1
"""  # noqa: S608 - constants only
LOAD_REFRESH_TOKEN = f"""
SELECT t.token_hash, t.scope, t.created_at, t.expires_at, t.consumed_at, t.answer, t.dpop_jkt, t.x5t_s256, {_GRANT}
FROM authz.refresh_tokens t JOIN authz.grants g ON g.id = t.grant_id WHERE t.token_hash = $1
"""  # noqa: S608 - constants only
# FOR SHARE: a revocation that runs at the same time is either seen here, or waits and then sees the new token
CONSUME_CODE = """
WITH live AS (
    SELECT id FROM authz.grants WHERE id = $2 AND revoked_at IS NULL FOR SHARE
), consumed AS (
    UPDATE authz.authorization_codes c SET consumed_at = $3 FROM live
    WHERE c.code_hash = $1 AND c.grant_id = live.id AND c.consumed_at IS NULL RETURNING c.grant_id
), issued AS (
    INSERT INTO authz.refresh_tokens (token_hash, grant_id, scope, created_at, expires_at, dpop_jkt, x5t_s256)
    SELECT $4, grant_id, $5, $3, $6, $7, $8 FROM consumed WHERE $4::bytea IS NOT NULL
)
SELECT true FROM consumed
"""
CONSUME_REFRESH_TOKEN = """
WITH live AS (
    SELECT id FROM authz.grants WHERE id = $2 AND revoked_at IS NULL FOR SHARE
), consumed AS (
    UPDATE authz.refresh_tokens t SET consumed_at = $3, answer = $7 FROM live
    WHERE t.token_hash = $1 AND t.grant_id = live.id AND t.consumed_at IS NULL RETURNING t.grant_id
), issued AS (
    INSERT INTO authz.refresh_tokens (token_hash, grant_id, scope, created_at, expires_at, dpop_jkt, x5t_s256)
    SELECT $4, grant_id, $5, $3, $6, $8, $9 FROM consumed
)
SELECT true FROM consumed
"""
REVOKE = """
WITH revoked AS (
    UPDATE authz.grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id
)
INSERT INTO revocation.entries (kind, value, expires_at)
SELECT 'grant_id', id::text, $3 FROM revoked
ON CONFLICT (kind, value) DO NOTHING RETURNING value
"""
PURGE_ANSWERS = """
UPDATE authz.refresh_tokens SET answer = NULL WHERE token_hash = ANY (ARRAY(
    SELECT token_hash FROM authz.refresh_tokens WHERE answer IS NOT NULL AND consumed_at < $1 LIMIT 5000
))
"""
# used or not: whoever presents one that has expired is refused, and no grant needs to be revoked for it
PURGE_REFRESH_TOKENS = """
DELETE FROM authz.refresh_tokens WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM authz.refresh_tokens WHERE expires_at < $1 LIMIT 5000
))
"""
PURGE_GRANTS = """
DELETE FROM authz.grants WHERE ctid = ANY (ARRAY(SELECT ctid FROM authz.grants WHERE expires_at < $1 LIMIT 1000))
"""


@dataclass(frozen=True, slots=True)
class NewRefreshToken:
    """A refresh token to be stored with the statement that consumes its predecessor."""

    token_hash: bytes
    scope: Scope
    expires_at: datetime
    dpop_jkt: str | None
    x5t_s256: str | None = None


class GrantStore:
    """The tables of grants, codes and refresh tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, grant: Grant, code: AuthorizationCode, *, consented: Scope = ()) -> bool:
        """Store a grant with its first code, and what the user has just allowed; False where the session is over."""
        stored = await self._database.fetchval(
            INSERT_GRANT,
            UUID(grant.id),
            grant.client_id,
            grant.sub,
            list(grant.scope),
            grant.sid,
            grant.auth_time,
            grant.acr,
            list(grant.amr),
            grant.nonce,
            grant.created_at,
            grant.expires_at,
            list(consented),
            code.code_hash,
            code.redirect_uri,
            code.code_challenge,
            code.expires_at,
            list(grant.resource),
            code.dpop_jkt,
            _to_json(grant.claims),
        )
        return stored is not None

    async def find_code(self, code_hash: bytes) -> AuthorizationCode | None:
        """The code of that hash, used or not."""
        row = await self._database.fetchrow(LOAD_CODE, code_hash)
        if row is None:
            return None
        return AuthorizationCode(
            code_hash=row["code_hash"],
            redirect_uri=row["redirect_uri"],
            code_challenge=row["code_challenge"],
            dpop_jkt=row["dpop_jkt"],
            expires_at=row["expires_at"],
            consumed_at=row["consumed_at"],
            grant=_to_grant(row),
        )

    async def find_refresh_token(self, token_hash: bytes) -> RefreshToken | None:
        """The refresh token of that hash, used or not."""
        row = await self._database.fetchrow(LOAD_REFRESH_TOKEN, token_hash)
        if row is None:
            return None
        return RefreshToken(
            token_hash=row["token_hash"],
            scope=tuple(row["scope"]),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            consumed_at=row["consumed_at"],
            answer=row["answer"],
            dpop_jkt=row["dpop_jkt"],
            x5t_s256=row["x5t_s256"],
            grant=_to_grant(row),
        )

    async def consume_code(self, code: AuthorizationCode, new: NewRefreshToken | None, now: datetime) -> bool:
        """Use the code up and store the refresh token that comes of it; False where another request was first."""
        return bool(
            await self._database.fetchval(
                CONSUME_CODE,
                code.code_hash,
                UUID(code.grant.id),
                now,
                new.token_hash if new else None,
                list(new.scope) if new else None,
                new.expires_at if new else None,
                new.dpop_jkt if new else None,
                new.x5t_s256 if new else None,
            )
        )

    async def consume_refresh_token(
        self, token: RefreshToken, new: NewRefreshToken, answer: bytes, now: datetime
    ) -> bool:
        """Use the token up, store its successor and the sealed answer; False where another request was first."""
        return bool(
            await self._database.fetchval(
                CONSUME_REFRESH_TOKEN,
                token.token_hash,
                UUID(token.grant.id),
                now,
                new.token_hash,
                list(new.scope),
                new.expires_at,
                answer,
                new.dpop_jkt,
                new.x5t_s256,
            )
        )

    async def revoke(self, grant_id: str, now: datetime, access_tokens_until: datetime) -> bool:
        """Revoke a grant with all its tokens, and list it; False where it was revoked before."""
        return await self._database.fetchval(REVOKE, UUID(grant_id), now, access_tokens_until) is not None

    async def purge(self, answers_before: datetime, now: datetime) -> None:
        """Forget answers whose grace period is over, tokens that have expired, and grants with all that is theirs."""
        await self._database.execute_until_done(PURGE_ANSWERS, answers_before)
        await self._database.execute_until_done(PURGE_REFRESH_TOKENS, now)
        await self._database.execute_until_done(PURGE_GRANTS, now)


def _to_grant(row: Row) -> Grant:
    return Grant(
        id=str(row["id"]),
        client_id=row["client_id"],
        sub=row["sub"],
        scope=tuple(row["grant_scope"]),
        sid=row["sid"],
        auth_time=row["auth_time"],
        acr=row["acr"],
        amr=tuple(row["amr"]),
        nonce=row["nonce"],
        resource=tuple(row["resource"]),
        created_at=row["grant_created_at"],
        expires_at=row["grant_expires_at"],
        revoked_at=row["revoked_at"],
        claims=ClaimsRequest.from_stored(json.loads(row["claims"])) if row["claims"] else NOTHING,
    )


def _to_json(claims: ClaimsRequest) -> str | None:
    stored = claims.to_stored()
    return None if stored is None else json.dumps(stored)

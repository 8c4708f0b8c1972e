"""Issuing: sign, then consume and store in one statement. Every token answer is made here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NotRequired

import orjson
from typing_extensions import TypedDict

from tessera_authz.config import AuthzConfig
from tessera_authz.protocol import claims_request
from tessera_authz.protocol.models import AuthorizationCode, Grant, RefreshToken
from tessera_authz.store.grants import GrantStore, NewRefreshToken
from tessera_authz.store.user_claims import UserClaimsStore
from tessera_authz.tokens import access_token, id_token, opaque
from tessera_authz.tokens.authorization import Authorization
from tessera_authz.tokens.id_token_encryption import IdTokenEncryption
from tessera_authz.tokens.signer import Signer
from tessera_shared.access_token import TYP as ACCESS_TOKEN_TYP
from tessera_shared.claims import asked_for
from tessera_shared.pairwise import Subjects
from tessera_shared.scope import format_scope


class TokenAnswer(TypedDict):
    """RFC 6749 §5.1."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: NotRequired[str]
    id_token: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Told:
    """How each client is told of users: which claims, by which identifier, and readable for whom."""

    users: UserClaimsStore
    subjects: Subjects
    encryption: IdTokenEncryption


class TokenIssuer:
    """Makes the tokens of an authorization."""

    def __init__(self, config: AuthzConfig, signer: Signer, grants: GrantStore, told: Told) -> None:
        self._issuer = config.issuer
        self._lifetimes = config.lifetimes
        self._signer = signer
        self._grants = grants
        self._told = told

    async def issue(self, authorization: Authorization, presented: str | None, now: datetime) -> bytes | None:
        """The answer as JSON, or None where another request consumed the code or refresh token first.

        Args:
            authorization: What may be issued.
            presented: The refresh token that was presented, to seal the answer for its retry.
            now: The current time.

        Raises:
            OAuthError: 503, where the client's key cannot be had; nothing was consumed.

        """
        answer = self._sign(self._as_told(authorization), await self._user_claims(authorization), now)
        if "id_token" in answer:
            answer["id_token"] = await self._told.encryption.apply(answer["id_token"], authorization.client, now)
        new = self._new_refresh_token(authorization, answer, now)
        body = orjson.dumps(answer)
        match authorization.consumes:
            case AuthorizationCode() as code:
                first = await self._grants.consume_code(code, new, now)
            case RefreshToken() as token if new is not None and presented is not None:
                sealed = opaque.seal_answer(presented, body)
                first = await self._grants.consume_refresh_token(token, new, sealed, now)
            case _:
                first = True
        return body if first else None

    async def _user_claims(self, authorization: Authorization) -> dict[str, Any]:
        """What the ID token was asked to tell of the user (OIDC Core §5.5), as it is now."""
        grant = authorization.grant
        if grant is None or "openid" not in authorization.scope:
            return {}
        asked = claims_request.served(grant.claims, authorization.client.scope).id_token
        wishes = {name: asdict(wish) for name, wish in asked.items()}
        return asked_for(await self._told.users.find(grant.sub, wishes), wishes) if wishes else {}

    def _as_told(self, authorization: Authorization) -> Authorization:
        """With the user's identifier as this client is told it, in every token alike (OIDC Core §8)."""
        grant = authorization.grant
        if grant is None:
            return authorization
        sub = self._told.subjects.told(grant.sub, authorization.client.sector)
        return replace(authorization, sub=sub, grant=replace(grant, sub=sub))

    def _sign(self, authorization: Authorization, user_claims: Mapping[str, Any], now: datetime) -> TokenAnswer:
        lifetime = timedelta(seconds=self._lifetimes.access_token_seconds)
        claims = access_token.claims(authorization, self._issuer, lifetime, now)
        answer: TokenAnswer = {
            "access_token": self._signer.sign(claims, typ=ACCESS_TOKEN_TYP, alg=self._signer.access_token_alg, now=now),
            "token_type": authorization.confirmation.token_type,
            "expires_in": self._lifetimes.access_token_seconds,
            "scope": format_scope(authorization.scope),
        }
        if authorization.grant is not None and "openid" in authorization.scope:
            bound_to = answer["access_token"]
            answer["id_token"] = self._sign_id_token(authorization, authorization.grant, bound_to, user_claims, now)
        return answer

    def _sign_id_token(
        self,
        authorization: Authorization,
        grant: Grant,
        bound_to: str,
        user_claims: Mapping[str, Any],
        now: datetime,
    ) -> str:
        nonce = None if isinstance(authorization.consumes, RefreshToken) else grant.nonce
        alg = authorization.client.id_token_signed_response_alg or self._signer.default_alg
        at_hash = id_token.hash_access_token(bound_to, alg)
        lifetime = timedelta(seconds=self._lifetimes.id_token_seconds)
        claims = id_token.claims(grant, self._issuer, lifetime, now, at_hash=at_hash, nonce=nonce)
        return self._signer.sign({**user_claims, **claims}, typ=id_token.TYP, alg=alg, now=now)

    def _new_refresh_token(
        self, authorization: Authorization, answer: TokenAnswer, now: datetime
    ) -> NewRefreshToken | None:
        if not authorization.with_refresh_token or authorization.grant is None:
            return None
        value = opaque.new()
        answer["refresh_token"] = value
        idle_end = now + timedelta(days=self._lifetimes.refresh_token_days)
        expires_at = min(idle_end, authorization.grant.expires_at)
        return NewRefreshToken(
            token_hash=opaque.digest(value),
            scope=authorization.refresh_scope,
            expires_at=expires_at,
            dpop_jkt=authorization.refresh_jkt,
            x5t_s256=authorization.refresh_x5t_s256,
        )

"""What is stored about authorizations, as values: grants, codes, refresh tokens."""

from dataclasses import dataclass
from datetime import datetime

from tessera_authz.protocol.claims_request import NOTHING, ClaimsRequest
from tessera_shared.scope import Scope


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user allowed a client (the authorization grant, RFC 6749 §1.3); tokens refer to it by its id."""

    id: str
    client_id: str
    sub: str
    scope: Scope
    sid: str | None
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    nonce: str | None
    resource: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    claims: ClaimsRequest = NOTHING


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A stored authorization code (RFC 6749 §4.1.2), known by its hash."""

    code_hash: bytes
    redirect_uri: str
    code_challenge: str | None
    dpop_jkt: str | None
    expires_at: datetime
    consumed_at: datetime | None
    grant: Grant


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A stored refresh token (RFC 6749 §1.5), known by its hash."""

    token_hash: bytes
    scope: Scope
    created_at: datetime
    expires_at: datetime
    consumed_at: datetime | None
    answer: bytes | None
    dpop_jkt: str | None
    x5t_s256: str | None
    grant: Grant

"""What a grant's decision allows: the one value from which tokens are issued."""

from dataclasses import dataclass

from tessera_authz.protocol.client import Client
from tessera_authz.protocol.confirmation import UNBOUND, Confirmation
from tessera_authz.protocol.models import AuthorizationCode, Grant, RefreshToken
from tessera_shared.errors import OAuthError
from tessera_shared.scope import Scope


@dataclass(frozen=True, slots=True)
class Authorization:
    """Tokens may be issued for this.

    Attributes:
        client: The client that gets them.
        sub: The subject: a user by the issuer's own identifier, or `client:<client_id>` where no user took part.
        scope: The access token's scope.
        resource: The resources it is for (RFC 8707); none: the issuer's own audience.
        confirmation: What it is bound to.
        grant: The user's grant; none for client_credentials.
        consumes: What is used up by issuing.
        with_refresh_token: Whether a refresh token is issued.
        refresh_scope: The new refresh token's scope: a narrowed access token does not narrow it (RFC 6749 §6).
        refresh_jkt: The DPoP key that a public client's refresh token is bound to (RFC 9449 §5).
        refresh_x5t_s256: The certificate that it is bound to (RFC 8705 §4).

    """

    client: Client
    sub: str
    scope: Scope
    resource: tuple[str, ...] = ()
    confirmation: Confirmation = UNBOUND
    grant: Grant | None = None
    consumes: AuthorizationCode | RefreshToken | None = None
    with_refresh_token: bool = False
    refresh_scope: Scope = ()
    refresh_jkt: str | None = None
    refresh_x5t_s256: str | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same refresh token within its grace period: the same answer, still sealed, is given again."""

    sealed_answer: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """No tokens; and a grant that must be revoked, since what it gave was used twice."""

    error: OAuthError
    revoke: str | None = None


Decision = Authorization | Repeat | Refuse

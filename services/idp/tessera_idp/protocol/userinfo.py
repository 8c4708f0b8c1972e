"""The claims of the userinfo response (OpenID Connect Core §5.3.2, §5.4, §5.5)."""

from collections.abc import Iterable
from typing import Any

from tessera_idp.protocol.models import User, UserinfoClient
from tessera_shared.claims import SCOPE_CLAIMS, asked_for
from tessera_shared.clock import seconds


def userinfo(user: User, told: str, scope: Iterable[str], client: UserinfoClient) -> dict[str, Any]:
    """What is told of the user; what is unknown is left out.

    Args:
        user: The user.
        told: How this client knows the user: always told.
        scope: The access token's: each token tells its standard claims.
        client: Claims that it asked for one by one are told whatever that scope, while the client may have theirs.

    """
    known = {**user.claims, "updated_at": seconds(user.updated_at)}
    granted = _claims_of(scope)
    by_scope = {claim: value for claim, value in known.items() if claim in granted and value is not None}
    may_ask = _claims_of(client.scope)
    by_name = asked_for(known, {name: wish for name, wish in client.wishes.items() if name in may_ask})
    return {**by_scope, **by_name, "sub": told}


def _claims_of(scope: Iterable[str]) -> set[str]:
    return {claim for token in scope for claim in SCOPE_CLAIMS.get(token, ())}

"""The claims of the userinfo response (OpenID Connect Core §5.3.2, §5.4)."""

from collections.abc import Iterable
from typing import Any

from tessera_idp.protocol.models import User
from tessera_shared.claims import SCOPE_CLAIMS
from tessera_shared.clock import seconds


def userinfo(user: User, scope: Iterable[str]) -> dict[str, Any]:
    """The standard claims of each granted scope that the user has, and sub always; what is unknown is left out."""
    own = {"sub": user.sub, "updated_at": seconds(user.updated_at)}
    known = {"sub": user.sub, **user.claims, **own}
    granted = {"sub", *(claim for token in scope for claim in SCOPE_CLAIMS.get(token, ()))}
    return {claim: value for claim, value in known.items() if claim in granted and value is not None}

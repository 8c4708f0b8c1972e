"""How strong a login must be (acr: OpenID Connect Core §2, §3.1.2.1, §5.5.1.1), and what is told of one that is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tessera_authz.protocol.claims_request import Wish
from tessera_shared.claims import ACR_VALUES, reaches
from tessera_shared.errors import OAuthError


@dataclass(frozen=True, slots=True)
class Asked:
    """The authentication context classes that a client asks for, the preferred one first."""

    values: tuple[str, ...] = ()
    essential: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """The class that the login should reach; an essential one must be reached."""

    acr: str | None = None
    essential: bool = False


def asked(acr_values: str | None, wish: Wish | None, default: Sequence[str]) -> Asked:
    """What the request asks for: by the claim acr, else by `acr_values`, else by the client's `default_acr_values`.

    Args:
        acr_values: The parameter.
        wish: How the claims parameter asks for acr in the ID token.
        default: OpenID Connect Registration §2: what counts where the request asks for nothing.

    """
    if wish is not None and wish.values:
        return Asked(tuple(str(value) for value in wish.values), wish.essential)
    return Asked(tuple((acr_values or "").split()) or tuple(default))


def wanted(asked: Asked, minimums: Collection[str]) -> Level:
    """The level for the identity provider.

    Args:
        asked: What the request asks for.
        minimums: What the client and each scope of the request need at least.

    Raises:
        OAuthError: unmet_authentication_requirements: none of the classes that are essential is known here.

    """
    known = [value for value in asked.values if value in ACR_VALUES]
    if asked.essential:
        if not known:
            raise unmet("The acr that is essential is not known.")
        return Level(_strongest([_weakest(known), *minimums]), essential=True)  # §5.5.1.1: any one of them will do
    if minimums:
        return Level(_strongest(minimums), essential=True)
    return Level(known[0] if known else None)


def told(acr: str, values: Sequence[str]) -> str:
    """What a token tells of a login that reached `acr`: one of the values asked for, if it reaches any (§5.5.1.1)."""
    reached = [value for value in values if value in ACR_VALUES and reaches(acr, value)]
    return acr if acr in values or not reached else _strongest(reached)


def unmet(description: str) -> OAuthError:
    """The error for a login that cannot be as strong as it must be."""
    return OAuthError(
        "unmet_authentication_requirements", description, section="OIDC Unmet Authentication Requirements §2"
    )


def _strongest(values: Collection[str]) -> str:
    return max(values, key=ACR_VALUES.index)


def _weakest(values: Collection[str]) -> str:
    return min(values, key=ACR_VALUES.index)

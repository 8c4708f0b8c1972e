"""The claims parameter (OpenID Connect Core §5.5): single claims asked for, in the ID token or at userinfo."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tessera_shared.claims import SCOPE_CLAIMS
from tessera_shared.errors import OAuthError
from tessera_shared.scope import Scope
from tessera_shared.strict_json import read_object

MAX_LENGTH = 4096
"""Of the parameter, in characters."""
_MAX_CLAIMS, _MAX_VALUES = 50, 20
_SCOPE_OF = {claim: scope for scope, claims in SCOPE_CLAIMS.items() for claim in claims}


@dataclass(frozen=True, slots=True)
class Wish:
    """How a claim is asked for (§5.5.1).

    Attributes:
        essential: The client cannot well do without it.
        values: The values that it takes, the preferred one first; none: any.

    """

    essential: bool = False
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What is asked for in which place, by the name of the claim."""

    id_token: Mapping[str, Wish] = field(default_factory=dict)
    userinfo: Mapping[str, Wish] = field(default_factory=dict)

    def to_stored(self) -> dict[str, Any] | None:
        """As JSON holds it; nothing where nothing was asked for."""
        return asdict(self) if self.id_token or self.userinfo else None

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any] | None) -> "ClaimsRequest":
        """Read what `to_stored` or `dataclasses.asdict` wrote."""
        return cls(**{place: _from_stored(wishes) for place, wishes in (stored or {}).items()})


NOTHING = ClaimsRequest()


def parse(value: str | None) -> ClaimsRequest:
    """Read the parameter; claims that are not known here are left out later (§5.5: they are ignored).

    Raises:
        OAuthError: invalid_request.

    """
    if value is None:
        return NOTHING
    if len(value) > MAX_LENGTH:
        raise _invalid("is too long", f"at most {MAX_LENGTH} characters")
    try:
        members = read_object(value)
    except ValueError as error:
        raise _invalid("is no JSON object", "a JSON object, each member once") from error
    return ClaimsRequest(_read_place(members.get("id_token")), _read_place(members.get("userinfo")))


def served(asked: ClaimsRequest, scope: Scope) -> ClaimsRequest:
    """Those of the user's claims that a client with this scope may ask for; the others are ignored, essential or not.

    A claim belongs to the scope that would tell it too (§5.4): whoever may not ask for that, may not ask for it alone.
    """

    def allowed(wishes: Mapping[str, Wish]) -> dict[str, Wish]:
        return {name: wish for name, wish in wishes.items() if name != "sub" and _SCOPE_OF.get(name) in scope}

    return ClaimsRequest(allowed(asked.id_token), allowed(asked.userinfo))


def scope_of(claims: ClaimsRequest) -> Scope:
    """The scope tokens that describe these claims to the user, who must allow what is told."""
    return tuple(dict.fromkeys(_SCOPE_OF[name] for name in (*claims.id_token, *claims.userinfo)))


def named_sub(asked: ClaimsRequest) -> str | None:
    """The one user who must be logged in (§5.5.1, §3.1.2.2).

    Raises:
        OAuthError: invalid_request, where several are named, or something else than a text.

    """
    wishes = (asked.id_token.get("sub"), asked.userinfo.get("sub"))
    values = [value for wish in wishes if wish is not None for value in wish.values]
    if not values:
        return None
    if not isinstance(values[0], str) or any(value != values[0] for value in values):
        raise _invalid("names several users, or no user", "one value of sub")
    return values[0]


def _read_place(wishes: Any) -> dict[str, Wish]:  # noqa: ANN401 - JSON
    if wishes is None:
        return {}
    if not isinstance(wishes, dict) or len(wishes) > _MAX_CLAIMS:
        raise _invalid("asks for too many claims, or for none by name", f"an object with {_MAX_CLAIMS} claims at most")
    return {name: _read_wish(wish) for name, wish in wishes.items()}


def _read_wish(wish: Any) -> Wish:  # noqa: ANN401 - JSON
    if wish is None:
        return Wish()
    if not isinstance(wish, dict):
        raise _invalid("asks for a claim in an unknown way", "null or an object")
    essential, values = wish.get("essential", False), wish.get("values", [])
    if not isinstance(essential, bool) or not isinstance(values, list) or len(values) > _MAX_VALUES:
        raise _invalid("asks for a claim in an unknown way", f"a boolean, and {_MAX_VALUES} values at most")
    one = () if wish.get("value") is None else (wish["value"],)
    return Wish(essential, (*one, *values))


def _from_stored(wishes: Mapping[str, Any]) -> dict[str, Wish]:
    return {name: Wish(wish["essential"], tuple(wish["values"])) for name, wish in wishes.items()}


def _invalid(problem: str, expected: str) -> OAuthError:
    return OAuthError(
        "invalid_request", f"The parameter claims {problem}.", section="OIDC Core §5.5", expected=expected
    )

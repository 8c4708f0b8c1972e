"""Step-up authentication (RFC 9470): whether the user's login is recent and strong enough for a resource."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StepUp:
    """What a resource asks of the login behind a token.

    Attributes:
        max_age: How old the login may be, in seconds.
        acr_values: The authentication context classes that will do; none: any.

    """

    max_age: int | None = None
    acr_values: tuple[str, ...] = ()

    def is_met(self, claims: Mapping[str, Any], now: int) -> bool:
        """Whether the login of the token's user will do; a token without a user never does (RFC 9470 §6.2)."""
        auth_time = claims.get("auth_time")
        if not isinstance(auth_time, int) or isinstance(auth_time, bool):
            return False
        recent = self.max_age is None or now <= auth_time + self.max_age
        return recent and (not self.acr_values or claims.get("acr") in self.acr_values)

    def parameters(self) -> Mapping[str, str]:
        """What the challenge says, so that the client can ask for it (RFC 9470 §3)."""
        wanted = {
            "acr_values": " ".join(self.acr_values) or None,
            "max_age": None if self.max_age is None else str(self.max_age),
        }
        return {name: value for name, value in wanted.items() if value is not None}

"""What a revocation names: one token, a grant with all its tokens, or a client with all its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

KINDS = ("jti", "grant_id", "client_id")
"""The claims of an access token by which it can be revoked."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Every access token whose claim `kind` is `value` is revoked; `expires_at` is when the last of them ends."""

    kind: str
    value: str
    expires_at: datetime

    def to_stream(self) -> dict[str, str]:
        """As an entry of the stream."""
        return {"kind": self.kind, "value": self.value, "expires_at": str(int(self.expires_at.timestamp()))}

    @classmethod
    def from_stream(cls, entry: Mapping[str, str]) -> "Revocation":
        """Read an entry of the stream."""
        return cls(entry["kind"], entry["value"], datetime.fromtimestamp(int(entry["expires_at"]), UTC))


def names(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The names by which the access token of these claims could have been revoked."""
    return [(kind, str(claims[kind])) for kind in KINDS if kind in claims]

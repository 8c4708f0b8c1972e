"""A registered client (RFC 7591 §2) with the settings that Tessera keeps for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NewType

from tessera_shared import scope as scopes
from tessera_shared.scope import Scope


@dataclass(frozen=True, slots=True)
class Client:
    """What a client registered, under RFC 7591's names."""

    client_id: str
    client_name: str
    redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: Scope = ()
    token_endpoint_auth_method: str = "client_secret_basic"
    application_type: str = "web"
    id_token_signed_response_alg: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    post_logout_redirect_uris: tuple[str, ...] = field(default=())

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == "none"

    @classmethod
    def from_metadata(cls, client_id: str, metadata: Mapping[str, Any]) -> "Client":
        """Read stored metadata; members that this release does not know are left alone."""
        known = {name: _frozen(value) for name, value in metadata.items() if name in cls.__slots__}
        known.pop("client_id", None)
        known["scope"] = scopes.parse(metadata.get("scope", ""))
        known.setdefault("client_name", client_id)
        return cls(client_id=client_id, **known)


AuthenticatedClient = NewType("AuthenticatedClient", Client)
"""A client that proved who it is at this request, or a public one that has nothing to prove with."""


def _frozen(value: Any) -> Any:  # noqa: ANN401 - JSON
    return tuple(value) if isinstance(value, list) else value

"""What a request presents of a client, as a closed set of types: one per kind of credential."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretCredentials:
    """A client id and a secret (RFC 6749 §2.3.1)."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoCredentials:
    """A client id alone: a public client (RFC 6749 §2.1)."""

    client_id: str


Credentials = SecretCredentials | NoCredentials

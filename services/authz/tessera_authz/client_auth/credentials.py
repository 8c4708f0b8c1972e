"""What a request presents of a client, as a closed set of types: one per kind of credential."""

from dataclasses import dataclass, field

from tessera_shared.http.form import Form
from tessera_shared.jose.compact import Unverified


@dataclass(frozen=True, slots=True)
class Presentation:
    """The parts of a request in which credentials can be.

    Attributes:
        authorization: The values of its Authorization headers.
        form: Its form.
        endpoint: The URL it was sent to, which an assertion may name as its audience.

    """

    authorization: tuple[str, ...]
    form: Form
    endpoint: str


@dataclass(frozen=True, slots=True)
class SecretCredentials:
    """A client id and a secret (RFC 6749 §2.3.1)."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientIdAlone:
    """A client id without a secret: of a public client (RFC 6749 §2.1)."""

    client_id: str


@dataclass(frozen=True, slots=True)
class AssertionCredentials:
    """A JWT of the client (RFC 7523 §2.2).

    Attributes:
        client_id: Whom it says to be of: its subject.
        named: The `client_id` parameter beside it, which is not needed.
        assertion: The JWT; its signature is not checked yet.
        endpoint: The URL it was sent to.

    """

    client_id: str
    named: str | None
    assertion: Unverified
    endpoint: str


Credentials = SecretCredentials | AssertionCredentials | ClientIdAlone

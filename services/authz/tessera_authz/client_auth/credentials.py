"""What a request presents of a client, as a closed set of types: one per kind of credential."""

from dataclasses import dataclass, field

from tessera_shared.http.form import Form
from tessera_shared.jose.compact import Unverified
from tessera_shared.mutual_tls.certificate import ClientCertificate


@dataclass(frozen=True, slots=True)
class Presentation:
    """The parts of a request in which credentials can be.

    Attributes:
        authorization: The values of its Authorization headers.
        form: Its form.
        endpoint: The URL it was sent to, which an assertion may name as its audience.
        certificate: The certificate of its TLS connection.

    """

    authorization: tuple[str, ...]
    form: Form
    endpoint: str
    certificate: ClientCertificate | None = None


@dataclass(frozen=True, slots=True)
class SecretCredentials:
    """A client id and a secret (RFC 6749 §2.3.1)."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientIdAlone:
    """A client id without a secret: of a public client (RFC 6749 §2.1), or of one that a certificate speaks for.

    A certificate alone does not say which: clients of every method may show one, for their tokens to be bound to it.
    """

    client_id: str
    certificate: ClientCertificate | None = None


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

"""The shape of a client authentication method: where its credentials are in a request, and how they are verified."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from tessera_authz.client_auth.client_assertion import AssertionVerifier
from tessera_authz.client_auth.credentials import ClientIdAlone, Credentials, Presentation
from tessera_authz.client_auth.secret_verifier import SecretVerifier
from tessera_authz.store.clients import ClientRecord
from tessera_shared.client_keys import ClientKeys
from tessera_shared.mutual_tls.anchors import Anchors
from tessera_shared.secret_sealer import SecretSealer

C = TypeVar("C", bound=Credentials)

Extract = Callable[[Presentation], C | None]
Problem = str | None
"""What was expected and not met, for the log; None where the client is who it says."""


@dataclass(frozen=True, slots=True)
class Verifiers:
    """What methods verify with."""

    secrets: SecretVerifier
    sealer: SecretSealer
    assertions: AssertionVerifier
    keys: ClientKeys
    anchors: Anchors = ()


@dataclass(frozen=True, slots=True)
class Method(Generic[C]):
    """One method.

    Attributes:
        name: The registry value (RFC 7591 §2).
        extract: Finds the credentials; methods with the same kind of credentials share it.
        verify: Checks the credentials of a client that registered for this method.

    """

    name: str
    extract: Extract[C]
    verify: Callable[[C, ClientRecord, Verifiers, datetime], Awaitable[Problem]]


def client_id_alone(presentation: Presentation) -> ClientIdAlone | None:
    """The client id of the form, where nothing else was found; RFC 8705 §2 asks for it beside a certificate too."""
    client_id = presentation.form.get("client_id")
    return None if client_id is None else ClientIdAlone(client_id, presentation.certificate)

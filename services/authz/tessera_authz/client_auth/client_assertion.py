"""What the two methods with a JWT share (RFC 7523 §2.2): where it is, its claims, and that it is used once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tessera_authz.client_auth.credentials import AssertionCredentials, Presentation
from tessera_authz.protocol.client import Client
from tessera_authz.protocol.client_assertion import ASSERTION_TYPE, TYPES, Expected, problem_with
from tessera_shared.client_keys import ClientKeys
from tessera_shared.clock import seconds
from tessera_shared.errors import OAuthError
from tessera_shared.jose.compact import Unverified, read
from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.replay import ReplayMemory


@dataclass(frozen=True, slots=True)
class AssertionVerifier:
    """What assertions are verified with."""

    expected: Expected
    keys: ClientKeys
    replay: ReplayMemory

    def problem_before_signature(
        self, credentials: AssertionCredentials, client: Client, algs: tuple[str, ...], now: datetime
    ) -> str | None:
        """What is wrong with an assertion, its signature aside."""
        assertion = credentials.assertion
        if credentials.named not in (None, client.client_id):  # RFC 7521 §4.2
            return "a client_id that is the assertion's subject"
        if assertion.alg not in algs:  # RFC 8725 §3.1
            return f"an alg of {', '.join(algs)}"
        if assertion.typ not in TYPES:
            return "a typ of a client assertion"
        return problem_with(assertion.claims, client, credentials.endpoint, self.expected, seconds(now))

    async def problem_with_use(self, assertion: Unverified, client: Client) -> str | None:
        """Whether a verified assertion was used before; now it is used (RFC 7523 §3 (7)).

        Raises:
            Unavailable: That cannot be known.

        """
        valid_until = datetime.fromtimestamp(assertion.claims["exp"], UTC) + self.expected.tolerance
        first = await self.replay.is_first_use(
            "client assertion", client.client_id, assertion.claims["jti"], valid_until
        )
        return None if first else "a jti that was not used before"


def extract(presentation: Presentation) -> AssertionCredentials | None:
    """The assertion of the form.

    Raises:
        OAuthError: invalid_request for half of the two parameters, invalid_client for what is no JWT of a client.

    """
    form = presentation.form
    if form.get("client_assertion") is None and form.get("client_assertion_type") is None:
        return None
    text = form.require("client_assertion", "RFC 7521 §4.2")
    if form.require("client_assertion_type", "RFC 7521 §4.2") != ASSERTION_TYPE:
        raise _refused("RFC 7523 §2.2", ASSERTION_TYPE, "another client_assertion_type")
    try:
        assertion = read(text)
    except InvalidToken as error:
        raise _refused(error.section, error.expected, error.received) from error
    client_id = assertion.claims.get("sub")
    if not isinstance(client_id, str):
        raise _refused("RFC 7523 §3", "a sub that is the client_id", type(client_id).__name__)
    return AssertionCredentials(client_id, form.get("client_id"), assertion, presentation.endpoint)


def _refused(section: str, expected: str, received: str) -> OAuthError:
    return OAuthError(
        "invalid_client", "Client authentication failed.", status=401, section=section, expected=expected,
        received=received,
    )  # fmt: skip

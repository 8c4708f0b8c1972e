"""The two kinds of failure: what a client did wrong, and what keeps a service from starting."""

from collections.abc import Mapping


class OAuthError(Exception):
    """An error that a client caused; becomes HTTP in `http/errors.py` and nowhere else.

    Args:
        error: Error code of the specification, such as `invalid_grant`.
        description: A constant sentence of ours that is told to the client (RFC 6749 §5.2 characters only).
        status: HTTP status.
        section: The section whose rule failed, such as `RFC 7636 §4.6`; logged only.
        expected: What the rule asked for; logged only, never a secret.
        received: What came instead; logged only, never a secret.
        headers: Further response headers, such as `WWW-Authenticate`.

    """

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: int = 400,
        section: str = "",
        expected: str | None = None,
        received: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status
        self.section = section
        self.expected = expected
        self.received = received
        self.headers = dict(headers or {})


class StartupError(Exception):
    """The service cannot do its job; the message is the one line that is printed before status 1."""


class Unavailable(Exception):  # noqa: N818 - named for the state it reports, as the HTTP status is
    """A store (PostgreSQL, Redis) did not answer; becomes 503 with Retry-After."""

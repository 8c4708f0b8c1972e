"""The shape of a grant type: parse, load, decide. Its shared steps are the token endpoint's."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from tessera_authz.protocol.client import AuthenticatedClient
from tessera_authz.protocol.confirmation import UNBOUND, Confirmation
from tessera_authz.store.grants import GrantStore
from tessera_authz.tokens.authorization import Decision
from tessera_shared.http.form import Form

Request = TypeVar("Request")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision depends on beside request, client and row."""

    now: datetime
    refresh_grace: timedelta
    confirmation: Confirmation = UNBOUND
    """What the request proved to hold: the tokens are bound to it."""
    resources: tuple[str, ...] = ()
    """Every resource that tokens may be issued for."""


@dataclass(frozen=True, slots=True)
class GrantType(Generic[Request, Row]):
    """One grant type.

    Attributes:
        grant_type: The registry value (RFC 6749 §4.5).
        parse: Reads the form into a typed request; raises `OAuthError`.
        load: Finds what the request refers to, in one statement.
        decide: Pure: what may be issued, or why not.
        presented: The refresh token in the request, under which its answer is sealed for a retry.

    """

    grant_type: str
    parse: Callable[[Form], Request]
    load: Callable[[GrantStore, Request], Awaitable[Row]]
    decide: Callable[[Request, AuthenticatedClient, Row, Circumstances], Decision]
    presented: Callable[[Request], str | None] = lambda _request: None

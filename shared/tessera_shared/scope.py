"""Scope (RFC 6749 §3.3): a set of case-sensitive tokens that is written in a stable order."""

import re

from tessera_shared.errors import OAuthError

_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")

Scope = tuple[str, ...]
"""Scope tokens in the order they were asked for, each once."""


def parse(value: str) -> Scope:
    """Read a space-delimited scope value.

    Raises:
        OAuthError: invalid_scope, for a character that RFC 6749 §3.3 does not allow.

    """
    tokens = tuple(dict.fromkeys(value.split(" "))) if value else ()
    tokens = tuple(token for token in tokens if token)
    if not all(_TOKEN.fullmatch(token) for token in tokens):
        raise OAuthError(
            "invalid_scope",
            "The scope holds a character that is not allowed.",
            section="RFC 6749 §3.3",
            expected="printable ASCII without quote and backslash",
        )
    return tokens


def format_scope(scope: Scope) -> str:
    """Write scope tokens as the space-delimited value of requests and answers."""
    return " ".join(scope)


def limited(scope: Scope, limit: Scope) -> Scope:
    """The tokens of `scope` that are in `limit`."""
    return tuple(token for token in scope if token in limit)


def is_within(scope: Scope, limit: Scope) -> bool:
    """Whether every token of `scope` is one of `limit`."""
    return set(scope) <= set(limit)

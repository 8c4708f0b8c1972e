"""What a scope means to the person who is asked to allow it."""

from collections.abc import Iterable

from tessera_shared.handoff import ScopeDescription


def describe(scope: Iterable[str], described: Iterable[ScopeDescription]) -> list[ScopeDescription]:
    """One line of the consent page per scope: the administrator's words, or, without any, the scope as it is written.

    Args:
        scope: What the client asks for.
        described: What the issuer says about them.

    """
    lines = {line.scope: line for line in described if line.title}
    return [lines.get(token) or _undescribed(token) for token in scope]


def _undescribed(token: str) -> ScopeDescription:
    return ScopeDescription(token, f"Use “{token}”", "A permission that has no other description")

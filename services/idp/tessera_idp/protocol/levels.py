"""How strong a login is, and what is still missing: methods used become acr and amr (OpenID Connect Core §2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tessera_shared.claims import ACR_MULTI_FACTOR, ACR_ONE_FACTOR, ACR_PHISHING_RESISTANT, reaches

Kind = Literal["knowledge", "possession", "inherence"]
MAX_AGE_FOR_SET_UP = timedelta(minutes=5)
"""A factor can be set up in a login whose first method was used this recently."""
_MFA = "mfa"


@dataclass(frozen=True, slots=True)
class Strength:
    """What a method proves.

    Attributes:
        kinds: The kinds of factors (NIST SP 800-63B §2): a passkey with user verification is two at once.
        is_second: Whether a user who has it is asked for it after the first method.
        phishing_resistant: Whether what it proves is of no use at another site.
        can_be_set_up: Whether a user who lacks it can set it up in a login that demands it.

    """

    kinds: frozenset[Kind]
    is_second: bool = False
    phishing_resistant: bool = False
    can_be_set_up: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """A method that was used, its RFC 8176 values, and when."""

    method: str
    amr: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is missing."""


@dataclass(frozen=True, slots=True)
class AskFor:
    """One of these methods is missing, the best first."""

    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetUp:
    """The level is demanded, the user has nothing that reaches it, and each of these would: the plainest first."""

    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unmet:
    """The level is demanded, and there is no method that reaches it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The level that an ask wants; an essential one must be reached."""

    acr: str | None = None
    essential: bool = False


NextStage = Finish | AskFor | SetUp | Unmet


def next_stage(
    used: Sequence[Used], available: Collection[str], strengths: Mapping[str, Strength], wanted: Wanted
) -> NextStage:
    """What is still missing.

    Args:
        used: The methods used so far, at least one.
        available: The methods the user has, in the order they are offered.
        strengths: Of each method there is.
        wanted: What the client wants beside what the account wants.

    """
    names = [each.method for each in used]
    acr = acr_of(names, strengths)
    left = [name for name in available if name not in names]
    if not reaches(acr, wanted.acr):
        raising = tuple(name for name in left if reaches(acr_of([*names, name], strengths), wanted.acr))
        if raising:
            return AskFor(raising)
    own = tuple(name for name in left if strengths[name].is_second)
    if own and not _satisfies_account(names, acr, strengths):
        return AskFor(own)
    if reaches(acr, wanted.acr) or not wanted.essential:
        return Finish()
    new = [
        name
        for name, strength in strengths.items()
        if strength.can_be_set_up and reaches(acr_of([*names, name], strengths), wanted.acr)
    ]
    # what needs no device or script of its own works for everybody; what is more than is demanded is a user's choice
    return SetUp(tuple(sorted(new, key=lambda name: strengths[name].phishing_resistant))) if new else Unmet()


def acr_of(methods: Iterable[str], strengths: Mapping[str, Strength]) -> str:
    """The authentication context class that these methods reach together."""
    proved = [strengths[method] for method in methods if method in strengths]
    if len(frozenset[Kind]().union(*(each.kinds for each in proved))) < 2:  # noqa: PLR2004 - "several" begins there
        return ACR_ONE_FACTOR
    return ACR_PHISHING_RESISTANT if any(each.phishing_resistant for each in proved) else ACR_MULTI_FACTOR


def amr_of(used: Sequence[Used], strengths: Mapping[str, Strength]) -> tuple[str, ...]:
    """What is told of the methods (RFC 8176 §2), each value once; `mfa` for several kinds of factors."""
    values = [value for each in used for value in each.amr]
    if acr_of([each.method for each in used], strengths) != ACR_ONE_FACTOR:
        values.append(_MFA)
    return tuple(dict.fromkeys(values))


def may_set_up(used: Sequence[Used], now: datetime) -> bool:
    """Whether the login is fresh enough to add a factor to the account."""
    return bool(used) and now - used[0].at <= MAX_AGE_FOR_SET_UP


def _satisfies_account(names: Sequence[str], acr: str, strengths: Mapping[str, Strength]) -> bool:
    """Whether a user with a second factor has shown enough: several kinds of factors, or a second one of any kind."""
    return acr != ACR_ONE_FACTOR or any(strengths[name].is_second for name in names[1:])

"""What every way to log in is made of."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tessera_idp.protocol.levels import Strength
from tessera_idp.protocol.passkey import RelyingParty
from tessera_idp.store.email_codes import EmailCodeStore
from tessera_idp.store.passkey_challenges import PasskeyChallenges
from tessera_idp.store.passkeys import PasskeyStore
from tessera_idp.store.recovery_codes import RecoveryCodeStore
from tessera_idp.store.totp import TotpStore
from tessera_idp.store.users import UserStore
from tessera_shared.argon2id import Argon2id
from tessera_shared.http.form import Form
from tessera_shared.rotating_key import RotatingKey


@dataclass(frozen=True, slots=True)
class EmailCodes:
    """Codes by e-mail: their table, the key of their hashes, and whether users may have them."""

    store: EmailCodeStore
    key: RotatingKey = field(repr=False)
    enabled: bool


@dataclass(frozen=True, slots=True)
class Verifiers:
    """What the methods check with."""

    users: UserStore
    passwords: Argon2id
    passkeys: PasskeyStore
    challenges: PasskeyChallenges
    relying_party: RelyingParty
    totp: TotpStore
    recovery_codes: RecoveryCodeStore
    email_codes: EmailCodes


@dataclass(frozen=True, slots=True)
class Stage:
    """Where in a login a method is used.

    Attributes:
        sub: Whose proof it must be; None for the first method, which finds the user.
        binding: SHA-256 of this browser and this ask, for what must not be used elsewhere.
        now: The time.

    """

    sub: str | None
    binding: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """Whose proof it was, and what is told of it (RFC 8176)."""

    sub: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetUpPage:
    """Where a method is set up in a login that demands its level, and what the link to that page says."""

    path: str
    title: str


@dataclass(frozen=True, slots=True)
class LoginMethod:
    """One way to log in.

    Attributes:
        strength: What it proves, and whether it is asked for as a second method.
        is_first: Whether a login can begin with it.
        title: What the link to it says.
        template: The part of the page with its fields.
        wrong: What is told when the proof is wrong.
        verify: The proof that the form holds, or None; the reason is logged, never told.
        is_enrolled: Whether the user of that sub can use it.
        prepare: The values of its template, where it has any.
        set_up: The page that sets it up in a login, for a method whose strength says that this can be done.
        is_guessable: Whether trying could find the proof, so that tries over one account are counted; where it could
            not, nobody's tries may keep the owner out.
        beside: The part that offers it on the first page, under the form of another method, instead of a link.

    """

    strength: Strength
    is_first: bool
    title: str
    template: str
    wrong: str
    verify: Callable[[Form, Stage, Verifiers], Awaitable[Proof | None]]
    is_enrolled: Callable[[str, Verifiers], Awaitable[bool]]
    prepare: Callable[[Stage, Verifiers], Awaitable[Mapping[str, object]]] | None = None
    set_up: SetUpPage | None = None
    beside: str | None = None
    is_guessable: bool = True

"""What every way to log in is made of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tessera_idp.protocol.models import User
from tessera_idp.store.users import UserStore
from tessera_shared.argon2id import Argon2id
from tessera_shared.http.form import Form


@dataclass(frozen=True, slots=True)
class Verifiers:
    """What the methods check with."""

    users: UserStore
    passwords: Argon2id


@dataclass(frozen=True, slots=True)
class LoginMethod:
    """One way to log in.

    Attributes:
        acr: The authentication context class it reaches (OpenID Connect Core §2).
        amr: The methods it uses (RFC 8176).
        verify: The user that the form proves, or None; the reason is logged, never told.

    """

    acr: str
    amr: tuple[str, ...]
    verify: Callable[[Form, Verifiers], Awaitable[User | None]]

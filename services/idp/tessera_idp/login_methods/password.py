"""Login by username and password."""

from tessera_idp.login_methods.method import Proof, Stage, Verifiers
from tessera_idp.protocol.levels import Strength
from tessera_idp.store.users import UserWithPassword
from tessera_shared import logging
from tessera_shared.argon2id import Argon2id
from tessera_shared.http.form import Form
from tessera_shared.translatable import N_

METHOD = "password"
AMR = ("pwd",)
"""RFC 8176 §2."""
STRENGTH = Strength(frozenset({"knowledge"}))
TITLE = N_("Log in with your password")
TEMPLATE = "method-password.html"
WRONG = N_("That username and password do not belong together. Check both and try again.")


async def verify(form: Form, stage: Stage, verifiers: Verifiers) -> Proof | None:
    """The user whose name and password these are.

    An unknown name costs the same time as a wrong password. What was typed as a name is not logged: it may be a
    password in the wrong field.

    Raises:
        Busy: Too many passwords are being checked.

    """
    del stage  # a password begins a login
    username, password = form.get("username"), form.get("password")
    if username is None or password is None:
        logging.get().info("login refused", method=METHOD, reason="nothing entered")
        return None
    found = await verifiers.users.find_with_password(username)
    reason = await _reason_to_refuse(found, password, verifiers.passwords)
    if found is None or reason is not None:
        logging.get().info("login refused", method=METHOD, reason=reason, sub=found.user.sub if found else None)
        return None
    if found.hash is not None and verifiers.passwords.is_outdated(found.hash):
        await verifiers.users.replace_hash(found.user.sub, found.hash, await verifiers.passwords.hash(password))
    return Proof(found.user.sub, AMR)


async def is_enrolled(sub: str, verifiers: Verifiers) -> bool:
    """Whether the user has a password."""
    return await verifiers.users.has_password(sub)


async def _reason_to_refuse(found: UserWithPassword | None, password: str, passwords: Argon2id) -> str | None:
    if found is None or found.hash is None:
        await passwords.verify_nothing(password)
        return "unknown user" if found is None else "no password"
    if not await passwords.verify(found.hash, password):
        return "wrong password"
    return "disabled" if found.user.disabled else None

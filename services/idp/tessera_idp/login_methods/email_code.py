"""A code by e-mail as a second factor, for users who asked for it and have nothing better.

It is the weakest one: whoever reads the user's mail may also reset the password, and a false page can pass a code on
(NIST SP 800-63B §3.1.3.1 does not allow it at all). A setting switches it off.
"""

import hashlib
from collections.abc import Mapping

from tessera_idp.login_methods.method import Proof, Stage, Verifiers
from tessera_idp.protocol.email_code import code_hash, masked
from tessera_idp.protocol.levels import Strength
from tessera_idp.protocol.models import User
from tessera_shared import logging
from tessera_shared.http.form import Form
from tessera_shared.translatable import N_

METHOD = "email_code"
AMR = ("otp", "mca")
"""RFC 8176 §2: a one-time password, over another channel."""
STRENGTH = Strength(frozenset({"possession"}), is_second=True)
TITLE = N_("Get a code by e-mail")
TEMPLATE = "method-email_code.html"
WRONG = N_("That code is not right, or is over. Check it, or have another one sent.")


async def verify(form: Form, stage: Stage, verifiers: Verifiers) -> Proof | None:
    """The user, if it is the code that was sent for this login."""
    code, login = form.get("code"), login_of(stage)
    if stage.sub is None or code is None:
        return None
    codes = verifiers.email_codes
    hashes = [code_hash(key, login, code) for key in codes.key.every]
    if not await codes.store.use(login, hashes, stage.now):
        logging.get().info("login refused", method=METHOD, reason="wrong code, or none that counts", sub=stage.sub)
        return None
    return Proof(stage.sub, AMR)


async def is_enrolled(sub: str, verifiers: Verifiers) -> bool:
    """Whether the user wants codes, can get them, and has no stronger second factor that they would be a way round."""
    codes = verifiers.email_codes
    if not codes.enabled or not await codes.store.is_on(sub):
        return False
    user = await verifiers.users.find(sub)
    if user is None or verified_address(user) is None:
        return False
    return not await verifiers.totp.has(sub) and not await verifiers.passkeys.of_user(sub)


async def prepare(stage: Stage, verifiers: Verifiers) -> Mapping[str, object]:
    """Where a code is sent, and whether one was."""
    user = None if stage.sub is None else await verifiers.users.find(stage.sub)
    address = None if user is None else verified_address(user)
    is_sent = await verifiers.email_codes.store.is_sent(login_of(stage), stage.now)
    return {"address": masked(address or ""), "is_sent": is_sent}


def login_of(stage: Stage) -> bytes:
    """Which login a code belongs to: of this user, in this browser, for this ask."""
    return hashlib.sha256(stage.binding + (stage.sub or "").encode()).digest()


def verified_address(user: User) -> str | None:
    """The user's address, if it is known to be the user's."""
    address = user.claims.get("email")
    return address if isinstance(address, str) and user.claims.get("email_verified") is True else None

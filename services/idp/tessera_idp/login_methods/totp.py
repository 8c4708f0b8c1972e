"""The code of an authenticator app as a second factor (RFC 6238): six digits of SHA-1 every 30 seconds.

Those are the values that every app supports; an app takes other ones from the QR code at best.
"""

import hmac
from datetime import datetime

import pyotp

from tessera_idp.login_methods.method import Proof, SetUpPage, Stage, Verifiers
from tessera_idp.protocol.levels import Strength
from tessera_shared import logging
from tessera_shared.clock import seconds
from tessera_shared.http.form import Form
from tessera_shared.translatable import N_

METHOD = "totp"
AMR = ("otp",)
"""RFC 8176 §2."""
STRENGTH = Strength(frozenset({"possession"}), is_second=True, can_be_set_up=True)
TITLE = N_("Use your authenticator app")
TEMPLATE = "method-totp.html"
WRONG = N_("That code is not right, or was used before. Wait for the next one and try again.")
SET_UP = SetUpPage("/oidc/v1/login/set-up/totp", N_("Set up an authenticator app instead"))

STEP_SECONDS = 30
_DRIFT = (0, -1, 1)
"""RFC 6238 §5.2: one step back and forth for clocks that disagree and people who type."""


async def verify(form: Form, stage: Stage, verifiers: Verifiers) -> Proof | None:
    """The user, if the code is the current one of an authenticator and was not used before."""
    if stage.sub is None:
        return None
    for authenticator in await verifiers.totp.list_of(stage.sub):
        step = matching_step(authenticator.secret, form.get("code") or "", stage.now)
        if step is not None and await verifiers.totp.accept(authenticator.id, step, stage.now):
            return Proof(stage.sub, AMR)
    logging.get().info("login refused", method=METHOD, reason="wrong or used code", sub=stage.sub)
    return None


async def is_enrolled(sub: str, verifiers: Verifiers) -> bool:
    """Whether the user has an authenticator."""
    return await verifiers.totp.has(sub)


def matching_step(secret: str, typed: str, now: datetime) -> int | None:
    """The time step whose code this is, if it is a current one; compared in constant time.

    Args:
        secret: Base32.
        typed: What was typed; spaces do not matter.
        now: The time.

    """
    code = "".join(typed.split()).encode()
    totp, current = pyotp.TOTP(secret, interval=STEP_SECONDS), seconds(now) // STEP_SECONDS
    steps = [
        current + drift for drift in _DRIFT if hmac.compare_digest(totp.generate_otp(current + drift).encode(), code)
    ]
    return steps[0] if steps else None

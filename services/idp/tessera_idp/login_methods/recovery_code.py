"""A recovery code as a second factor, for users who lost the others."""

from collections.abc import Mapping

from tessera_idp.login_methods.method import Proof, Stage, Verifiers
from tessera_idp.protocol.levels import Strength
from tessera_idp.protocol.recovery_code import FEW, digest
from tessera_shared import logging
from tessera_shared.http.form import Form
from tessera_shared.translatable import N_

METHOD = "recovery_code"
AMR = ("otp",)
"""RFC 8176 §2: a one-time password; there is no value for look-up secrets."""
STRENGTH = Strength(frozenset({"possession"}), is_second=True)
TITLE = N_("Use a recovery code")
TEMPLATE = "method-recovery_code.html"
WRONG = N_("That is not one of your recovery codes, or it was used before.")


async def verify(form: Form, stage: Stage, verifiers: Verifiers) -> Proof | None:
    """The user, if it is a code that was not used before."""
    code = form.get("code")
    if stage.sub is None or code is None:
        return None
    if not await verifiers.recovery_codes.use(stage.sub, digest(code), stage.now):
        logging.get().info("login refused", method=METHOD, reason="wrong or used code", sub=stage.sub)
        return None
    logging.get().info("recovery code used", sub=stage.sub)
    return Proof(stage.sub, AMR)


async def is_enrolled(sub: str, verifiers: Verifiers) -> bool:
    """Whether the user has codes left."""
    return await verifiers.recovery_codes.left(sub) > 0


async def prepare(stage: Stage, verifiers: Verifiers) -> Mapping[str, object]:
    """How many are left, and whether those are few."""
    left = 0 if stage.sub is None else await verifiers.recovery_codes.left(stage.sub)
    return {"left": left, "few": left <= FEW}

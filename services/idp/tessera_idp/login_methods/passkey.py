"""Login by passkey, with user verification (WebAuthn Level 3 §7.2): as the first method it finds the user, too."""

import hmac
from collections.abc import Mapping
from datetime import timedelta

from tessera_idp.login_methods.method import Proof, SetUpPage, Stage, Verifiers
from tessera_idp.protocol.levels import Strength
from tessera_idp.protocol.passkey import methods_used
from tessera_idp.protocol.passkey_ceremony import (
    Assertion,
    CeremonyRefused,
    read_assertion,
    request_options,
    verify_assertion,
)
from tessera_idp.store.passkeys import UserWithPasskey
from tessera_shared import logging
from tessera_shared.http.form import Form
from tessera_shared.translatable import N_

METHOD = "passkey"
STRENGTH = Strength(frozenset({"possession", "inherence"}), is_second=True, phishing_resistant=True, can_be_set_up=True)
TITLE = N_("Log in with a passkey")
TEMPLATE, BESIDE = "method-passkey.html", "beside-passkey.html"
WRONG = N_("That passkey was not accepted. Try again, or log in in another way.")
SET_UP = SetUpPage("/oidc/v1/login/set-up/passkey", N_("Set up a passkey instead"))
_LIFETIME = timedelta(minutes=30)
"""As long as an ask lives: browsers offer passkeys in the name field for as long as the page is open."""


async def verify(form: Form, stage: Stage, verifiers: Verifiers) -> Proof | None:
    """The user whose passkey signed this page's challenge.

    Raises:
        Unavailable: No store answers that knows which challenges were used.

    """
    try:
        return await _prove(form.get("credential") or "", stage, verifiers)
    except CeremonyRefused as refused:
        logging.get().info("login refused", method=METHOD, reason=str(refused), sub=stage.sub)
        return None


async def is_enrolled(sub: str, verifiers: Verifiers) -> bool:
    """Whether the user has a passkey."""
    return bool(await verifiers.passkeys.of_user(sub))


async def prepare(stage: Stage, verifiers: Verifiers) -> Mapping[str, object]:
    """What the page asks the browser for: any passkey first, later one of the user's own."""
    challenge = verifiers.challenges.issue(stage.now, _LIFETIME, *_bound(stage))
    allowed = () if stage.sub is None else await verifiers.passkeys.of_user(stage.sub)
    return {"passkey_options": request_options(verifiers.relying_party, challenge, allowed)}


async def _prove(text: str, stage: Stage, verifiers: Verifiers) -> Proof:
    answer = read_assertion(text)
    # 1. of this page, once
    reason = await verifiers.challenges.take(answer.challenge, stage.now, *_bound(stage))
    if reason is not None:
        raise CeremonyRefused(reason)
    # 2. whose credential (§7.2 steps 5 and 6)
    found = await verifiers.passkeys.find(answer.credential_id)
    if found is None:
        raise CeremonyRefused("unknown passkey")
    _refuse_other_user(answer, found, stage)
    # 3. what it signed, and that it counts on
    asserted = verify_assertion(answer, verifiers.relying_party, answer.challenge, found.passkey)
    if found.user.disabled:
        raise CeremonyRefused("disabled")
    if not await verifiers.passkeys.use(found.passkey.credential_id, asserted, stage.now):
        logging.get().warning("a passkey's sign count did not grow", sub=found.user.sub, passkey=found.passkey.id)
        raise CeremonyRefused("sign count")
    return Proof(found.user.sub, methods_used(backup_eligible=found.passkey.backup_eligible))


def _refuse_other_user(answer: Assertion, found: UserWithPasskey, stage: Stage) -> None:
    if stage.sub is None:
        if answer.user_handle is None:
            raise CeremonyRefused("no user handle")
    elif found.user.sub != stage.sub:
        raise CeremonyRefused("another user's passkey")
    if answer.user_handle is not None and not hmac.compare_digest(answer.user_handle, found.handle):
        raise CeremonyRefused("another user's handle")


def _bound(stage: Stage) -> tuple[str, str, str]:
    return "login", stage.binding.hex(), stage.sub or ""

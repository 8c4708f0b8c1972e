"""Setting up an authenticator app: a secret is offered, and counts once a code of it was typed.

What is offered travels sealed in the page's form, so a page that is looked at leaves nothing behind, and what comes
back is what this service made for this user.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import pyotp
import segno
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from tessera_idp.login_methods.totp import STEP_SECONDS, matching_step
from tessera_idp.store.totp import Authenticator, TotpStore
from tessera_shared.clock import seconds
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.sealed import SealBroken
from tessera_shared.translatable import N_

LIFETIME = timedelta(minutes=15)
"""How long a user may take to scan the code."""
NAME = N_("Authenticator app")
MAX_NAME = 60
_SECRET_BYTES = 20
"""RFC 4226 §4, R6: 160 bits."""
_GROUP = 4
_QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret that is offered, and as what it travels in the form."""

    id: str
    sealed: str
    secret: str = field(repr=False)

    @property
    def grouped(self) -> str:
        """The secret in groups, to be typed."""
        return " ".join(self.secret[start : start + _GROUP] for start in range(0, len(self.secret), _GROUP))


@dataclass(frozen=True, slots=True)
class TotpSetUp:
    """Offers secrets and takes them.

    Attributes:
        key: Seals what is offered.
        issuer: The name that apps show beside the account.
        store: Where confirmed authenticators go.

    """

    key: RotatingKey = field(repr=False)
    issuer: str
    store: TotpStore

    def offer(self, sub: str, now: datetime) -> Offer:
        """A new secret for a user."""
        made, secret = str(uuid4()), pyotp.random_base32(_SECRET_BYTES * 8 // 5)
        content = json.dumps({"id": made, "secret": secret, "exp": seconds(now + LIFETIME)})
        return Offer(made, urlsafe_b64encode(self.key.seal(content.encode(), sub.encode())).decode(), secret)

    def offered(self, sealed: str | None, sub: str, now: datetime) -> Offer | None:
        """What was offered to this user and came back; None where it is too old or something else."""
        try:
            content = json.loads(self.key.unseal(urlsafe_b64decode((sealed or "").encode()), sub.encode()))
        except (SealBroken, ValueError):  # binascii.Error is one
            return None
        return Offer(content["id"], sealed or "", content["secret"]) if content["exp"] > seconds(now) else None

    def picture(self, offer: Offer, username: str) -> str:
        """The QR code, as an SVG element."""
        uri = pyotp.TOTP(offer.secret, interval=STEP_SECONDS).provisioning_uri(name=username, issuer_name=self.issuer)
        code = segno.make(uri, error="m", micro=False)
        return code.svg_inline(border=_QUIET_ZONE, omitsize=True, dark="#000", light="#fff", svgclass="qr")

    async def confirm(self, offer: Offer, sub: str, name: str, code: str, now: datetime) -> bool | None:
        """Store an offered authenticator by its first code, which then counts as used.

        Returns:
            False for a wrong code, None where it is stored already or the user has too many.

        """
        step = matching_step(offer.secret, code, now)
        if step is None:
            return False
        added = await self.store.add(sub, Authenticator(offer.id, name, offer.secret, step, now, None))
        return True if added else None


def name_of(typed: str | None) -> str:
    """What an authenticator is called: as the user typed it, in one line of bounded length."""
    return " ".join((typed or "").split())[:MAX_NAME] or NAME

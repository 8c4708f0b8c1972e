"""Subject identifiers (OpenID Connect Core §8): what a client is told about who a user is.

A pairwise one is the user's own identifier under AES-SIV (RFC 5297) with a key of the installation
(`keystore/subject_key.py`), the sector as associated data: always the same in one sector, another in each, and nobody
but the issuer can turn it back (§8.1). So no identifier is stored, and both services find the user again.
"""

import base64
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from tessera_shared.jose.jwt import InvalidToken

SUBJECT_TYPES = ("public", "pairwise")
"""Every subject_type that is served (OpenID Connect Discovery §3)."""


class NoSector(Exception):  # noqa: N818 - says what is the case
    """A pairwise client whose sector cannot be known: its redirect URIs have several hosts, or none."""


def sector_of(subject_type: str, sector_identifier_uri: str | None, redirect_uris: Collection[str]) -> str | None:
    """The sector that a client's users are named for (§8.1); None where the client is told the public identifier.

    Raises:
        NoSector: It cannot be known.

    """
    if subject_type == SUBJECT_TYPES[0]:
        return None
    hosts = {_host(uri) for uri in ([sector_identifier_uri] if sector_identifier_uri else redirect_uris)}
    if len(hosts) != 1 or "" in hosts:
        raise NoSector
    return hosts.pop()


@dataclass(frozen=True, slots=True)
class Subjects:
    """Makes and reads pairwise identifiers."""

    key: bytes = field(repr=False)

    def told(self, sub: str, sector: str | None) -> str:
        """What a client of that sector is told as `sub`; without a sector the public identifier itself."""
        if sector is None:
            return sub
        return _encode(AESSIV(self.key).encrypt(sub.encode(), [sector.encode()]))

    def meant(self, told: str, sector: str | None) -> str:
        """Whom a client of that sector means.

        Raises:
            InvalidToken: Nobody was ever called that there.

        """
        if sector is None:
            return told
        try:
            sub = AESSIV(self.key).decrypt(_decode(told), [sector.encode()]).decode()
        except (InvalidTag, ValueError) as error:
            raise _nobody() from error
        if self.told(sub, sector) != told:  # base64url has several spellings of the same octets
            raise _nobody()
        return sub


def _host(uri: str) -> str:
    """The host component in lower case; empty for a private-use scheme (RFC 8252 §7.1)."""
    return urlsplit(uri).hostname or ""


def _nobody() -> InvalidToken:
    return InvalidToken("sub", section="OIDC Core §8.1", expected="a subject identifier of the client's sector")


def _encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

"""A compact JWS from outside: read strictly, judged by its text, and verified with one key and one algorithm.

Clients sign assertions, request objects and DPoP proofs with keys of their own. What they send is read here once:
`Unverified` until a signature was checked, with nothing in it that two parsers could read in two ways.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.util import urlsafe_b64decode

from tessera_shared.jose.algorithms import ALGORITHMS, Key
from tessera_shared.jose.jwt import InvalidToken

_MAX = 16 * 1024
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Unverified:
    """A JWS whose signature nobody has looked at: its members are what somebody says.

    Attributes:
        text: The compact serialization.
        header: The protected header (RFC 7515 §4).
        claims: The payload (RFC 7519 §4).

    """

    text: str = field(repr=False)
    header: Mapping[str, Any]
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def alg(self) -> str:
        """The algorithm that the header names; empty where it names none."""
        alg = self.header.get("alg")
        return alg if isinstance(alg, str) else ""

    @property
    def kid(self) -> str | None:
        """The key that the header names."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    @property
    def typ(self) -> str | None:
        """The explicit type in lower case, without the prefix that may be left out (RFC 7515 §4.1.9)."""
        typ = self.header.get("typ")
        return None if typ is None else str(typ).lower().removeprefix("application/")


def read(text: str) -> Unverified:
    """Read a compact JWS with a JSON object in it.

    Raises:
        InvalidToken: It is none, holds a member twice, or asks for an extension.

    """
    if len(text) > _MAX or not _COMPACT.fullmatch(text):
        raise InvalidToken("form", section="RFC 7515 §7.1", expected=f"a compact JWS of at most {_MAX} characters")
    header, payload, _ = text.split(".")
    unverified = Unverified(text, _read_object(header, "RFC 7515 §4"), _read_object(payload, "RFC 7519 §7.2"))
    # RFC 7515 §4.1.11: no extension is understood here, so none may be critical; b64 (RFC 7797 §6) would have to be
    if "crit" in unverified.header or "b64" in unverified.header:
        raise InvalidToken("crit", section="RFC 7515 §4.1.11", expected="no critical extension", received="crit or b64")
    return unverified


def is_signed_by(unverified: Unverified, key: Key, alg: str) -> bool:
    """Whether this key made the signature, by this algorithm and no other (RFC 7515 §5.2, RFC 8725 §3.1)."""
    if alg not in ALGORITHMS:  # RFC 8725 §3.2: `none` is none
        return False
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    registry.max_header_length = _MAX  # an RSA key in a DPoP proof's header is longer than the default
    try:
        jws.deserialize_compact(unverified.text, key, algorithms=[alg], registry=registry)
    except (JoseError, ValueError, TypeError):
        return False
    return True


def is_keyed_with(unverified: Unverified, secret: bytes, alg: str) -> bool:
    """Whether the signature is a MAC under this secret, by this algorithm and no other (RFC 7518 §3.2)."""
    try:
        key = OctKey.import_key(secret)
    except ValueError:  # a secret that is the text of a public key (RFC 8725 §2.1)
        return False
    return is_signed_by(unverified, key, alg)


def _read_object(encoded: str, section: str) -> dict[str, Any]:
    try:
        text = urlsafe_b64decode(encoded.encode("ascii")).decode("utf-8")
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # binascii.Error and UnicodeDecodeError are ValueErrors
        raise InvalidToken("json", section=section, expected="a JSON object with each member once") from error
    if not isinstance(found, dict):
        raise InvalidToken("json", section=section, expected="a JSON object", received=type(found).__name__)
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse duplicate members, which different parsers read differently (RFC 7515 §4, RFC 7519 §4)."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity are no JSON (RFC 8259 §6)."""
    raise ValueError(name)

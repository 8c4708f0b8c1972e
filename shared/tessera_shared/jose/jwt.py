"""Minting and verifying signed JWTs; a verification names algorithms, issuer, audience, type and required claims."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NewType

from joserfc import jws
from joserfc.errors import JoseError

from tessera_shared.clock import TOLERANCE, seconds
from tessera_shared.jose.algorithms import Key
from tessera_shared.jose.keys import KeySource, VerificationKey

VerifiedClaims = NewType("VerifiedClaims", dict[str, Any])

_MAX_TOKEN = 16 * 1024
_TEXTS = ("iss", "sub", "client_id", "jti")
_TIMES = ("exp", "nbf", "iat", "auth_time")
_END_OF_TIME = 2**53


class InvalidToken(Exception):  # noqa: N818 - named as RFC 6750 names it
    """A token failed a check; the parts are for the log and hold no secret."""

    def __init__(self, check: str, *, section: str, expected: str = "", received: str = "") -> None:
        super().__init__(check)
        self.check = check
        self.section = section
        self.expected = expected
        self.received = received


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a token must be to be accepted."""

    typ: str
    algorithms: Collection[str]
    issuer: str
    audiences: Collection[str]
    required: Collection[str]
    tolerance: timedelta = TOLERANCE


def mint(claims: Mapping[str, Any], *, key: Key, kid: str, alg: str, typ: str) -> str:
    """Sign `claims` as a compact JWS (RFC 7519 §7.1)."""
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    return jws.serialize_compact({"alg": alg, "kid": kid, "typ": typ}, payload, key, algorithms=[alg])


async def verify(token: str, keys: KeySource, expectation: Expectation, now: datetime) -> VerifiedClaims:
    """Check signature, type, issuer, audience, times and presence of claims (RFC 8725 §3).

    Raises:
        InvalidToken: Names the check that failed.

    """
    if len(token) > _MAX_TOKEN:
        raise InvalidToken("size", section="RFC 8725 §3.4", expected=f"at most {_MAX_TOKEN} characters")
    header = _read_header(token)
    key = await _find_key(header, keys, expectation)
    claims = _check_signature(token, key)
    _check_claims(claims, expectation, seconds(now))
    return VerifiedClaims(claims)


def _read_header(token: str) -> dict[str, Any]:
    try:
        return dict(jws.extract_compact(token.encode()).headers())
    except (JoseError, ValueError, UnicodeEncodeError) as error:
        raise InvalidToken("form", section="RFC 7515 §7.1", expected="a compact JWS") from error


async def _find_key(header: dict[str, Any], keys: KeySource, expectation: Expectation) -> VerificationKey:
    typ, alg, kid = header.get("typ"), header.get("alg"), header.get("kid")
    # RFC 8725 §3.11, RFC 9068 §4: the media type prefix may be written out
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != expectation.typ.lower():
        raise InvalidToken("typ", section="RFC 8725 §3.11", expected=expectation.typ, received=str(typ)[:40])
    if alg not in expectation.algorithms:
        raise InvalidToken(
            "alg", section="RFC 8725 §3.1", expected=", ".join(expectation.algorithms), received=str(alg)[:40]
        )
    key = await keys.find(kid) if isinstance(kid, str) else None
    if key is None:
        raise InvalidToken("kid", section="RFC 7515 §4.1.4", expected="a published key", received=str(kid)[:80])
    if key.alg != alg:  # RFC 8725 §3.1: a key is used with its own algorithm only
        raise InvalidToken("alg", section="RFC 8725 §3.1", expected=key.alg, received=str(alg)[:40])
    return key


def _check_signature(token: str, key: VerificationKey) -> dict[str, Any]:
    try:
        payload = jws.deserialize_compact(token.encode(), key.key, algorithms=[key.alg]).payload
        claims = json.loads(payload, object_pairs_hook=_unique)
    except (JoseError, ValueError, RecursionError) as error:
        raise InvalidToken("signature", section="RFC 7515 §5.2", expected=f"signed with {key.kid}") from error
    if not isinstance(claims, dict):
        raise InvalidToken("claims", section="RFC 7519 §7.2", expected="a JSON object")
    return claims


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse duplicate members, which different parsers read differently (RFC 7519 §4)."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _check_claims(claims: dict[str, Any], expectation: Expectation, now: int) -> None:
    tolerance = int(expectation.tolerance.total_seconds())
    missing = [name for name in expectation.required if claims.get(name) is None]
    if missing:
        raise InvalidToken("claims", section="RFC 9068 §2.2", expected=", ".join(missing), received="nothing")
    _check_types(claims)
    if claims.get("iss") != expectation.issuer:
        raise InvalidToken(
            "iss", section="RFC 9068 §4", expected=expectation.issuer, received=str(claims.get("iss"))[:200]
        )
    if not _audiences(claims) & set(expectation.audiences):
        raise InvalidToken(
            "aud",
            section="RFC 9068 §4",
            expected=" or ".join(expectation.audiences),
            received=str(claims.get("aud"))[:200],
        )
    if claims.get("exp", now + 1) + tolerance <= now:
        raise InvalidToken("exp", section="RFC 7519 §4.1.4", expected=f"after {now}", received=str(claims["exp"]))
    if claims.get("nbf", now) - tolerance > now:
        raise InvalidToken("nbf", section="RFC 7519 §4.1.5", expected=f"not after {now}", received=str(claims["nbf"]))


def _check_types(claims: dict[str, Any]) -> None:
    """Refuse identifiers that are no text and times that are no number (RFC 7519 §2: StringOrURI, NumericDate)."""
    for name in _TEXTS:
        if name in claims and not (isinstance(claims[name], str) and claims[name]):
            raise InvalidToken(name, section="RFC 7519 §2", expected="text", received=type(claims[name]).__name__)
    for name in _TIMES:
        # NaN and infinity, which Python's parser takes, compare false here
        if name in claims and not (type(claims[name]) in (int, float) and abs(claims[name]) < _END_OF_TIME):
            raise InvalidToken(name, section="RFC 7519 §2", expected="a number", received=type(claims[name]).__name__)


def _audiences(claims: dict[str, Any]) -> set[str]:
    """The audience as a set, be it one string or a list (RFC 7519 §4.1.3)."""
    aud = claims.get("aud")
    if isinstance(aud, str):
        return {aud}
    return {entry for entry in aud if isinstance(entry, str)} if isinstance(aud, list) else set()

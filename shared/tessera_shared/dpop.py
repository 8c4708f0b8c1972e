"""DPoP proofs (RFC 9449): what a proof must say, as rules; the nonces and the memory that keep it from being reused.

The authorization server takes proofs to bind tokens to a key, resource servers to see that the token's key is there.
"""

import base64
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tessera_shared.clock import seconds
from tessera_shared.http_url import normalize
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING
from tessera_shared.jose.compact import Unverified, is_signed_by, read
from tessera_shared.jose.jwt import InvalidToken
from tessera_shared.jose.public_key import PublicKey, UnusableKey, import_public_key
from tessera_shared.replay import ReplayMemory
from tessera_shared.rotating_key import RotatingKey

TYP = "dpop+jwt"
ALGS = ASYMMETRIC_SIGNING
"""What a proof may be signed with where nothing narrower is known of the client."""
WINDOW = timedelta(minutes=2)
"""How long a nonce is the current one; it is accepted for one window more."""

_MAX_JTI = 1024
_END_OF_TIME = 2**53


class InvalidProof(Exception):  # noqa: N818 - named as RFC 9449 §7.1 names it
    """A proof failed a check of RFC 9449 §4.3; the parts are for the log and hold no secret."""

    def __init__(self, check: str, expected: str, received: str = "") -> None:
        super().__init__(check)
        self.check = check
        self.expected = expected
        self.received = received


class NonceNeeded(Exception):  # noqa: N818 - says what is the case
    """The proof must carry a nonce of this server, and has none or an old one (RFC 9449 §8, §9)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the proof of one request must be about.

    Attributes:
        method: The request's method.
        urls: The URLs at which the request may have been sent to this server: public ones, never of a Host header.
        algs: The algorithms that the client may use.
        access_token: At a protected resource: the token that the proof must name.
        jkt: At a protected resource: the thumbprint of the key that the token is bound to.

    """

    method: str
    urls: Collection[str]
    algs: Collection[str] = ALGS
    access_token: str | None = None
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is right, but may have been used before."""

    jkt: str
    jti: str
    iat: int
    nonce: str | None


def check(text: str, expected: Expected, tolerance: timedelta, now: int) -> Proof:
    """Check a proof by the rules of RFC 9449 §4.3, nonce and repetition aside.

    Args:
        text: The value of the DPoP header.
        expected: What the proof must be about.
        tolerance: How far the client's clock may be off.
        now: Seconds since the epoch.

    Raises:
        InvalidProof: Names the check that failed.

    """
    try:
        proof = read(text)
    except InvalidToken as error:
        raise InvalidProof(error.check, error.expected, error.received) from error
    if proof.typ != TYP:  # (4)
        raise InvalidProof("typ", TYP, str(proof.typ)[:40])
    if proof.alg not in expected.algs:  # (5)
        raise InvalidProof("alg", ", ".join(expected.algs), proof.alg[:40])
    key = _key_of(proof)
    if not is_signed_by(proof, key.key, proof.alg):  # (6)
        raise InvalidProof("signature", "a signature by the key in the header")
    jkt = key.key.thumbprint()
    _check_request(proof, expected)
    _check_token(proof, expected, jkt)
    nonce = proof.claims.get("nonce")
    if nonce is not None and not isinstance(nonce, str):
        raise InvalidProof("nonce", "text", type(nonce).__name__)
    return Proof(jkt, _jti(proof), _iat(proof, int(tolerance.total_seconds()), now), nonce)


def _key_of(proof: Unverified) -> PublicKey:
    """(5), (7): a public key of the algorithm's kind, without private parts."""
    try:
        key = import_public_key(proof.header.get("jwk"))
    except UnusableKey as error:
        raise InvalidProof("jwk", "a public key", str(error)) from error
    if not key.fits(proof.alg):
        raise InvalidProof("jwk", f"a key for {proof.alg}", "another kind of key")
    return key


def _check_request(proof: Unverified, expected: Expected) -> None:
    htm, htu = proof.claims.get("htm"), proof.claims.get("htu")
    if htm != expected.method:  # (8)
        raise InvalidProof("htm", expected.method, str(htm)[:40])
    url = normalize(htu) if isinstance(htu, str) else None
    if url is None or url not in [normalize(known) for known in expected.urls]:  # (9)
        raise InvalidProof("htu", " or ".join(expected.urls), str(htu)[:200])


def _check_token(proof: Unverified, expected: Expected, jkt: str) -> None:
    """(12): the proof names the access token, and is signed with the key that the token is bound to."""
    if expected.access_token is None:
        return
    digest = hashlib.sha256(expected.access_token.encode("utf-8", "surrogatepass")).digest()
    ath = proof.claims.get("ath")
    if not isinstance(ath, str) or not hmac.compare_digest(ath.encode("utf-8", "surrogatepass"), _encode(digest)):
        raise InvalidProof("ath", "the hash of the access token", "nothing" if ath is None else "another")
    if not hmac.compare_digest(jkt, expected.jkt or ""):
        raise InvalidProof("jwk", "the key that the access token is bound to", "another key")


def _jti(proof: Unverified) -> str:
    jti = proof.claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:  # (3)
        raise InvalidProof("jti", f"text of 1 to {_MAX_JTI} characters", type(jti).__name__)
    return jti


def _iat(proof: Unverified, tolerance: int, now: int) -> int:
    iat = proof.claims.get("iat")
    # (3); NaN compares false
    if not isinstance(iat, int | float) or isinstance(iat, bool) or not abs(iat) < _END_OF_TIME:
        raise InvalidProof("iat", "a number", type(iat).__name__)
    if abs(int(iat) - now) > tolerance:  # (11)
        raise InvalidProof("iat", f"{now} ± {tolerance}", str(int(iat)))
    return int(iat)


class Nonces:
    """Nonces that rotate with the clock: every replica with the key makes and knows the same, and none is stored.

    Args:
        key: The same for all replicas of one service.

    """

    def __init__(self, key: RotatingKey) -> None:
        self._key = key

    def current(self, now: datetime) -> str:
        """The nonce to tell now."""
        return _nonce(self._key.current, _window(now))

    def is_known(self, nonce: str, now: datetime) -> bool:
        """Whether it is of this window or the one before; or of the next, by a replica whose clock is ahead."""
        given = nonce.encode("utf-8", "surrogatepass")
        window = _window(now)
        known = [_nonce(key, near) for key in self._key.every for near in (window, window - 1, window + 1)]
        return any(hmac.compare_digest(given, nonce.encode()) for nonce in known)


@dataclass(frozen=True, slots=True)
class ProofVerifier:
    """Verifies proofs, each once."""

    nonces: Nonces
    replay: ReplayMemory
    tolerance: timedelta
    requires_nonce: bool

    async def verify(self, text: str, expected: Expected, now: datetime) -> Proof:
        """The proof, which from now on is used.

        Raises:
            InvalidProof: Names the check that failed.
            NonceNeeded: A nonce is required and missing, or was sent and is not one of the latest.
            Unavailable: Whether it was used before cannot be known.

        """
        proof = check(text, expected, self.tolerance, seconds(now))
        if proof.nonce is None and self.requires_nonce:
            raise NonceNeeded
        if proof.nonce is not None and not self.nonces.is_known(proof.nonce, now):  # §4.3 (10)
            raise NonceNeeded
        valid_until = datetime.fromtimestamp(proof.iat, UTC) + self.tolerance
        if not await self.replay.is_first_use("DPoP proof", proof.jkt, proof.jti, valid_until):  # §11.1
            raise InvalidProof("jti", "one that was not used before", "a used one")
        return proof


def _nonce(key: bytes, window: int) -> str:
    return _encode(hmac.digest(key, window.to_bytes(8, "big"), hashlib.sha256)).decode()


def _window(now: datetime) -> int:
    return int(now.timestamp() // WINDOW.total_seconds())


def _encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")

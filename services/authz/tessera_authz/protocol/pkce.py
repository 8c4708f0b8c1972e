"""Proof Key for Code Exchange (RFC 7636): S256 only, as OAuth 2.1 and RFC 9700 ask."""

import base64
import hashlib
import hmac
import re

from tessera_shared.errors import OAuthError

METHODS = ("S256",)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_challenge(challenge: str | None, method: str | None) -> None:
    """Check the challenge of an authorization request.

    Raises:
        OAuthError: invalid_request, for a missing challenge or another method than S256 (RFC 7636 §4.4.1).

    """
    if challenge is None:
        raise OAuthError(
            "invalid_request",
            "PKCE is required: code_challenge is missing.",
            section="RFC 7636 §4.4.1",
            expected="code_challenge",
            received="nothing",
        )
    if method not in METHODS:  # RFC 7636 §4.3: a missing method means plain
        raise OAuthError(
            "invalid_request",
            "The code_challenge_method must be S256.",
            section="RFC 7636 §4.4.1",
            expected="S256",
            received=(method or "plain")[:20],
        )
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError(
            "invalid_request",
            "The code_challenge is not a SHA-256 value in base64url.",
            section="RFC 7636 §4.2",
            expected="43 characters",
            received=f"{len(challenge)} characters",
        )


def verifies(verifier: str | None, challenge: str | None) -> bool:
    """Whether the verifier of a token request is the challenge's (RFC 7636 §4.6); both may be left out, not one."""
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    if not _VERIFIER.fullmatch(verifier):  # RFC 7636 §4.1
        return False
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(computed, challenge.encode("ascii"))

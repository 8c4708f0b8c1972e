"""Proof Key for Code Exchange (RFC 7636)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_authz.protocol import pkce
from tessera_shared.errors import OAuthError

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_vector_of_rfc_7636_appendix_b_verifies():
    assert pkce.verifies(VERIFIER, CHALLENGE)


@pytest.mark.parametrize(
    "verifier", [None, "", VERIFIER[:-1] + "l", VERIFIER[:42], VERIFIER + "\n", "é" * 43, CHALLENGE, "a" * 129]
)
def test_any_other_verifier_is_refused(verifier):
    assert not pkce.verifies(verifier, CHALLENGE)


def test_a_verifier_without_a_challenge_is_refused():
    assert not pkce.verifies(VERIFIER, None)


@given(st.text(alphabet="ABCxyz019-._~", min_size=43, max_size=128))
def test_a_challenge_verifies_only_its_own_verifier(verifier):
    assert pkce.verifies(verifier, CHALLENGE) == (verifier == VERIFIER)


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (None, None),
        (None, "S256"),
        (CHALLENGE, None),
        (CHALLENGE, "plain"),
        (CHALLENGE, "s256"),
        (CHALLENGE + "=", "S256"),
        (CHALLENGE[:-1], "S256"),
        (CHALLENGE[:-1] + "+", "S256"),
    ],
)
def test_a_missing_plain_or_malformed_challenge_is_invalid_request(challenge, method):
    with pytest.raises(OAuthError) as caught:
        pkce.check_challenge(challenge, method)
    assert caught.value.error == "invalid_request"
    assert caught.value.section.startswith("RFC 7636")


def test_s256_is_accepted():
    pkce.check_challenge(CHALLENGE, "S256")

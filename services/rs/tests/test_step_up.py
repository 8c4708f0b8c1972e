"""Step-up authentication (RFC 9470) and the challenges that lead to it."""

import pytest

from tessera_rs.endpoints.challenges import insufficient_user_authentication, with_metadata
from tessera_rs.protocol.step_up import StepUp
from tessera_shared.errors import OAuthError

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("step_up", "claims", "met"),
    [
        (StepUp(300), {"auth_time": NOW - 300}, True),
        (StepUp(300), {"auth_time": NOW - 301}, False),
        (StepUp(300), {}, False),
        (StepUp(300), {"auth_time": "1800000000"}, False),
        (StepUp(300), {"auth_time": True}, False),
        (StepUp(None, ("strong",)), {"auth_time": 0, "acr": "strong"}, True),
        (StepUp(None, ("strong", "stronger")), {"auth_time": 0, "acr": "weak"}, False),
        (StepUp(300, ("strong",)), {"auth_time": NOW, "acr": "weak"}, False),
        (StepUp(300, ("strong",)), {"auth_time": NOW - 301, "acr": "strong"}, False),
    ],
)
def test_a_login_must_be_recent_and_strong_enough(step_up, claims, met):
    assert step_up.is_met(claims, NOW) == met


def test_the_challenge_says_what_would_do():
    error = insufficient_user_authentication(StepUp(300, ("strong", "stronger")))
    assert (error.status, error.error) == (401, "insufficient_user_authentication")
    challenge = error.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="tessera", error="insufficient_user_authentication"')
    assert challenge.endswith(', acr_values="strong stronger", max_age="300"')


def test_challenges_point_to_the_metadata_and_other_answers_do_not():
    challenged = OAuthError("invalid_token", "x", status=401, headers={"www-authenticate": 'Bearer realm="tessera"'})
    pointed = with_metadata(challenged, "https://rs.example/.well-known/oauth-protected-resource")
    assert pointed.headers["www-authenticate"] == (
        'Bearer realm="tessera", resource_metadata="https://rs.example/.well-known/oauth-protected-resource"'
    )
    assert with_metadata(OAuthError("x", "y"), "https://rs.example").headers == {}

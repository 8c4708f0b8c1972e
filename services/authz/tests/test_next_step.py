"""What is missing before an authorization request is answered."""

from dataclasses import replace

import pytest

from tessera_authz.protocol.authorization_request import AuthorizationRequest
from tessera_authz.protocol.claims_request import ClaimsRequest, Wish
from tessera_authz.protocol.client import Client
from tessera_authz.protocol.next_step import Consent, Login, Proceed, is_identity_assured, next_step
from tessera_shared.claims import ACR_VALUES
from tessera_shared.errors import OAuthError
from tessera_shared.handoff import Answer, Authentication

REQUEST = AuthorizationRequest(
    client_id="c",
    redirect_uri="https://a.example/cb",
    response_mode="query",
    state=None,
    scope=("openid", "profile"),
    code_challenge="x",
    nonce=None,
    prompt=(),
    authenticated_after=None,
    login_hint=None,
    ui_locales=None,
)
ALICE = Authentication("alice", "sid", auth_time=1000, acr="1", amr=("pwd",))
LOGGED_IN = Answer("step", "authenticated", ALICE)
CONSENTED = Answer("step", "consented", scope=("openid", "profile"))


def test_nobody_logged_in_means_login():
    assert next_step(REQUEST, None, (), None) == Login()


def test_a_login_without_consent_means_consent():
    assert next_step(REQUEST, ALICE, ("openid",), LOGGED_IN) == Consent(ALICE)


def test_remembered_consent_means_proceed():
    step = next_step(REQUEST, ALICE, ("openid", "profile", "email"), LOGGED_IN)
    assert step == Proceed(ALICE, ("openid", "profile"), "1")


def test_consent_just_given_means_proceed_with_that_scope():
    answer = replace(CONSENTED, scope=("openid",))
    assert next_step(REQUEST, ALICE, (), answer) == Proceed(ALICE, ("openid",), "1", newly_consented=("openid",))


def test_consent_to_more_than_was_asked_does_not_count():
    answer = replace(CONSENTED, scope=("openid", "profile", "email"))
    assert next_step(REQUEST, ALICE, (), answer) == Consent(ALICE)


def test_prompt_consent_always_asks_and_takes_the_answer():
    request = replace(REQUEST, prompt=("consent",))
    assert next_step(request, ALICE, ("openid", "profile"), LOGGED_IN) == Consent(ALICE)
    assert isinstance(next_step(request, ALICE, (), CONSENTED), Proceed)


@pytest.mark.parametrize(
    ("request_", "authentication", "answer", "code"),
    [
        (REQUEST, ALICE, Answer("step", "denied"), "access_denied"),
        (replace(REQUEST, prompt=("none",)), None, Answer("step", "no_session"), "login_required"),
        (replace(REQUEST, prompt=("none",)), ALICE, LOGGED_IN, "consent_required"),
        (replace(REQUEST, authenticated_after=1001), ALICE, LOGGED_IN, "login_required"),
        (replace(REQUEST, expected_sub="bob"), ALICE, LOGGED_IN, "login_required"),
    ],
)
def test_what_cannot_be_met_is_an_error(request_, authentication, answer, code):
    step = next_step(request_, authentication, (), answer)
    assert isinstance(step, OAuthError)
    assert step.error == code


def test_a_login_at_the_moment_asked_for_counts():
    request = replace(REQUEST, authenticated_after=1000)
    assert isinstance(next_step(request, ALICE, ("openid", "profile"), LOGGED_IN), Proceed)


def test_a_session_that_ended_before_consent_means_login_again():
    assert next_step(REQUEST, ALICE, (), Answer("step", "session_ended")) == Login()


def test_the_user_who_was_expected_proceeds():
    request = replace(REQUEST, expected_sub="alice")
    assert isinstance(next_step(request, ALICE, ("openid", "profile"), LOGGED_IN), Proceed)


@pytest.mark.parametrize(
    ("method", "redirect_uri", "assured"),
    [
        ("none", "https://app.example/cb", True),
        ("none", "http://127.0.0.1:4711/cb", False),
        ("none", "http://localhost:3000/cb", False),
        ("none", "com.example.app:/cb", False),
        ("client_secret_basic", "http://localhost:3000/cb", True),
        ("private_key_jwt", "com.example.app:/cb", True),
    ],
)
def test_an_earlier_consent_counts_only_where_nobody_else_can_pose_as_the_client(method, redirect_uri, assured):
    client = Client(client_id="c", client_name="C", token_endpoint_auth_method=method)
    assert is_identity_assured(client, redirect_uri) == assured


ONE, MULTI, _RESISTANT = ACR_VALUES
WEAK, STRONG = replace(ALICE, acr=ONE), replace(ALICE, acr=MULTI)


def test_a_login_below_an_essential_level_is_unmet():
    request = replace(REQUEST, acr=MULTI, acr_essential=True)
    step = next_step(request, WEAK, ("openid", "profile"), LOGGED_IN)
    assert isinstance(step, OAuthError)
    assert step.error == "unmet_authentication_requirements"


def test_a_login_below_an_essential_level_is_login_required_under_prompt_none():
    request = replace(REQUEST, acr=MULTI, acr_essential=True, prompt=("none",))
    step = next_step(request, WEAK, ("openid", "profile"), LOGGED_IN)
    assert isinstance(step, OAuthError)
    assert step.error == "login_required"


def test_a_level_is_judged_again_after_consent():
    request = replace(REQUEST, acr=MULTI, acr_essential=True)
    assert isinstance(next_step(request, WEAK, (), CONSENTED), OAuthError)
    assert isinstance(next_step(request, STRONG, (), CONSENTED), Proceed)


def test_a_level_that_is_only_preferred_never_refuses_and_what_was_reached_is_told():
    request = replace(REQUEST, acr=MULTI, acr_values=(MULTI,))
    assert next_step(request, WEAK, ("openid", "profile"), LOGGED_IN).acr == ONE
    assert next_step(request, STRONG, ("openid", "profile"), LOGGED_IN).acr == MULTI
    assert next_step(replace(request, acr_values=(ONE,)), STRONG, ("openid", "profile"), LOGGED_IN).acr == ONE


def test_a_user_who_cannot_log_in_strongly_enough_is_told_to_the_client():
    step = next_step(REQUEST, None, (), Answer("step", "unmet"))
    assert isinstance(step, OAuthError)
    assert step.error == "unmet_authentication_requirements"


CLAIMS = ClaimsRequest({"email": Wish()}, {"name": Wish()})


def test_single_claims_need_the_users_consent_as_their_scope_does():
    request = replace(REQUEST, claims=CLAIMS)
    assert next_step(request, ALICE, ("openid", "profile"), LOGGED_IN) == Consent(ALICE)
    silent = next_step(replace(request, prompt=("none",)), ALICE, ("openid", "profile"), LOGGED_IN)
    assert isinstance(silent, OAuthError)
    assert silent.error == "consent_required"


def test_single_claims_that_were_allowed_are_told_and_do_not_widen_the_scope():
    request = replace(REQUEST, claims=CLAIMS)
    everything = ("openid", "profile", "email")
    step = next_step(request, ALICE, (), Answer("step", "consented", scope=everything))
    assert step == Proceed(ALICE, ("openid", "profile"), "1", CLAIMS, everything)
    assert next_step(request, ALICE, everything, LOGGED_IN) == Proceed(ALICE, ("openid", "profile"), "1", CLAIMS)


def test_single_claims_that_were_not_allowed_are_not_told():
    request = replace(REQUEST, claims=CLAIMS)
    step = next_step(request, ALICE, (), Answer("step", "consented", scope=("openid", "profile")))
    assert step.claims == ClaimsRequest({}, {"name": Wish()})

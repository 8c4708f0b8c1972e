"""The authorization request, as plain values."""

from dataclasses import asdict, replace

import pytest

from tessera_authz.protocol import authorization_request as rules
from tessera_authz.protocol.authorization_request import AuthorizationRequest, Parameters, Supported
from tessera_authz.protocol.client import Client
from tessera_shared.errors import OAuthError

NOW = 1_800_000_000
MODES = ("query", "form_post")
SUPPORTED = Supported(MODES, ("https://rs.example", "https://rs2.example"))
CLIENT = Client(
    client_id="c",
    client_name="C",
    redirect_uris=("https://a.example/cb",),
    scope=("openid", "profile", "offline_access"),
)
GOOD = {
    "client_id": "c",
    "response_type": "code",
    "redirect_uri": "https://a.example/cb",
    "scope": "openid profile",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


def parse(client=CLIENT, resource=(), **changes):
    parameters = Parameters({name: value for name, value in {**GOOD, **changes}.items() if value is not None}, resource)
    reply = rules.reply_address(parameters, client, MODES)
    return rules.parse(parameters, client, reply, SUPPORTED, NOW)


def error_of(**changes):
    with pytest.raises(OAuthError) as caught:
        parse(**changes)
    return caught.value


def test_a_good_request_is_read():
    request = parse(state="s", nonce="n", login_hint="alice", ui_locales="de en")
    assert request.scope == ("openid", "profile")
    assert (request.state, request.nonce, request.login_hint, request.ui_locales) == ("s", "n", "alice", "de en")
    assert request.authenticated_after is None
    assert not request.is_silent


@pytest.mark.parametrize(("name", "most"), [("state", 2048), ("nonce", 2048), ("login_hint", 512), ("ui_locales", 512)])
def test_what_is_stored_or_travels_on_is_bounded(name, most):
    parse(**{name: "a" * most})
    assert error_of(**{name: "a" * (most + 1)}).error == "invalid_request"


def test_a_stored_request_reads_back_the_same():
    request = parse(prompt="login", max_age="0")
    assert AuthorizationRequest.from_stored(asdict(request)) == request


@pytest.mark.parametrize("uri", [None, "https://a.example/other", "https://a.example/cb?x=1"])
def test_a_missing_or_unregistered_redirect_uri_has_no_reply_address(uri):
    with pytest.raises(OAuthError) as caught:
        rules.reply_address(Parameters({"redirect_uri": uri} if uri else {}), CLIENT, MODES)
    assert caught.value.error == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": 'openid "'}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"state": "s" * 2049}, "invalid_request"),
        ({"resource": ("https://other.example",)}, "invalid_target"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"request_uri": "x"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_a_bad_request_gets_its_error(changes, code):
    assert error_of(**changes).error == code


def test_a_client_without_the_grant_is_unauthorized_client():
    client = replace(CLIENT, grant_types=("client_credentials",))
    assert error_of(client=client).error == "unauthorized_client"


def test_prompt_login_asks_for_a_login_from_now_on():
    assert parse(prompt="login").authenticated_after == NOW


def test_max_age_counts_back_from_now():
    assert parse(max_age="60").authenticated_after == NOW - 60
    assert parse(max_age="9999999999").authenticated_after == 0


def test_offline_access_needs_prompt_consent():
    asked = "openid offline_access"
    assert parse(scope=asked).scope == ("openid",)
    assert parse(scope=asked, prompt="consent").scope == ("openid", "offline_access")


def test_a_request_without_scope_gets_the_default_without_openid():
    assert parse(scope=None).scope == ("profile",)


def test_an_unsupported_response_mode_is_answered_by_query():
    assert (
        rules.reply_address(Parameters({**GOOD, "response_mode": "fragment"}), CLIENT, MODES).response_mode == "query"
    )


def test_each_resource_is_kept_once():
    asked = ("https://rs.example", "https://rs2.example", "https://rs.example")
    assert parse(resource=asked).resource == ("https://rs.example", "https://rs2.example")


def test_a_confidential_client_of_the_oidc_profile_may_leave_pkce_out():
    client = replace(CLIENT, require_pkce=False)
    assert parse(client, code_challenge=None, code_challenge_method=None).code_challenge is None


def test_a_public_client_needs_pkce_whatever_its_profile():
    client = replace(CLIENT, require_pkce=False, token_endpoint_auth_method="none")
    assert error_of(client=client, code_challenge=None).error == "invalid_request"

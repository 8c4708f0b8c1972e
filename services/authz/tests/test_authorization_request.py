"""The authorization request, as plain values."""

import json
from dataclasses import asdict, replace

import pytest

from tessera_authz.protocol import authorization_request as rules
from tessera_authz.protocol.authorization_request import AuthorizationRequest, Parameters, Supported
from tessera_authz.protocol.claims_request import NOTHING, ClaimsRequest, Wish
from tessera_authz.protocol.client import Client
from tessera_shared.claims import ACR_VALUES
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


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("state", 2048),
        ("nonce", 2048),
        ("login_hint", 512),
        ("ui_locales", 512),
        ("claims_locales", 512),
        ("acr_values", 512),
    ],
)
def test_what_is_stored_or_travels_on_is_bounded(name, most):
    parse(**{name: "a" * most})
    assert error_of(**{name: "a" * (most + 1)}).error == "invalid_request"


def test_a_stored_request_reads_back_the_same():
    claims = '{"id_token": {"name": {"value": "A"}, "sub": {"value": "s"}}, "userinfo": {"family_name": null}}'
    request = parse(prompt="login", max_age="0", claims=claims, acr_values=ACR_VALUES[1])
    assert request.claims != NOTHING
    assert AuthorizationRequest.from_stored(json.loads(json.dumps(asdict(request)))) == request


def test_a_request_that_an_older_release_stored_can_be_read():
    stored = asdict(parse())
    for name in ("acr_values", "acr", "acr_essential", "claims"):
        del stored[name]
    assert AuthorizationRequest.from_stored(stored) == parse()


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
        ({"display": "hologram"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": '{"id_token": {"sub": {"values": ["a", "b"]}}}'}, "invalid_request"),
        (
            {"claims": '{"id_token": {"acr": {"essential": true, "value": "urn:example:gold"}}}'},
            "unmet_authentication_requirements",
        ),
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


def test_select_account_alone_does_not_mean_to_log_in_again():
    request = parse(prompt="select_account")
    assert request.selects_account
    assert request.authenticated_after is None
    assert parse(prompt="select_account login").authenticated_after == NOW


def test_max_age_of_the_client_counts_where_the_request_has_none():
    client = replace(CLIENT, default_max_age=300)
    assert parse(client).authenticated_after == NOW - 300
    assert parse(client, max_age="60").authenticated_after == NOW - 60
    assert parse(client, prompt="login").authenticated_after == NOW


def test_language_tags_that_are_none_are_left_out():
    assert parse(ui_locales="de-CH-1996 en_US fr <b> " + "x" * 9).ui_locales == "de-CH-1996 fr"
    assert parse(ui_locales="%").ui_locales is None


def test_claims_need_the_scope_openid():
    claims = '{"id_token": {"name": null, "sub": {"value": "alice"}}}'
    asked = parse(claims=claims)
    assert (asked.claims, asked.expected_sub) == (ClaimsRequest({"name": Wish()}, {}), "alice")
    asked = parse(claims=claims, scope="profile")
    assert (asked.claims, asked.expected_sub) == (NOTHING, None)


def test_the_user_is_asked_to_allow_what_single_claims_tell():
    client = replace(CLIENT, scope=("openid", "profile", "email"))
    request = parse(client, scope="openid", claims='{"userinfo": {"email": null}}')
    assert (request.scope, request.consent_scope) == (("openid",), ("openid", "email"))


def test_client_and_scope_need_their_levels_whatever_is_asked():
    one, multi, resistant = ACR_VALUES
    assert (parse(acr_values=one).acr, parse(acr_values=one).acr_essential) == (one, False)
    strict = parse(replace(CLIENT, require_acr=multi), acr_values=one)
    assert (strict.acr, strict.acr_essential, strict.acr_values) == (multi, True, (one,))
    supported = replace(SUPPORTED, acr_of_scope={"profile": resistant, "other": multi})
    reply = rules.reply_address(Parameters(GOOD), CLIENT, MODES)
    by_scope = rules.parse(Parameters(GOOD), CLIENT, reply, supported, NOW)
    assert (by_scope.acr, by_scope.acr_essential) == (resistant, True)
    without = rules.parse(Parameters({**GOOD, "scope": "openid"}), CLIENT, reply, supported, NOW)
    assert (without.acr, without.acr_essential) == (None, False)


def test_default_acr_values_of_the_client_are_asked_for():
    request = parse(replace(CLIENT, default_acr_values=(ACR_VALUES[1],)))
    assert (request.acr, request.acr_essential, request.acr_values) == (ACR_VALUES[1], False, (ACR_VALUES[1],))

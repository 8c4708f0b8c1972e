"""Client metadata: defaults, what is refused, and what a client may never give itself, be it at first or later."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_authz.protocol.client import Client
from tessera_authz.protocol.client_metadata import READERS, Supported, check
from tessera_authz.protocol.profiles import ALL_SIGNING_ALGS, FAPI2_SIGNING_ALGS, PROFILES
from tessera_authz.protocol.registration_policy import STRICT_WHEN_TRUE, STRICTNESS, Bounds
from tessera_authz.protocol.response_encryption import ALGS, ENCS
from tessera_authz.protocol.subject_identifier import check_unchanged
from tessera_shared.claims import ACR_VALUES, reaches
from tessera_shared.errors import OAuthError
from tessera_shared.jose.algorithms import generate

METHODS = (
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "none",
)
SUPPORTED = Supported(
    auth_methods=METHODS,
    default_auth_method="client_secret_basic",
    grant_types=("authorization_code", "refresh_token", "client_credentials", "urn:example:other"),
    response_types=("code",),
    default_scope=("openid", "profile", "admin"),
    algs={
        "token_endpoint_auth_signing_alg": (*ALL_SIGNING_ALGS, "HS256"),
        "id_token_signed_response_alg": ("RS256", "PS256"),
        **ALGS,
        **ENCS,
    },
    fetched_by_http=("localhost:9000",),
)
BOUNDS = Bounds(
    ("openid", "profile", "email"), ("authorization_code", "refresh_token", "client_credentials"), "oauth21"
)
CB = "https://client.example/cb"
EC = generate("ES256").as_dict(private=False)
RSA = generate("RS256").as_dict(private=False)


def refused(sent, bounds=BOUNDS, supported=SUPPORTED):
    with pytest.raises(OAuthError) as caught:
        check({"redirect_uris": [CB], **sent}, bounds, supported)
    assert all(" " <= c <= "~" and c not in '"\\' for c in caught.value.description)
    return caught.value.error


def taken(sent, bounds=BOUNDS, supported=SUPPORTED):
    return check({"redirect_uris": [CB], **sent}, bounds, supported)


def test_defaults_are_filled_in():
    assert taken({}) == {
        "redirect_uris": [CB],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "application_type": "web",
        "profile": "oauth21",
        "scope": "openid profile",
    }


def test_unknown_members_and_null_are_left_out():
    assert taken(
        {"client_name#ja": "名", "x": {"y": [1]}, "client_id": "mine", "client_secret": "s", "logo_uri": None}
    ) == taken({})


def test_a_client_of_client_credentials_needs_no_redirect_uri():
    made = check({"grant_types": ["client_credentials"]}, BOUNDS, SUPPORTED)
    assert (made["response_types"], made["redirect_uris"]) == ([], [])


@pytest.mark.parametrize(
    "members",
    [
        {"backchannel_logout_uri": "https://elsewhere.example/out?x=1", "backchannel_logout_session_required": True},
        {"backchannel_logout_uri": "http://localhost:9000/out"},
        {"frontchannel_logout_uri": "https://client.example:443/out?x=1", "frontchannel_logout_session_required": True},
        {"redirect_uris": ["http://localhost:3000/cb"], "frontchannel_logout_uri": "http://localhost:3000/out"},
    ],
)
def test_logout_addresses_are_kept_as_they_were_sent(members):
    made = taken(members)
    assert made.items() >= members.items()
    client = Client.from_metadata("c", made)
    assert (client.backchannel_logout_uri, client.frontchannel_logout_uri) == (
        members.get("backchannel_logout_uri"),
        members.get("frontchannel_logout_uri"),
    )


def test_what_openid_connect_registers_for_logins_is_kept():
    members = {
        "default_max_age": 300,
        "require_auth_time": True,
        "default_acr_values": [ACR_VALUES[1], ACR_VALUES[0]],
        "require_acr": ACR_VALUES[1],
        "initiate_login_uri": "https://client.example/start",
    }
    made = taken(members)
    assert made.items() >= members.items()
    client = Client.from_metadata("c", made)
    assert (client.default_max_age, client.require_acr) == (300, ACR_VALUES[1])
    assert client.default_acr_values == (ACR_VALUES[1], ACR_VALUES[0])


def test_a_level_that_an_administrator_gave_cannot_be_lowered():
    bounds = replace(BOUNDS, require_acr=ACR_VALUES[1])
    assert refused({}, bounds) == "invalid_client_metadata"
    assert refused({"require_acr": ACR_VALUES[0]}, bounds) == "invalid_client_metadata"
    assert taken({"require_acr": ACR_VALUES[2]}, bounds)["require_acr"] == ACR_VALUES[2]


WRONG = [
    {"default_max_age": "300"},
    {"default_max_age": -1},
    {"default_max_age": True},
    {"default_max_age": 10**10},
    {"require_auth_time": "yes"},
    {"default_acr_values": ["urn:example:gold"]},
    {"default_acr_values": ACR_VALUES[0]},
    {"require_acr": "urn:example:gold"},
    {"redirect_uris": []},
    {"redirect_uris": CB},
    {"redirect_uris": [5]},
    {"redirect_uris": [CB, "javascript:alert(1)"]},
    {"redirect_uris": ["com.example.app:/cb"]},
    {"redirect_uris": [CB] * 2 + [f"{CB}{n}" for n in range(40)]},
    {"post_logout_redirect_uris": ["data:text/html,x"]},
    {"initiate_login_uri": "http://localhost/start"},
    {"backchannel_logout_uri": "http://client.example/out"},
    {"backchannel_logout_uri": "http://localhost:9001/out"},
    {"backchannel_logout_uri": "https://client.example/out#x"},
    {"backchannel_logout_uri": "http://localhost:9000/out#x"},
    {"backchannel_logout_uri": "http://localhost:9000@evil.example/out"},
    {"backchannel_logout_uri": ["https://client.example/out"]},
    {"backchannel_logout_session_required": "true"},
    {"frontchannel_logout_uri": "https://other.example/out"},
    {"frontchannel_logout_uri": "https://client.example:8443/out"},
    {"frontchannel_logout_uri": "http://client.example/out"},
    {"frontchannel_logout_uri": "https://client.example/out#x"},
    {"frontchannel_logout_uri": "javascript:alert(1)"},
    {"frontchannel_logout_session_required": 1},
    {"jwks_uri": "http://client.example/jwks"},
    {"jwks_uri": "http://localhost:9000@evil.example/jwks"},
    {"jwks_uri": "file:///etc/passwd"},
    {"sector_identifier_uri": "http://client.example/sector"},
    {"sector_identifier_uri": "javascript:alert(1)"},
    {"jwks": {"keys": [EC]}, "jwks_uri": "https://client.example/jwks"},
    {"jwks": {"keys": []}},
    {"jwks": {"keys": "x"}},
    {"jwks": []},
    {"jwks": {"keys": [generate("ES256").as_dict(private=True)]}},
    {"jwks": {"keys": [generate("RS256").as_dict(private=True)]}},
    {"jwks": {"keys": [generate("HS256").as_dict(private=True)]}},
    {"jwks": {"keys": [{**EC, "d": "x"}]}},
    {"jwks": {"keys": [{**RSA, "n": RSA["n"][:100]}]}},
    {"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}},
    {"jwks": {"keys": [{"kty": "EC", "crv": "secp256k1", "x": EC["x"], "y": EC["y"]}]}},
    {"jwks": {"keys": [{"kty": "new"}]}},
    {"jwks": {"keys": [EC, EC]}},
    {"jwks": {"keys": [{**EC, "kid": 5}]}},
    {"token_endpoint_auth_method": "client_secret"},
    {"token_endpoint_auth_method": ["none"]},
    {"token_endpoint_auth_method": "private_key_jwt"},
    {"token_endpoint_auth_method": "tls_client_auth"},
    {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a", "tls_client_auth_san_ip": "::1"},
    {"token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "client_credentials"]},
    {"token_endpoint_auth_signing_alg": "none"},
    {"token_endpoint_auth_signing_alg": "HS256"},
    {"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256"},
    {"id_token_signed_response_alg": "none"},
    {"id_token_signed_response_alg": "HS256"},
    {"grant_types": []},
    {"grant_types": "authorization_code"},
    {"grant_types": ["implicit"]},
    {"grant_types": ["password"]},
    {"grant_types": ["refresh_token"], "response_types": []},
    {"grant_types": ["urn:example:other"], "response_types": []},
    {"grant_types": ["client_credentials"], "response_types": ["code"]},
    {"response_types": []},
    {"response_types": ["token"]},
    {"response_types": ["code", "id_token"]},
    {"scope": "openid admin"},
    {"scope": "no-such-scope"},
    {"scope": 'open"id'},
    {"scope": ["openid"]},
    {"application_type": "desktop"},
    {"application_type": {}},
    {"client_name": ""},
    {"client_name": "  "},
    {"client_name": 5},
    {"client_name": "a" * 301},
    {"client_name": "Bank\u202egnp.exe"},
    {"client_name": "a\u0000b"},
    {"client_name": "a\nb"},
    {"client_name": "a\u200bb"},
    {"contacts": "me"},
    {"contacts": [["me"]]},
    {"software_id": {}},
    {"subject_type": "private"},
    {"request_object_encryption_alg": "RSA-OAEP-256"},
    {"authorization_encrypted_response_alg": "ECDH-ES"},
    {"subject_type": ["pairwise"]},
    {"profile": "oidc"},
    {"profile": "none"},
    {"profile": "fapi2"},
    {"require_pkce": False},
    {"require_pkce": "false"},
    {"refresh_token_rotation": False},
    {"assertion_audience": "any"},
    {"assertion_audience": "all"},
    {"signing_algs": ["none"]},
    {"signing_algs": ["HS256"]},
    {"signing_algs": "RS256"},
]  # fmt: skip


@pytest.mark.parametrize("sent", WRONG, ids=[f"{index}-{next(iter(sent), None)}" for index, sent in enumerate(WRONG)])
def test_what_is_wrong_is_refused_with_the_error_of_the_specification(sent):
    expected = "invalid_redirect_uri" if "redirect_uris" in sent else "invalid_client_metadata"
    assert refused(sent) == expected


@pytest.mark.parametrize(
    "member", ["client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "jwks_uri"]
)
@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "JaVaScRiPt:1", "data:image/svg+xml,x", "vbscript:x", "//x", "x", 5, [CB]]
)
def test_script_and_other_uris_are_refused_in_every_member(member, uri):
    assert refused({member: uri}) == "invalid_client_metadata"


def test_software_statements_are_refused_clearly():
    assert refused({"software_statement": "a.b.c"}) == "unapproved_software_statement"


RIGHT = [
    {"token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"]},
    {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [EC, RSA]}},
    {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/jwks"},
    {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://localhost:9000/jwks"},
    {"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS256"},
    {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=client"},
    {"profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [EC]}},
    {"dpop_bound_access_tokens": True, "require_pushed_authorization_requests": True},
    {"dpop_bound_access_tokens": False, "require_signed_request_object": False},
    {"application_type": "native", "redirect_uris": ["com.example.app:/cb"], "token_endpoint_auth_method": "none"},
    {"scope": "openid email", "client_name": "Café Ω 名", "contacts": ["me@client.example"]},
    {"scope": ""},
]  # fmt: skip


@pytest.mark.parametrize("sent", RIGHT, ids=lambda sent: json.dumps(sent)[:60])
def test_what_is_right_is_stored_as_sent(sent):
    made = taken(sent)
    assert {name: made[name] for name in sent} == sent
    assert Client.from_metadata("c", made).token_endpoint_auth_method == made["token_endpoint_auth_method"]


def test_a_public_client_keeps_pkce_and_rotation_whatever_its_profile():
    bounds = replace(BOUNDS, profile="oidc")
    public = {"token_endpoint_auth_method": "none"}
    assert refused({**public, "require_pkce": False}, bounds) == "invalid_client_metadata"
    assert refused({**public, "refresh_token_rotation": False}, bounds) == "invalid_client_metadata"
    assert taken({"require_pkce": False}, bounds)["profile"] == "oidc"


def test_a_client_with_credentials_cannot_give_them_up():
    assert (
        refused({"token_endpoint_auth_method": "none"}, replace(BOUNDS, confidential=True, require_acr=ACR_VALUES[1]))
        == "invalid_client_metadata"
    )


def test_bounds_survive_storing():
    bounds = replace(BOUNDS, confidential=True)
    assert Bounds.from_stored(json.loads(json.dumps(bounds.to_stored()))) == bounds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=1000)
@given(st.dictionaries(st.sampled_from(list(READERS)), JSON, max_size=4))
def test_any_json_is_stored_or_refused_but_never_breaks_anything(sent):
    try:
        made = taken(sent)
    except OAuthError as error:
        assert error.error in ("invalid_client_metadata", "invalid_redirect_uri")  # noqa: PT017 - either may happen
    else:
        Client.from_metadata("c", made)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(STRICT_WHEN_TRUE, st.booleans()),
        "profile": st.sampled_from(list(PROFILES)),
        "scope": st.lists(st.sampled_from(["openid", "profile", "email", "admin", "other"]), unique=True).map(" ".join),
        "grant_types": st.lists(st.sampled_from(list(SUPPORTED.grant_types)), unique=True),
        "token_endpoint_auth_method": st.sampled_from(METHODS),
        "assertion_audience": st.sampled_from(["issuer", "any"]),
        "require_acr": st.sampled_from(ACR_VALUES),
        "signing_algs": st.lists(st.sampled_from(["RS256", "ES256", "none", "HS256"]), unique=True),
    },
)
ALL_BOUNDS = st.builds(
    Bounds,
    st.lists(st.sampled_from(["openid", "profile", "email"]), unique=True).map(tuple),
    st.lists(st.sampled_from(["authorization_code", "refresh_token", "client_credentials"]), unique=True).map(tuple),
    st.sampled_from(STRICTNESS),
    st.booleans(),
    st.sampled_from([None, *ACR_VALUES]),
)


@settings(max_examples=1000)
@given(SETTINGS, ALL_BOUNDS)
def test_no_metadata_goes_beyond_its_bounds(sent, bounds):
    keys = {"jwks": {"keys": [EC]}} if sent.get("token_endpoint_auth_method") == "private_key_jwt" else {}
    try:
        made = taken({**sent, **keys}, bounds)
    except OAuthError:
        return
    client = Client.from_metadata("c", made)
    floor = Client.from_metadata("c", {**PROFILES[bounds.profile], "profile": bounds.profile})
    assert set(client.scope) <= set(bounds.scope)
    assert set(client.grant_types) <= set(bounds.grant_types)
    assert not (bounds.confidential and client.is_public)
    assert client.needs_pkce or not floor.require_pkce
    # bound tokens need no rotation (FAPI 2.0 Security Profile §5.3.2.1)
    assert client.rotates_refresh_tokens or not floor.refresh_token_rotation or client.sender_constrained_access_tokens
    assert bounds.require_acr is None or reaches(client.require_acr or "", bounds.require_acr)
    assert client.require_pushed_authorization_requests or not floor.require_pushed_authorization_requests
    assert client.sender_constrained_access_tokens or not floor.sender_constrained_access_tokens
    assert client.assertion_audience == "issuer" or floor.assertion_audience == "any"
    if bounds.profile == "fapi2":
        assert set(client.signing_algs) <= set(FAPI2_SIGNING_ALGS)


@pytest.mark.parametrize(
    "sent",
    [
        {"subject_type": "pairwise"},
        {"subject_type": "pairwise", "redirect_uris": [CB, "https://client.example:8443/other"]},
        {
            "subject_type": "pairwise",
            "redirect_uris": [CB, "https://other.example/cb"],
            "sector_identifier_uri": "https://sector.example/uris.json",
        },
    ],
)
def test_a_pairwise_client_is_taken_where_its_sector_is_known(sent):
    assert taken(sent)["subject_type"] == "pairwise"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": [CB, "https://other.example/cb"]},
        {"redirect_uris": ["com.example.app:/cb"], "application_type": "native"},
        {"redirect_uris": [], "grant_types": ["client_credentials"]},
    ],
)
def test_a_pairwise_client_of_several_hosts_or_none_needs_a_sector_identifier_uri(changes):
    sent = {"subject_type": "pairwise", **changes}
    assert refused(sent) == "invalid_client_metadata"
    if changes["redirect_uris"]:
        assert taken({**sent, "sector_identifier_uri": "https://sector.example/uris.json"})


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ({}, {"subject_type": "public"}, True),
        ({}, {"redirect_uris": ["https://moved.example/cb"]}, True),
        ({}, {"subject_type": "pairwise"}, False),
        ({"subject_type": "pairwise"}, {}, False),
        ({"subject_type": "pairwise"}, {"subject_type": "pairwise", "redirect_uris": [CB + "2"]}, True),
        (
            {"subject_type": "pairwise"},
            {"subject_type": "pairwise", "redirect_uris": ["https://moved.example/cb"]},
            False,
        ),
        (
            {"subject_type": "pairwise"},
            {
                "subject_type": "pairwise",
                "redirect_uris": ["https://moved.example/cb"],
                "sector_identifier_uri": "https://client.example/uris.json",
            },
            True,
        ),
    ],
)
def test_no_change_may_make_strangers_of_a_clients_users(old, new, same):
    if same:
        check_unchanged(taken(old), taken(new))
    else:
        with pytest.raises(OAuthError) as caught:
            check_unchanged(taken(old), taken(new))
        assert caught.value.error == "invalid_client_metadata"


ENC_KEYS = {"jwks": {"keys": [{**RSA, "alg": "RSA-OAEP-256", "use": "enc"}, {**EC, "use": "sig"}]}}
NAMES = ("id_token", "userinfo")


@pytest.mark.parametrize("name", NAMES)
def test_encryption_without_enc_is_by_the_default_of_the_specification(name):
    made = taken({f"{name}_encrypted_response_alg": "RSA-OAEP-256", **ENC_KEYS})
    assert made[f"{name}_encrypted_response_enc"] == "A128CBC-HS256"  # OpenID Connect Registration §2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "sent",
    [
        {"alg": "RSA-OAEP-256", "jwks_uri": "https://client.example/jwks"},
        {"alg": "RSA-OAEP-256", "enc": "A256GCM", **ENC_KEYS},
        {"alg": "dir", "enc": "A256CBC-HS512", "token_endpoint_auth_method": "client_secret_jwt"},
    ],
)
def test_encryption_is_taken_where_there_is_something_to_encrypt_with(name, sent):
    assert taken(named(name, sent))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "sent",
    [
        {"enc": "A256GCM", **ENC_KEYS},
        {"alg": "RSA-OAEP-256"},
        {"alg": "RSA-OAEP", **ENC_KEYS},
        {"alg": "RSA1_5", **ENC_KEYS},
        {"alg": "none", **ENC_KEYS},
        {"alg": "A128KW", "token_endpoint_auth_method": "client_secret_jwt"},
        {"alg": "RSA-OAEP-256", "enc": "A128KW", **ENC_KEYS},
        {"alg": "RSA-OAEP-256", "enc": "none", **ENC_KEYS},
        {"alg": "ECDH-ES", **ENC_KEYS},  # the only EC key is for signatures
        {"alg": "RSA-OAEP-256", "jwks": {"keys": [{**RSA, "use": "enc", "alg": "RS256"}]}},
        {"alg": "dir"},
        {"alg": "dir", "token_endpoint_auth_method": "client_secret_basic"},
        {"alg": "dir", "token_endpoint_auth_method": "private_key_jwt", **ENC_KEYS},
        {"alg": 5, **ENC_KEYS},
    ],
)
def test_encryption_that_could_not_be_done_is_refused(name, sent):
    assert refused(named(name, sent)) == "invalid_client_metadata"


def named(name, sent):
    return {f"{name}_encrypted_response_{key}" if key in ("alg", "enc") else key: value for key, value in sent.items()}

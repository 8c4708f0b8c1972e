"""Request objects (RFC 9101), as plain values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_authz.protocol import request_object
from tessera_authz.protocol.client import Client
from tessera_shared.errors import OAuthError

NOW = 1_800_000_000
ISSUER = "https://as.example"
CLIENT = Client(client_id="c", client_name="C")
GOOD = {
    "iss": "c",
    "aud": ISSUER,
    "exp": NOW + 300,
    "nbf": NOW,
    "iat": NOW,
    "jti": "x",
    "client_id": "c",
    "response_type": "code",
    "scope": "openid",
    "max_age": 60,
    "claims": {"userinfo": {"name": None}},
}


def read(**changes):
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    return request_object.read(claims, CLIENT, ISSUER, NOW, 15)


def test_claims_become_parameters():
    parameters = read()
    assert parameters.values == {
        "client_id": "c",
        "response_type": "code",
        "scope": "openid",
        "max_age": "60",
        "claims": '{"userinfo": {"name": null}}',
    }
    assert parameters.resources == ()


@pytest.mark.parametrize("resource", ["https://a.example", ["https://a.example", "https://b.example"]])
def test_resource_may_be_one_or_several(resource):
    expected = tuple(resource) if isinstance(resource, list) else (resource,)
    assert read(resource=resource).resources == expected


def test_the_issuer_among_several_audiences_counts():
    assert read(aud=["https://other.example", ISSUER]).get("scope") == "openid"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": ...},
        {"nbf": ...},
        {"exp": "1800000300"},
        {"nbf": True},
        {"exp": NOW - 15},
        {"exp": NOW + 3600 + 16},
        {"nbf": NOW + 16},
        {"nbf": NOW - 3600 - 16},
        {"aud": ...},
        {"aud": "https://other.example"},
        {"aud": [ISSUER + "/"]},
        {"iss": ...},
        {"iss": "other"},
        {"client_id": "other"},
        {"sub": "c"},
        {"request": "x"},
        {"request_uri": "urn:x"},
    ],
)
def test_what_is_missing_or_wrong_is_invalid_request_object(changes):
    with pytest.raises(OAuthError) as caught:
        read(**changes)
    assert caught.value.error == "invalid_request_object"


@pytest.mark.parametrize("changes", [{"exp": NOW - 14}, {"exp": NOW + 3600}, {"nbf": NOW + 15}, {"nbf": NOW - 3600}])
def test_times_within_bounds_and_tolerance_are_accepted(changes):
    assert read(**changes).get("response_type") == "code"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "sub", "resource", "state", "request"]), JSON))
def test_any_claims_are_read_or_refused(changes):
    try:
        values = read(**changes).values.values()
    except OAuthError as error:
        outcome = error.error
    else:
        outcome = "read" if all(isinstance(value, str) for value in values) else "read wrongly"
    assert outcome in ("read", "invalid_request_object")

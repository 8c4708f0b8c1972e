"""The claims parameter (OpenID Connect Core §5.5), as plain values."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_authz.protocol import claims_request
from tessera_authz.protocol.claims_request import NOTHING, ClaimsRequest, Wish
from tessera_shared.claims import asked_for
from tessera_shared.errors import OAuthError

SCOPE = ("openid", "profile", "email")


def test_null_essential_value_and_values_are_read():
    asked = claims_request.parse(
        json.dumps(
            {
                "userinfo": {"given_name": {"essential": True}, "nickname": None, "picture": {}},
                "id_token": {"acr": {"values": ["a", "b"]}, "sub": {"value": "alice", "essential": False}},
            }
        )
    )
    assert asked.userinfo == {"given_name": Wish(essential=True), "nickname": Wish(), "picture": Wish()}
    assert asked.id_token == {"acr": Wish(values=("a", "b")), "sub": Wish(values=("alice",))}


def test_nothing_asked_is_nothing_stored():
    assert claims_request.parse(None) == NOTHING
    assert claims_request.parse("{}") == NOTHING
    assert claims_request.parse('{"userinfo": null, "verified": {}}') == NOTHING
    assert NOTHING.to_stored() is None
    assert ClaimsRequest.from_stored(None) == NOTHING


@pytest.mark.parametrize(
    "value",
    [
        "",
        "null",
        "[]",
        '"email"',
        "{",
        '{"userinfo": {"email": null}, "userinfo": {}}',
        '{"userinfo": {"email": null, "email": {"essential": true}}}',
        '{"userinfo": []}',
        '{"userinfo": "email"}',
        '{"id_token": {"email": true}}',
        '{"id_token": {"email": []}}',
        '{"id_token": {"email": {"essential": "yes"}}}',
        '{"id_token": {"email": {"values": "a"}}}',
        json.dumps({"id_token": {"email": {"values": ["a"] * 21}}}),
        json.dumps({"id_token": {f"claim{n}": None for n in range(51)}}),
        json.dumps({"id_token": {"email": {"value": "a" * 4096}}}),
        '{"id_token":' * 400 + "1" + "}" * 400,
        '{"id_token": {"email": {"value": "\\u0000"}}}',
        '{"id_token": {"email": {"value": NaN}}}',
    ],
    ids=lambda value: value[:40],
)
def test_what_cannot_be_read_is_invalid_request(value):
    with pytest.raises(OAuthError) as caught:
        claims_request.parse(value)
    assert caught.value.error == "invalid_request"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(value):
    try:
        claims_request.parse(value)
    except OAuthError as error:
        assert error.error == "invalid_request"  # noqa: PT017 - either may happen


def test_claims_beyond_the_clients_scope_and_unknown_ones_are_ignored():
    asked = ClaimsRequest(
        {"email": Wish(essential=True), "phone_number": Wish(essential=True), "sub": Wish(), "acr": Wish()},
        {"name": Wish(), "address": Wish(), "shoe_size": Wish(), "name#de": Wish()},
    )
    assert claims_request.served(asked, SCOPE) == ClaimsRequest({"email": Wish(essential=True)}, {"name": Wish()})


def test_users_are_asked_for_the_scope_that_claims_belong_to():
    asked = ClaimsRequest({"email": Wish(), "name": Wish()}, {"email_verified": Wish()})
    assert claims_request.scope_of(asked) == ("email", "profile")


def test_what_is_stored_reads_back_the_same():
    asked = ClaimsRequest({"email": Wish(essential=True)}, {"name": Wish(values=("A", "B"))})
    assert ClaimsRequest.from_stored(json.loads(json.dumps(asked.to_stored()))) == asked
    assert ClaimsRequest.from_stored(json.loads(json.dumps(asdict(asked)))) == asked


@pytest.mark.parametrize(
    ("id_token", "userinfo", "named"),
    [
        ({}, {}, None),
        ({"sub": Wish()}, {}, None),
        ({"sub": Wish(values=("alice",))}, {}, "alice"),
        ({}, {"sub": Wish(values=("alice",))}, "alice"),
        ({"sub": Wish(values=("alice",))}, {"sub": Wish(values=("alice",))}, "alice"),
    ],
)
def test_a_value_of_sub_names_the_user(id_token, userinfo, named):
    assert claims_request.named_sub(ClaimsRequest(id_token, userinfo)) == named


@pytest.mark.parametrize(
    "asked",
    [
        ClaimsRequest({"sub": Wish(values=("alice", "bob"))}, {}),
        ClaimsRequest({"sub": Wish(values=("alice",))}, {"sub": Wish(values=("bob",))}),
        ClaimsRequest({"sub": Wish(values=(1,))}, {}),
    ],
)
def test_several_users_or_no_text_are_invalid_request(asked):
    with pytest.raises(OAuthError) as caught:
        claims_request.named_sub(asked)
    assert caught.value.error == "invalid_request"


def test_only_known_claims_with_a_value_that_is_taken_are_told():
    known = {"email": "alice@example.com", "name": "Alice", "nickname": None, "zoneinfo": "Europe/London"}
    anything = asdict(Wish())
    wishes = {
        "email": anything,
        "nickname": anything,
        "gender": anything,
        "name": asdict(Wish(values=("Bob", "Alice"))),
    }
    assert asked_for(known, wishes) == {"email": "alice@example.com", "name": "Alice"}
    assert asked_for(known, {"name": asdict(Wish(values=("Bob",)))}) == {}

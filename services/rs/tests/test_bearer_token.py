"""The rules of the protected resources, with plain values."""

import pytest

from tessera_rs.protocol.bearer_token import Told, is_sufficient, resources, tell
from tessera_rs.protocol.step_up import StepUp


def test_each_resource_needs_the_scope_of_its_name():
    assert {resource.path: resource.scope for resource in resources(StepUp(300))} == {
        "/resource": (),
        "/resource/profile": ("profile",),
        "/resource/email": ("email",),
        "/resource/sensitive": (),
    }


def test_only_the_sensitive_resource_asks_for_a_login():
    asking = [resource.path for resource in resources(StepUp(300)) if resource.step_up is not None]
    assert asking == ["/resource/sensitive"]


@pytest.mark.parametrize("scope", ["profile", "openid profile", "profile email", "a profile b"])
def test_a_token_with_the_scope_is_sufficient(scope):
    assert is_sufficient({"scope": scope}, ("profile",))


@pytest.mark.parametrize(
    "scope",
    ["", " ", "openid", "profile2", "my-profile", "Profile", "PROFILE", "profile\t", "email,profile", None, 5, []],
)
def test_a_token_without_exactly_this_scope_is_not(scope):
    assert not is_sufficient({"scope": scope}, ("profile",))
    assert not is_sufficient({}, ("profile",))


def test_a_scope_that_is_a_list_and_no_text_allows_nothing():
    assert not is_sufficient({"scope": ["profile"]}, ("profile",))


def test_every_scope_of_a_resource_is_needed():
    assert not is_sufficient({"scope": "profile"}, ("profile", "email"))
    assert is_sufficient({"scope": "email profile"}, ("profile", "email"))


def test_without_a_needed_scope_every_token_is_sufficient():
    assert is_sufficient({}, ())


def test_it_tells_subject_client_and_scope_as_the_token_has_them():
    claims = {"sub": "alice", "client_id": "client", "scope": "openid  profile", "jti": "secret", "grant_id": "g"}
    assert tell(claims) == Told("alice", "client", "openid  profile")
    assert tell({"sub": "client:c", "client_id": "c"}) == Told("client:c", "c", "")

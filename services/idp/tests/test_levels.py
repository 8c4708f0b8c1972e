"""What methods used are worth, and what is still missing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_idp.protocol.levels import (
    AskFor,
    Finish,
    SetUp,
    Strength,
    Unmet,
    Used,
    Wanted,
    acr_of,
    amr_of,
    may_set_up,
    next_stage,
)
from tessera_shared.claims import ACR_MULTI_FACTOR, ACR_ONE_FACTOR, ACR_PHISHING_RESISTANT, ACR_VALUES, reaches

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
STRENGTHS = {
    "password": Strength(frozenset({"knowledge"})),
    "passkey": Strength(
        frozenset({"possession", "inherence"}), is_second=True, phishing_resistant=True, can_be_set_up=True
    ),
    "totp": Strength(frozenset({"possession"}), is_second=True, can_be_set_up=True),
    "recovery_code": Strength(frozenset({"possession"}), is_second=True),
}
AMR = {"password": ("pwd",), "passkey": ("hwk", "user", "pop"), "totp": ("otp",), "recovery_code": ("otp",)}
ESSENTIAL = Wanted(ACR_MULTI_FACTOR, essential=True)


def used(*methods):
    return tuple(Used(name, AMR[name], AT) for name in methods)


def stage(*methods, has=(), wanted=Wanted()):  # noqa: B008 - a frozen value
    return next_stage(used(*methods), ("password", *has), STRENGTHS, wanted)


@pytest.mark.parametrize(
    ("methods", "acr", "amr"),
    [
        (("password",), ACR_ONE_FACTOR, ("pwd",)),
        (("password", "totp"), ACR_MULTI_FACTOR, ("pwd", "otp", "mfa")),
        (("totp", "recovery_code"), ACR_ONE_FACTOR, ("otp",)),
        (("passkey",), ACR_PHISHING_RESISTANT, ("hwk", "user", "pop", "mfa")),
        (("password", "passkey"), ACR_PHISHING_RESISTANT, ("pwd", "hwk", "user", "pop", "mfa")),
    ],
)
def test_methods_reach_a_level_and_tell_rfc_8176_values(methods, acr, amr):
    assert acr_of(methods, STRENGTHS) == acr
    assert amr_of(used(*methods), STRENGTHS) == amr


def test_method_that_no_longer_exists_counts_for_nothing():
    assert acr_of(["password", "telepathy"], STRENGTHS) == ACR_ONE_FACTOR


def test_user_without_a_second_factor_is_done_after_the_password():
    assert stage("password") == Finish()


def test_user_with_a_second_factor_is_always_asked_for_it():
    assert stage("password", has=("totp", "recovery_code")) == AskFor(("totp", "recovery_code"))
    assert stage("password", "totp", has=("totp", "recovery_code")) == Finish()
    assert stage("password", "recovery_code", has=("totp", "recovery_code")) == Finish()


def test_passkey_first_needs_nothing_more():
    assert stage("passkey", has=("passkey", "totp")) == Finish()


def test_wanted_level_asks_only_for_methods_that_reach_it():
    wanted = Wanted(ACR_PHISHING_RESISTANT)
    assert stage("password", has=("passkey", "totp"), wanted=wanted) == AskFor(("passkey",))
    assert stage("password", "totp", has=("passkey", "totp"), wanted=wanted) == AskFor(("passkey",))


def test_level_out_of_reach_is_set_up_where_it_is_essential_and_let_go_where_it_is_not():
    assert stage("password", wanted=ESSENTIAL) == SetUp(("totp", "passkey"))
    assert stage("password", wanted=Wanted(ACR_MULTI_FACTOR)) == Finish()


def test_nothing_is_set_up_before_the_factors_that_the_user_has_were_shown():
    wanted = Wanted(ACR_PHISHING_RESISTANT, essential=True)
    assert stage("password", has=("totp",), wanted=wanted) == AskFor(("totp",))
    assert stage("password", "totp", has=("totp",), wanted=wanted) == SetUp(("passkey",))


def test_level_that_nothing_reaches_is_unmet_where_it_is_essential():
    assert stage("password", wanted=Wanted("urn:example:iris", essential=True)) == Unmet()
    assert stage("password", wanted=Wanted("urn:example:iris")) == Finish()


def test_factor_is_set_up_only_soon_after_the_first_method():
    assert may_set_up(used("password"), AT + timedelta(minutes=5))
    assert not may_set_up(used("password"), AT + timedelta(minutes=5, seconds=1))
    assert not may_set_up((), AT)


@given(
    st.permutations(list(STRENGTHS)).flatmap(lambda names: st.integers(1, 4).map(lambda count: names[:count])),
    st.sets(st.sampled_from([name for name in STRENGTHS if name != "password"])),
    st.sampled_from([None, *ACR_VALUES]),
)
def test_finished_login_with_an_essential_level_has_reached_it(methods, has, wanted):
    found = next_stage(used(*methods), sorted(has), STRENGTHS, Wanted(wanted, essential=True))
    if found == Finish():
        assert reaches(acr_of(methods, STRENGTHS), wanted)
    if isinstance(found, AskFor):
        assert not set(found.methods) & set(methods)

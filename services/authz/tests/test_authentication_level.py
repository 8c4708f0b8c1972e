"""How strong a login must be, and what is told of it: plain values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_authz.protocol.authentication_level import Asked, Level, asked, told, wanted
from tessera_authz.protocol.claims_request import Wish
from tessera_shared.claims import ACR_MULTI_FACTOR as MULTI
from tessera_shared.claims import ACR_ONE_FACTOR as ONE
from tessera_shared.claims import ACR_PHISHING_RESISTANT as RESISTANT
from tessera_shared.claims import ACR_VALUES, reaches
from tessera_shared.errors import OAuthError

UNKNOWN = "urn:example:gold"


@pytest.mark.parametrize(
    ("acr_values", "wish", "default", "found"),
    [
        (None, None, (), Asked()),
        (f"{MULTI} {ONE}", None, (), Asked((MULTI, ONE))),
        (None, None, (MULTI,), Asked((MULTI,))),
        (ONE, None, (MULTI,), Asked((ONE,))),
        (ONE, Wish(essential=True, values=(MULTI,)), (), Asked((MULTI,), essential=True)),
        (ONE, Wish(values=(MULTI,)), (), Asked((MULTI,))),
        (ONE, Wish(essential=True), (), Asked((ONE,))),
        (None, Wish(essential=True, values=(2,)), (), Asked(("2",), essential=True)),
    ],
)
def test_the_claim_wins_over_the_parameter_and_that_over_the_clients_default(acr_values, wish, default, found):
    assert asked(acr_values, wish, default) == found


@pytest.mark.parametrize(
    ("asked_", "minimums", "level"),
    [
        (Asked(), (), Level()),
        (Asked((MULTI, ONE)), (), Level(MULTI)),
        (Asked((UNKNOWN, MULTI)), (), Level(MULTI)),
        (Asked((UNKNOWN,)), (), Level()),
        (Asked((RESISTANT, MULTI), essential=True), (), Level(MULTI, essential=True)),
        (Asked((UNKNOWN, RESISTANT), essential=True), (), Level(RESISTANT, essential=True)),
        (Asked((ONE,), essential=True), (MULTI,), Level(MULTI, essential=True)),
        (Asked(), (MULTI,), Level(MULTI, essential=True)),
        (Asked(), (MULTI, RESISTANT), Level(RESISTANT, essential=True)),
        (Asked((ONE,)), (MULTI,), Level(MULTI, essential=True)),
    ],
)
def test_the_level_is_what_is_preferred_and_at_least_what_must_be(asked_, minimums, level):
    assert wanted(asked_, minimums) == level


def test_an_essential_class_that_is_not_known_is_unmet():
    with pytest.raises(OAuthError) as caught:
        wanted(Asked((UNKNOWN,), essential=True), ())
    assert caught.value.error == "unmet_authentication_requirements"


@pytest.mark.parametrize(
    ("acr", "values", "tells"),
    [
        (MULTI, (), MULTI),
        (MULTI, (MULTI,), MULTI),
        (MULTI, (ONE,), ONE),
        (MULTI, (ONE, MULTI), MULTI),
        (ONE, (MULTI,), ONE),
        (RESISTANT, (ONE, MULTI), MULTI),
        (ONE, (UNKNOWN,), ONE),
    ],
)
def test_what_is_told_is_a_class_that_was_asked_for_if_the_login_reaches_any(acr, values, tells):
    assert told(acr, values) == tells


@given(st.sampled_from(ACR_VALUES), st.lists(st.sampled_from([*ACR_VALUES, UNKNOWN])))
def test_no_login_is_told_to_be_stronger_than_it_was(acr, values):
    assert reaches(acr, told(acr, values))


@given(
    st.lists(st.sampled_from([*ACR_VALUES, UNKNOWN])), st.booleans(), st.lists(st.sampled_from(ACR_VALUES), max_size=3)
)
def test_no_wish_lowers_what_the_client_or_a_scope_needs(values, essential, minimums):
    try:
        level = wanted(Asked(tuple(values), essential), minimums)
    except OAuthError:
        assert essential
        return
    assert all(level.essential and reaches(level.acr, minimum) for minimum in minimums)

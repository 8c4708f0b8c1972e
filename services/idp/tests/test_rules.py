"""The pure rules: freshness, logout, userinfo, consent's words, and what a page may show and lead to."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tessera_idp.protocol.freshness import is_fresh
from tessera_idp.protocol.logout import Hint, LogoutRequest, frame_url, needs_confirmation, redirect_target
from tessera_idp.protocol.models import LogoutClient, Session, User, UserinfoClient
from tessera_idp.protocol.page_policy import displayed, form_destinations, logo_sources
from tessera_idp.protocol.scope_description import STANDARD, describe
from tessera_idp.protocol.userinfo import userinfo
from tessera_shared.handoff import Ask, ClientDisplay, ScopeDescription
from tessera_shared.schema import migrations

AT = datetime(2026, 1, 1, 12, 0, 0, 900_000, tzinfo=UTC)
SECOND = int(AT.timestamp())
SESSION = Session("sid-1", "sub-1", AT, "acr", ("pwd",), "ada", "Ada")
CLIENT = LogoutClient("c", "Client", ("https://rp.example/out", "app.example:/out"))

PLAIN = UserinfoClient("c", scope=("openid", "profile"))


def ask(after):
    return Ask("s", "login", ClientDisplay("c", "C"), ("openid",), "https://rp.example", authenticated_after=after)


@pytest.mark.parametrize(
    ("after", "fresh"), [(None, True), (SECOND - 1, True), (SECOND, False), (SECOND + 1, False), (0, True)]
)
def test_login_of_the_same_second_does_not_count_as_later(after, fresh):
    assert is_fresh(SESSION, ask(after)) is fresh


@pytest.mark.parametrize(("sub", "fresh"), [(None, True), ("sub-1", True), ("sub-2", False)])
def test_a_login_of_another_user_than_the_expected_one_does_not_count(sub, fresh):
    assert is_fresh(SESSION, replace(ask(None), sub=sub)) is fresh


@pytest.mark.parametrize(
    ("sub", "sid", "asks"),
    [("sub-1", "sid-1", False), ("sub-1", None, False), ("sub-1", "sid-2", True), ("sub-2", "sid-1", True)],
)
def test_only_a_hint_of_this_session_makes_a_question_needless(sub, sid, asks):
    assert needs_confirmation(SESSION, Hint(CLIENT, sub, sid)) is asks


def test_without_a_hint_the_user_is_asked():
    assert needs_confirmation(SESSION, None)


def request(uri, state=None):
    return LogoutRequest(None, None, uri, state)


def test_redirect_needs_a_hint_and_an_exactly_registered_uri():
    hint = Hint(CLIENT, "sub-1", "sid-1")
    assert redirect_target(request("https://rp.example/out"), hint) == "https://rp.example/out"
    assert redirect_target(request("https://rp.example/out"), None) is None
    assert redirect_target(request(None), hint) is None
    for uri in ("https://rp.example/out/", "https://rp.example/out?x", "https://rp.example/OUT", "https://rp.example"):
        assert redirect_target(request(uri), hint) is None


def test_state_is_added_to_the_uri_encoded():
    hint = Hint(CLIENT, "sub-1", "sid-1")
    assert redirect_target(request("https://rp.example/out", "a&b=c"), hint) == (
        "https://rp.example/out?state=a%26b%3Dc"
    )
    assert redirect_target(request("app.example:/out", "x"), hint) == "app.example:/out?state=x"


def test_userinfo_tells_what_the_scope_grants_and_nothing_else():
    user = User("sub-1", "ada", {"name": "Ada", "email": "ada@example", "secret": "x", "nickname": None}, False, AT)  # noqa: FBT003 - a row
    assert userinfo(user, "sub-1", (), PLAIN) == {"sub": "sub-1"}
    assert userinfo(user, "sub-1", ("openid", "unknown"), PLAIN) == {"sub": "sub-1"}
    assert userinfo(user, "sub-1", ("openid", "email"), PLAIN) == {"sub": "sub-1", "email": "ada@example"}
    assert userinfo(user, "sub-1", ("openid", "profile"), PLAIN) == {
        "sub": "sub-1",
        "name": "Ada",
        "updated_at": SECOND,
    }


def test_stored_claims_cannot_replace_sub():
    user = User("sub-1", "ada", {"sub": "another"}, False, AT)  # noqa: FBT003 - a row
    assert userinfo(user, "sub-1", ("openid",), PLAIN) == {"sub": "sub-1"}


def test_claims_asked_for_by_name_are_told_whatever_the_scope_as_far_as_the_client_may_have_theirs():
    claims = {"name": "Ada", "nickname": "A", "email": "ada@example", "gender": None}
    user = User("sub-1", "ada", claims, False, AT)  # noqa: FBT003 - a row
    names = ("name", "email", "gender", "no_such_claim", "sub")
    wishes = {name: {"essential": True, "values": []} for name in names}
    asking = replace(PLAIN, wishes=wishes)
    assert userinfo(user, "sub-1", ("openid",), asking) == {"sub": "sub-1", "name": "Ada"}
    every = replace(asking, scope=("openid", "profile", "email"))
    assert userinfo(user, "sub-1", ("openid",), every) == {"sub": "sub-1", "name": "Ada", "email": "ada@example"}


def test_a_claim_asked_for_with_other_values_than_the_users_is_not_told_by_that():
    user = User("sub-1", "ada", {"locale": "en"}, False, AT)  # noqa: FBT003 - a row
    asking = replace(PLAIN, wishes={"locale": {"essential": False, "values": ["de", "fr"]}})
    assert userinfo(user, "sub-1", ("openid",), asking) == {"sub": "sub-1"}


def test_scopes_are_shown_in_the_administrators_words_and_others_as_they_are_written():
    described = [ScopeDescription("email", "See your email address", "And more")]
    assert describe(["email", "read:books"], described)[0] == described[0]
    assert describe(["email", "read:books"], described)[1] == ScopeDescription("read:books", "", "")


def test_words_for_the_standard_scopes_are_those_of_the_schema():
    sql = "".join(migration.sql for migration in migrations())
    assert [(title, detail) for title, detail in STANDARD if f"'{title}', '{detail}'" not in sql] == []


@pytest.mark.parametrize(
    ("redirect_origin", "sources"),
    [
        ("https://rp.example", ["https:"]),
        ("http://127.0.0.1:5123", ["http:"]),
        ("http://[::1]:5123", ["http:"]),
        ("com.example.app:", ["com.example.app:"]),
        ("https://rp.example; script-src *", ["https:"]),
        ("; script-src *:", []),
    ],
)
def test_forms_lead_to_the_issuer_and_the_clients_scheme_and_nothing_can_be_added_to_the_policy(
    redirect_origin, sources
):
    assert form_destinations("http://localhost:8080/tenant", redirect_origin) == ["http://localhost:8080", *sources]


@pytest.mark.parametrize(
    "uri",
    ["javascript:alert(1)", "data:text/html,x", "//rp.example", "ftp://rp.example/", "https://[::1", "https://a b/"],
)
def test_addresses_that_are_not_on_the_web_are_not_shown(uri):
    client = displayed(ClientDisplay("c", "C", uri, uri, uri, uri))
    assert client == ClientDisplay("c", "C")
    assert logo_sources(client) == []


def test_logo_may_come_from_its_own_origin():
    client = displayed(ClientDisplay("c", "C", logo_uri="https://cdn.example:8443/a/b.png?c"))
    assert logo_sources(client) == ["https://cdn.example:8443"]


@pytest.mark.parametrize("logout_hint", ["sid-1", "sub-1", "ADA", "ada@example.org", "pairwise-1"])
def test_logout_hint_that_names_the_user_changes_nothing(logout_hint):
    hint = Hint(CLIENT, "sub-1", "sid-1", "pairwise-1")
    assert not needs_confirmation(replace(SESSION, email="Ada@example.org"), hint, logout_hint)


@pytest.mark.parametrize("logout_hint", ["sid-2", "bob", "SUB-1", ""])
def test_logout_hint_that_names_somebody_else_makes_a_question(logout_hint):
    assert needs_confirmation(SESSION, Hint(CLIENT, "sub-1", "sid-1"), logout_hint)


def test_frame_gets_issuer_and_session_beside_its_own_query():
    told = "iss=https%3A%2F%2Fissuer.example&sid=s%2F1"
    assert (
        frame_url("https://rp.example/out?x=1", "https://issuer.example", "s/1") == f"https://rp.example/out?x=1&{told}"
    )

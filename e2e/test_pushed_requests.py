"""Pushed authorization requests (RFC 9126) and signed answers (JARM)."""

import time

import httpx
import pytest

from e2e.browser import Answer, Browser, as_answer, as_page
from e2e.clients import DEMO, PASSWORD, PUBLIC, SERVICE, USERNAME
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty, error_of

AUTHORIZE = "/oauth2/v1/authorize"


def push(party: RelyingParty, **changes: str | None) -> httpx.Response:
    """Push an authorization request that is right but for the changes."""
    return party.post("/oauth2/v1/par", **{**party.authorization_request(), **changes})


def request_uri_of(response: httpx.Response) -> str:
    """The request_uri of a push that succeeded."""
    assert response.status_code == 201, response.text
    return str(response.json()["request_uri"])


def visit(party: RelyingParty, request_uri: str, **more: str) -> str:
    """The address to send the user to."""
    parameters = {"client_id": party.client.client_id, "request_uri": request_uri, **more}
    return f"{party.stack.authz}{AUTHORIZE}?{httpx.QueryParams(parameters)}"


def refused_on_a_page(browser: Browser, url: str) -> str:
    """The error code on the page that the user sees."""
    page = as_page(browser.open(url))
    assert page.status == 400
    return page.texts["error"]


def test_push_is_answered_with_201_a_request_uri_and_its_lifetime(demo: RelyingParty) -> None:
    response = push(demo)
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert set(body) == {"request_uri", "expires_in"}
    assert body["expires_in"] == 60
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert len(body["request_uri"].rpartition(":")[2]) >= 22


def test_client_id_and_request_uri_alone_suffice(demo: RelyingParty, alice: Browser) -> None:
    answer = as_answer(alice.open(visit(demo, request_uri_of(push(demo)))))
    assert (answer["state"], answer["iss"]) == (demo.state, demo.stack.issuer)
    assert demo.redeem(answer["code"]).status_code == 200


def test_parameters_beside_a_request_uri_are_ignored(demo: RelyingParty, alice: Browser) -> None:
    url = visit(demo, request_uri_of(push(demo)), scope="admin", state="other", redirect_uri="https://evil.example/")
    answer = as_answer(alice.open(url))
    assert answer["state"] == demo.state
    assert answer.url.startswith(demo.client.redirect_uri)


def test_request_uri_is_not_used_up_by_a_visit_but_when_the_user_has_finished(
    demo: RelyingParty, browser: Browser
) -> None:
    url = visit(demo, request_uri_of(push(demo)))
    login = browser.show(url)
    second = browser.show(url)
    assert login.has("login")
    answer = as_answer(_finish(browser, browser.log_in(second, USERNAME, PASSWORD)))
    assert "code" in answer
    assert refused_on_a_page(browser, url) == "invalid_request_uri"


def test_second_tab_of_a_request_that_was_finished_gets_no_code(demo: RelyingParty, browser: Browser) -> None:
    url = visit(demo, request_uri_of(push(demo)))
    first, second = browser.show(url), browser.show(url)
    assert "code" in as_answer(_finish(browser, browser.log_in(first, USERNAME, PASSWORD)))
    page = as_page(browser.log_in(second, USERNAME, PASSWORD))
    assert (page.status, page.texts["error"]) == (400, "invalid_request_uri")


def test_denial_uses_the_request_up_too(demo: RelyingParty, browser: Browser) -> None:
    url = visit(demo, request_uri_of(push(demo)))
    assert as_answer(browser.submit(browser.show(url), "deny"))["error"] == "access_denied"
    assert refused_on_a_page(browser, url) == "invalid_request_uri"


def test_request_uri_is_bound_to_its_client(party_of: PartyOf, browser: Browser) -> None:
    request_uri = request_uri_of(push(party_of(DEMO)))
    assert refused_on_a_page(browser, visit(party_of(PUBLIC), request_uri)) == "invalid_request_uri"


def test_unknown_request_uri_is_invalid_request_uri(demo: RelyingParty, browser: Browser) -> None:
    url = visit(demo, "urn:ietf:params:oauth:request_uri:made-up")
    assert refused_on_a_page(browser, url) == "invalid_request_uri"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://unheard.example"}, "invalid_target"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
)
def test_what_is_wrong_is_told_at_the_push_already(
    demo: RelyingParty, changes: dict[str, str | None], error: str
) -> None:
    response = push(demo, **changes)
    assert (response.status_code, error_of(response)) == (400, error)


def test_client_without_the_code_grant_cannot_push(party_of: PartyOf) -> None:
    response = push(party_of(SERVICE))
    assert (response.status_code, error_of(response)) == (400, "unauthorized_client")


def test_push_needs_client_authentication(demo: RelyingParty) -> None:
    form = demo.authorization_request()
    response = demo.http.post(f"{demo.stack.authz}/oauth2/v1/par", data=form, auth=("demo-client", "wrong"))
    assert (response.status_code, error_of(response)) == (401, "invalid_client")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_405(demo: RelyingParty, method: str) -> None:
    assert demo.http.request(method, f"{demo.stack.authz}/oauth2/v1/par").status_code == 405


@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "form_post.jwt"])
def test_signed_answer_carries_everything_and_nothing_beside_it(demo: RelyingParty, alice: Browser, mode: str) -> None:
    answer = demo.get_answer(alice, response_mode=mode)
    assert set(answer.parameters) == {"response"}
    assert (answer.posted is not None) == mode.startswith("form_post")
    claims = _claims(demo, answer)
    assert (claims["iss"], claims["aud"], claims["state"]) == (demo.stack.issuer, "demo-client", demo.state)
    assert time.time() < claims["exp"] <= time.time() + 600
    assert demo.redeem(claims["code"]).status_code == 200


def test_errors_are_signed_too(demo: RelyingParty, browser: Browser) -> None:
    answer = as_answer(browser.open(demo.authorization_url(response_mode="jwt", scope="admin")))
    assert set(answer.parameters) == {"response"}
    assert _claims(demo, answer)["error"] == "invalid_scope"


def test_signed_answer_is_no_id_token_hint_and_no_access_token(demo: RelyingParty, alice: Browser) -> None:
    answer = demo.get_answer(alice, response_mode="jwt")
    assert demo.resource(answer["response"]).status_code == 401
    assert demo.introspect(answer["response"]).json() == {"active": False}


def _finish(browser: Browser, found: object) -> Answer:
    """Allow the access where it is asked for."""
    if isinstance(found, Answer):
        return found
    return as_answer(browser.submit(found, "allow"))  # type: ignore[arg-type]


def _claims(party: RelyingParty, answer: Answer) -> dict[str, object]:
    header, claims = party.verify(answer["response"], "RS256")
    assert header["kid"]
    return claims

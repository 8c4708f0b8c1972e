"""The services' logs: no secret, token, code, cookie or password is in them; what was refused is."""

import re

from e2e.browser import Browser, as_page
from e2e.clients import EVERY_SCOPE, ODD, PASSWORD, USERNAME
from e2e.conftest import PartyOf
from e2e.relying_party import RelyingParty
from e2e.stack import Control

_AUTHORIZATION = re.compile(r'authorization"?[=:] ?"?([0-9a-f-]{36})')


def test_no_secret_of_the_flow_is_in_a_log(
    control: Control, demo: RelyingParty, party_of: PartyOf, browser: Browser
) -> None:
    code = demo.get_code(browser)
    tokens = demo.redeem(code).json()
    refreshed = demo.refresh(tokens["refresh_token"]).json()
    demo.redeem(code)  # refused
    demo.resource(refreshed["access_token"])
    demo.introspect(refreshed["id_token"])
    demo.revoke(refreshed["refresh_token"])
    party_of(EVERY_SCOPE).token("client_credentials")  # the secret is in the form
    party_of(ODD).token("client_credentials", scope="unheard-of")
    login = browser.show(demo.authorization_url(prompt="login"))
    as_page(browser.log_in(login, "a-password-typed-as-a-name", "a-wrong-password"))
    browser.log_in(login, USERNAME, PASSWORD)
    secrets = [
        code,
        demo.pkce.verifier,
        PASSWORD,
        "demo-secret",
        EVERY_SCOPE.secret,
        ODD.secret,
        "a-password-typed-as-a-name",
        "a-wrong-password",
        login.form("login").fields["ask"],
        login.form("login").fields["csrf"],
        *(tokens[name] for name in ("access_token", "refresh_token", "id_token")),
        *(refreshed[name] for name in ("access_token", "refresh_token", "id_token")),
        *browser.http.cookies.values(),
    ]
    log = "\n".join(control.log_lines(""))
    assert "invalid_grant" in log
    for secret in secrets:
        assert secret
        assert secret not in log
        assert secret.rpartition(".")[2][:40] not in log


def test_refusal_is_logged_with_its_section_under_the_callers_request_id(control: Control, demo: RelyingParty) -> None:
    headers = {**demo.header_credentials(), "x-request-id": "refused-with-reason"}
    form = {"grant_type": "authorization_code", "code": "unknown"}
    demo.http.post(f"{demo.stack.authz}/oauth2/v1/token", data=form, headers=headers)
    lines = control.log_lines("refused-with-reason")
    assert any("RFC 6749" in line and "invalid_grant" in line for line in lines)
    assert any("/oauth2/v1/token" in line and "400" in line for line in lines)


def test_one_login_can_be_followed_through_both_services(
    control: Control, demo: RelyingParty, browser: Browser
) -> None:
    demo.get_code(browser, prompt="consent")
    named = [_AUTHORIZATION.search(line) for line in control.log_lines("/oauth2/v1/authorize/resume")]
    authorization = next(found[1] for found in reversed(named) if found)
    followed = control.log_lines(authorization)
    for path in ("/oauth2/v1/authorize", "/oidc/v1/login", "/oidc/v1/consent", "/oauth2/v1/authorize/resume"):
        assert any(path in line for line in followed), path

"""The pages in Chromium: login, consent, logout and errors, with and without JavaScript."""

import pytest

from e2e.chromium import SIZES, Tab
from e2e.clients import AFTER_LOGOUT, PASSWORD, USERNAME
from e2e.relying_party import RelyingParty
from e2e.stack import Stack
from e2e.tabs import OpenTab


async def allow_if_asked(shown: Tab) -> None:
    """Press the button of the consent page, where there is one."""
    if await shown.has("#allow"):
        await shown.page.click("#allow")


async def test_user_logs_in_allows_and_comes_back_with_a_code(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url(prompt="consent"))
    assert await shown.page.inner_text("#client") == "to continue to Demo Client"
    await shown.log_in(USERNAME, PASSWORD)
    assert await shown.page.inner_text("#user") == "Alice Liddell"
    assert await shown.page.locator("#scopes li").count() == 3
    await shown.page.click("#allow")
    answer = await shown.answer()
    assert (answer["state"], answer["iss"]) == (demo.state, demo.stack.issuer)
    assert demo.redeem(answer["code"]).status_code == 200


async def test_everything_works_without_javascript(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab(java_script_enabled=False)
    await shown.page.goto(demo.authorization_url(prompt="consent", response_mode="form_post"))
    await shown.log_in(USERNAME, PASSWORD)
    await shown.page.click("#allow")
    await shown.page.click("#continue")
    answer = await shown.answer()
    assert answer.query == {}
    assert demo.redeem(answer["code"]).status_code == 200


async def test_form_post_needs_no_click_with_javascript(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url(response_mode="form_post"))
    await shown.log_in(USERNAME, PASSWORD)
    await allow_if_asked(shown)
    answer = await shown.answer()
    assert answer.query == {}
    assert demo.redeem(answer["code"]).status_code == 200


async def test_wrong_password_is_told_on_the_page_and_can_be_corrected(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url())
    await shown.log_in(USERNAME, "wrong")
    assert "do not belong together" in await shown.page.inner_text("[role=alert]")
    assert await shown.page.input_value("#username") == USERNAME
    assert await shown.page.input_value("#password") == ""
    await shown.log_in(USERNAME, PASSWORD)
    await allow_if_asked(shown)
    assert "code" in await shown.answer()


async def test_deny_brings_access_denied_to_the_client(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url(prompt="consent"))
    await shown.log_in(USERNAME, PASSWORD)
    await shown.page.click("#deny")
    assert (await shown.answer())["error"] == "access_denied"


async def test_cancel_needs_neither_name_nor_password(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url())
    await shown.page.click("#deny")
    assert (await shown.answer())["error"] == "access_denied"


async def test_keyboard_alone_suffices(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url(prompt="consent"))
    await shown.page.wait_for_function("document.activeElement.id === 'username'")
    await shown.page.keyboard.type(USERNAME)
    await shown.page.keyboard.press("Tab")
    await shown.page.keyboard.type(PASSWORD)
    await shown.page.keyboard.press("Enter")
    await shown.page.wait_for_selector("#allow")
    await shown.page.focus("#allow")
    await shown.page.keyboard.press("Enter")
    assert "code" in await shown.answer()


async def test_second_request_of_the_same_profile_shows_no_page(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url(prompt="consent"))
    await shown.log_in(USERNAME, PASSWORD)
    await shown.page.click("#allow")
    await shown.answer()
    await shown.page.goto(demo.authorization_url(state="again"))
    assert (await shown.answer())["state"] == "again"


async def test_logout_is_confirmed_and_leads_back_or_to_a_page(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto(demo.authorization_url())
    await shown.log_in(USERNAME, PASSWORD)
    await allow_if_asked(shown)
    tokens = demo.redeem((await shown.answer())["code"]).json()
    await shown.page.goto(f"{demo.stack.idp}/oidc/v1/logout")
    await shown.page.click("#logout")
    assert await shown.page.inner_text("#title") == "You are logged out"
    assert demo.resource(tokens["access_token"]).status_code == 401
    await shown.page.goto(
        f"{demo.stack.idp}/oidc/v1/logout?id_token_hint={tokens['id_token']}"
        f"&post_logout_redirect_uri={AFTER_LOGOUT}&state=bye"
    )
    assert (await shown.answer())["state"] == "bye"


async def test_page_cannot_be_framed(demo: RelyingParty, open_tab: OpenTab) -> None:
    shown = await open_tab()
    await shown.page.goto("http://localhost:3000/?evil")
    await shown.page.set_content(f'<iframe id="frame" src="{demo.authorization_url()}"></iframe>')
    await shown.page.wait_for_timeout(500)
    frame = shown.page.frames[-1]
    assert frame is not shown.page.main_frame
    assert await frame.locator("#login").count() == 0
    assert any("frame-ancestors" in problem for problem in shown.problems)
    shown.problems.clear()


@pytest.mark.parametrize("service", ["authz", "idp", "rs"])
async def test_api_page_shows_the_operations_with_assets_of_its_own(
    stack: Stack, open_tab: OpenTab, service: str
) -> None:
    shown = await open_tab(viewport=SIZES["desk"])
    await shown.page.goto(f"{stack.urls[service]}/ui/swagger")
    await shown.page.wait_for_selector(".opblock")
    told = await shown.page.evaluate("fetch('doc.json').then(answer => answer.json())")
    operations = sum(len(methods) for methods in told["paths"].values())
    assert await shown.page.locator(".opblock").count() == operations
    await shown.screenshot(f"api-{service}")

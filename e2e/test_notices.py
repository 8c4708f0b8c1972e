"""Users learn by mail of a login in a browser that is new to the account, and can end it."""

import json
from collections.abc import Callable
from uuid import uuid4

from e2e.browser import Browser, as_page
from e2e.mails import Mailbox
from e2e.relying_party import RelyingParty
from e2e.stack import Control


def test_login_in_a_new_browser_is_told_and_ended_by_the_link_of_the_mail(
    control: Control, demo: RelyingParty, mailbox: Mailbox, new_browser: Callable[[], Browser]
) -> None:
    username, email = f"e2e-{uuid4().hex[:12]}", f"{uuid4().hex[:12]}@e2e.example"
    claims = ("--claim", f"email={email}", "--claim", "email_verified=true")
    made = control.operate("idp", "users", "add", username, *claims, "--generate-password", "--json")
    assert made.returncode == 0, made.stderr
    password = json.loads(made.stdout)["password"]
    own, thief = new_browser(), new_browser()
    for browser in (own, thief):
        assert "code" in browser.authorize(demo.authorization_url(), username, password)
    notice = mailbox.newest(email)
    assert notice.subject == "New login to your account"
    assert len(mailbox.all(email)) == 1  # of the first browser nothing is told
    page = as_page(own.open(notice.link))
    assert page.url.endswith("/account/sessions")
    as_page(own.submit(page, "end-others"))
    assert as_page(thief.open(notice.link)).has("login")
    assert control.operate("idp", "users", "remove", username).returncode == 0

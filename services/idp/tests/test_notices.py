"""Users are told by mail of a login in a new browser and of changes of how to log in, and nobody else is."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest
from starlette.requests import Request

from tessera_idp.endpoints.account.factors import Factors
from tessera_idp.endpoints.audit_trail import AuditTrail, counted
from tessera_idp.notices import Notices, Seen
from tessera_idp.store import outbox
from tessera_idp.store.recovery_codes import RecoveryCodeStore
from tessera_shared import clock
from tessera_shared.metrics import Metrics

pytestmark = pytest.mark.integration

AT = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SEEN = Seen("192.0.2.7", FIREFOX, AT)


@pytest.fixture
def address():
    return f"{uuid4().hex}@example.com"


@pytest.fixture
async def mails(idp, monkeypatch):
    """What is queued, as it was written."""
    queued, add = [], outbox.add

    async def note(into, mail, template, content, now):
        waiting = outbox.Waiting(mail, template, content, 0, now)
        queued.append(idp.parts.mailer.open(waiting))
        await add(into, mail, template, content, now)

    monkeypatch.setattr(outbox, "add", note)
    yield queued
    await idp.parts.database.execute("DELETE FROM idp.outbox")


@pytest.fixture
def notices(idp):
    return Notices(idp.parts.mailer, idp.parts.database, idp.parts.users, idp.config.public_url)


async def test_login_in_a_new_browser_is_told_but_not_the_first_nor_a_known_one(idp, mails, address):
    sub = await idp.add_user(email=address, email_verified=True)
    async with idp.browser() as first, idp.browser() as second:
        await idp.log_in(first, sub)
        assert mails == []
        await idp.log_in(second, sub)
        assert [(mail.to, mail.subject) for mail in mails] == [(address, "New login to your account")]
        for browser in (first, second):
            browser.cookies.delete("tessera_session")
            await idp.log_in(browser, sub)
        assert len(mails) == 1
    assert f"{idp.config.public_url}/account/sessions" in mails[0].text
    assert f'href="{idp.config.public_url}/account/sessions"' in mails[0].html


@pytest.mark.parametrize(
    "claims", [{}, {"email": "x@example.com"}, {"email": "x@example.com", "email_verified": False}]
)
async def test_nothing_goes_to_an_address_that_is_not_verified(idp, mails, notices, claims):
    sub = await idp.add_user(**claims)
    await notices.new_device(sub, SEEN)
    await notices.password_changed(sub, SEEN)
    await notices.new_device("nobody", SEEN)
    assert mails == []


async def test_many_logins_in_new_browsers_fill_no_mailbox(idp, mails, address):
    sub = await idp.add_user(email=address, email_verified=True)
    for _ in range(13):
        async with idp.browser() as browser:
            await idp.log_in(browser, sub)
    assert len(mails) == 10


async def test_each_change_of_how_to_log_in_is_told_with_when_and_where(idp, mails, notices, address):
    sub = await idp.add_user(email=address, email_verified=True)
    await notices.factor_added(sub, "Authenticator app", SEEN)
    await notices.factor_removed(sub, "Passkey", SEEN)
    await notices.password_changed(sub, SEEN)
    assert [mail.subject for mail in mails] == [
        "A way to log in was added",
        "A way to log in was removed",
        "Your password was changed",
    ]
    assert [mail.to for mail in mails] == [address] * 3
    for mail in mails:
        for text in (mail.text, mail.html):
            for part in ("Nov 24, 2026, 12:30\u202fPM UTC", "Firefox, Linux", "192.0.2.7", sub):
                assert part in text
    assert "Authenticator app" in mails[0].text
    assert "Passkey" in mails[1].html


async def test_notice_comes_in_the_users_language(idp, mails, notices, address):
    sub = await idp.add_user(email=address, email_verified=True, locale="de-AT")
    await notices.new_device(sub, SEEN)
    await notices.factor_added(sub, "Recovery codes", SEEN)
    assert mails[0].subject == "Neue Anmeldung bei Ihrem Konto"
    assert "Das war ich nicht" in mails[0].html
    assert "Wiederherstellungscodes" in mails[1].text


async def test_what_a_browser_calls_itself_is_not_repeated(idp, mails, notices, address):
    sub = await idp.add_user(email=address, email_verified=True)
    await notices.new_device(sub, Seen("192.0.2.7", "Call +1 555 0100 and say <b>your password</b>", clock.now()))
    assert "555" not in mails[0].text + mails[0].html
    assert "Browser: unknown" in mails[0].text


async def test_new_recovery_codes_are_told_too(idp, mails, notices, address):
    sub = await idp.add_user(email=address, email_verified=True)
    codes = RecoveryCodeStore(idp.parts.database)
    factors = Factors(
        SimpleNamespace(recovery_codes=codes), AuditTrail(idp.parts.database, counted(Metrics())), notices
    )
    request = Request({"type": "http", "headers": [], "state": {"client_address": "192.0.2.7", "request_id": "r"}})
    await factors.renew_codes(request, sub)
    assert "Recovery codes" in mails[0].text
    assert len(mails) == 1
    assert not any(code in mails[0].text for code in await factors.renew_codes(request, sub))

"""The mailbox of the demo: bounded, and nothing in a mail runs in it."""

import asyncio
from email.message import EmailMessage

import httpx
import pytest

from stack.mailbox.box import Box
from stack.mailbox.web import make_app

EVIL = "<script>alert(1)</script><a href='https://x.example'>x</a>"


def mail(subject: str, html: str | None = None) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(f"Open https://id.example/?a=1 now <{subject}>")
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


@pytest.fixture
def box() -> Box:
    return Box(3)


def browser(box: Box) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(make_app(box)), base_url="http://mailbox")


async def test_the_oldest_mail_makes_room_for_a_new_one(box: Box) -> None:
    for number in range(5):
        await box.take(["a@b.example"], mail(str(number)))
    assert [letter.subject for letter in box.all()] == ["2", "3", "4"]


async def test_mails_are_found_by_recipient_and_by_what_came_before(box: Box) -> None:
    await box.take(["A@b.example"], mail("one"))
    await box.take(["other@b.example", "a@B.example"], mail("two"))
    assert [letter.subject for letter in box.all("a@b.example")] == ["one", "two"]
    assert [letter.subject for letter in box.all("a@b.example", after=1)] == ["two"]
    assert box.all("nobody@b.example") == []


async def test_who_waits_for_a_mail_gets_it_when_it_comes(box: Box) -> None:
    async with browser(box) as http:
        waiting = asyncio.create_task(http.get("/api/mails", params={"to": "a@b.example", "wait": 10}))
        await asyncio.sleep(0)
        await box.take(["a@b.example"], mail("late"))
        assert [one["subject"] for one in (await waiting).json()["mails"]] == ["late"]
        assert (await http.get("/api/mails", params={"to": "x@b.example"})).json() == {"mails": []}
        assert (await http.get("/api/mails", params={"wait": "long"})).status_code == 400


async def test_nothing_in_a_mail_runs_or_is_loaded(box: Box) -> None:
    await box.take(["a@b.example"], mail("<b>", EVIL))
    async with browser(box) as http:
        shown = await http.get("/mails/1")
        assert "<b>" not in shown.text
        assert 'href="https://id.example/?a=1"' in shown.text
        assert EVIL not in shown.text
        frame = await http.get("/mails/1/html")
        policy = frame.headers["content-security-policy"]
        assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
        assert "script" not in policy
        assert (await http.get("/mails/2")).status_code == 404


async def test_all_mails_can_be_thrown_away(box: Box) -> None:
    await box.take(["a@b.example"], mail("one"))
    async with browser(box) as http:
        assert 'id="mail-1"' in (await http.get("/")).text
        assert (await http.post("/clear")).status_code == 303
        assert 'id="empty"' in (await http.get("/")).text

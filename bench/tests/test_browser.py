"""The scripted browser finds in a page what a person would: the form, its fields and the button that goes on."""

import pytest

from bench.browser import _Form


@pytest.mark.parametrize("order", [("deny", "allow"), ("allow", "deny")])
def test_form_is_submitted_by_the_button_that_does_not_deny(order):
    buttons = "".join(f'<button name="action" value="{value}">' for value in order)
    form = _Form()
    form.feed(f'<form action="/consent"><input type="hidden" name="ask" value="a&amp;b">{buttons}</form>')
    assert (form.action, form.fields) == ("/consent", {"ask": "a&b", "action": "allow"})


def test_only_the_first_form_counts():
    form = _Form()
    form.feed('<form action="/a"><input name="x"></form><input name="y"><form action="/b"><input name="z"></form>')
    assert (form.action, form.fields) == ("/a", {"x": ""})

"""Request parameters: each at most once, bounded, valid UTF-8 without NUL."""

from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from tessera_shared.errors import OAuthError
from tessera_shared.http import form

NAME = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)


def request(body, content_type="application/x-www-form-urlencoded", query=b""):
    chunks = [body[i : i + 1000] for i in range(0, len(body), 1000)] or [b""]
    messages = [{"type": "http.request", "body": chunk, "more_body": chunk is not chunks[-1]} for chunk in chunks]

    async def receive():
        return messages.pop(0)

    headers = [(b"content-type", content_type.encode())] if content_type else []
    return Request({"type": "http", "method": "POST", "headers": headers, "query_string": query}, receive)


@given(st.dictionaries(NAME, NAME.filter(bool), max_size=20))
def test_parameters_come_back_byte_for_byte(parameters):
    assert form.parse(urlencode(parameters).encode()).values() == parameters


@given(st.binary(max_size=200))
def test_any_bytes_give_parameters_or_invalid_request(raw):
    try:
        values = form.parse(raw).values()
    except OAuthError as error:
        assert (error.error, error.status) == ("invalid_request", 400)  # noqa: PT017 - or it passes
    else:
        assert all("\x00" not in text for pair in values.items() for text in pair)


@given(NAME.filter(bool), NAME, NAME)
def test_a_repeated_parameter_is_refused_even_when_empty(name, first, second):
    repeated = form.parse(urlencode([(name, first), (name, second)]).encode())
    assert repeated.repeated == {name}
    with pytest.raises(OAuthError) as refused:
        repeated.refuse_repeated()
    assert refused.value.error == "invalid_request"
    assert repeated.get(name) in (first, second, None)


def test_parameters_sent_once_are_not_refused():
    form.parse(b"a=1&b=2").refuse_repeated()


def test_a_parameter_without_value_counts_as_left_out():
    parsed = form.parse(b"scope=&state")
    assert parsed.get("scope") is None
    assert parsed.get("state") is None
    with pytest.raises(OAuthError, match="The parameter scope is missing"):
        parsed.require("scope", "RFC 6749 §3.3")


@pytest.mark.parametrize(
    "raw",
    [
        b"a=%00",
        b"%00=a",
        b"a=%ff",
        b"%c3%28=a",
        b"a=\xff",
        b"a=\xc3\xbc",
        b"a=%ed%a0%80",
        b"a=" + b"x" * 10_000,
        b"x" * 10_000 + b"=a",
        b"&".join(b"p%d=1" % i for i in range(101)),
    ],
    ids=[
        "nul",
        "nul name",
        "not utf-8",
        "not utf-8 name",
        "raw byte",
        "raw utf-8",
        "surrogate",
        "long",
        "name",
        "many",
    ],
)
def test_bad_parameters_are_invalid_request(raw):
    with pytest.raises(OAuthError) as refused:
        form.parse(raw)
    assert (refused.value.error, refused.value.status) == ("invalid_request", 400)


def test_a_hundred_parameters_and_8192_characters_are_within_the_bounds():
    raw = b"&".join([*(b"p%d=1" % i for i in range(99)), b"long=" + b"x" * form.MAX_PARAMETER])
    assert len(form.parse(raw).values()) == 100


def test_length_is_counted_in_characters_after_decoding():
    assert form.parse(b"a=" + quote_plus("ü" * form.MAX_PARAMETER).encode()).get("a") == "ü" * form.MAX_PARAMETER


async def test_the_body_is_read_whatever_its_chunks():
    value = "x" * 5000
    assert (await form.body(request(f"a={value}".encode()))).get("a") == value


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded;charset=UTF-8", "Application/X-WWW-Form-Urlencoded"]
)
async def test_the_content_type_may_carry_parameters_and_any_case(content_type):
    assert (await form.body(request(b"a=1", content_type))).get("a") == "1"


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data", "text/plain"])
async def test_another_content_type_is_415(content_type):
    with pytest.raises(OAuthError) as refused:
        await form.body(request(b"a=1", content_type))
    assert (refused.value.error, refused.value.status) == ("invalid_request", 415)


async def test_a_body_over_64_kib_is_413_although_no_length_was_announced():
    with pytest.raises(OAuthError) as refused:
        await form.body(request(b"a=" + b"x" * form.MAX_BODY))
    assert (refused.value.error, refused.value.status) == ("invalid_request", 413)


def test_the_query_is_read_by_the_same_rules():
    assert form.query(request(b"", query=b"a=1")).get("a") == "1"
    with pytest.raises(OAuthError):
        form.query(request(b"", query=b"a=%00"))

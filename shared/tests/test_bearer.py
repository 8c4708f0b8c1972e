"""Bearer tokens in requests (RFC 6750 §2), and challenges (§3)."""

import pytest
from starlette.requests import Request

from tessera_shared.errors import OAuthError
from tessera_shared.http import bearer
from tessera_shared.jose.jwt import InvalidToken

FORM = "application/x-www-form-urlencoded"


def request(*authorization, method="GET", body=b"", content_type=None, query=b""):
    headers = [(b"authorization", value.encode("latin-1")) for value in authorization]
    if content_type:
        headers.append((b"content-type", content_type.encode()))

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": method, "headers": headers, "query_string": query}, receive)


@pytest.mark.parametrize("value", ["Bearer token", "bearer token", "BEARER token", "Bearer  token "])
def test_the_scheme_is_written_in_any_case(value):
    assert bearer.from_header(request(value)) == "token"


@pytest.mark.parametrize("values", [[], ["Basic dG9rZW4="], ["Bearer"], ["Bearer "], ["token"], ["DPoP token"], [""]])
def test_without_a_bearer_token_the_challenge_is_bare(values):
    with pytest.raises(OAuthError) as refused:
        bearer.from_header(request(*values))
    assert refused.value.status == 401
    assert refused.value.headers["www-authenticate"] == 'Bearer realm="tessera"'
    assert bearer.from_header(request(*values), required=False) is None


def test_two_headers_are_invalid_request():
    with pytest.raises(OAuthError) as refused:
        bearer.from_header(request("Bearer one", "Bearer two"))
    assert (refused.value.error, refused.value.status) == ("invalid_request", 400)
    assert 'error="invalid_request"' in refused.value.headers["www-authenticate"]


def test_a_token_in_the_query_is_no_token():
    with pytest.raises(OAuthError) as refused:
        bearer.from_header(request(query=b"access_token=token"))
    assert refused.value.status == 401


async def test_a_post_may_carry_the_token_in_its_form():
    sent = request(method="POST", body=b"access_token=token", content_type=FORM)
    assert await bearer.from_header_or_form(sent) == "token"
    assert await bearer.from_header_or_form(request("Bearer token", method="POST", content_type=FORM)) == "token"
    assert await bearer.from_header_or_form(request("Bearer token")) == "token"


@pytest.mark.parametrize(
    "sent",
    [
        request("Bearer one", method="POST", body=b"access_token=two", content_type=FORM),
        request("Bearer one", method="POST", body=b"access_token=one", content_type=FORM),
        request(method="POST", body=b"access_token=one&access_token=two", content_type=FORM),
    ],
    ids=["header and form", "the same twice", "repeated"],
)
async def test_two_tokens_are_invalid_request(sent):
    with pytest.raises(OAuthError) as refused:
        await bearer.from_header_or_form(sent)
    assert (refused.value.error, refused.value.status) == ("invalid_request", 400)


@pytest.mark.parametrize(
    "sent",
    [
        request(body=b"access_token=token", content_type=FORM),
        request(method="POST", body=b'{"access_token":"token"}', content_type="application/json"),
        request(method="POST", body=b"token=token", content_type=FORM),
        request(method="POST"),
    ],
    ids=["GET", "JSON", "another name", "nothing"],
)
async def test_a_token_anywhere_else_does_not_count(sent):
    with pytest.raises(OAuthError) as refused:
        await bearer.from_header_or_form(sent)
    assert refused.value.status == 401


def test_an_invalid_token_is_answered_alike_whatever_the_check():
    errors = [
        bearer.invalid(InvalidToken(check, section=section, expected=expected, received=received))
        for check, section, expected, received in [("exp", "a", "b", "c"), ("signature", "d", "e", "f")]
    ]
    assert len({(error.error, error.description, error.status, str(error.headers)) for error in errors}) == 1
    assert errors[0].status == 401
    assert 'error="invalid_token"' in errors[0].headers["www-authenticate"]


def test_insufficient_scope_names_the_scope_that_is_needed():
    error = bearer.insufficient_scope(("profile", "email"), "openid")
    assert (error.error, error.status) == ("insufficient_scope", 403)
    assert error.headers["www-authenticate"].endswith(', scope="profile email"')
    assert "openid" not in str(error.headers)

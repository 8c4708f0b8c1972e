"""Bearer tokens in requests (RFC 6750 §2), and challenges (§3)."""

import pytest
from starlette.requests import Request

from tessera_shared.dpop import ALGS
from tessera_shared.errors import OAuthError
from tessera_shared.http import bearer
from tessera_shared.http.bearer import PresentedToken
from tessera_shared.http.challenge import with_parameter
from tessera_shared.jose.jwt import InvalidToken

DPOP = f'DPoP realm="tessera", algs="{" ".join(ALGS)}"'
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
    assert bearer.presented_in_header(request(value)) == PresentedToken("Bearer", "token")


@pytest.mark.parametrize("value", ["DPoP token", "dpop token", "DPOP  token "])
def test_a_dpop_token_is_told_from_a_bearer_token(value):
    assert bearer.presented_in_header(request(value)) == PresentedToken("DPoP", "token")


@pytest.mark.parametrize(
    "values", [[], ["Basic dG9rZW4="], ["Bearer"], ["Bearer "], ["token"], ["DPoP"], ["DPoP "], [""]]
)
async def test_without_a_token_the_challenges_are_bare(values):
    assert bearer.presented_in_header(request(*values)) is None
    with pytest.raises(OAuthError) as refused:
        await bearer.presented_in_header_or_form(request(*values))
    assert refused.value.status == 401
    assert refused.value.headers["www-authenticate"] == f'Bearer realm="tessera", {DPOP}'


@pytest.mark.parametrize("values", [[], ["DPoP token"], ["Basic dG9rZW4="]])
def test_where_only_bearer_tokens_are_taken_the_challenge_says_so(values):
    assert bearer.from_header(request("Bearer token")) == "token"
    assert bearer.from_header(request(*values), required=False) is None
    with pytest.raises(OAuthError) as refused:
        bearer.from_header(request(*values))
    assert refused.value.headers["www-authenticate"] == 'Bearer realm="tessera"'


def test_two_headers_are_invalid_request():
    with pytest.raises(OAuthError) as refused:
        bearer.presented_in_header(request("Bearer one", "Bearer two"))
    assert (refused.value.error, refused.value.status) == ("invalid_request", 400)
    assert 'error="invalid_request"' in refused.value.headers["www-authenticate"]


def test_a_token_in_the_query_is_no_token():
    assert bearer.presented_in_header(request(query=b"access_token=token")) is None


async def test_a_post_may_carry_the_token_in_its_form():
    sent = request(method="POST", body=b"access_token=token", content_type=FORM)
    token = PresentedToken("Bearer", "token")
    assert await bearer.presented_in_header_or_form(sent) == token
    assert await bearer.presented_in_header_or_form(request("Bearer token", method="POST", content_type=FORM)) == token
    assert await bearer.presented_in_header_or_form(request("Bearer token")) == token


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
        await bearer.presented_in_header_or_form(sent)
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
        await bearer.presented_in_header_or_form(sent)
    assert refused.value.status == 401


def test_an_invalid_token_is_answered_alike_whatever_the_check():
    errors = [
        bearer.invalid(InvalidToken(check, section=section, expected=expected, received=received))
        for check, section, expected, received in [("exp", "a", "b", "c"), ("signature", "d", "e", "f")]
    ]
    assert len({(error.error, error.description, error.status, str(error.headers)) for error in errors}) == 1
    assert errors[0].status == 401
    assert errors[0].headers["www-authenticate"].startswith('Bearer realm="tessera", error="invalid_token"')
    assert errors[0].headers["www-authenticate"].endswith(f", {DPOP}")


def test_an_error_is_told_in_the_scheme_that_the_request_used():
    error = bearer.invalid(InvalidToken("cnf", section="s"), "DPoP")
    assert error.headers["www-authenticate"].startswith('DPoP realm="tessera", error="invalid_token"')
    assert "Bearer" not in error.headers["www-authenticate"]
    assert bearer.insufficient_scope(("a",), "b", "DPoP").headers["www-authenticate"].startswith("DPoP ")


def test_a_parameter_is_added_to_each_challenge():
    assert with_parameter('Bearer realm="r"', "a", "b") == 'Bearer realm="r", a="b"'
    assert (
        with_parameter('Bearer realm="r", DPoP algs="x"', "a", "b") == 'Bearer realm="r", a="b", DPoP algs="x", a="b"'
    )
    assert with_parameter('DPoP realm="r"', "a", "b") == 'DPoP realm="r", a="b"'


def test_the_token_is_not_shown_by_repr():
    assert "hunter2" not in repr(PresentedToken("Bearer", "hunter2"))


def test_insufficient_scope_names_the_scope_that_is_needed():
    error = bearer.insufficient_scope(("profile", "email"), "openid")
    assert (error.error, error.status) == ("insufficient_scope", 403)
    assert error.headers["www-authenticate"].endswith(', scope="profile email"')
    assert "openid" not in str(error.headers)

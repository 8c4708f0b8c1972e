"""Which URIs may stand in client metadata: by examples, and by properties over many generated ones."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_authz.protocol.registered_uri import host_of, redirect_problem, secure_problem, web_problem

GOOD_REDIRECTS = [
    "https://client.example/callback",
    "https://client.example:8443/callback?tenant=blue&x=%20y",
    "https://xn--bcher-kva.example/cb",
    "https://192.0.2.7/cb",
    "https://[2001:db8::1]:8443/cb",
    "http://localhost:3000/callback",
    "http://127.0.0.1/native/callback",
    "http://[::1]:5000/cb",
    "https://client.example",
    "https://client.example/a..b/.well-known/cb",
]
BAD_REDIRECTS = [
    "",
    "callback",
    "/callback",
    "//client.example/cb",
    "https://client.example/cb#fragment",
    "https://client.example/cb#",
    "http://client.example/cb",
    "http://localhost.evil.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://127.0.0.2/cb",
    "http://2130706433/cb",
    "http://0x7f000001/cb",
    "https://user@client.example/cb",
    "https://user:pass@client.example/cb",
    "https://client.example\\@evil.example/cb",
    "https://client.example%2f@evil.example/cb",
    "https://client.example%00.evil.example/cb",
    "https://*.client.example/cb",
    "https://client.example/../cb",
    "https://client.example/a/..;/cb",
    "https://client.example/a/%2e%2E/cb",
    "https://client.example/a%2f..%2fcb",
    "https://client.example/./cb",
    "https://client.example/cb\n",
    "https://client.example/c b",
    "https://client.example/cb\x00",
    "https://client.example/%0d%0aset-cookie:x",
    "https://client.example/%zz",
    "https://clïent.example/cb",
    "https://client.example:0/cb",
    "https://client.example:65536/cb",
    "https://client.example:/cb",
    "https://client.example:8x/cb",
    "https://-client.example/cb",
    "https://client..example/cb",
    "https://client.example./cb",
    "https://0x7f.1/cb",
    "https://1/cb",
    "https://1.2.3/cb",
    "https://256.1.1.1/cb",
    "https://[::1/cb",
    "https://[:::1]/cb",
    "https://[v1.x]/cb",
    "https:/client.example/cb",
    "https:client.example/cb",
    "https:///cb",
    "https://",
    "HTTPS://client.example/cb",
    "ftp://client.example/cb",
    "file:///etc/passwd",
    "urn:ietf:wg:oauth:2.0:oob",
    "about:blank",
    "blob:https://client.example/x",
    "intent://scan/#Intent;end",
    "myapp:/cb",
    "com.example.app:cb",
    "com.example.app:",
    "https://client.example/" + "a" * 1100,
]
SCRIPTS = ["javascript", "data", "vbscript", "livescript", "mocha", "jar", "view-source", "filesystem", "blob"]


@pytest.mark.parametrize("uri", GOOD_REDIRECTS)
def test_plain_redirect_uris_are_taken(uri):
    assert redirect_problem(uri, "web") is None
    assert redirect_problem(uri, "native") is None


@pytest.mark.parametrize("uri", BAD_REDIRECTS)
@pytest.mark.parametrize("application_type", ["web", "native"])
def test_redirect_uris_that_can_be_read_in_two_ways_are_refused(uri, application_type):
    assert redirect_problem(uri, application_type) is not None


def test_private_use_schemes_are_for_native_clients_with_a_dot():
    assert redirect_problem("com.example.app:/cb", "native") is None
    assert redirect_problem("com.example.app://oauth/cb", "native") is None
    assert redirect_problem("com.example.app:/cb", "web") is not None
    assert redirect_problem("com.example.app:/../cb", "native") is not None


def test_only_https_starts_a_login():
    assert secure_problem("https://client.example/start") is None
    assert secure_problem("http://localhost/start") is not None
    assert secure_problem("javascript:alert(1)") is not None


def scheme_spellings(scheme):
    """A scheme as browsers may take it: in any case, with blanks and control characters around and inside."""
    odd = st.sampled_from(["", " ", "\t", "\n", "\r", "\x00", "\x01", "\u200b", "%0a", "/", "\\"])
    letters = st.tuples(*(st.tuples(odd, st.sampled_from([c.lower(), c.upper()])).map("".join) for c in scheme))
    return st.tuples(odd, letters.map("".join), odd).map("".join)


@settings(max_examples=1000)
@given(st.sampled_from(SCRIPTS).flatmap(scheme_spellings), st.text(max_size=40))
def test_script_uris_are_refused_however_they_are_spelt(scheme, rest):
    uri = f"{scheme}:{rest}"
    for problem in (
        web_problem(uri),
        secure_problem(uri),
        redirect_problem(uri, "web"),
        redirect_problem(uri, "native"),
    ):
        assert problem is not None


PIECES = st.sampled_from(
    ["https://", "http://", "client.example", "localhost", "127.0.0.1", "[::1]", "@", ":", "80", "/", "\\", "..", ";",
     "?", "#", "%2e", "%2f", "%00", "evil.example", "a", " ", "\t", "*", "xn--a", "0x7f", ".", "&", "user", "[", "]"]
)  # fmt: skip


@settings(max_examples=1000)
@given(st.lists(PIECES, max_size=9).map("".join))
def test_a_taken_uri_is_read_alike_by_every_parser(uri):
    if redirect_problem(uri, "web") is not None:
        return
    parts = urlsplit(uri)
    assert parts.username is None
    assert parts.password is None
    assert not parts.fragment
    assert "#" not in uri
    assert "\\" not in uri
    assert parts.netloc == host_of(uri)
    assert parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")
    assert ".." not in parts.path.replace("%2e", ".").split("/")


@settings(max_examples=1000)
@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_exception(text):
    for judge in (web_problem, secure_problem, lambda uri: redirect_problem(uri, "native")):
        assert judge(text) is None or isinstance(judge(text), str)

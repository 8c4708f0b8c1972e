"""Cookies: bound to this host under TLS."""

import pytest
from starlette.responses import Response

from tessera_idp.endpoints.browser import Cookies


@pytest.mark.parametrize(
    ("secure", "cookie"),
    [
        (True, "__Host-tessera_session=v; HttpOnly; Path=/; SameSite=lax; Secure"),
        (False, "tessera_session=v; HttpOnly; Path=/; SameSite=lax"),
    ],
)
def test_under_tls_the_cookie_is_secure_and_bound_to_the_host(secure, cookie):
    response = Response()
    Cookies(secure).set(response, "session", "v")
    assert response.headers["set-cookie"] == cookie


def test_clearing_names_the_same_cookie():
    response = Response()
    Cookies(secure=True).clear(response, "session")
    parts = response.headers["set-cookie"].split("; ")
    assert parts[0].startswith("__Host-tessera_session=")
    assert {"Max-Age=0", "Path=/", "Secure"} <= set(parts)

"""What the OpenAPI document says of every page alike: its replies, and the parameters that come with each form."""

from typing import Literal

from tessera_shared.http.openapi import Parameter, Reply

HTML = "text/html"
PAGE = Reply(200, "A page", media_type=HTML)
ANSWER = Reply(303, "Back to the issuer, with the answer", headers=("Location",))
TO_LOGIN = Reply(303, "To the login page, which leads back", headers=("Location",))
BAD_ASK = Reply(400, "The ask is missing, not from the issuer, or too old", media_type=HTML)
NOT_ACCEPTED = Reply(403, "The page again: not its own form, or wrong credentials", media_type=HTML)
BUSY = Reply(503, "The page again: too many logins are waiting", media_type=HTML)
TOO_MANY = Reply(429, "The page again: too many tries", media_type=HTML, headers=("Retry-After",))
TRIED = (ANSWER, BAD_ASK, NOT_ACCEPTED, TOO_MANY, BUSY)
"""What the form of a login's stage is answered."""
DONE = Parameter("done", "What was done just now", where="query")
LINK_OVER = Reply(410, "The link was used, or is too old", media_type=HTML)
CSRF = Parameter("csrf", "Token of the page", required=True)


def ask_parameter(where: Literal["query", "form"]) -> Parameter:
    """The ask that a page serves."""
    return Parameter("ask", "What the issuer asks for, sealed", required=True, where=where)


def optional_ask(where: Literal["query", "form"]) -> Parameter:
    """The ask of the login that a page was opened from, and that goes on afterwards."""
    return Parameter("ask", "What the issuer asks for, sealed", where=where)


def link_parameter(where: Literal["query", "form"]) -> Parameter:
    """The token of a link."""
    return Parameter("token", "Of the link that was sent by mail", required=True, where=where)

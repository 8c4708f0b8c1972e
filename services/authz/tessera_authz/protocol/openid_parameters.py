"""Parameters of OpenID Connect's authentication request (Core §3.1.2.1), each read by itself."""

import re

from tessera_shared.errors import OAuthError

PROMPTS = ("none", "login", "consent", "select_account")
DISPLAYS = ("page", "popup", "touch", "wap")
"""All are served the same pages, which fit every size."""

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}")
_MAX_AGE_DIGITS = 10


def parse_prompt(value: str | None) -> tuple[str, ...]:
    """The prompts, each once.

    Raises:
        OAuthError: invalid_request, for an unknown one, or none with another.

    """
    prompt = tuple(dict.fromkeys((value or "").split()))
    if not set(prompt) <= set(PROMPTS):
        raise _invalid("The prompt is not one of none, login, consent, select_account.", "a prompt")
    if "none" in prompt and len(prompt) > 1:
        raise _invalid("The prompt none goes with no other.", "none alone")
    return prompt


def check_display(value: str | None) -> None:
    """Refuse a way of showing pages that is not known.

    Raises:
        OAuthError: invalid_request.

    """
    if value is not None and value not in DISPLAYS:
        raise _invalid("The display is not one of page, popup, touch, wap.", ", ".join(DISPLAYS))


def parse_locales(value: str | None) -> str | None:
    """The language tags of BCP 47, the preferred one first; what is none is left out, since they are only a wish."""
    tags = [tag for tag in (value or "").split() if _LANGUAGE_TAG.fullmatch(tag)]
    return " ".join(tags) or None


def authenticated_after(
    prompt: tuple[str, ...], max_age: str | None, default_max_age: int | None, now: int
) -> int | None:
    """When the login must have been, at the earliest, in seconds since the epoch.

    Args:
        prompt: As read.
        max_age: The parameter.
        default_max_age: The client's, for a request without (OpenID Connect Registration §2).
        now: Seconds since the epoch.

    Raises:
        OAuthError: invalid_request.

    """
    if max_age is not None and not (max_age.isascii() and max_age.isdigit() and len(max_age) <= _MAX_AGE_DIGITS):
        raise _invalid("The max_age is not a number of seconds.", "a non-negative number")
    if "login" in prompt:
        return now
    seconds = default_max_age if max_age is None else int(max_age)
    return None if seconds is None else max(now - seconds, 0)


def _invalid(description: str, expected: str) -> OAuthError:
    return OAuthError("invalid_request", description, section="OIDC Core §3.1.2.1", expected=expected)

"""Whether a form was sent by the page that this service showed to this browser."""

import base64
import hmac


def form_token(key: bytes, browser: str, *form: str) -> str:
    """The token of one form in one browser: an HMAC over the browser's cookie and what the form is about.

    Args:
        key: 32 bytes, for this purpose alone.
        browser: The browser's cookie.
        form: What the form is about, such as its name and the hand-over it answers.

    """
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in (browser, *form))
    return base64.urlsafe_b64encode(hmac.digest(key, message, "sha256")).rstrip(b"=").decode()


def is_form_token(sent: str | None, key: bytes, browser: str | None, *form: str) -> bool:
    """Whether `sent` is that token, compared in constant time."""
    if not sent or not browser:
        return False
    return hmac.compare_digest(sent.encode(), form_token(key, browser, *form).encode())


def is_foreign(sec_fetch_site: str | None, origin: str | None, own_origin: str) -> bool:
    """Whether the browser says that another site sent the request.

    `Origin: null` says nothing: browsers send it for pages without referrer, as these pages are.
    """
    if sec_fetch_site is not None:
        return sec_fetch_site not in ("same-origin", "none")
    return origin not in (None, "null", own_origin)

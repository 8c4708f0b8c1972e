"""Why a mail was not taken: whether trying again helps, and what an operator is told, without the server's words."""

import os
import ssl
from collections.abc import Iterator

import aiosmtplib

_PERMANENT = 500


def is_permanent(error: Exception) -> bool:
    """Whether the server will never take this mail (RFC 5321 §4.2.1), or it cannot be written down at all."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refusal.code >= _PERMANENT for refusal in error.recipients)
    if isinstance(error, aiosmtplib.SMTPDataError):
        return error.code >= _PERMANENT
    return isinstance(error, ValueError) and not isinstance(error, ssl.SSLError)  # a wrong certificate is both


def reason(error: Exception) -> str:
    """What happened, for the log; never what the server said: it may repeat the recipient."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"the mail server does not accept user and password (code {error.code})"
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the mail server's certificate is not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS with the mail server: {cause.reason}"
        if isinstance(cause, TimeoutError):
            return "the mail server does not answer in time"
        if isinstance(cause, OSError) and not isinstance(cause, aiosmtplib.SMTPException):
            return f"the mail server cannot be reached: {_system_error(cause)}"
    if type(error) is aiosmtplib.SMTPException:  # the library's own words: what the server does not offer
        return error.message
    code = getattr(error, "code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _system_error(error: OSError) -> str:
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__

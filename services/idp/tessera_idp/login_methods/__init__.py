"""The registry of ways to log in, in the order they are offered; the pages and endpoints read the same dict."""

from tessera_idp.login_methods import email_code, passkey, password, recovery_code, totp
from tessera_idp.login_methods.method import LoginMethod, Verifiers

__all__ = ["FIRST_METHODS", "LOGIN_METHODS", "SECOND_METHODS", "STRENGTHS", "LoginMethod", "enrolled_methods"]

LOGIN_METHODS: dict[str, LoginMethod] = {
    password.METHOD: LoginMethod(
        strength=password.STRENGTH,
        is_first=True,
        title=password.TITLE,
        template=password.TEMPLATE,
        wrong=password.WRONG,
        verify=password.verify,
        is_enrolled=password.is_enrolled,
    ),
    passkey.METHOD: LoginMethod(
        strength=passkey.STRENGTH,
        is_first=True,
        title=passkey.TITLE,
        template=passkey.TEMPLATE,
        wrong=passkey.WRONG,
        verify=passkey.verify,
        is_enrolled=passkey.is_enrolled,
        prepare=passkey.prepare,
        set_up=passkey.SET_UP,
        beside=passkey.BESIDE,
        is_guessable=False,
    ),
    totp.METHOD: LoginMethod(
        strength=totp.STRENGTH,
        is_first=False,
        title=totp.TITLE,
        template=totp.TEMPLATE,
        wrong=totp.WRONG,
        verify=totp.verify,
        is_enrolled=totp.is_enrolled,
        set_up=totp.SET_UP,
    ),
    email_code.METHOD: LoginMethod(
        strength=email_code.STRENGTH,
        is_first=False,
        title=email_code.TITLE,
        template=email_code.TEMPLATE,
        wrong=email_code.WRONG,
        verify=email_code.verify,
        is_enrolled=email_code.is_enrolled,
        prepare=email_code.prepare,
    ),
    recovery_code.METHOD: LoginMethod(
        strength=recovery_code.STRENGTH,
        is_first=False,
        title=recovery_code.TITLE,
        template=recovery_code.TEMPLATE,
        wrong=recovery_code.WRONG,
        verify=recovery_code.verify,
        is_enrolled=recovery_code.is_enrolled,
        prepare=recovery_code.prepare,
    ),
}
STRENGTHS = {name: method.strength for name, method in LOGIN_METHODS.items()}
FIRST_METHODS = tuple(name for name, method in LOGIN_METHODS.items() if method.is_first)
SECOND_METHODS = tuple(name for name, method in LOGIN_METHODS.items() if method.strength.is_second)


async def enrolled_methods(sub: str, verifiers: Verifiers) -> tuple[str, ...]:
    """The methods that the user of that sub can use, in the order they are offered."""
    return tuple([name for name, method in LOGIN_METHODS.items() if await method.is_enrolled(sub, verifiers)])

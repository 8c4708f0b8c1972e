"""The registry of ways to log in; the login page and endpoint read the same dict."""

from tessera_idp.login_methods import password
from tessera_idp.login_methods.method import LoginMethod

__all__ = ["LOGIN_METHODS", "LoginMethod"]

LOGIN_METHODS: dict[str, LoginMethod] = {
    password.METHOD: LoginMethod(password.ACR, password.AMR, password.verify),
}

"""What is missing before an authorization request can be answered: the one place that decides it."""

from dataclasses import dataclass

from tessera_authz.protocol import authentication_level as levels
from tessera_authz.protocol import claims_request
from tessera_authz.protocol.authorization_request import AuthorizationRequest
from tessera_authz.protocol.claims_request import NOTHING, ClaimsRequest
from tessera_authz.protocol.client import Client
from tessera_shared.claims import reaches
from tessera_shared.errors import OAuthError
from tessera_shared.handoff import Answer, Authentication
from tessera_shared.scope import Scope, is_within, limited


@dataclass(frozen=True, slots=True)
class Login:
    """The user must log in, or show to be logged in."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The user must be asked for consent."""

    authentication: Authentication


@dataclass(frozen=True, slots=True)
class Proceed:
    """Nothing is missing: the client gets its code.

    Attributes:
        acr: What tokens tell of the login's strength.
        claims: Those that were asked for one by one, and allowed.
        newly_consented: What the user has just allowed, to be remembered.

    """

    authentication: Authentication
    scope: Scope
    acr: str
    claims: ClaimsRequest = NOTHING
    newly_consented: Scope = ()


_UNMET = "The user cannot log in as strongly as the request demands."

NextStep = Login | Consent | Proceed | OAuthError


def next_step(
    request: AuthorizationRequest, authentication: Authentication | None, consented: Scope, answer: Answer | None
) -> NextStep:
    """Decide from the request, who is logged in, what that user consented to before, and the idp's last answer."""
    if answer and (refusal := _refusal(answer)):
        return refusal
    if authentication is None or (answer and answer.outcome == "session_ended"):
        return Login()
    if request.expected_sub not in (None, authentication.sub):
        return _error("login_required", "Another user is logged in than was expected.", "OIDC Core §3.1.2.1")
    if authentication.auth_time < (request.authenticated_after or 0):
        return _error("login_required", "The login is older than the request allows.", "OIDC Core §3.1.2.1")
    if request.acr_essential and not reaches(authentication.acr, request.acr):
        return _too_weak(request)
    acr = levels.told(authentication.acr, request.acr_values)
    if answer and answer.outcome == "consented" and is_within(answer.scope, request.consent_scope):
        allowed = claims_request.served(request.claims, answer.scope)
        return Proceed(authentication, limited(answer.scope, request.scope), acr, allowed, answer.scope)
    if "consent" in request.prompt or not is_within(request.consent_scope, consented):
        if request.is_silent:
            return _error("consent_required", "The user has not consented yet.", "OIDC Core §3.1.2.6")
        return Consent(authentication)
    return Proceed(authentication, request.scope, acr, request.claims)


def session_over() -> OAuthError:
    """The error where the session ended after the idp told of it: nothing may be granted in it any more."""
    return _error("login_required", "The user has logged out meanwhile.", "OIDC Back-Channel Logout §2.7")


def _too_weak(request: AuthorizationRequest) -> OAuthError:
    """The login is not as strong as it must be: under prompt=none another one is all that is missing."""
    if request.is_silent:
        return _error("login_required", "The user must log in more strongly.", "OIDC Core §3.1.2.6")
    return levels.unmet(_UNMET)


def _refusal(answer: Answer) -> OAuthError | None:
    """What the client is told where the idp's answer ends the request."""
    match answer.outcome:
        case "denied":
            return _error("access_denied", "The user denied the request.", "RFC 6749 §4.1.2.1")
        case "no_session":
            return _error("login_required", "The user is not logged in.", "OIDC Core §3.1.2.6")
        case "unmet":
            return levels.unmet(_UNMET)
        case _:
            return None


def is_identity_assured(client: Client, redirect_uri: str) -> bool:
    """Whether nobody else can pose as this client; else a consent that was given before counts for nothing.

    OAuth 2.1 §7.3.1, RFC 8252 §8.6: a public client proves nothing but that answers reach it, and any program on the
    device can listen at a loopback address or claim a private-use scheme.
    """
    return not client.is_public or redirect_uri.startswith("https://")


def _error(code: str, description: str, section: str) -> OAuthError:
    return OAuthError(code, description, section=section)

"""The one composition root: builds every object, and holds the one table of endpoints."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from starlette.routing import Router
from starlette.types import ASGIApp

from tessera_idp.config import IdpConfig
from tessera_idp.endpoints.audit_trail import AuditTrail
from tessera_idp.endpoints.browser import Cookies, Forms, Sessions
from tessera_idp.endpoints.consent import ConsentEndpoint
from tessera_idp.endpoints.handover import Handover
from tessera_idp.endpoints.login import LoginEndpoint
from tessera_idp.endpoints.logout import LogoutEndpoint
from tessera_idp.endpoints.metadata import MetadataEndpoint
from tessera_idp.endpoints.userinfo import UserinfoEndpoint
from tessera_idp.id_token_hint import HintReader
from tessera_idp.issuer_metadata import IssuerMetadata
from tessera_idp.login_methods import LOGIN_METHODS
from tessera_idp.login_methods.method import Verifiers
from tessera_idp.store.clients import LogoutClientStore
from tessera_idp.store.sessions import SessionStore
from tessera_idp.store.users import UserStore
from tessera_shared import access_token
from tessera_shared.access_token import AccessTokenVerifier
from tessera_shared.argon2id import Argon2id
from tessera_shared.db import Database
from tessera_shared.dpop import Nonces, ProofVerifier
from tessera_shared.http.access import Access
from tessera_shared.http.as_page import as_page
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.headers import parse_networks
from tessera_shared.http.health import database_check, health_endpoint
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply, Security, document_endpoints, routes
from tessera_shared.http.pages import Pages, load_pages
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING
from tessera_shared.jose.jwt import Expectation
from tessera_shared.keystore.live import LiveRing
from tessera_shared.redis import Redis
from tessera_shared.replay import ReplayMemory
from tessera_shared.revocation.view import RevocationView
from tessera_shared.sealed import derive_key
from tessera_shared.uri import origin

TITLE = "Tessera IdP"
DESCRIPTION = "Identity provider: login, consent, logout and userinfo of the issuer's users."


@dataclass(frozen=True, slots=True)
class Parts:
    """What lives as long as the service, and has work to do in the background or something to close."""

    database: Database
    redis: Redis
    ring: LiveRing
    revocations: RevocationView
    metadata: IssuerMetadata
    passwords: Argon2id
    users: UserStore
    sessions: SessionStore


def build_parts(config: IdpConfig, database: Database, redis: Redis, ring: LiveRing) -> Parts:
    """The service's parts; none of them does anything yet."""
    return Parts(
        database=database,
        redis=redis,
        ring=ring,
        revocations=RevocationView(database, redis),
        metadata=IssuerMetadata(config.metadata_url, config.issuer),
        passwords=Argon2id(config.passwords.workers, config.passwords.queue),
        users=UserStore(database),
        sessions=SessionStore(database),
    )


def build_app(config: IdpConfig, parts: Parts, master_key: bytes) -> ASGIApp:
    """The ASGI application.

    Raises:
        StartupError: Pages or the OpenAPI document cannot be loaded.

    """
    pages = load_pages("tessera_idp")
    endpoints = [*_page_endpoints(config, parts, pages, master_key), *_api_endpoints(config, parts, master_key)]
    endpoints += [*pages.endpoints(), _health(parts)]
    endpoints += document_endpoints(TITLE, DESCRIPTION, endpoints)
    router = Router(routes(endpoints), redirect_slashes=False)
    proxies, certificate_proxies = config.trusted_proxies, config.client_certificate_proxies
    return Exchange(router, parse_networks(proxies), parse_networks(certificate_proxies))


def _page_endpoints(config: IdpConfig, parts: Parts, pages: Pages, master_key: bytes) -> list[Endpoint]:
    cookies = Cookies(config.cookies_secure)
    forms = Forms(derive_key(master_key, b"tessera idp forms"), origin(config.public_url), cookies)
    sessions = Sessions(
        parts.sessions,
        parts.redis,
        cookies,
        config.sessions.lifetime,
        config.revocation_lifetime,
        AuditTrail(parts.database),
    )
    handover = Handover(parts.ring, config.issuer)
    hints = HintReader(parts.ring, LogoutClientStore(parts.database), config.issuer)
    return [
        _login(LoginEndpoint(handover, forms, sessions, Verifiers(parts.users, parts.passwords), pages)),
        _consent(ConsentEndpoint(handover, forms, sessions, pages)),
        _logout(LogoutEndpoint(hints, forms, sessions, pages, config.issuer)),
    ]


def _login(login: LoginEndpoint) -> Endpoint:
    show, submit = as_page(login.pages, login.show), as_page(login.pages, login.submit)
    typed = (
        _ask("form"),
        _CSRF,
        Parameter("method", "How to log in", values=tuple(LOGIN_METHODS)),
        Parameter("username", "Name of the account", example="alice"),
        Parameter("password", "Password of the account"),
        Parameter("action", "The button", values=("login", "deny")),
    )
    return Endpoint(
        "/oidc/v1/login",
        (
            Operation("GET", "Login page", show, (_ask("query"),), (_PAGE, _ANSWER, _BAD_ASK)),
            Operation("POST", "Log in, or refuse to", submit, typed, (_ANSWER, _BAD_ASK, _NOT_ACCEPTED, _BUSY)),
        ),
    )


def _consent(consent: ConsentEndpoint) -> Endpoint:
    show, submit = as_page(consent.pages, consent.show), as_page(consent.pages, consent.submit)
    decided = (_ask("form"), _CSRF, Parameter("action", "The button", required=True, values=("allow", "deny")))
    return Endpoint(
        "/oidc/v1/consent",
        (
            Operation("GET", "Consent page", show, (_ask("query"),), (_PAGE, _ANSWER, _BAD_ASK)),
            Operation("POST", "Allow or deny", submit, decided, (_ANSWER, _BAD_ASK, _NOT_ACCEPTED)),
        ),
    )


def _logout(logout: LogoutEndpoint) -> Endpoint:
    by_query, by_form = as_page(logout.pages, logout.by_query), as_page(logout.pages, logout.by_form)
    decided = (
        *_logout_parameters("form"),
        Parameter("csrf", "Token of the confirmation page"),
        Parameter("action", "The confirmation page's button", values=("logout", "stay")),
    )
    summary, section = "RP-initiated logout", "OpenID Connect RP-Initiated Logout 1.0 §2"
    asked, replies = _logout_parameters("query"), (_PAGE, _AFTER_LOGOUT)
    return Endpoint(
        "/oidc/v1/logout",
        (
            Operation("GET", summary, by_query, asked, replies, section=section),
            Operation(
                "POST", f"{summary}, or its confirmation", by_form, decided, (*replies, _NOT_ACCEPTED), (), section
            ),
        ),
    )


def _api_endpoints(config: IdpConfig, parts: Parts, master_key: bytes) -> list[Endpoint]:
    userinfo = UserinfoEndpoint(_access(config, parts, master_key), parts.users)
    metadata = MetadataEndpoint(parts.metadata)
    replies = (
        Reply(200, "The claims of the granted scope that the user has, and sub"),
        Reply(401, "No token, not a valid one, or no proof", headers=("WWW-Authenticate", "DPoP-Nonce")),
        Reply(403, "The token lacks the scope openid", headers=("WWW-Authenticate",)),
        Reply(503, "Whether the token was revoked cannot be known now"),
    )
    section = "OpenID Connect Core 1.0 §5.3"
    in_form = Parameter("access_token", "The token, where it is not in the header")
    proof = Parameter("DPoP", "Proof for a token that is bound to a key (RFC 9449)", where="header")
    security: tuple[Security, ...] = ("bearer", "dpop")
    return [
        Endpoint(
            "/oidc/v1/userinfo",
            (
                Operation("GET", "Claims of the user", userinfo.tell, (proof,), replies, security, section),
                Operation("POST", "Claims of the user", userinfo.tell, (in_form, proof), replies, security, section),
            ),
        ),
        Endpoint(
            "/.well-known/openid-configuration",
            (
                Operation(
                    "GET",
                    "The issuer's metadata, told again",
                    metadata.tell,
                    replies=(Reply(200, "The metadata"), Reply(503, "The issuer did not answer yet")),
                    section="OpenID Connect Discovery 1.0 §4",
                ),
            ),
        ),
    ]


def _access(config: IdpConfig, parts: Parts, master_key: bytes) -> Access:
    """Lets requests to userinfo in."""
    tolerance = timedelta(seconds=config.clock_tolerance_seconds)
    expectation = Expectation(
        access_token.TYP, ASYMMETRIC_SIGNING, config.issuer, (config.issuer,), access_token.REQUIRED, tolerance
    )
    nonces = Nonces(derive_key(master_key, b"tessera idp dpop nonces"))
    replay = ReplayMemory(parts.database, parts.redis)
    return Access(
        tokens=AccessTokenVerifier(parts.ring, parts.revocations, expectation),
        proofs=ProofVerifier(nonces, replay, tolerance, config.dpop.require_nonce),
        base_urls=(config.public_url,),
    )


def _health(parts: Parts) -> Endpoint:
    async def has_keys() -> bool:
        return bool(parts.ring.current.keys)

    return health_endpoint({"database": database_check(parts.database), "keys": has_keys})


_HTML = "text/html"
_PAGE = Reply(200, "A page", media_type=_HTML)
_ANSWER = Reply(303, "Back to the issuer, with the answer", headers=("Location",))
_BAD_ASK = Reply(400, "The ask is missing, not from the issuer, or too old", media_type=_HTML)
_NOT_ACCEPTED = Reply(403, "The page again: not its own form, or wrong credentials", media_type=_HTML)
_BUSY = Reply(503, "The page again: too many logins are waiting", media_type=_HTML)
_AFTER_LOGOUT = Reply(303, "To the client's post_logout_redirect_uri", headers=("Location",))
_CSRF = Parameter("csrf", "Token of the page", required=True)


def _ask(where: Literal["query", "form"]) -> Parameter:
    return Parameter("ask", "What the issuer asks for, sealed", required=True, where=where)


def _logout_parameters(where: Literal["query", "form"]) -> tuple[Parameter, ...]:
    return (
        Parameter("id_token_hint", "An ID token of the session; it may have expired", where=where),
        Parameter("client_id", "The client; must be the ID token's audience", where=where),
        Parameter("post_logout_redirect_uri", "Where to go afterwards; registered, exactly", where=where),
        Parameter("state", "Comes back with the redirect", where=where),
    )

"""The one composition root: builds every object, and lists every endpoint."""

from datetime import timedelta

from starlette.routing import Router
from starlette.types import ASGIApp

from tessera_idp.config import IdpConfig
from tessera_idp.endpoints.account.activity import ActivityEndpoint
from tessera_idp.endpoints.account.applications import ApplicationsEndpoint
from tessera_idp.endpoints.account.email import EmailEndpoint
from tessera_idp.endpoints.account.email_codes import EmailCodesEndpoint
from tessera_idp.endpoints.account.factors import Factors
from tessera_idp.endpoints.account.guard import AccountGuard, Service
from tessera_idp.endpoints.account.layout import AccountLayout
from tessera_idp.endpoints.account.overview import OverviewEndpoint
from tessera_idp.endpoints.account.passkeys import PasskeysEndpoint
from tessera_idp.endpoints.account.password import PasswordEndpoint
from tessera_idp.endpoints.account.profile import ProfileEndpoint
from tessera_idp.endpoints.account.recovery_codes import RecoveryCodesEndpoint
from tessera_idp.endpoints.account.security import SecurityEndpoint
from tessera_idp.endpoints.account.sessions import SessionsEndpoint
from tessera_idp.endpoints.account.totp import TotpEndpoint
from tessera_idp.endpoints.account_changes import AccountChanges
from tessera_idp.endpoints.audit_trail import AuditTrail, counted
from tessera_idp.endpoints.browser import Cookies, Forms, Sessions
from tessera_idp.endpoints.consent import ConsentEndpoint
from tessera_idp.endpoints.devices import Devices
from tessera_idp.endpoints.email_code import EmailCodeEndpoint
from tessera_idp.endpoints.handover import Handover
from tessera_idp.endpoints.login import LoginEndpoint
from tessera_idp.endpoints.login_flow import LoginFlow
from tessera_idp.endpoints.login_set_up import LoginSetUp
from tessera_idp.endpoints.login_set_up_passkey import LoginSetUpPasskeyEndpoint
from tessera_idp.endpoints.login_set_up_totp import LoginSetUpTotpEndpoint
from tessera_idp.endpoints.logout import LogoutEndpoint
from tessera_idp.endpoints.metadata import MetadataEndpoint
from tessera_idp.endpoints.new_password import NewPasswordEndpoint
from tessera_idp.endpoints.onward import Onward
from tessera_idp.endpoints.reset_password import ResetPasswordEndpoint
from tessera_idp.endpoints.second_factor import SecondFactorEndpoint
from tessera_idp.endpoints.sign_up import SignUpEndpoint
from tessera_idp.endpoints.undo_email_change import UndoEmailChangeEndpoint
from tessera_idp.endpoints.userinfo import UserinfoEndpoint
from tessera_idp.endpoints.userinfo_response import UserinfoResponses
from tessera_idp.endpoints.verify_email import VerifyEmailEndpoint
from tessera_idp.id_token_hint import HintReader
from tessera_idp.login_methods.method import Verifiers
from tessera_idp.login_methods.passkey_set_up import PasskeySetUp
from tessera_idp.login_methods.totp_set_up import TotpSetUp
from tessera_idp.notices import Notices
from tessera_idp.parts import Parts
from tessera_idp.password_policy import password_policy
from tessera_idp.protection import Protection
from tessera_idp.store.account import AccountStore
from tessera_idp.store.client_subjects import ClientSubjects
from tessera_idp.store.clients import LogoutClientStore
from tessera_idp.store.userinfo_clients import UserinfoClientStore
from tessera_shared import access_token
from tessera_shared.access_token import AccessTokenVerifier
from tessera_shared.client_keys import ClientKeys
from tessera_shared.dpop import Nonces, ProofVerifier
from tessera_shared.http.access import Access
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.headers import parse_networks
from tessera_shared.http.health import database_check, health_endpoint
from tessera_shared.http.openapi import Endpoint, routes
from tessera_shared.http.openapi_document import document_endpoints
from tessera_shared.http.pages import Pages, load_pages
from tessera_shared.jose.algorithms import ASYMMETRIC_SIGNING
from tessera_shared.jose.jwt import Expectation
from tessera_shared.replay import ReplayMemory
from tessera_shared.rotating_key import RotatingKey
from tessera_shared.secret_sealer import SecretSealer
from tessera_shared.throttle import Throttle, throttled
from tessera_shared.uri import origin

TITLE = "Tessera IdP"
DESCRIPTION = "Identity provider: login, consent, logout and userinfo of the issuer's users."


def build_app(config: IdpConfig, parts: Parts, master_key: RotatingKey) -> ASGIApp:
    """The ASGI application.

    Raises:
        StartupError: Pages or the OpenAPI document cannot be loaded.

    """
    pages = load_pages("tessera_idp", branding=config.branding)
    endpoints = [*_page_endpoints(config, parts, pages, master_key), *_api_endpoints(config, parts, master_key)]
    endpoints += [*pages.endpoints(), _health(parts)]
    endpoints += document_endpoints(TITLE, DESCRIPTION, endpoints)
    router = Router(routes(endpoints), redirect_slashes=False)
    proxies, certificate_proxies = config.trusted_proxies, config.client_certificate_proxies
    return Exchange(router, parse_networks(proxies), parse_networks(certificate_proxies), parts.metrics, parts.traces)


def _page_endpoints(config: IdpConfig, parts: Parts, pages: Pages, master_key: RotatingKey) -> list[Endpoint]:
    cookies = Cookies(config.cookies_secure)
    forms = Forms(master_key.derive(b"tessera idp forms"), origin(config.public_url), cookies)
    sessions = Sessions(
        parts.sessions,
        parts.redis,
        cookies,
        config.sessions.lifetime,
        parts.database,
        AuditTrail(parts.database, counted(parts.metrics)),
    )
    handover = Handover(parts.ring, config.issuer)
    hints = _hints(config, parts)
    notices = Notices(parts.mailer, parts.database, parts.users, config.public_url)
    protection = Protection(Throttle(parts.redis, throttled(parts.metrics)), config.protection)
    devices = Devices(parts.devices, cookies, config.sessions.device_lifetime, notices, protection)
    flow = LoginFlow(handover, forms, sessions, parts.logins, _verifiers(config, parts), devices, protection)
    login = LoginEndpoint(handover, forms, sessions, flow, pages, config.accounts.sign_up == "open")
    second_factor = SecondFactorEndpoint(handover, forms, flow, pages)
    factors = Factors(flow.verifiers, sessions.trail, notices)
    set_up_key = master_key.derive(b"tessera idp totp set-ups")
    totp_set_up = TotpSetUp(set_up_key, config.branding.name, parts.totp)
    passkey_set_up = PasskeySetUp(flow.verifiers)
    consent = ConsentEndpoint(handover, forms, sessions, pages)
    logout = LogoutEndpoint(hints, forms, sessions, pages, config.issuer, config.logout.revoke_grants)
    layout = AccountLayout(pages, forms)
    guard = AccountGuard(handover, sessions, Service(config.branding.name, config.public_url), config.account.fresh)
    account = _account_endpoints(guard, layout, AccountStore(parts.database))
    account += SecurityEndpoint(guard, layout, flow.verifiers).endpoints()
    account += PasskeysEndpoint(guard, layout, passkey_set_up, factors).endpoints()
    account += _own_account_endpoints(_account_changes(config, parts, sessions, devices, notices), flow, guard, layout)
    account += _factor_endpoints(flow, factors, totp_set_up, guard, layout)
    email_code = EmailCodeEndpoint(handover, forms, flow, parts.mailer, pages)
    login_set_up = LoginSetUp(handover, forms, flow, factors, pages)
    login_stages = [
        *login.endpoints(),
        *second_factor.endpoints(),
        *email_code.endpoints(),
        *LoginSetUpTotpEndpoint(login_set_up, totp_set_up).endpoints(),
        *LoginSetUpPasskeyEndpoint(login_set_up, passkey_set_up).endpoints(),
    ]
    return [*login_stages, *consent.endpoints(), *logout.endpoints(), *account]


def _verifiers(config: IdpConfig, parts: Parts) -> Verifiers:
    return Verifiers(
        users=parts.users,
        passwords=parts.passwords,
        passkeys=parts.passkeys,
        challenges=parts.challenges,
        relying_party=config.relying_party,
        totp=parts.totp,
        recovery_codes=parts.recovery_codes,
        email_codes=parts.email_codes,
    )


def _account_endpoints(guard: AccountGuard, layout: AccountLayout, store: AccountStore) -> list[Endpoint]:
    return [
        *OverviewEndpoint(guard, layout).endpoints(),
        *SessionsEndpoint(guard, layout, guard.sessions).endpoints(),
        *ApplicationsEndpoint(guard, layout, guard.sessions, store).endpoints(),
        *ActivityEndpoint(guard, layout, store).endpoints(),
    ]


def _account_changes(
    config: IdpConfig, parts: Parts, sessions: Sessions, devices: Devices, notices: Notices
) -> AccountChanges:
    return AccountChanges(
        database=parts.database,
        users=parts.users,
        mailer=parts.mailer,
        notices=notices,
        passwords=parts.passwords,
        policy=password_policy(config),
        sessions=sessions,
        devices=devices,
        public_url=config.public_url,
        settings=config.accounts,
    )


def _own_account_endpoints(
    changes: AccountChanges, flow: LoginFlow, guard: AccountGuard, layout: AccountLayout
) -> list[Endpoint]:
    """What users do with accounts by themselves: sign-up, forgotten passwords, profile, password and address."""
    forms, pages, protection = flow.forms, layout.pages, flow.protection
    onward = Onward(flow.handover, forms)
    return [
        *SignUpEndpoint(changes, onward, forms, protection, pages).endpoints(),
        *VerifyEmailEndpoint(changes, onward, forms, flow, protection, pages).endpoints(),
        *ResetPasswordEndpoint(changes, onward, forms, protection, pages).endpoints(),
        *NewPasswordEndpoint(changes, onward, forms, pages).endpoints(),
        *UndoEmailChangeEndpoint(changes, forms, pages).endpoints(),
        *ProfileEndpoint(guard, layout, changes).endpoints(),
        *PasswordEndpoint(guard, layout, changes, protection).endpoints(),
        *EmailEndpoint(guard, layout, changes, protection).endpoints(),
    ]


def _factor_endpoints(
    flow: LoginFlow, factors: Factors, set_up: TotpSetUp, guard: AccountGuard, layout: AccountLayout
) -> list[Endpoint]:
    return [
        *TotpEndpoint(guard, layout, set_up, factors, flow.protection).endpoints(),
        *RecoveryCodesEndpoint(guard, layout, factors).endpoints(),
        *EmailCodesEndpoint(guard, layout, flow.verifiers, factors).endpoints(),
    ]


def _hints(config: IdpConfig, parts: Parts) -> HintReader:
    subjects = ClientSubjects(parts.database, parts.subjects)
    return HintReader(parts.ring, LogoutClientStore(parts.database), subjects, config.issuer)


def _api_endpoints(config: IdpConfig, parts: Parts, master_key: RotatingKey) -> list[Endpoint]:
    clients = UserinfoClientStore(parts.database)
    keys, sealer = ClientKeys(parts.fetcher), SecretSealer(master_key)
    responses = UserinfoResponses(config.issuer, parts.ring, keys, sealer)
    userinfo = UserinfoEndpoint(_access(config, parts, master_key), parts.users, clients, parts.subjects, responses)
    return [*userinfo.endpoints(), *MetadataEndpoint(parts.metadata).endpoints()]


def _access(config: IdpConfig, parts: Parts, master_key: RotatingKey) -> Access:
    """Lets requests to userinfo in."""
    tolerance = timedelta(seconds=config.clock_tolerance_seconds)
    expectation = Expectation(
        access_token.TYP, ASYMMETRIC_SIGNING, config.issuer, (config.issuer,), access_token.REQUIRED, tolerance
    )
    nonces = Nonces(master_key.derive(b"tessera idp dpop nonces"))
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

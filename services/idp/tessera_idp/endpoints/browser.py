"""What this service knows of a browser: its cookies, its login session, and whether a form is its own."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.audit_trail import AuditTrail, user_agent
from tessera_idp.login_methods import STRENGTHS
from tessera_idp.protocol.digest import digest
from tessera_idp.protocol.form_token import form_token, is_foreign, is_form_token
from tessera_idp.protocol.levels import Used, acr_of, amr_of
from tessera_idp.protocol.models import Session
from tessera_idp.store.access_tokens import revocation_lifetime
from tessera_idp.store.sessions import NewLogin, SessionStore
from tessera_shared import logging
from tessera_shared.audit import Event
from tessera_shared.clock import seconds
from tessera_shared.db import Database
from tessera_shared.errors import OAuthError
from tessera_shared.handoff import Authentication
from tessera_shared.http.form import Form
from tessera_shared.redis import Redis
from tessera_shared.revocation import durable
from tessera_shared.revocation.entry import Revocation
from tessera_shared.rotating_key import RotatingKey

_COOKIE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Cookies:
    """The cookies: `session` of the login, `form` of the forms, `device` of the browser, `login_…` of a login begun.

    Under TLS `__Host-` binds them to this host.
    """

    secure: bool

    def read(self, request: Request, purpose: str) -> str | None:
        """The cookie's value."""
        return request.cookies.get(self.name(purpose)) or None

    def set(self, response: Response, purpose: str, value: str, lifetime: timedelta | None = None) -> None:
        """Set it, until the browser is closed or for a time."""
        response.set_cookie(
            self.name(purpose),
            value,
            max_age=None if lifetime is None else int(lifetime.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def clear(self, response: Response, purpose: str) -> None:
        """Delete it."""
        response.delete_cookie(self.name(purpose), path="/", secure=self.secure, httponly=True, samesite="lax")

    def name(self, purpose: str) -> str:
        """The cookie's name (RFC 6265bis §4.1.3.2)."""
        return f"__Host-tessera_{purpose}" if self.secure else f"tessera_{purpose}"


@dataclass(frozen=True, slots=True)
class Forms:
    """Forms that only the browser that was shown them can send."""

    key: RotatingKey
    own_origin: str
    cookies: Cookies

    def browser_id(self, request: Request) -> str:
        """The browser's cookie for forms, or a new one for it."""
        return self.cookies.read(request, "form") or secrets.token_urlsafe(_COOKIE_BYTES)

    def token(self, browser_id: str, *form: str) -> str:
        """The hidden token of a form."""
        return form_token(self.key.current, browser_id, *form)

    def remember(self, response: Response, request: Request, browser_id: str) -> Response:
        """Give the browser its cookie, if it has none."""
        if self.cookies.read(request, "form") is None:
            self.cookies.set(response, "form", browser_id)
        return response

    def refuse_foreign(self, request: Request) -> None:
        """Refuse a form that another site sent.

        Raises:
            OAuthError: The browser says so.

        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if is_foreign(site, origin, self.own_origin):
            raise OAuthError(
                "access_denied",
                "This form can only be sent from its own page.",
                status=403,
                section="Fetch Metadata Request Headers §2.4",
                expected="same-origin",
                received=site or (origin or "")[:200],
            )

    def is_own(self, request: Request, sent: Form, *form: str) -> bool:
        """Whether the form was shown to this browser."""
        token, browser_id = sent.get("csrf"), self.cookies.read(request, "form")
        own = any(is_form_token(token, key, browser_id, *form) for key in self.key.every)
        if not own:
            logging.get().info("form refused", form=form[0], reason="no token of this browser and form")
        return own


@dataclass(frozen=True, slots=True)
class Sessions:
    """Login sessions of browsers."""

    store: SessionStore
    redis: Redis
    cookies: Cookies
    lifetime: timedelta
    database: Database
    trail: AuditTrail

    async def current(self, request: Request, now: datetime) -> Session | None:
        """The browser's live session."""
        cookie = self.cookies.read(request, "session")
        return None if cookie is None else await self.store.find(digest(cookie), now)

    async def named(self, sid: str, sub: str, now: datetime) -> Session | None:
        """The live session of that id and user."""
        session = await self.store.find_by_sid(sid, now)
        return session if session and session.sub == sub else None

    async def begin(
        self, request: Request, sub: str, used: tuple[Used, ...], now: datetime
    ) -> tuple[Authentication, str]:
        """Store a login; what is told of it, and the browser's new cookie: never one that it had before.

        The time of a login is the time of its last method: the user was actively authenticated then.
        """
        acr, amr = acr_of((each.method for each in used), STRENGTHS), amr_of(used, STRENGTHS)
        old = self.cookies.read(request, "session")
        cookie = secrets.token_urlsafe(_COOKIE_BYTES)
        login = NewLogin(
            sid=secrets.token_urlsafe(16),
            cookie_hash=digest(cookie),
            sub=sub,
            auth_time=now,
            acr=acr,
            amr=amr,
            used=used,
            user_agent=user_agent(request),
            address=request.state.client_address,
            expires_at=now + self.lifetime,
        )
        until = now + await revocation_lifetime(self.database)
        begun = await self.store.begin(login, None if old is None else digest(old), until)
        await self.announce(begun.revoked_grants, now)
        await self.trail.record(request, sub, Event("session.begun", begun.sid, details={"amr": amr}))
        logging.get().info("logged in", sub=sub, sid=begun.sid, acr=acr, amr=list(amr))
        return Authentication(sub, begun.sid, seconds(now), acr, amr), cookie

    async def end(self, request: Request, session: Session, now: datetime) -> None:
        """End a session; what was granted in it is revoked durably first, then announced."""
        revoked = await self.store.end(session.sid, now, now + await revocation_lifetime(self.database))
        await self.announce(revoked, now)
        await self.trail.record(request, session.sub, Event("session.ended", session.sid))
        logging.get().info("logged out", sub=session.sub, sid=session.sid, revoked_grants=len(revoked))

    async def end_all(self, request: Request, session: Session, now: datetime) -> None:
        """End every session of the user of this one."""
        until = now + await revocation_lifetime(self.database)
        ended, grants = await self.store.end_all(session.sub, now, until)
        await self.announce(grants, now)
        for sid in ended:
            await self.trail.record(request, session.sub, Event("session.ended", sid))
        logging.get().info("logged out everywhere", sub=session.sub, sid=session.sid, sessions=len(ended))

    async def announce(self, grants: tuple[str, ...], now: datetime) -> None:
        """Tell verifiers of grants whose revocation is recorded."""
        if grants:
            lifetime = await revocation_lifetime(self.database)
            revocations = [Revocation("grant_id", grant, now + lifetime) for grant in grants]
            await durable.announce(self.redis, revocations, lifetime, now)

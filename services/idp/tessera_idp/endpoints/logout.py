"""`/oidc/v1/logout`: RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0), and the user's own.

The page after it tells clients in frames (Front-Channel Logout 1.0); authz tells them by itself (Back-Channel Logout).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.endpoints.browser import Forms, Sessions
from tessera_idp.endpoints.page_declarations import NOT_ACCEPTED, PAGE
from tessera_idp.id_token_hint import HintReader
from tessera_idp.protocol.logout import (
    Hint,
    LogoutRequest,
    Revokes,
    frame_url,
    needs_confirmation,
    redirect_target,
)
from tessera_idp.protocol.models import Session
from tessera_idp.protocol.page_policy import form_destinations
from tessera_shared import clock, logging
from tessera_shared.http import form
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.headers import NO_STORE, page_headers
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply
from tessera_shared.http.pages import Pages
from tessera_shared.uri import origin

_STALE = "This page was open for too long, or your browser does not keep cookies. Try again."


@dataclass(frozen=True, slots=True)
class LogoutEndpoint:
    """The logout, its confirmation page and the page after it."""

    hints: HintReader
    forms: Forms
    sessions: Sessions
    pages: Pages
    issuer: str
    revokes: Revokes

    async def by_query(self, request: Request) -> Response:
        """GET: a client, or the user, asks for a logout."""
        return await self._start(request, form.query(request))

    async def by_form(self, request: Request) -> Response:
        """POST: the same (§2), or the confirmation page's answer."""
        sent = await form.body(request)
        return await (self._start(request, sent) if sent.get("action") is None else self._confirmed(request, sent))

    async def _start(self, request: Request, parameters: Form) -> Response:
        # 1. what is asked, and whether a client proves to ask
        now = clock.now()
        asked, hint = await self._read(parameters, now)
        # 2. whose session
        session = await self.sessions.current(request, now)
        if session is None and hint is not None and hint.sid is not None:
            # a form sent by the client's page comes without this site's cookies: the ID token names the session
            session = await self.sessions.named(hint.sid, hint.sub, now)
        # 3. ask the user where the client does not prove that this session is meant, or where nothing can be seen
        unseen = request.method == "POST" and hint is None and self.sessions.cookies.read(request, "session") is None
        if unseen or (session is not None and needs_confirmation(session, hint, asked.logout_hint)):
            return self._page(request, asked, hint, session)
        # 4. the end
        return await self._finish(request, asked, hint, session)

    async def _confirmed(self, request: Request, sent: Form) -> Response:
        # 1. what was asked from where, again with its proof
        self.forms.refuse_foreign(request)
        now = clock.now()
        asked, hint = await self._read(sent, now)
        session = await self.sessions.current(request, now)
        # 2. from the page that this browser was shown
        if not self.forms.is_own(request, sent, "logout"):
            return self._page(request, asked, hint, session, _STALE, 403)
        # 3. the decision
        if sent.get("action") != "logout":
            return self.pages.page(request, "stayed.html", ui_locales=asked.ui_locales, session=session)
        everywhere = sent.get("everywhere") == "yes"
        return await self._finish(request, asked, hint, session, everywhere=everywhere)

    async def _read(self, parameters: Form, now: datetime) -> tuple[LogoutRequest, Hint | None]:
        parameters.refuse_repeated("RP-Initiated Logout §2")
        asked = LogoutRequest(
            id_token_hint=parameters.get("id_token_hint"),
            client_id=parameters.get("client_id"),
            post_logout_redirect_uri=parameters.get("post_logout_redirect_uri"),
            state=parameters.get("state"),
            logout_hint=parameters.get("logout_hint"),
            ui_locales=parameters.get("ui_locales"),
        )
        return asked, await self.hints.read(asked, now)

    async def _finish(
        self,
        request: Request,
        asked: LogoutRequest,
        hint: Hint | None,
        session: Session | None,
        *,
        everywhere: bool = False,
    ) -> Response:
        frames: tuple[str, ...] = ()
        if session is not None:
            end = self.sessions.end_all if everywhere else self.sessions.end
            await end(request, session, clock.now())
            frames = await self.hints.clients.frontchannel_uris(session.sid)
        target = redirect_target(asked, hint)
        if target is None and asked.post_logout_redirect_uri is not None:
            logging.get().info(
                "no redirect after logout", section="RP-Initiated Logout §3", valid_hint=hint is not None
            )
        if target is not None and not frames:
            response: Response = RedirectResponse(target, 303, NO_STORE)
        else:
            response = self.pages.page(
                request,
                "logged_out.html",
                ui_locales=asked.ui_locales,
                frames=[frame_url(uri, self.issuer, session.sid) for uri in frames if session],
                target=target,
                language_links=(),  # a logout is not to be asked for again
            )
            response.headers.update(page_headers(frame_sources=sorted({origin(uri) for uri in frames})))
        if self.sessions.cookies.read(request, "session") is not None:
            self.sessions.cookies.clear(response, "session")
        return response

    def _page(
        self,
        request: Request,
        asked: LogoutRequest,
        hint: Hint | None,
        session: Session | None,
        problem: str | None = None,
        status: int = 200,
    ) -> Response:
        target = redirect_target(asked, hint)
        browser_id = self.forms.browser_id(request)
        response = self.pages.page(
            request,
            "logout.html",
            status=status,
            form_action=() if target is None else form_destinations(self.issuer, origin(target)),
            ui_locales=asked.ui_locales,
            client_name=hint.client.name if hint else None,
            revokes=self.revokes,
            session=session,
            asked=asked,
            csrf=self.forms.token(browser_id, "logout"),
            problem=problem,
        )
        return self.forms.remember(response, request, browser_id)

    def endpoints(self) -> list[Endpoint]:
        """The logout endpoint's declaration."""
        by_query, by_form = as_page(self.pages, self.by_query), as_page(self.pages, self.by_form)
        decided = (
            *_parameters("form"),
            Parameter("csrf", "Token of the confirmation page"),
            Parameter("action", "The confirmation page's button", values=("logout", "stay")),
            Parameter("everywhere", "End all sessions of the user", values=("yes",)),
        )
        summary, section = "RP-initiated logout", "OpenID Connect RP-Initiated Logout 1.0 §2"
        asked, replies = _parameters("query"), (PAGE, _AFTER_LOGOUT)
        return [
            Endpoint(
                "/oidc/v1/logout",
                (
                    Operation("GET", summary, by_query, asked, replies, section=section),
                    Operation(
                        "POST",
                        f"{summary}, or its confirmation",
                        by_form,
                        decided,
                        (*replies, NOT_ACCEPTED),
                        (),
                        section,
                    ),
                ),
            )
        ]


def _parameters(where: Literal["query", "form"]) -> tuple[Parameter, ...]:
    return (
        Parameter("id_token_hint", "An ID token of the session; it may have expired", where=where),
        Parameter("client_id", "The client; must be the ID token's audience", where=where),
        Parameter("post_logout_redirect_uri", "Where to go afterwards; registered, exactly", where=where),
        Parameter("state", "Comes back with the redirect", where=where),
        Parameter("logout_hint", "Whom the client means; if that is somebody else, the user is asked", where=where),
        Parameter("ui_locales", "Languages for the pages, the best first", where=where),
    )


_AFTER_LOGOUT = Reply(303, "To the client's post_logout_redirect_uri", headers=("Location",))

"""The authorization endpoint (OAuth 2.1 §3.1): check and store the request, hand over to the idp, answer the client."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from tessera_authz.endpoints.authorization_answer import AuthorizationAnswer
from tessera_authz.endpoints.browser import BrowserCookie
from tessera_authz.endpoints.hand_over import HandOver
from tessera_authz.endpoints.request_reader import Refused, RequestReader, request_uri_not_valid
from tessera_authz.limits import Limits
from tessera_authz.protocol import authorization_request as rules
from tessera_authz.protocol import pkce
from tessera_authz.protocol.authorization_request import AuthorizationRequest
from tessera_authz.protocol.client import Client
from tessera_authz.protocol.models import AuthorizationCode, Grant
from tessera_authz.protocol.next_step import Consent, Login, Proceed, is_identity_assured, next_step, session_over
from tessera_authz.protocol.openid_parameters import DISPLAYS
from tessera_authz.response_modes import RESPONSE_MODES
from tessera_authz.store.clients import ClientDirectory
from tessera_authz.store.grants import GrantStore
from tessera_authz.store.pushed_requests import PushedRequestStore
from tessera_authz.store.requests import PendingRequest, RequestStore
from tessera_authz.tokens import opaque
from tessera_shared import clock, handoff, logging
from tessera_shared.errors import OAuthError
from tessera_shared.handoff import Answer, Authentication, HandoffRefused
from tessera_shared.http import form as forms
from tessera_shared.http.as_page import as_page
from tessera_shared.http.form import Form
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply
from tessera_shared.keystore.live import LiveRing

RESUME_PATH = "/oauth2/v1/authorize/resume"

_POSTED = Reply(200, "A form that posts the answer (response_mode=form_post)", media_type="text/html")
_AWAY = Reply(503, "Something that is needed does not answer: a page", media_type="text/html")
Where = Literal["query", "form"]
_WHERE: Mapping[Literal["GET", "POST"], Where] = {"GET": "query", "POST": "form"}


@dataclass(frozen=True, slots=True)
class AuthorizationLifetimes:
    """How long things on the way to a token last."""

    request: timedelta
    code: timedelta
    grant: timedelta


@dataclass(frozen=True, slots=True)
class AuthorizationEndpoint:
    """Serves authorization requests, from the client's redirect to the answer."""

    hand_over: HandOver
    reader: RequestReader
    cookie: BrowserCookie
    directory: ClientDirectory
    requests: RequestStore
    limits: Limits
    pushed: PushedRequestStore
    grants: GrantStore
    ring: LiveRing
    answer: AuthorizationAnswer
    lifetimes: AuthorizationLifetimes

    async def start(self, request: Request) -> Response:
        """Take an authorization request."""
        # 1. read the parameters, of the query or of a form
        form = forms.query(request) if request.method in ("GET", "HEAD") else await forms.body(request)
        now = clock.now()
        # 2. find the client; until answers have an address every error stays here, on a page
        client = await self._client(form)
        self.directory.note_use(client.client_id)
        # 3. check the request, be it in the parameters, in a request object or pushed before
        incoming = await self.reader.read(form, client, now)
        if isinstance(incoming, Refused):
            return self.answer.error(request, client, incoming.reply, incoming.error)
        # 4. store the request, bound to this browser, and hand over to the identity provider
        await self.limits.count_authorization_request(request.state.client_address)
        cookie = next(iter(self.cookie.read(request)), None) or self.cookie.new()
        step = await self.requests.add(incoming, opaque.digest(cookie[1]), now, now + self.lifetimes.request)
        logging.name_authorization(handoff.authorization_of(step))
        response = await self.hand_over.to_idp(incoming.request, client, Login(), step, now)
        self.cookie.write(response, cookie)
        return response

    async def resume(self, request: Request) -> Response:
        """Take what the identity provider answered."""
        now = clock.now()
        # 1. read the answer, and take its step: once, and from the browser that started the request
        answer, pending = await self._take(request, now)
        # 2. decide what is missing
        known = answer.authentication or pending.authentication
        client = await self._known_client(pending.request.client_id)
        consented = await self._consented(known, client, pending.request.redirect_uri)
        step = next_step(pending.request, known, consented, answer)
        # 3. hand over again, or answer the client
        if isinstance(step, Login | Consent):
            authentication = step.authentication if isinstance(step, Consent) else None
            name = await self.requests.set_step(pending.id, authentication)
            return await self.hand_over.to_idp(pending.request, client, step, name, now)
        await self._use_up(pending, now)
        if isinstance(step, Proceed):
            code = await self._grant(pending.request, step, now)
            if code is not None:
                return self.answer.code(request, client, pending.request.reply_address, code)
            step = session_over()
        return self.answer.error(request, client, pending.request.reply_address, step)

    async def _client(self, form: Form) -> Client:
        if form.repeated & {"client_id", "redirect_uri"}:
            raise OAuthError("invalid_request", "A parameter was sent more than once.", section="RFC 6749 §3.1")
        return await self._known_client(form.require("client_id", "RFC 6749 §4.1.1"))

    async def _known_client(self, client_id: str) -> Client:
        record = await self.directory.find(client_id)
        if record is None:
            raise OAuthError(
                "invalid_request",
                "The client is not known.",
                section="RFC 6749 §4.1.2.1",
                expected="a registered client_id",
                received=client_id[:100],
            )
        return record.client

    async def _take(self, request: Request, now: datetime) -> tuple[Answer, PendingRequest]:
        form = forms.query(request)
        try:
            answer = handoff.open_answer(form.require("answer", "the hand-over"), self.ring.current, now)
        except HandoffRefused as error:
            raise OAuthError(
                "invalid_request",
                "This login cannot be continued. Please start again at the application.",
                section="the hand-over",
                expected="an answer of the identity provider",
                received=str(error),
            ) from error
        logging.name_authorization(handoff.authorization_of(answer.step))
        browser = [opaque.digest(value) for _name, value in self.cookie.read(request)]
        pending = await self.requests.take_step(answer.step, browser, now)
        if pending is None:
            raise OAuthError(
                "invalid_request",
                "This login was finished, has expired or was started in another browser. "
                "Please start again at the application.",
                section="the hand-over",
                expected="a step that is open, from the browser that started it",
                received="another browser, or a used or expired step" if browser else "no cookie",
            )
        return answer, pending

    async def _use_up(self, pending: PendingRequest, now: datetime) -> None:
        """A pushed request is used up when its user has finished (RFC 9126 §7.3), be it with a code or an error."""
        if pending.pushed_hash is not None and not await self.pushed.consume(pending.pushed_hash, now):
            raise request_uri_not_valid("used up")

    async def _consented(
        self, authentication: Authentication | None, client: Client, redirect_uri: str
    ) -> tuple[str, ...]:
        if authentication is None or not is_identity_assured(client, redirect_uri):
            return ()
        return await self.requests.consented_scope(authentication.sub, client.client_id)

    async def _grant(self, request: AuthorizationRequest, step: Proceed, now: datetime) -> str | None:
        """Store the grant with its code, and return the code; None where the session has ended meanwhile."""
        value = opaque.new()
        grant = Grant(
            id=str(uuid4()),
            client_id=request.client_id,
            sub=step.authentication.sub,
            scope=step.scope,
            sid=step.authentication.sid,
            auth_time=datetime.fromtimestamp(step.authentication.auth_time, UTC),
            acr=step.acr,
            amr=step.authentication.amr,
            nonce=request.nonce,
            resource=request.resource,
            created_at=now,
            expires_at=now + self.lifetimes.grant,
            claims=step.claims,
        )
        expires_at = now + self.lifetimes.code
        code = AuthorizationCode(
            code_hash=opaque.digest(value),
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            dpop_jkt=request.dpop_jkt,
            expires_at=expires_at,
            consumed_at=None,
            grant=grant,
        )
        return value if await self.grants.add(grant, code, consented=step.newly_consented) else None

    def endpoints(self) -> list[Endpoint]:
        """Their declarations."""
        replies = (
            Reply(303, "To the login page", headers=("Location", "Set-Cookie")),
            Reply(302, "To the client's redirect URI with an error", headers=("Location",)),
            _POSTED,
            Reply(400, "Unknown client or redirect URI: a page, never a redirect", media_type="text/html"),
            Reply(429, "Too many of one address: a page", media_type="text/html", headers=("Retry-After",)),
            _AWAY,
        )
        resumed = (
            Reply(303, "To the next page of the identity provider", headers=("Location",)),
            Reply(302, "To the client's redirect URI with a code or an error", headers=("Location",)),
            _POSTED,
            Reply(400, "Not continued: a page, never a redirect", media_type="text/html"),
            _AWAY,
        )
        answer = Parameter("answer", "What the identity provider says", required=True, where="query")
        start = tuple(
            Operation(
                method,
                "Ask a user for authorization",
                as_page(self.answer.pages, self.start),
                request_parameters(where),
                replies,
                section="OAuth 2.1 §4.1.1",
            )
            for method, where in _WHERE.items()
        )
        resume = Operation(
            "GET", "Come back from the identity provider", as_page(self.answer.pages, self.resume), (answer,), resumed
        )
        return [
            Endpoint("/oauth2/v1/authorize", start, aliases=("/oauth/authorize",)),
            Endpoint(RESUME_PATH, (resume,)),
        ]


def request_parameters(where: Where) -> tuple[Parameter, ...]:
    """The parameters of an authorization request, for the declarations of the endpoints that take one."""
    return (
        Parameter("request_uri", "A pushed request (RFC 9126); with client_id it suffices", where=where),
        Parameter("request", "A signed request object (RFC 9101)", where=where),
        Parameter("response_type", "code", required=True, where=where, values=rules.RESPONSE_TYPES),
        Parameter("client_id", "The client", required=True, where=where, example="demo-client"),
        Parameter("redirect_uri", "One of the client's redirect URIs, exactly", required=True, where=where),
        Parameter("scope", "What is asked for, space-delimited", where=where, example="openid profile"),
        Parameter("state", "Comes back byte for byte", where=where),
        Parameter("code_challenge", "SHA-256 of the verifier, base64url (RFC 7636)", required=True, where=where),
        Parameter("code_challenge_method", "S256", required=True, where=where, values=pkce.METHODS),
        Parameter("response_mode", "How the answer is sent", where=where, values=tuple(RESPONSE_MODES)),
        Parameter("resource", "The protected resource that is asked for; may be repeated (RFC 8707)", where=where),
        Parameter("dpop_jkt", "The code can be redeemed with this DPoP key only (RFC 9449)", where=where),
        Parameter("nonce", "Comes back in the ID token", where=where),
        Parameter("prompt", "none, login, consent or select_account", where=where),
        Parameter("max_age", "How old the login may be, in seconds", where=where),
        Parameter("acr_values", "The levels of login that are preferred, space-delimited", where=where),
        Parameter("claims", "Single claims for the ID token and userinfo, as JSON", where=where),
        Parameter("login_hint", "Who is expected to log in", where=where),
        Parameter("id_token_hint", "An ID token of the user who is expected; it may have expired", where=where),
        Parameter("ui_locales", "Preferred languages", where=where),
        Parameter("claims_locales", "Preferred languages of claims; each is known in one language only", where=where),
        Parameter("display", "How pages are shown; they fit every size", where=where, values=DISPLAYS),
    )

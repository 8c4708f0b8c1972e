"""The hand-over as the endpoints use it: an ask comes in, an answer goes back through the browser."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera_idp.keys import HANDOFF_ALG
from tessera_idp.protocol.page_policy import displayed, form_destinations, is_own_path, logo_sources
from tessera_shared import logging
from tessera_shared.errors import OAuthError, Unavailable
from tessera_shared.handoff import Answer, Ask, HandoffRefused, authorization_of, open_ask, seal_answer, seal_ask
from tessera_shared.http.form import Form
from tessera_shared.http.headers import NO_STORE
from tessera_shared.http.pages import Pages
from tessera_shared.keystore.live import LiveRing
from tessera_shared.keystore.ring import NoSuchKey, RingKey

_RESUME = "/oauth2/v1/authorize/resume"
_ACCOUNT = "/account"


@dataclass(frozen=True, slots=True)
class Received:
    """An ask, and the text it came as, which the page's form carries on."""

    text: str
    ask: Ask


@dataclass(frozen=True, slots=True)
class Handover:
    """Both directions."""

    ring: LiveRing
    issuer: str

    def receive(self, parameters: Form, want: Literal["login", "consent"] | None, now: datetime) -> Received:
        """The ask in the parameters; `want` None takes either: who is asked for consent may log in as another.

        Raises:
            OAuthError: There is none, or it is not for this page, or it is too old.

        """
        parameters.refuse_repeated()
        text = parameters.get("ask")
        try:
            if text is None:
                raise HandoffRefused("missing")
            ask = open_ask(text, self.ring.current, now)
            if want not in (None, ask.want) or not is_own_path(ask.return_to):
                raise HandoffRefused("made for another page")
        except HandoffRefused as error:
            raise OAuthError(
                "invalid_request",
                "This page was opened without a valid request, or was left open for too long. "
                "Go back to the application and start again.",
                section="Tessera hand-over",
                expected=f"an ask for {want or 'login or consent'}",
                received=str(error),
            ) from error
        logging.name_authorization(authorization_of(ask.step))
        return Received(text, ask)

    def page(
        self,
        pages: Pages,
        request: Request,
        template: str,
        received: Received,
        *,
        status: int = 200,
        **context: object,
    ) -> Response:
        """A page that serves an ask: it shows the client, and its forms lead on to where the ask does."""
        client = displayed(received.ask.client)
        return pages.page(
            request,
            template,
            status=status,
            form_action=form_destinations(self.issuer, received.ask.redirect_origin),
            image_sources=logo_sources(client),
            ui_locales=received.ask.ui_locales,
            again={"ask": received.text} if context.get("problem") else None,
            client=client,
            ask=received.text,
            **context,
        )

    def finish(self, received: Received, answer: Answer, now: datetime) -> Response:
        """Answer an ask: to the issuer, or, where this service asked itself, by going on to the page it asked for.

        Raises:
            Unavailable: See `answer`.

        """
        if received.ask.return_to is None:
            return self.answer(answer, now)
        return RedirectResponse(received.ask.return_to if answer.authentication else _ACCOUNT, 303, NO_STORE)

    def answer(self, answer: Answer, now: datetime) -> Response:
        """Send the browser back to the issuer with an answer.

        Raises:
            Unavailable: There is no key to seal it with.

        """
        sealed = seal_answer(answer, self._key(now), now)
        # RFC 9700 §4.12: 303, so that no browser sends the form's password on
        return RedirectResponse(f"{self.issuer}{_RESUME}?{urlencode({'answer': sealed})}", 303, NO_STORE)

    def ask(self, ask: Ask, now: datetime) -> Response:
        """Send the browser to the login page for a login that this service asks of itself.

        Raises:
            Unavailable: There is no key to seal it with.

        """
        sealed = seal_ask(ask, self._key(now), now)
        return RedirectResponse(f"/oidc/v1/login?{urlencode({'ask': sealed})}", 303, NO_STORE)

    def _key(self, now: datetime) -> RingKey:
        try:
            return self.ring.current.active("enc", HANDOFF_ALG, now)
        except NoSuchKey as error:
            raise Unavailable(str(error)) from error

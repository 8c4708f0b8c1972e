"""What the pages have in common that set a factor up in a login which demands more than the user has.

Only a login that lacks a level shows them, soon after its first method, and only once whatever else the user has was
shown: whoever knows no more than a password must not add a factor beside a better one.
"""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.account.factors import Codes, Factors
from tessera_idp.endpoints.browser import Forms
from tessera_idp.endpoints.handover import Handover, Received
from tessera_idp.endpoints.login_flow import LoginFlow
from tessera_idp.login_methods import LOGIN_METHODS
from tessera_idp.protocol.levels import SetUp, may_set_up
from tessera_idp.store.logins_under_way import UnderWay
from tessera_shared.handoff import Answer
from tessera_shared.http.form import Form
from tessera_shared.http.pages import Pages


@dataclass(frozen=True, slots=True)
class LoginSetUp:
    """Whether a set-up is due, and how its pages are shown."""

    handover: Handover
    forms: Forms
    flow: LoginFlow
    factors: Factors
    pages: Pages

    async def is_due(self, received: Received, found: UnderWay, method: str, now: datetime) -> bool:
        """Whether this login still lacks a level that this method would reach, and is fresh enough to add it."""
        stage = await self.flow.missing(received, found.sub, found.used)
        return isinstance(stage, SetUp) and method in stage.methods and may_set_up(found.used, now)

    def is_own(self, request: Request, sent: Form, received: Received, method: str) -> bool:
        """Whether a form was sent from the page that this login was shown."""
        return self.forms.is_own(request, sent, _form(method), *self.flow.form_token_parts(request, received))

    async def refuse(self, request: Request, received: Received, now: datetime) -> Response:
        """The user sets nothing up: the level is not reached."""
        return await self.flow.give_up(request, received, Answer(received.ask.step, "unmet"), now)

    async def page(
        self, request: Request, received: Received, found: UnderWay, method: str, *, status: int = 200, **values: object
    ) -> Response:
        """The page that sets a method up, with links to the others that would do."""
        stage = await self.flow.missing(received, found.sub, found.used)
        methods = stage.methods if isinstance(stage, SetUp) else ()
        others = [page for name in methods if name != method and (page := LOGIN_METHODS[name].set_up)]
        template = f"login_set_up_{method}.html"
        return self._shown(request, received, method, template, status=status, others=others, **values)

    def codes(self, request: Request, received: Received, method: str, codes: Codes) -> Response:
        """The user's first recovery codes, this once."""
        return self._shown(request, received, method, "login_codes.html", codes=codes, path=request.url.path)

    def _shown(
        self, request: Request, received: Received, method: str, template: str, *, status: int = 200, **values: object
    ) -> Response:
        browser_id = self.forms.browser_id(request)
        response = self.handover.page(
            self.pages,
            request,
            template,
            received,
            status=status,
            csrf=self.forms.token(browser_id, _form(method), *self.flow.form_token_parts(request, received)),
            **values,
        )
        return self.forms.remember(response, request, browser_id)


def _form(method: str) -> str:
    return f"set-up {method}"

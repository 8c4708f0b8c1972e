"""What all account pages have in common: the menu, the button to log out, and the token of their forms."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from tessera_idp.endpoints.browser import Forms
from tessera_idp.protocol.models import Session
from tessera_shared.http.form import Form
from tessera_shared.http.pages import Pages
from tessera_shared.translatable import N_

Place = Literal["overview", "profile", "security", "sessions", "applications", "activity"]

MENU: tuple[tuple[Place, str, str], ...] = (
    ("overview", "/account", N_("Overview")),
    ("profile", "/account/profile", N_("Profile")),
    ("security", "/account/security", N_("Security")),
    ("sessions", "/account/sessions", N_("Sessions")),
    ("applications", "/account/applications", N_("Applications")),
    ("activity", "/account/activity", N_("Activity")),
)
STALE = N_("This page was open for too long, or your browser does not keep cookies. Try again.")
"""The problem to show with the page again, where a form is not its own."""


@dataclass(frozen=True, slots=True)
class AccountLayout:
    """Shows account pages, whose templates extend `account.html`, and knows their forms again."""

    pages: Pages
    forms: Forms

    def page(
        self,
        request: Request,
        template: str,
        session: Session,
        place: Place,
        *,
        status: int = 200,
        problem: str | None = None,
        image_sources: Iterable[str] = (),
        **context: object,
    ) -> Response:
        """A page of the account.

        Args:
            request: The request it answers.
            template: Extends `account.html`; gets `session`, and `csrf` for the hidden field of its forms.
            session: Of the guard.
            place: Which point of the menu it belongs to.
            status: HTTP status.
            problem: What went wrong, shown above the page; marked by `N_`.
            image_sources: Origins of images beside the page's own.
            context: The template's further values.

        """
        browser_id = self.forms.browser_id(request)
        response = self.pages.page(
            request,
            template,
            status=status,
            again={} if problem is not None else None,
            form_action=(),
            image_sources=image_sources,
            ui_locales=None,
            **context,
            problem=problem,
            session=session,
            time_zone=session.zoneinfo,
            place=place,
            menu=MENU,
            csrf=self.forms.token(browser_id, "account", session.sid),
            logout_csrf=self.forms.token(browser_id, "logout"),
        )
        return self.forms.remember(response, request, browser_id)

    def is_own(self, request: Request, sent: Form, session: Session) -> bool:
        """Whether a form was sent from a page of this user's in this browser; if not, show it again with `STALE`.

        Raises:
            OAuthError: The browser says that another site sent it.

        """
        self.forms.refuse_foreign(request)
        return self.forms.is_own(request, sent, "account", session.sid)

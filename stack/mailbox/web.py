"""The pages that show the mails, and a small JSON API for tests."""

from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from stack.mailbox.box import Box, Letter

_FOLDER = Path(__file__).parent / "templates"
_LONGEST_WAIT = 30.0
_PAGE = {
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
# whatever a mail holds: no script runs, nothing is loaded, and links open in a window of their own
_FRAME = {
    **_PAGE,
    "content-security-policy": "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
}
_NEW_WINDOW = '<base target="_blank">'


def make_app(box: Box) -> Starlette:
    """The application that shows this box."""
    pages = _Pages(box, _environment(), (_FOLDER / "mailbox.css").read_text(encoding="utf-8"))
    return Starlette(
        routes=[
            Route("/", pages.show_all),
            Route("/mails/{id:int}", pages.show_one),
            Route("/mails/{id:int}/html", pages.show_html),
            Route("/clear", pages.clear, methods=["POST"]),
            Route("/api/mails", pages.tell),
            Route("/health", pages.health),
            Route("/mailbox.css", pages.style),
        ]
    )


def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@dataclass(frozen=True, slots=True)
class _Pages:
    box: Box
    environment: Environment
    css: str

    async def show_all(self, _request: Request) -> Response:
        return self._page("list.html", letters=list(reversed(self.box.all())))

    async def show_one(self, request: Request) -> Response:
        return self._page("letter.html", letter=self._letter(request))

    async def show_html(self, request: Request) -> Response:
        return HTMLResponse(_NEW_WINDOW + (self._letter(request).html or ""), headers=_FRAME)

    async def tell(self, request: Request) -> Response:
        """The mails to the address `to`, later than the one of the id `after`; `wait` so many seconds for one."""
        to = request.query_params.get("to")
        after, wait = (request.query_params.get(name, "0") for name in ("after", "wait"))
        if not after.isdecimal() or not wait.isdecimal():
            raise HTTPException(400, "after and wait are whole numbers")
        number, seconds = int(after), min(float(wait), _LONGEST_WAIT)
        found = self.box.all(to, number) or await self.box.wait(to, number, seconds)
        return JSONResponse({"mails": [_told(letter) for letter in found]})

    async def clear(self, _request: Request) -> Response:
        self.box.clear()
        return RedirectResponse("/", 303)

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def style(self, _request: Request) -> Response:
        return Response(self.css, media_type="text/css")

    def _page(self, name: str, **values: object) -> Response:
        return HTMLResponse(self.environment.get_template(name).render(values), headers=_PAGE)

    def _letter(self, request: Request) -> Letter:
        found = self.box.find(int(request.path_params["id"]))
        if found is None:
            raise HTTPException(404, "There is no such mail here any more.")
        return found


def _told(letter: Letter) -> dict[str, object]:
    return {**asdict(letter), "received_at": letter.received_at.isoformat(), "headers": dict(letter.headers)}

"""The look of every page a browser shows: one layout, one stylesheet, and the error page; used by authz and idp.

A page comes in the language that its user chose by the links at its foot, else in one that the client named
(`ui_locales`), else in one that the browser asks for, else in the default language.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tessera_shared.branding import Branding, stylesheet
from tessera_shared.errors import StartupError
from tessera_shared.http.headers import page_headers
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply
from tessera_shared.http.pages.language_choice import choose_language, from_accept_language, from_ui_locales
from tessera_shared.http.pages.languages import ENGLISH, Language, load_languages
from tessera_shared.http.pages.template_environment import template_environment

__all__ = ["Asset", "Pages", "load_pages"]

_LOGOS = {".svg": "image/svg+xml", ".png": "image/png"}
_MOST_LOGO_BYTES = 200_000
LANGUAGE_COOKIE = "tessera_language"
LANGUAGE_PARAMETER = "lang"
_YEAR_SECONDS = 365 * 24 * 3600

_FOREVER = "public, max-age=31536000, immutable"
_FILES = {
    "tessera.css": "text/css",
    "tessera.svg": "image/svg+xml",
    "form_post.js": "text/javascript",
    "front_channel_logout.js": "text/javascript",
    "passkey.js": "text/javascript",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load: its path, its address with a hash of its content, and the content."""

    path: str
    url: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Pages:
    """The templates and assets of one service."""

    environments: Mapping[str, Environment]
    languages: Mapping[str, Language]
    assets: Mapping[str, Asset]
    default_language: str = ENGLISH

    def render(self, template: str, language: str = ENGLISH, **context: object) -> str:
        """A template in a language: values are escaped but in .txt, and one that the template misses is an error."""
        return self.environments[language].get_template(template).render({"language_links": (), **context})

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        form_action: Iterable[str] = (),
        image_sources: Iterable[str] = (),
        ui_locales: str | None = None,
        again: Mapping[str, str] | None = None,
        **context: object,
    ) -> Response:
        """A template as an answer that cannot be framed or stored.

        Args:
            request: The request it answers.
            template: The template's name.
            status: HTTP status.
            form_action: Origins a form may lead to beside the page's own, redirects included.
            image_sources: Origins of images beside the page's own.
            ui_locales: Languages that the client named; without them those in the request's own query count.
            again: For the answer to a form that shows the form's page again: the query that page is asked for with.
            context: The template's values.

        """
        language = self.language(request, ui_locales)
        context = {"language_links": self._language_links(request, again), **context}
        html = self.render(template, language, request_id=request.state.request_id, **context)
        headers = page_headers(form_action, image_sources=image_sources)
        response = HTMLResponse(html, status, {**headers, "content-language": language})
        if request.query_params.get(LANGUAGE_PARAMETER) == language:
            response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_SECONDS, httponly=True, samesite="lax")
        return response

    def language(self, request: Request, ui_locales: str | None = None) -> str:
        """The tag of the language for whoever sent this request."""
        chosen = (request.query_params.get(LANGUAGE_PARAMETER), request.cookies.get(LANGUAGE_COOKIE))
        wishes = (
            [tag for tag in chosen if tag],
            from_ui_locales(ui_locales or request.query_params.get("ui_locales")),
            from_accept_language(request.headers.get("accept-language")),
        )
        return choose_language(wishes, self.languages, self.default_language)

    def error_page(self, request: Request, title: str, message: str, error_code: str, status: int) -> Response:
        """What a user sees where an error must not be told to the client by a redirect.

        The page also shows the request's id, under which the log has the details.

        Args:
            request: The request it answers.
            title: A few words: what is the matter.
            message: One or two sentences for the user: what happened and what can be done.
            error_code: The specification's code, such as `invalid_request`, for whoever is asked for help.
            status: HTTP status.

        """
        return self.page(
            request,
            "error.html",
            status=status,
            title=title,
            message=message,
            error_code=error_code,
            language_links=(),  # what an error answers is not to be sent again
        )

    def endpoints(self) -> list[Endpoint]:
        """The endpoints that serve the assets: cached for good, since a changed file has another address."""
        return [_asset_endpoint(asset) for asset in self.assets.values()]

    def _language_links(self, request: Request, again: Mapping[str, str] | None) -> list[tuple[Language, str]]:
        """The same page in each language; none for the answer to a form, where it cannot be asked for again."""
        if request.method != "GET" and again is None:
            return []
        asked = request.query_params.multi_items() if again is None or request.method == "GET" else again.items()
        kept = [pair for pair in asked if pair[0] != LANGUAGE_PARAMETER]
        return [
            (language, f"?{urlencode([*kept, (LANGUAGE_PARAMETER, tag)])}") for tag, language in self.languages.items()
        ]


def load_pages(*packages: str, branding: Branding | None = None) -> Pages:
    """Read the shared templates and assets, and the `templates` and `locales` folders of each package named.

    Raises:
        StartupError: A folder or file is not installed, or the branding names what there is not.

    """
    branding = branding or Branding()
    try:
        sources = (*packages, __name__)
        loader = ChoiceLoader([PackageLoader(package) for package in sources])
        assets = _load_assets(branding)
        languages = load_languages(sources)
    except (OSError, ValueError, ImportError) as error:
        raise StartupError(f"pages: templates, languages or assets cannot be read: {error}") from error
    if branding.default_language not in languages:
        raise StartupError(f"branding: default_language must be one of {', '.join(languages)}")
    known = {"assets": {name: asset.url for name, asset in assets.items()}, "branding": branding}
    environments = {tag: template_environment(loader, language, known) for tag, language in languages.items()}
    return Pages(environments, languages, assets, branding.default_language)


def _load_assets(branding: Branding) -> dict[str, Asset]:
    folder = resources.files(__name__) / "assets"
    contents = {name: (folder / name).read_bytes() for name in _FILES}
    contents["tessera.css"] += stylesheet(branding).encode()
    assets = {name: _asset(name, content, _FILES[name]) for name, content in contents.items()}
    if branding.logo_file is not None:
        assets["logo"] = _load_logo(branding.logo_file)
    return assets


def _load_logo(file: Path) -> Asset:
    media_type, content = _LOGOS.get(file.suffix.lower()), file.read_bytes()
    if media_type is None or len(content) > _MOST_LOGO_BYTES:
        raise ValueError(f"{file} must be one of {', '.join(_LOGOS)} and have at most {_MOST_LOGO_BYTES} bytes")
    return _asset(f"logo{file.suffix.lower()}", content, media_type)


def _asset(name: str, content: bytes, media_type: str) -> Asset:
    path = f"/ui/{name}"
    return Asset(path, f"{path}?v={hashlib.sha256(content).hexdigest()[:16]}", content, media_type)


def _asset_endpoint(asset: Asset) -> Endpoint:
    async def serve(_request: Request) -> Response:
        return Response(asset.content, media_type=asset.media_type, headers={"cache-control": _FOREVER})

    version = Parameter("v", "Hash of the content, so that a changed file has another address", where="query")
    reply = Reply(200, "The file", media_type=asset.media_type, headers=("Cache-Control",))
    return Endpoint(
        asset.path, (Operation("GET", "A file of the pages", serve, parameters=(version,), replies=(reply,)),)
    )

"""The look of every page a browser shows: one layout, one stylesheet, and the error page; used by authz and idp."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tessera_shared.errors import StartupError
from tessera_shared.http.headers import page_headers
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply

__all__ = ["Asset", "Pages", "load_pages"]

_FOREVER = "public, max-age=31536000, immutable"
_FILES = {
    "tessera.css": "text/css",
    "tessera.svg": "image/svg+xml",
    "form_post.js": "text/javascript",
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

    environment: Environment
    assets: Mapping[str, Asset]

    def render(self, template: str, **context: object) -> str:
        """A template as HTML; every value is escaped, and one that the template misses is an error."""
        return self.environment.get_template(template).render(context)

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        form_action: Iterable[str] = (),
        image_sources: Iterable[str] = (),
        **context: object,
    ) -> Response:
        """A template as an answer that cannot be framed or stored.

        Args:
            request: The request it answers.
            template: The template's name.
            status: HTTP status.
            form_action: Origins a form may lead to beside the page's own, redirects included.
            image_sources: Origins of images beside the page's own.
            context: The template's values.

        """
        headers = page_headers(form_action, image_sources=image_sources)
        html = self.render(template, request_id=request.state.request_id, **context)
        return HTMLResponse(html, status, headers)

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
        )

    def endpoints(self) -> list[Endpoint]:
        """The endpoints that serve the assets: cached for good, since a changed file has another address."""
        return [_asset_endpoint(asset) for asset in self.assets.values()]


def load_pages(*packages: str) -> Pages:
    """Read the shared templates and assets, and the `templates` folder of each package named.

    Raises:
        StartupError: A folder or file is not installed.

    """
    try:
        loaders = [PackageLoader(package) for package in (*packages, __name__)]
        assets = {name: _load_asset(name, media_type) for name, media_type in _FILES.items()}
    except (OSError, ValueError, ImportError) as error:
        raise StartupError(f"pages: templates or assets are not installed: {error}") from error
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["assets"] = {name: asset.url for name, asset in assets.items()}
    return Pages(environment, assets)


def _load_asset(name: str, media_type: str) -> Asset:
    content = (resources.files(__name__) / "assets" / name).read_bytes()
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

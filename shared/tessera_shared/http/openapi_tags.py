"""The chapters of the OpenAPI documents: which paths belong together, in the order in which a reader wants them."""

from collections.abc import Mapping
from typing import Any

_CHAPTERS: Mapping[str, tuple[str, ...]] = {
    "Authorization and tokens": ("/oauth2/",),
    "Userinfo": ("/oidc/v1/userinfo",),
    "Protected resources": ("/resource",),
    "Registration": ("/oauth2/v1/register", "/oauth2/v1/clients/"),
    "Metadata and health": ("/.well-known/", "/oauth2/v1/jwks", "/health"),
    "Pages: login, consent, logout, accounts": ("/oidc/",),
    "Pages of one's own account": ("/account",),
    "Authorization and tokens, by other names": ("/oauth/",),
    "Files and this document": ("/ui/",),
    "Further": ("/",),
}
"""How the paths of a chapter begin; a path belongs where the longest beginning fits."""


def add_tags(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a tag at each operation, and the tags it uses in their order (OpenAPI 3.1 §4.8.22)."""
    paths = {
        path: {method: {"tags": [_tag(path)], **operation} for method, operation in operations.items()}
        for path, operations in document["paths"].items()
    }
    used = {_tag(path) for path in paths}
    return {**document, "tags": [{"name": name} for name in _CHAPTERS if name in used], "paths": paths}


def _tag(path: str) -> str:
    starts = {start: name for name, each in _CHAPTERS.items() for start in each if path.startswith(start)}
    return starts[max(starts, key=len)]

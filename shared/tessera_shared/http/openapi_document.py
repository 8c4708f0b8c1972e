"""The OpenAPI 3.1 document of a service, made of the declarations that serve requests, and the page that shows it."""

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Literal

from pydantic import TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tessera_shared import logging
from tessera_shared.errors import StartupError
from tessera_shared.http.headers import page_headers
from tessera_shared.http.openapi import Endpoint, OAuthErrorBody, Operation, Parameter, Reply
from tessera_shared.http.openapi_examples import BODIES, PARAMETERS, error_example
from tessera_shared.http.openapi_tags import add_tags

Schemas = Mapping[type[Any], dict[str, Any]]

DOCUMENT_PATH = "/ui/swagger/doc.json"
PAGE_PATH = "/ui/swagger"

_CONVERTER = re.compile(r":[a-z]+\}")
"""Starlette's converter in a path parameter, such as `{client_id:path}`, which OpenAPI does not know."""

SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "client_basic": {"type": "http", "scheme": "basic", "description": "client_secret_basic (RFC 6749 §2.3.1)"},
    "client_post": {
        "type": "apiKey",
        "in": "query",
        "name": "client_secret",
        "description": "client_secret_post: client_id and client_secret as form parameters (RFC 6749 §2.3.1)",
    },
    "client_jwt": {
        "type": "apiKey",
        "in": "query",
        "name": "client_assertion",
        "description": "private_key_jwt, client_secret_jwt: client_assertion as form parameter (RFC 7523 §2.2)",
    },
    "client_tls": {
        "type": "mutualTLS",
        "description": "tls_client_auth, self_signed_tls_client_auth: client_id as form parameter (RFC 8705 §2)",
    },
    "dpop": {
        "type": "http",
        "scheme": "dpop",
        "description": "Access token with a proof in the header DPoP (RFC 9449)",
    },
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Access token (RFC 6750)"},
}


def document_endpoints(title: str, description: str, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """The endpoints that tell and show the OpenAPI document, made from `endpoints` and themselves.

    Raises:
        StartupError: The document cannot be made, or the page's assets are not installed.

    """
    assets = _load_assets()

    async def tell(_request: Request) -> Response:
        return JSONResponse(document, headers={"cache-control": "no-cache"})

    async def show(request: Request) -> Response:
        name = request.path_params.get("asset", "index.html")
        if name not in assets:
            raise HTTPException(404)
        content, media_type = assets[name]
        return Response(content, media_type=media_type, headers=page_headers(image_sources=("data:",)))

    async def redirect(_request: Request) -> Response:
        return RedirectResponse(f"{PAGE_PATH}/index.html", 302)

    asset = Parameter("asset", "File of the page", required=True, where="path", example="index.html")
    own = [
        Endpoint(DOCUMENT_PATH, (Operation("GET", "This document", tell, replies=(Reply(200, "OpenAPI 3.1"),)),)),
        Endpoint(PAGE_PATH, (Operation("GET", "The page", redirect, replies=(Reply(302, "To the page"),)),)),
        Endpoint(
            PAGE_PATH + "/{asset}",
            (
                Operation(
                    "GET",
                    "The page that shows this document, and its assets",
                    show,
                    parameters=(asset,),
                    replies=(Reply(200, "A file", media_type="text/html"), Reply(404, "No such file")),
                ),
            ),
        ),
    ]
    try:
        document = openapi_document(title, description, [*endpoints, *own])
    except Exception as error:
        logging.get().error("openapi document not loaded", title=title, exc_info=error)
        raise StartupError(f"openapi: {str(error).splitlines()[0]}") from error
    logging.get().info("openapi document loaded", title=title, paths=len(document["paths"]))
    return own


def openapi_document(title: str, description: str, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these declarations."""
    schemas, definitions = _schemas_of_bodies(endpoints)
    document = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1.0.0", "description": description, "license": {"name": "Apache-2.0"}},
        "paths": {
            _CONVERTER.sub("}", path): {
                operation.method.lower(): _operation(operation, path, schemas) for operation in endpoint.operations
            }
            for endpoint in endpoints
            for path in (endpoint.path, *endpoint.aliases)
        },
        "components": {"securitySchemes": SECURITY_SCHEMES, "headers": _HEADERS, "schemas": definitions},
    }
    return add_tags(document)


def _schemas_of_bodies(endpoints: Sequence[Endpoint]) -> tuple[Schemas, dict[str, Any]]:
    """The schema of each body, sent or told, and the named parts that they refer to."""
    operations = [operation for endpoint in endpoints for operation in endpoint.operations]
    told = [reply.body for operation in operations for reply in operation.replies if reply.body is not None]
    told += [operation.body for operation in operations if operation.body is not None]
    bodies: list[type[Any]] = list(dict.fromkeys([*told, OAuthErrorBody]))
    mode: Literal["serialization"] = "serialization"
    inputs = [(number, mode, TypeAdapter(body)) for number, body in enumerate(bodies)]
    made, parts = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
    return {body: made[number, mode] for number, body in enumerate(bodies)}, parts.get("$defs", {})


_HEADERS = {
    "X-Request-Id": {
        "description": "The id of the request in the logs; one that the caller sent is taken over.",
        "schema": {"type": "string"},
        "example": "9f3c2b7a51d84e0a8a4e6b1c0d2f7e35",
    }
}

_PARAMETER_REPLIES = {"400": {"description": "A parameter is missing, malformed or sent more than once."}}
_FORM_REPLIES = {
    **_PARAMETER_REPLIES,
    "408": {"description": "The body did not come in time."},
    "413": {"description": "The body is too large."},
    "415": {"description": "The body is no form."},
}
"""What every operation with a form may answer, because all of them read it by `http/form.py`."""


def _operation(operation: Operation, path: str, schemas: Schemas) -> dict[str, Any]:
    words = re.sub(r"[^A-Za-z0-9]+", "_", path).strip("_")
    described: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}_{words}",
        "summary": operation.summary,
        "responses": {str(reply.status): _reply(reply, operation, schemas) for reply in operation.replies},
    }
    if operation.section:
        described["description"] = operation.section
    outside = [_parameter(p) for p in operation.parameters if p.where != "form"]
    if outside:
        described["parameters"] = outside
    if any(p.where == "query" for p in operation.parameters):
        described["responses"] = {**_PARAMETER_REPLIES, **described["responses"]}
    form = [p for p in operation.parameters if p.where == "form"]
    if form:
        described["requestBody"] = _request_body(form)
        described["responses"] = {**_FORM_REPLIES, **described["responses"]}
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": _content(operation.body, schemas)},
        }
    if operation.security:
        described["security"] = [{name: []} for name in operation.security]
    return described


def _content(body: type[Any], schemas: Schemas) -> dict[str, Any]:
    example = BODIES.get(body.__name__)
    return {"schema": schemas[body]} | ({} if example is None else {"example": example})


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "description": parameter.description,
        "schema": _schema(parameter),
    }


def _request_body(parameters: Sequence[Parameter]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {p.name: {**_schema(p), "description": p.description} for p in parameters},
        "required": [p.name for p in parameters if p.required],
    }
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _schema(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if parameter.values:
        schema["enum"] = list(parameter.values)
    example = parameter.example or PARAMETERS.get(parameter.name)
    if example is not None and not parameter.values:
        schema["examples"] = [example]
    return schema


def _reply(reply: Reply, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {"description": reply.description}
    body = reply.body or (OAuthErrorBody if reply.is_json_error else None)
    if body is not None:
        content = _content(body, schemas)
        if "error" in content.get("example", {}):
            content["example"] = error_example(reply.status, by_token="bearer" in operation.security)
        described["content"] = {reply.media_type: content}
    elif reply.media_type != "application/json":
        described["content"] = {reply.media_type: {"schema": {"type": "string"}}}
    described["headers"] = {
        **{name: {"schema": {"type": "string"}} for name in reply.headers},
        "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"},
    }
    return described


_MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def _load_assets() -> dict[str, tuple[bytes, str]]:
    """The page's files by name, read once."""
    folder = resources.files("tessera_shared.http") / "swagger"
    icon = resources.files("tessera_shared.http.pages") / "assets" / "tessera.svg"
    try:
        files = [entry for entry in (*folder.iterdir(), icon) if entry.name.rpartition(".")[2] in _MEDIA_TYPES]
        assets = {file.name: (file.read_bytes(), _MEDIA_TYPES[file.name.rpartition(".")[2]]) for file in files}
    except OSError as error:
        raise StartupError(f"openapi: the page's assets cannot be read: {error}") from error
    if "index.html" not in assets:
        raise StartupError("openapi: the page's assets are not installed")
    return assets

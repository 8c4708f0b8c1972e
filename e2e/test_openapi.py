"""OpenAPI (mission.md, fixed names): each service describes every route it has, and only those."""

import re
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from e2e.stack import Stack

SERVICES = ("authz", "idp", "rs")
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
_FIXED = {
    "authz": {
        "/oauth2/v1/authorize",
        "/oauth2/v1/token",
        "/oauth2/v1/introspect",
        "/oauth2/v1/revoke",
        "/oauth2/v1/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/oauth/authorize",
        "/oauth/token",
        "/oauth/introspect",
        "/oauth/revoke",
    },
    "idp": {
        "/oidc/v1/userinfo",
        "/oidc/v1/login",
        "/oidc/v1/consent",
        "/oidc/v1/logout",
        "/.well-known/openid-configuration",
    },
    "rs": {"/resource", "/resource/profile", "/resource/email"},
}
_EVERYWHERE = {"/health", "/ui/swagger/doc.json", "/ui/swagger", "/ui/swagger/{asset}"}
_NOWHERE = ("/docs", "/redoc", "/openapi.json", "/metrics", "/debug", "/admin", "/console", "/.env", "/static/app.js")


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    """Each service in turn."""
    return str(request.param)


@pytest.fixture
def url(stack: Stack, service: str) -> str:
    """Where it is."""
    return stack.urls[service]


@pytest.fixture
def document(http: httpx.Client, url: str) -> dict[str, Any]:
    """Its OpenAPI document."""
    response = http.get(f"{url}/ui/swagger/doc.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    return dict(response.json())


def test_document_is_valid_openapi_3_1_with_a_title(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"].startswith("Tessera")
    OpenAPIV31SpecValidator(document).validate()


def test_document_has_the_fixed_names(service: str, document: dict[str, Any]) -> None:
    assert _FIXED[service] | _EVERYWHERE <= set(document["paths"])


def test_every_operation_exists_and_no_other_method_does(
    http: httpx.Client, url: str, document: dict[str, Any]
) -> None:
    for path, operations in document["paths"].items():
        concrete = url + re.sub(r"\{asset\}", "index.html", path)
        told = {name.upper() for name in operations}
        for method in _METHODS:
            response = http.request(method, concrete)
            if method in told:
                assert response.status_code not in (404, 405), f"{method} {path}"
                assert response.status_code < 500, f"{method} {path}"
            else:
                assert response.status_code == 405, f"{method} {path}"
                assert response.json()["error"] == "method_not_allowed"
                allowed = {name.strip() for name in response.headers["allow"].split(",")}
                assert allowed - {"HEAD"} == told


def test_operation_answers_with_a_status_it_tells_of(http: httpx.Client, url: str, document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            response = http.request(method, url + re.sub(r"\{asset\}", "index.html", path))
            assert str(response.status_code) in operation["responses"], f"{method} {path}: {response.status_code}"


def test_paths_that_are_not_told_are_404_as_json(http: httpx.Client, url: str, document: dict[str, Any]) -> None:
    slashed = [f"{path}/" for path in document["paths"] if "{" not in path]
    for path in ("/", "//", "/%00", "/%ff", "/ä", "/..%2f..%2fetc/passwd", *_NOWHERE, *slashed):
        response = http.get(url + path)
        assert (response.status_code, response.json()["error"]) == (404, "not_found"), path


def test_operation_ids_are_unique_and_every_operation_has_a_summary(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)


def test_page_loads_assets_of_the_service_itself_alone(http: httpx.Client, url: str) -> None:
    start = http.get(f"{url}/ui/swagger")
    assert start.status_code == 302
    page_url = urljoin(str(start.url), start.headers["location"])
    page = http.get(page_url)
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert assets
    for asset in assets:
        address = urljoin(page_url, asset)
        assert address.startswith(f"{url}/")
        assert http.get(address).status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"]


def test_page_serves_no_file_beside_its_own(http: httpx.Client, url: str) -> None:
    for name in ("nothing.js", "..%2f..%2fconfig.py", "%2e%2e/%2e%2e/app.py", "NOTICE.txt%00.js", ""):
        assert http.get(f"{url}/ui/swagger/{name}").status_code == 404, name


def test_every_parameter_and_typed_body_has_an_example(document: dict[str, Any]) -> None:
    lacking = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            schemas = {parameter["name"]: parameter["schema"] for parameter in operation.get("parameters", ())}
            contents = dict(operation.get("requestBody", {}).get("content", {}))
            schemas |= contents.pop("application/x-www-form-urlencoded", {}).get("schema", {}).get("properties", {})
            lacking += [
                f"{method} {path}: {name}" for name, schema in schemas.items() if not {"examples", "enum"} & set(schema)
            ]
            replies = [reply.get("content", {}) for reply in operation["responses"].values()]
            typed = [
                content for each in (contents, *replies) for content in each.values() if "$ref" in content["schema"]
            ]
            lacking += [f"{method} {path}: {content['schema']}" for content in typed if "example" not in content]
    assert lacking == []

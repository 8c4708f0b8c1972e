"""The OpenAPI document and the routes come from the same declarations, and the document is valid."""

from dataclasses import dataclass

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Router

from tessera_shared.errors import StartupError
from tessera_shared.http.exchange import Exchange
from tessera_shared.http.health import health_endpoint
from tessera_shared.http.openapi import Endpoint, Operation, Parameter, Reply, routes
from tessera_shared.http.openapi_document import document_endpoints, openapi_document


@dataclass(frozen=True)
class Part:
    """A part of an answer."""

    name: str


@dataclass(frozen=True)
class Answer:
    """An answer with a part inside."""

    part: Part
    parts: list[Part]


async def tell(request):
    return JSONResponse({"method": request.method, "id": request.path_params.get("id")})


ENDPOINTS = [
    Endpoint(
        "/things",
        (
            Operation("GET", "List", tell, (Parameter("q", "Query", where="query"),), (Reply(200, "All", Answer),)),
            Operation(
                "POST",
                "Make",
                tell,
                (Parameter("kind", "Which", required=True, values=("a", "b")), Parameter("note", "Text", example="hi")),
                (Reply(201, "Made", Answer, headers=("Location",)), Reply(400, "Not made")),
                security=("client_basic", "client_post"),
                section="RFC 0000 §1",
            ),
        ),
        aliases=("/stuff",),
    ),
    Endpoint(
        "/things/{id}",
        (
            Operation(
                "DELETE",
                "Delete",
                tell,
                (Parameter("id", "Which", required=True, where="path"),),
                (Reply(204, "Gone"),),
                security=("bearer",),
            ),
        ),
    ),
]


@pytest.fixture
def endpoints():
    return [*ENDPOINTS, health_endpoint({}), *document_endpoints("Title", "Text", [*ENDPOINTS, health_endpoint({})])]


@pytest.fixture
async def client(endpoints):
    app = Exchange(Router(routes(endpoints), redirect_slashes=False), ())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as opened:
        yield opened


async def test_the_document_is_valid_openapi_31(client):
    document = (await client.get("/ui/swagger/doc.json")).json()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Title"


async def test_every_reference_in_the_document_can_be_resolved(client):
    document = (await client.get("/ui/swagger/doc.json")).json()

    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            yield from (reference for value in node.values() for reference in references(value))
        elif isinstance(node, list):
            yield from (reference for value in node for reference in references(value))

    found = list(references(document))
    assert found
    for reference in found:
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


async def test_every_operation_of_the_document_answers_and_no_other_method_does(client):
    document = (await client.get("/ui/swagger/doc.json")).json()
    for path, operations in document["paths"].items():
        for method in ("get", "post", "put", "delete"):
            answer = await client.request(method, path.replace("{id}", "7").replace("{asset}", "index.html"))
            assert (answer.status_code == 405) == (method not in operations), (method, path)


async def test_every_route_is_in_the_document(client, endpoints):
    document = (await client.get("/ui/swagger/doc.json")).json()
    assert set(document["paths"]) == {route.path for route in routes(endpoints)}


def test_paths_that_belong_together_have_one_tag_and_tags_stand_in_order():
    operation = Operation("GET", "One", None)
    paths = ("/ui/tessera.css", "/oauth2/v1/register", "/oauth2/v1/register/{id}", "/oauth2/v1/token", "/elsewhere")
    document = openapi_document("Title", "Text", [Endpoint(path, (operation,)) for path in paths])
    tags = {path: operations["get"]["tags"] for path, operations in document["paths"].items()}
    assert tags["/oauth2/v1/register"] == tags["/oauth2/v1/register/{id}"] == ["Registration"]
    assert tags["/oauth2/v1/token"] == ["Authorization and tokens"]
    assert [tag["name"] for tag in document["tags"]] == [
        "Authorization and tokens",
        "Registration",
        "Files and this document",
        "Further",
    ]


@pytest.mark.parametrize(
    ("security", "status", "error"),
    [("client_basic", 401, "invalid_client"), ("bearer", 401, "invalid_token"), ("bearer", 403, "insufficient_scope")],
)
def test_the_example_of_an_error_is_one_of_its_status(security, status, error):
    operation = Operation("GET", "One", None, replies=(Reply(status, "Refused"),), security=(security,))
    told = openapi_document("Title", "Text", [Endpoint("/one", (operation,))])
    reply = told["paths"]["/one"]["get"]["responses"][str(status)]
    assert reply["content"]["application/json"]["example"]["error"] == error


def test_operation_ids_are_unique():
    paths = openapi_document("Title", "Text", ENDPOINTS)["paths"]
    ids = [operation["operationId"] for operations in paths.values() for operation in operations.values()]
    assert len(set(ids)) == len(ids)


def test_required_form_parameters_and_their_values_are_told():
    post = openapi_document("Title", "Text", ENDPOINTS)["paths"]["/things"]["post"]
    schema = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert schema["required"] == ["kind"]
    assert schema["properties"]["kind"]["enum"] == ["a", "b"]
    assert post["security"] == [{"client_basic": []}, {"client_post": []}]


async def test_head_is_answered_where_get_is(client):
    answer = await client.head("/things")
    assert answer.status_code == 200


async def test_the_page_runs_under_a_policy_without_foreign_or_inline_content(client):
    page = await client.get("/ui/swagger", follow_redirects=True)
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "//" not in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize("asset", ["swagger-ui.css", "swagger-ui-bundle.js", "init.js"])
async def test_the_pages_assets_are_served_by_the_service_itself(client, asset):
    assert (await client.get(f"/ui/swagger/{asset}")).status_code == 200


@pytest.mark.parametrize("asset", ["LICENSE.txt", "nothing.js", "..%2fopenapi.py", "%2e%2e", "index.html%00"])
async def test_nothing_else_is_served(client, asset):
    assert (await client.get(f"/ui/swagger/{asset}")).status_code == 404


def test_a_declaration_that_cannot_be_described_ends_the_start_with_one_line():
    class Odd:
        """No type that has a schema."""

    async def odd(_request):
        return PlainTextResponse("odd")

    endpoint = Endpoint("/odd", (Operation("GET", "Odd", odd, replies=(Reply(200, "Odd", Odd),)),))
    with pytest.raises(StartupError) as refused:
        document_endpoints("Title", "Text", [endpoint])
    assert "\n" not in str(refused.value)


async def test_health_is_503_and_names_what_is_missing():
    async def no():
        return False

    async def yes():
        return True

    app = Exchange(Router(routes([health_endpoint({"keys": no, "database": yes})])), ())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "failing": ["keys"]})

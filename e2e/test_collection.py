"""docs/tessera.postman_collection.json: every request is answered as it says, and is one that the services describe."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from e2e.clients import ROOT
from e2e.stack import Stack

COLLECTION = json.loads((ROOT / "docs" / "tessera.postman_collection.json").read_text(encoding="utf-8"))
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_STATUS = re.compile(r"pm\.response\.to\.have\.status\((\d+)\);")
_KEEPS = re.compile(r'pm\.collectionVariables\.set\("(\w+)", pm\.response\.json\(\)\.(\w+)\);')
_PLACE = r'pm\.response\.(text\(\)|headers\.get\("Location"\))'
_SEES = re.compile(r'pm\.collectionVariables\.set\("(\w+)", ' + _PLACE + r"\.match\(/(.+)/\)\[1\]\);")


def requests(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The requests of all folders, in order."""
    for item in items:
        yield from requests(item["item"]) if "item" in item else (item,)


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A text with its variables filled in, as the program that imports the collection does."""
    return re.sub(r"\{\{(\$?\w+)\}\}", lambda found: variables[found[1]], text)


def send(http: httpx.Client, item: Mapping[str, Any], variables: Mapping[str, str]) -> httpx.Response:
    """Send one request of the collection."""
    request = item["request"]
    auth = request["auth"]
    values = {entry["key"]: filled(entry["value"], variables) for entry in auth.get(auth["type"], ())}
    headers = {entry["key"]: entry["value"] for entry in request["header"]}
    if auth["type"] == "bearer":
        headers["authorization"] = f"Bearer {values['token']}"
    body = request.get("body", {})
    return http.request(
        request["method"],
        filled(request["url"]["raw"], variables),
        headers=headers,
        auth=(values["username"], values["password"]) if auth["type"] == "basic" else None,
        data={entry["key"]: filled(entry["value"], variables) for entry in body.get("urlencoded", ())} or None,
        content=filled(body["raw"], variables) if "raw" in body else None,
        follow_redirects=item.get("protocolProfileBehavior", {}).get("followRedirects", True),
    )


def kept(line: str, response: httpx.Response) -> tuple[str, str]:
    """The variable that a line sets out of a response, and its value."""
    if found := _KEEPS.fullmatch(line):
        return found[1], response.json()[found[2]]
    found = _SEES.fullmatch(line)
    assert found, f"a line that this test cannot run: {line}"
    place = response.text if found[2] == "text()" else response.headers["location"]
    seen = re.search(found[3], place)
    assert seen, f"{line}: not in {place}"
    return found[1], seen[1]


def test_collection_names_the_format_that_programs_import() -> None:
    assert COLLECTION["info"]["schema"] == SCHEMA
    assert len(list(requests(COLLECTION["item"]))) > 40


def test_every_request_is_answered_as_the_collection_says(stack: Stack, http: httpx.Client) -> None:
    if stack.control is None:
        pytest.skip("this stack was not started by the tests")
    variables = {entry["key"]: entry["value"] for entry in COLLECTION["variable"]} | stack.urls | {"mail": stack.mail}
    for item in requests(COLLECTION["item"]):
        response = send(http, item, variables | {"$guid": str(uuid.uuid4())})
        status, *lines = item["event"][0]["script"]["exec"]
        expected = _STATUS.fullmatch(status)
        assert expected
        assert response.status_code == int(expected[1]), f"{item['name']}: {response.text}"
        variables |= dict(kept(line, response) for line in lines)


def test_every_request_is_described_by_its_service(stack: Stack, http: httpx.Client) -> None:
    described = {
        (name, method.upper(), re.sub(r"\{[^}]+\}", "*", path))
        for name, url in stack.urls.items()
        for path, operations in http.get(f"{url}/ui/swagger/doc.json").json()["paths"].items()
        for method in operations
    }
    for item in requests(COLLECTION["item"]):
        request = item["request"]
        service = request["url"]["host"][0].strip("{}")
        path = "/" + "/".join("*" if part.startswith("{{") else part for part in request["url"]["path"])
        assert service == "mail" or (service, request["method"], path) in described, item["name"]

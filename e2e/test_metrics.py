"""Metrics: each service tells Prometheus what it does, on a port of its own and nowhere else."""

import json
import re
from collections.abc import Mapping

import httpx
import pytest

from e2e.clients import ROOT
from e2e.relying_party import RelyingParty
from e2e.stack import Stack

SERVICES = ("authz", "idp", "rs")
_NAME = re.compile(r"\b(?:tessera|process)_[a-z_]+")
_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)


@pytest.fixture
def metrics(stack: Stack) -> Mapping[str, str]:
    """The addresses of the metrics ports."""
    if not stack.metrics:
        pytest.skip("where the metrics of a running stack are is not known")
    return stack.metrics


def read(url: str) -> dict[tuple[str, str], float]:
    """Every sample by name and labels."""
    answer = httpx.get(f"{url}/metrics", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {(m["name"], m["labels"] or ""): float(m["value"]) for m in _SAMPLE.finditer(answer.text)}


def total(samples: Mapping[tuple[str, str], float], name: str, *labels: str) -> float:
    """The sum of the samples of that name which carry these labels."""
    return sum(
        value for (found, told), value in samples.items() if found == name and all(label in told for label in labels)
    )


def test_tokens_requests_and_refusals_are_counted(metrics: Mapping[str, str], demo: RelyingParty) -> None:
    before = read(metrics["authz"])
    assert demo.token("client_credentials").status_code == 200
    assert demo.token("authorization_code", code="unknown").status_code == 400
    after = read(metrics["authz"])

    def grown(name: str, *labels: str) -> float:
        return total(after, name, *labels) - total(before, name, *labels)

    assert grown("tessera_tokens_issued_total", 'grant_type="client_credentials"') >= 1
    assert grown("tessera_refusals_total", 'error="invalid_grant"') >= 1
    route = 'route="/oauth2/v1/token"'
    assert grown("tessera_http_request_duration_seconds_count", route, 'status="200"') >= 1
    assert grown("tessera_http_request_duration_seconds_count", route, 'status="400"') >= 1


@pytest.mark.parametrize("service", SERVICES)
def test_state_of_the_service_is_told(metrics: Mapping[str, str], service: str) -> None:
    samples = read(metrics[service])
    assert total(samples, "tessera_revocations_current") == 1
    assert total(samples, "tessera_database_connections") >= 1
    if service != "rs":
        assert total(samples, "tessera_key_age_seconds", 'state="active"', 'use="sig"') > 0


def test_unknown_paths_share_one_label(metrics: Mapping[str, str], stack: Stack) -> None:
    httpx.get(f"{stack.rs}/no-such-path-of-anyone", trust_env=False)
    told = read(metrics["rs"])
    assert not any("no-such-path" in labels for _, labels in told)
    assert total(told, "tessera_http_request_duration_seconds_count", 'route="unmatched"') >= 1


@pytest.mark.parametrize("service", SERVICES)
def test_public_port_does_not_tell_metrics(stack: Stack, service: str) -> None:
    assert httpx.get(f"{stack.urls[service]}/metrics", trust_env=False).status_code == 404


def test_dashboard_asks_for_metrics_that_exist(metrics: Mapping[str, str]) -> None:
    answers = [httpx.get(f"{url}/metrics", trust_env=False).text for url in metrics.values()]
    # what was not counted yet has no sample, but a type
    told = {name for answer in answers for name in re.findall(r"^(?:# TYPE )?([a-z_]+)", answer, re.MULTILINE)}
    dashboard = json.loads((ROOT / "docs" / "grafana" / "tessera.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    asked = {name for query in queries for name in _NAME.findall(query)}
    assert len(asked) > 5
    assert asked <= told

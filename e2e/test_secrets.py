"""The end of the run: no secret that it used is in the logs, the metrics or the traces of the services."""

import time

import httpx
import pytest

from e2e.collector import Collector
from e2e.relying_party import RelyingParty
from e2e.secrets_used import SecretsUsed
from e2e.stack import Control, Stack

_ENOUGH = 2
"""A run that saw fewer secrets than this looked at nothing."""


@pytest.fixture(scope="session")
def spans(control: Control, collector: Collector) -> str:
    """All traces, the last ones too."""
    del control
    deadline = time.monotonic() + 15
    while not collector.batches and time.monotonic() < deadline:
        time.sleep(0.1)
    return b"\n".join(collector.batches).decode("utf-8", "replace")


def test_searching_finds_secrets_whole_and_cut_off() -> None:
    seen = SecretsUsed()
    code, answer, phrase = "4nNDjG2q" * 5, "Qx7_tR-m" * 11, "seven purple lamps sing"
    for password in ("wonder-land-42", phrase):
        request = httpx.Request("POST", "http://a/token", data={"code": code, "password": password})
        seen.see(request, httpx.Response(302, headers={"location": "/resume?answer=" + answer}, request=request))
    assert seen.found_in("… code=" + code[:30]) == {code}
    assert seen.found_in('"wonder-land-42"') == {"wonder-land-42"}
    assert seen.found_in(f'"{phrase}"') == {phrase}
    assert seen.found_in("/resume?answer=" + answer) == {answer}
    assert seen.found_in("nothing of them") == set()


def test_no_secret_of_the_run_is_in_logs_metrics_or_traces(
    control: Control, stack: Stack, demo: RelyingParty, secrets_used: SecretsUsed, spans: str
) -> None:
    tokens = demo.token("client_credentials").json()
    demo.introspect(tokens["access_token"])
    places = {
        "logs": "\n".join(control.log_lines("")),
        "metrics": "\n".join(httpx.get(f"{url}/metrics", trust_env=False).text for url in stack.metrics.values()),
        "traces": spans,
    }
    assert len(secrets_used) >= _ENOUGH
    assert "tokens issued" in places["logs"]
    assert "tessera_tokens_issued_total" in places["metrics"]
    assert "/oauth2/v1/token" in places["traces"]
    assert {place: found for place, text in places.items() if (found := secrets_used.found_in(text))} == {}

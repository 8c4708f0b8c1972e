"""The authorization server's configuration: what would break later is refused at the start."""

from pathlib import Path

import pytest

from tessera_authz.config import AuthzConfig
from tessera_shared.config import load
from tessera_shared.errors import StartupError

SHIPPED = Path(__file__).parents[3] / "configs" / "authz.yml"


@pytest.mark.parametrize(
    ("settings", "least"),
    [
        ({"KEYS__OVERLAP_HOURS": "0.1"}, "0.5"),
        ({"KEYS__OVERLAP_HOURS": "0.9", "LIFETIMES__ACCESS_TOKEN_SECONDS": "3600"}, "1.01"),
        ({"KEYS__OVERLAP_HOURS": "20", "LIFETIMES__ID_TOKEN_SECONDS": "86400"}, "24.01"),
    ],
)
def test_a_key_that_would_be_gone_before_what_it_signed_is_refused(monkeypatch, settings, least):
    for name, value in settings.items():
        monkeypatch.setenv(f"TESSERA_AUTHZ_{name}", value)
    with pytest.raises(StartupError, match=rf"keys\.overlap_hours must be at least {least}: "):
        load(AuthzConfig, SHIPPED, "TESSERA_AUTHZ_")


def test_the_shipped_file_is_right():
    assert load(AuthzConfig, SHIPPED, "TESSERA_AUTHZ_").issuer == "http://localhost:8080"

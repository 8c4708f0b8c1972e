"""The resource server's configuration: the shipped file is complete, and each mistake names its place."""

from pathlib import Path

import pytest
import yaml

from tessera_rs.config import RsConfig
from tessera_shared.config import load
from tessera_shared.errors import StartupError

SHIPPED = Path(__file__).parents[3] / "configs" / "rs.yml"


def test_the_shipped_file_names_every_key():
    def keys(model):
        for name, field in model.model_fields.items():
            yield name
            if hasattr(field.annotation, "model_fields"):
                yield from (f"{name}.{inner}" for inner in keys(field.annotation))

    shipped = yaml.safe_load(SHIPPED.read_text())
    named = {
        *shipped,
        *(f"{key}.{inner}" for key, value in shipped.items() if isinstance(value, dict) for inner in value),
    }
    assert set(keys(RsConfig)) - named == {"introspection", "tracing"}  # shown as a comment: it has no default
    assert "# introspection:" in SHIPPED.read_text()


def test_tokens_for_this_resource_or_for_the_issuer_are_accepted():
    config = load(RsConfig, SHIPPED, "TESSERA_RS_")
    assert config.audiences == ("http://localhost:8082", "https://localhost:8444", "http://localhost:8080")
    assert config.revocation.when_unreachable == "refuse"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PUBLIC_URL", "localhost:8082", "public_url"),
        ("PUBLIC_URL", "http://localhost:8082/", "public_url"),
        ("ISSUER", "http://localhost:8080?x=1", "issuer"),
        ("ISSUER", "http://", "issuer"),
        ("JWKS_URL", "file:///etc/passwd", "jwks_url"),
        ("JWKS_URL", "http://[broken", "jwks_url"),
        ("JWKS_URL", "http://localhost:port/jwks", "jwks_url"),
        ("JWKS_URL", "http://localhost/jwks#keys", "jwks_url"),
        ("ACCESS_TOKEN_ALGS", "[]", "access_token_algs"),
        ("ACCESS_TOKEN_ALGS", '["none"]', "access_token_algs"),
        ("ACCESS_TOKEN_ALGS", '["ES256", "HS256"]', "access_token_algs.1"),
        ("CLOCK_TOLERANCE_SECONDS", "-1", "clock_tolerance_seconds"),
        ("CLOCK_TOLERANCE_SECONDS", "301", "clock_tolerance_seconds"),
        ("REVOCATION__WHEN_UNREACHABLE", "accept", "revocation.when_unreachable"),
        ("REVOCATION__WHEN_UNREACHABLE", "introspect", "there is no section introspection"),
        ("INTROSPECTION__URL", "http://localhost/introspect", "introspection.client_id"),
    ],
)
def test_a_mistake_names_its_place(monkeypatch, name, value, said):
    monkeypatch.setenv(f"TESSERA_RS_{name}", value)
    with pytest.raises(StartupError) as refused:
        load(RsConfig, SHIPPED, "TESSERA_RS_")
    assert said in str(refused.value)


def test_introspection_can_be_given_by_the_environment(monkeypatch):
    monkeypatch.setenv("TESSERA_RS_REVOCATION__WHEN_UNREACHABLE", "introspect")
    for name, value in [
        ("URL", "https://issuer/introspect"),
        ("CLIENT_ID", "rs"),
        ("CLIENT_SECRET_FILE", "/run/secret"),
    ]:
        monkeypatch.setenv(f"TESSERA_RS_INTROSPECTION__{name}", value)
    assert load(RsConfig, SHIPPED, "TESSERA_RS_").introspection.client_id == "rs"

"""Asks the services over HTTP, as a user on the host does: are they up, and are they Tessera?"""

import json
import urllib.error
import urllib.request
from typing import Any

__all__ = ["fetch", "healthy", "title"]

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks directly: these addresses are this machine's, whatever proxy the environment names."""


def healthy(url: str, timeout: float = 2.0) -> bool:
    """Whether the service says that it could serve a request now."""
    answer = fetch(f"{url}/health", timeout)
    return isinstance(answer, dict) and answer.get("status") == "ok"


def title(url: str) -> str:
    """The name that the service's API description gives; empty when what answers is something else."""
    answer = fetch(f"{url}/ui/swagger/doc.json", 5.0)
    found = answer.get("info", {}).get("title", "") if isinstance(answer, dict) else ""
    return str(found) if "tessera" in str(found).lower() else ""


def fetch(url: str, timeout: float) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The JSON that answers with status 200, or None."""
    try:
        with OPENER.open(url, timeout=timeout) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None

"""Devices in plain words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera_idp.protocol.device import Device, device_of

KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Device("Firefox", "Linux")),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KHTML} Chrome/142.0 Safari/537.36", Device("Chrome", "Windows")),
        (f"Mozilla/5.0 (Windows NT 10.0) {KHTML} Chrome/142.0 Safari/537.36 Edg/142.0", Device("Edge", "Windows")),
        (f"Mozilla/5.0 (Linux; Android 16; K) {KHTML} Chrome/142.0 Mobile", Device("Chrome", "Android")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1 Version/18.6 Safari/604.1",
            Device("Safari", "iPhone"),
        ),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KHTML} Version/18 Safari/605.1", Device("Safari", "macOS")),
        ("curl/8.14.1", Device(None, None)),
        ("", Device(None, None)),
    ],
)
def test_browser_and_system_are_told_by_their_marks(user_agent, device):
    assert device_of(user_agent) == device


@given(st.text())
def test_nothing_that_is_sent_as_user_agent_is_shown_as_it_came(user_agent):
    told = device_of(user_agent)
    assert {told.browser, told.system} <= {
        *(None, "Edge", "Opera", "Samsung Internet", "Firefox", "Chrome", "Safari"),
        *("iPhone", "iPad", "Android", "ChromeOS", "Windows", "macOS", "Linux"),
    }

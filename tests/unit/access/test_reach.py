"""Where a phone finds the server, and what is said where it does not."""

from __future__ import annotations

import pytest

from prsnl.access.reach import for_a_phone
from prsnl.core.settings.service import Server

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is tried


@pytest.mark.parametrize(
    ("server", "url"),
    [
        (Server(host=EVERYWHERE), "http://192.168.1.5:8001"),
        (Server(host="192.168.1.7"), "http://192.168.1.7:8001"),
        (Server(host="fd00::7"), "http://[fd00::7]:8001"),
        (Server(public_url="https://notes.example.org/"), "https://notes.example.org"),
        (
            Server(host="127.0.0.1", public_url="https://notes.example.org"),
            "https://notes.example.org",
        ),
    ],
)
def test_the_public_name_comes_before_the_address(server: Server, url: str) -> None:
    assert for_a_phone(server, 8001, address="192.168.1.5").url == url


@pytest.mark.parametrize(
    ("server", "setting"),
    [
        (Server(), "PRSNL_HOST=0.0.0.0"),
        (Server(host="::1"), "PRSNL_PUBLIC_URL"),
        (Server(public_url="http://localhost:8000"), "PRSNL_PUBLIC_URL"),
    ],
)
def test_who_listens_on_this_machine_alone_says_what_to_set(
    server: Server, setting: str
) -> None:
    reach = for_a_phone(server, 8000, address="192.168.1.5")

    assert reach.url is None
    assert setting in str(reach.because)

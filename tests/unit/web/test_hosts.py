"""Names that this server answers to."""

from __future__ import annotations

import pytest

from prsnl.core.settings.service import Server
from prsnl.web.hosts import AllowedHosts


@pytest.mark.parametrize(
    "authority",
    ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"],
)
def test_loopback_is_always_ours(authority: str) -> None:
    assert AllowedHosts.of(Server()).allow(authority)


@pytest.mark.parametrize(
    "authority",
    [
        "",
        "@",
        "evil.example",
        "localhost.evil.example",
        "localhost.",
        "localhost:evil",
        "localhost/evil.example",
        "evil.example@localhost",
        "192.168.1.5:8000",
        "[::1",
        "[::1]evil.example",
        "[::ffff:127.0.0.1]",
    ],
)
def test_another_name_is_not(authority: str) -> None:
    assert not AllowedHosts.of(Server()).allow(authority)


def test_the_public_name_is_ours() -> None:
    allowed = AllowedHosts.of(Server(public_url="https://notes.example.org/prsnl"))

    assert allowed.allow("notes.example.org")
    assert not allowed.allow("example.org")


def test_who_listens_everywhere_answers_to_addresses_and_not_to_names() -> None:
    """An address cannot be bent as a name can."""
    allowed = AllowedHosts.of(Server(host="0.0.0.0"))  # noqa: S104 - what is tried

    assert allowed.allow("192.168.1.5:8000")
    assert not allowed.allow("evil.example")

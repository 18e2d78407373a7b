"""Which addresses a webhook may have, by their form alone."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from prsnl.webhooks.address import parsed
from prsnl.wire.webhooks import NewWebhook


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "a",
        "93.184.216.34",
        "[2606:4700:4700::1111]",
        "[2606:4700:4700:0:0:0:0:1111]",
        "[::1]",
        "[::]",
        "[fd00::]",
        "[1:2:3:4:5:6:7::]",
        "[::2:3:4:5:6:7:8]",
    ],
)
@pytest.mark.parametrize("rest", ["", "/", ":8443/a?b=c"])
def test_a_name_and_an_address_of_either_kind_are_taken(host: str, rest: str) -> None:
    url = f"https://{host}{rest}"

    assert NewWebhook(url=url).url == url
    assert parsed(url)[0].hostname == host.strip("[]")


@pytest.mark.parametrize(
    "host",
    [
        "2606:4700:4700::1111",
        "[2606:4700:4700::1111",
        "[1:2:3:4:5:6:7]",
        "[1:2:3:4:5:6:7:8:9]",
        "[1::2::3]",
        "[:::]",
        "[12345::]",
        "[fe80::1%eth0]",
        "[::ffff:10.0.0.1]",
        "[evil.example]",
        "[]",
        "me@[::1]",
    ],
)
def test_what_is_no_address_is_not(host: str) -> None:
    with pytest.raises(ValidationError, match="HOST"):
        NewWebhook(url=f"https://{host}/")


@given(number=st.integers(0, 2**128 - 1), is_short=st.booleans())
def test_every_ipv6_address_is_one(number: int, *, is_short: bool) -> None:
    address = IPv6Address(number)
    told = address.compressed if is_short else address.exploded
    if "." in told:  # it carries an IPv4 address, and may be written as that
        return

    assert NewWebhook(url=f"http://[{told}]/").url == f"http://[{told}]/"

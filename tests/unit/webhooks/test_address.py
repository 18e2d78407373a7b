"""Where a webhook may lead, by what its name stands for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from prsnl.core.errors import BadRequestError, ForbiddenError, ProviderFailedError
from prsnl.engines.reach import Reach
from prsnl.webhooks.address import AddressBook
from prsnl.webhooks.signing import new_secret, signature

PUBLIC = "93.184.216.34"


def book(*found: str, allowed: Sequence[str] = ()) -> AddressBook:
    return AddressBook(tuple(allowed), resolve=lambda _host, _port: list(found))


def test_a_name_is_looked_up_once_and_its_address_is_what_is_connected_to() -> None:
    """Else the second answer of its name server could lead elsewhere."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    target = AddressBook(resolve=resolve).target("https://example.org:8443/a?b=c")

    assert asked == ["example.org"]
    assert (target.ip, target.port, target.path) == (PUBLIC, 8443, "/a?b=c")
    assert (target.netloc, target.reach) == ("example.org:8443", Reach.CLOUD)


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.9",
        "172.20.1.1",
        "100.64.0.7",
        "::1",
        "fd00::7",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "2002:0a00:0001::1",
        "64:ff9b::10.0.0.1",
    ],
)
def test_a_private_address_is_refused_until_the_operator_allows_it(ip: str) -> None:
    with pytest.raises(ForbiddenError, match="PRSNL_WEBHOOK_HOSTS"):
        book(ip).target("http://inside.example/")

    assert book(ip).target("http://inside.example/", is_operators=True).ip == ip
    target = book(ip, allowed=["inside.example"]).target("http://inside.example/")
    assert target.ip == ip


def test_a_network_may_be_allowed_and_no_more_than_it() -> None:
    allowed = ["10.1.0.0/16", "127.0.0.0/8"]

    assert book("10.1.2.3", allowed=allowed).target("http://a/").ip == "10.1.2.3"
    assert book("127.0.0.1", allowed=allowed).target("http://a/").ip == "127.0.0.1"
    with pytest.raises(ForbiddenError):
        book("10.2.0.1", allowed=allowed).target("http://a/")


@pytest.mark.parametrize(
    "ip", ["169.254.169.254", "fe80::1%2", "0.0.0.8", "::", "224.0.0.1", "240.0.0.1"]
)
def test_what_answers_with_a_machines_keys_is_never_reached(ip: str) -> None:
    nowhere = book(ip, allowed=[ip.partition("%")[0], "::/0"])

    with pytest.raises(ForbiddenError, match="no webhook may reach"):
        nowhere.target("http://metadata/", is_operators=True)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(ForbiddenError):
        book(PUBLIC, "10.0.0.1").target("https://example.org/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "example.org",
        "https://",
        "https://a b/",
        "http://[::1",
        "https://example.org:99999/",
        "https://exa\nmple.org/",
        "https://ü.example/",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequestError, match="no address"):
        book(PUBLIC).target(url)


def test_a_password_in_an_address_is_refused() -> None:
    with pytest.raises(BadRequestError, match="no password"):
        book(PUBLIC).target("https://me:secret@example.org/")


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    def nobody(_host: str, _port: int) -> list[str]:
        raise OSError

    with pytest.raises(ProviderFailedError, match="tried again"):
        AddressBook(resolve=nobody).target("https://example.org/")


def test_a_signature_is_of_the_time_and_every_byte() -> None:
    """The value was made by another program: `openssl dgst -sha256 -hmac`."""
    secret, body = "a-secret-of-the-docs", b'{"id":"1"}'
    told = signature(secret, 1767225600, body)

    assert told == (
        "v1=01c2c6f364ded7ad9604a7fbb98e1813ef02e670bfa62942c60e33d430df7f56"
    )
    assert told != signature(secret, 1767225601, body)
    assert told != signature(secret, 1767225600, b'{"id":"2"}')
    assert told != signature(new_secret(), 1767225600, body)

"""How far away an address is: in doubt as far as can be."""

from __future__ import annotations

import pytest

from prsnl.engines.reach import Endpoint, Reach, endpoint, of_address, reach_of


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("127.0.0.1", Reach.LOCAL),
        ("127.9.8.7", Reach.LOCAL),
        ("::1", Reach.LOCAL),
        ("::ffff:127.0.0.1", Reach.LOCAL),
        ("192.168.1.5", Reach.LAN),
        ("10.0.0.1", Reach.LAN),
        ("169.254.169.254", Reach.LAN),
        ("100.64.0.1", Reach.LAN),
        ("fe80::1%eth0", Reach.LAN),
        ("fd00::1", Reach.LAN),
        ("8.8.8.8", Reach.CLOUD),
        ("::ffff:8.8.8.8", Reach.CLOUD),
        ("64:ff9b::808:808", Reach.CLOUD),
        ("2606:4700::1111", Reach.CLOUD),
    ],
)
def test_an_address_is_here_nearby_or_in_the_cloud(address: str, reach: Reach) -> None:
    assert of_address(address) is reach


def test_a_private_address_is_here_when_it_is_named() -> None:
    assert of_address("10.1.2.3", local_hosts=["10.0.0.0/8"]) is Reach.LOCAL
    assert of_address("10.1.2.3", local_hosts=["10.1.2.3"]) is Reach.LOCAL
    assert of_address("10.1.2.3", host="NAS", local_hosts=["nas"]) is Reach.LOCAL
    assert of_address("10.1.2.3", local_hosts=["10.1.2.4"]) is Reach.LAN


def test_a_public_address_is_never_here() -> None:
    """Whoever names one has made a mistake that would cost his privacy."""
    named = ["8.8.8.8", "0.0.0.0/0", "dns.google"]
    assert of_address("8.8.8.8", host="dns.google", local_hosts=named) is Reach.CLOUD


def test_a_name_is_as_far_as_the_farthest_of_what_it_stands_for() -> None:
    def resolve(*addresses: str) -> Reach:
        return reach_of("http://model/v1", resolve=lambda *_: addresses)

    assert resolve("127.0.0.1") is Reach.LOCAL
    assert resolve("127.0.0.1", "192.168.0.2") is Reach.LAN
    assert resolve("127.0.0.1", "8.8.8.8") is Reach.CLOUD
    assert resolve() is Reach.CLOUD


def test_a_name_that_nobody_knows_may_lead_anywhere() -> None:
    def nobody(_host: str, _port: int) -> list[str]:
        raise OSError

    assert reach_of("https://model.example/v1", resolve=nobody) is Reach.CLOUD


def test_a_unix_socket_is_here() -> None:
    assert reach_of("unix:/run/model.sock") is Reach.LOCAL


def test_an_endpoint_is_named_without_its_path_and_its_password() -> None:
    told = endpoint("compatible", "http://me:secret@127.0.0.1:11434/v1", "llama")

    assert told == Endpoint("127.0.0.1:11434", "127.0.0.1:11434", Reach.LOCAL, "llama")

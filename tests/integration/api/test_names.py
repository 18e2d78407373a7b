"""Under which names the server is reached: asked as a browser never would, by bytes.

A page elsewhere can bend its own name to this machine (DNS rebinding), or open a
socket to us from where it is. Each door is tried: a request, a stream, a socket, and
a page; and each with a good key, so that the name alone is what is refused.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.integration.api.conftest import Person, Server

DOORS = {
    "request": "/api/items",
    "events": "/api/background/events",
    "socket": "/api/background/ws/progress",
    "page": "/",
}
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
#: What the doors answer to who may come in.
OPENED = {"request": 200, "events": 200, "socket": 101, "page": 200}
MISDIRECTED = 421
FORBIDDEN = 403


def asked(
    server: Server, key: str | None, door: str, *head: str, target: str | None = None
) -> tuple[int, str]:
    """The status and the beginning of the answer to a head that is sent as it stands.

    Args:
        server: Who is asked; `PORT` in the head stands for its port.
        key: Lets in; None: what is in the head is to do so.
        door: Which of `DOORS`.
        head: Lines beside the key and the handshake; the `Host` among them.
        target: In the place of the door's path; `DOOR` in it stands for that.
    """
    port = str(urlsplit(server.url).port)
    wanted = (target or "DOOR").replace("DOOR", DOORS[door])
    lines = [
        f"GET {wanted} HTTP/1.1",
        *head,
        *([] if key is None else [f"Authorization: Bearer {key}"]),
        *(HANDSHAKE if door == "socket" else ()),
    ]
    told = "\r\n".join([*lines, "", ""]).replace("PORT", port)
    with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as opened:
        opened.sendall(told.encode())
        answer = b""
        while b"\r\n\r\n" not in answer and (piece := opened.recv(65536)):
            answer += piece
    return int(answer.split()[1]), answer.decode(errors="replace")


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.key("one who is known by many names")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "host",
    [
        "localhost:PORT",
        "127.0.0.1:PORT",
        "127.0.0.1:1",
        "127.0.0.1",
        "LocalHost:PORT",
        "[::1]:PORT",
    ],
)
def test_this_machines_own_names_are_let_in(
    server: Server, key: str, door: str, host: str
) -> None:
    """Else what is refused below would prove nothing."""
    assert asked(server, key, door, f"Host: {host}")[0] == OPENED[door]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "head",
    [
        ["Host: evil.example"],
        ["Host: evil.example:PORT"],
        ["Host: evil.example.:PORT"],
        ["Host: localhost.:PORT"],
        ["Host: 127.0.0.1.:PORT"],
        ["Host: localhost.evil.example:PORT"],
        ["Host: 127.0.0.1.evil.example:PORT"],
        ["Host: evil.example@localhost:PORT"],
        ["Host: localhost:PORT@evil.example"],
        ["Host: localhost:PORT/evil.example"],
        ["Host: localhost#evil.example"],
        ["Host: localhost:evil"],
        ["Host: localhost, evil.example"],
        ["Host: 192.168.1.5:PORT"],
        ["Host: 0.0.0.0:PORT"],
        ["Host: 2130706433:PORT"],
        ["Host: [2001:db8::1]:PORT"],
        ["Host: [::ffff:127.0.0.1]:PORT"],
        ["Host: [::1:PORT"],
        ["Host: ::1"],
        ["Host: null"],
        ["Host:"],
        ["Host:  "],
        [],
    ],
    ids=" ".join,
)
def test_another_name_opens_no_door(
    server: Server, key: str, door: str, head: list[str]
) -> None:
    status, told = asked(server, key, door, *head)

    assert status == MISDIRECTED
    assert "application/problem+json" in told


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "hosts",
    [
        ["localhost:PORT", "evil.example"],
        ["evil.example", "localhost:PORT"],
        ["localhost:PORT", "localhost:PORT"],
    ],
    ids=" ".join,
)
def test_two_names_are_none(
    server: Server, key: str, door: str, hosts: list[str]
) -> None:
    """A proxy may read the first and we the last, or the other way round."""
    status, _ = asked(server, key, door, *(f"Host: {host}" for host in hosts))

    assert status == 400


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("target", "host", "is_ours"),
    [
        ("http://localhost:PORTDOOR", "localhost:PORT", True),
        ("http://localhost:PORTDOOR", "evil.example", True),
        ("http://evil.exampleDOOR", "localhost:PORT", False),
        ("HTTP://evil.example:PORTDOOR", "localhost:PORT", False),
        ("http://localhost@evil.exampleDOOR", "localhost:PORT", False),
        ("http://evil.example@localhostDOOR", "localhost:PORT", False),
        ("http://evil.example.:PORTDOOR", "evil.example", False),
    ],
)
def test_of_a_whole_address_the_host_counts_and_not_the_header(
    server: Server, key: str, door: str, target: str, host: str, *, is_ours: bool
) -> None:
    """As RFC 9112, section 3.2.2, has it; the two may not say different things."""
    status, _ = asked(server, key, door, f"Host: {host}", target=target)

    assert status == (OPENED[door] if is_ours else MISDIRECTED)


@pytest.mark.parametrize("target", ["http://evil.example", "http://evil.example?q=1"])
def test_an_address_without_a_path_is_refused_as_well(
    server: Server, key: str, target: str
) -> None:
    assert asked(server, key, "page", "Host: localhost", target=target)[0] == 421


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "origin",
    [
        ["https://evil.example"],
        ["http://evil.example:PORT"],
        ["http://localhost.evil.example:PORT"],
        ["http://localhost.:PORT"],
        ["http://localhost:PORT@evil.example"],
        ["http://evil.example@localhost:PORT"],
        ["http://[2001:db8::1]:PORT"],
        ["http://["],
        ["null"],
        ["file://"],
        [""],
        ["http://localhost:PORT", "https://evil.example"],
        ["https://evil.example", "http://localhost:PORT"],
    ],
    ids=" ".join,
)
def test_another_sites_page_opens_no_door(
    server: Server, key: str, door: str, origin: list[str]
) -> None:
    status, told = asked(
        server,
        key,
        door,
        "Host: localhost:PORT",
        *(f"Origin: {one}" for one in origin),
    )

    # Of two origins the protocol of sockets refuses the handshake itself.
    assert status == FORBIDDEN or (status == 400 and len(origin) > 1)
    assert "access-control-allow-origin" not in told.lower()


def test_a_cookie_opens_no_socket_for_a_page_of_another_port(
    server: Server, ada: Person
) -> None:
    """To a cookie all ports of this machine are one site: the origin tells them apart.

    A stream of events is opened, and its answer is not for that page to read.
    """
    link = ada.http.post("/api/links").json()["url"].partition("#")[2]
    with server.http(None) as page:
        page.headers["Origin"] = server.url
        assert page.post("/link", data={"token": link}).status_code == 303
        (cookie,) = (f"{name}={value}" for name, value in page.cookies.items())
    head = ("Host: 127.0.0.1:PORT", f"Cookie: {cookie}")

    def opened(door: str, *more: str) -> tuple[int, str]:
        return asked(server, None, door, *head, *more)

    ours = opened("socket", "Origin: http://127.0.0.1:PORT")
    theirs = opened("socket", "Origin: http://127.0.0.1:1")
    unsaid = opened("socket")
    stream = opened("events", "Origin: http://127.0.0.1:1")

    assert (ours[0], theirs[0], unsaid[0]) == (101, FORBIDDEN, FORBIDDEN)
    assert stream[0] == 200
    assert "access-control-allow-origin" not in stream[1].lower()
    assert "cross-origin-resource-policy: same-origin" in stream[1].lower()

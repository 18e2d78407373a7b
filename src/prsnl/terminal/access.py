"""`./prsnl keys`, `link` and `open`: who is let in."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from prsnl.access import keys
from prsnl.client import Client
from prsnl.core import schema
from prsnl.core.db import Db, connect
from prsnl.core.errors import BadRequestError, StartError
from prsnl.core.settings import Settings
from prsnl.embedded.stack import EmbeddedStack
from prsnl.embedded.supervisor import Supervisor
from prsnl.terminal import servers
from prsnl.terminal.live import print_lines
from prsnl.terminal.stack import given_urls, log_to_file
from prsnl.terminal.summary import one_line
from prsnl.wire.access import KeyBody, LinkBody, Scope

_NAME_CHARACTERS: Final = 40
_MOST_KEYS: Final = 200

T = TypeVar("T")


def create_key(
    *,
    owner: str,
    name: str,
    scopes: Sequence[str],
    days: int | None,
    server: str | None,
) -> int:
    """Make a key, and print it: alone on standard output, for a script."""
    wanted = keys.Wanted.of(
        owner=_told("--owner", owner),
        name=_told("--name", name),
        scopes=[_scope(each) for each in scopes],
        days=days,
    )
    made = _ask(
        server,
        lambda client: client.create_key(
            owner=wanted.owner,
            name=wanted.name,
            scopes=sorted(wanted.scopes),
            expires_in_days=days,
        ),
        lambda connection: keys.create(connection, wanted),
    )
    print_lines(made.key)
    _say(
        f"A key of {made.owner} with {_scopes(made)}, id {made.id}. It is shown this "
        "once: keep it now."
    )
    return 0


def list_keys(*, server: str | None) -> int:
    """Show every key; never its secret."""
    found = _ask(
        server,
        lambda client: client.keys(),
        lambda connection: keys.listed(connection, before=None, limit=_MOST_KEYS),
    )
    for key in found:
        print_lines(_line(key))
    if not found:
        _say("There is no key yet: the first start of ./prsnl up makes one.")
    return 0


def revoke_keys(ids: Sequence[str], *, server: str | None) -> int:
    """Revoke keys by their ids."""
    wanted = [_key_id(each) for each in ids]
    gone = _ask(
        server,
        lambda client: [client.revoke_key(each) for each in wanted],
        lambda connection: [keys.revoke(connection, each) for each in wanted],
    )
    for key in gone:
        name = one_line(key.name, characters=_NAME_CHARACTERS)
        print_lines(
            f"{key.id}: revoked ({key.owner}, {name}). What uses it ends within "
            "seconds."
        )
    return 0


def link(*, server: str | None) -> int:
    """Print a one-use link for a phone, on a terminal also as a QR code.

    Raises:
        StartError: No phone reaches the server.
    """
    with servers.required(Settings.read(), server) as client:
        made = client.make_link()
    if made.phone_url is None:
        raise StartError(str(made.unreachable_because))
    if sys.stdout.isatty():
        # Few commands draw one.
        import segno  # noqa: PLC0415

        segno.make(made.phone_url, error="l").terminal(compact=True)
    print_lines(made.phone_url)
    _say(
        f"It signs one browser in, until {_clock(made)}: point the phone's camera at "
        "it, or send it to yourself."
    )
    if made.phone_url.startswith("http:"):
        _say(
            "Without encryption: whoever listens in this network sees what passes. An "
            "https proxy and PRSNL_PUBLIC_URL change that."
        )
    return 0


def open_page(*, server: str | None) -> int:
    """Open the page in this machine's browser, signed in."""
    with servers.required(Settings.read(), server) as client:
        made = client.make_link()
        url = f"{client.server}/link#{urlsplit(made.url).fragment}"
        if has_browser() and webbrowser.open(url):
            print_lines(f"Opened {client.server} in the browser.")
            return 0
    _say(
        "There is no browser to open here. This link signs one in, once, until "
        f"{_clock(made)}:"
    )
    print_lines(url)
    return 0


def has_browser() -> bool:
    """Whether a window can be opened: a browser in the terminal would take it over."""
    if sys.platform == "darwin":
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _ask(
    server: str | None, by_server: Callable[[Client], T], direct: Callable[[Db], T]
) -> T:
    """Ask the server in use; where none runs, the database of this machine."""
    settings = Settings.read()
    client = servers.named(settings, server) or servers.running(settings)
    if client is not None:
        with client:
            return by_server(client)
    with _database(settings) as connection:
        return direct(connection)


@contextmanager
def _database(settings: Settings) -> Iterator[Db]:
    """The database itself; started for as long as the block runs if it is ours."""
    urls = given_urls(settings)
    data_dir = settings.storage.folder
    with ExitStack() as stack:
        if urls is None:
            log_to_file(data_dir)
            supervisor = stack.enter_context(Supervisor())
            urls = stack.enter_context(
                EmbeddedStack(data_dir, supervisor, what="prsnl keys")
            )
            schema.migrate(urls.database_url)
        else:
            schema.check(urls.database_url)
        yield stack.enter_context(connect(urls.database_url))


def _line(key: KeyBody) -> str:
    used = (
        "never used" if key.last_used_at is None else f"used {_day(key.last_used_at)}"
    )
    end = ""
    if key.revoked_at is not None:
        end = f", revoked {_day(key.revoked_at)}"
    elif key.expires_at is not None:
        over = "ended" if key.expires_at <= datetime.now(UTC) else "ends"
        end = f", {over} {_day(key.expires_at)}"
    return (
        f"{key.id}  {one_line(key.owner, characters=_NAME_CHARACTERS)}  "
        f"{one_line(key.name, characters=_NAME_CHARACTERS)}  {_scopes(key)}  "
        f"made {_day(key.created_at)}, {used}{end}"
    )


def _scopes(key: KeyBody) -> str:
    return "+".join(key.scopes)


def _day(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def _clock(made: LinkBody) -> str:
    return made.expires_at.astimezone().strftime("%H:%M")


def _scope(given: str) -> Scope:
    try:
        return Scope(given)
    except ValueError as error:
        known = ", ".join(Scope)
        raise BadRequestError(f"{given} is no scope; there are {known}.") from error


def _told(option: str, given: str) -> str:
    cleaned = given.strip()
    if not cleaned or len(cleaned) > 100 or not cleaned.isprintable():  # noqa: PLR2004
        raise BadRequestError(f"{option} is 1 to 100 letters, without control ones.")
    return cleaned


def _key_id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError as error:
        raise BadRequestError(
            "What is given is no id of a key: ./prsnl keys list shows them. (The key "
            "itself is not wanted here.)"
        ) from error


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")

"""Flower: Celery's own view of its workers, to look at and behind a password."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from prsnl.core.errors import StartError
from prsnl.wiring import Wiring
from prsnl.work.relay import celery_app

USER: Final = "prsnl"
_KEPT_IN: Final = "flower-password"
_INSPECT_MS: Final = 200.0


def main(wiring: Wiring) -> None:
    """Serve Flower until TERM.

    It shows what the workers tell by Celery's events, and changes nothing: to cancel
    and to retry is the API's, for the rows decide.

    Raises:
        StartError: Its port is taken.
    """
    # Loaded here alone: no other process has use for a second web server.
    from flower.app import Flower  # noqa: PLC0415
    from flower.options import default_options as options  # noqa: PLC0415
    from flower.urls import settings  # noqa: PLC0415

    own = wiring.settings.flower
    options.address = wiring.settings.server.host
    options.port = own.flower_port
    options.basic_auth = [f"{USER}:{password(wiring)}"]
    options.read_only = True
    # Workers take no orders by the broker: they are not asked, and tell by themselves.
    options.enable_events = False
    options.inspect_timeout = _INSPECT_MS
    served: Any = Flower(
        capp=celery_app(wiring.broker_url), options=options, **settings
    )
    signal.signal(signal.SIGTERM, _leave)
    try:
        served.start_http_server()
    except OSError as error:
        raise StartError(
            f"Flower's port {own.flower_port} is taken: set PRSNL_FLOWER_PORT to "
            "another one."
        ) from error
    with suppress(KeyboardInterrupt, SystemExit):
        served.start()
    served.stop()


def password(wiring: Wiring) -> str:
    """The password that is set, else one of the data folder's own."""
    given = wiring.settings.flower.flower_password
    if given is not None:
        return given.get_secret_value()
    return kept_password(wiring.settings.storage.folder)


def kept_password(folder: Path) -> str:
    """The password of a data folder, made at its first use; readable by us alone."""
    path = folder / _KEPT_IN
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    made = secrets.token_urlsafe(18)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{made}\n")
    return made


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)

"""Where the server of a data folder is reached: a small file says so while it runs."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

_FILE: Final = "server.json"


@dataclass(frozen=True, kw_only=True)
class RunningServer:
    """A server on this machine."""

    #: E.g. "http://127.0.0.1:8000".
    url: str
    pid: int
    #: It ends with the command that started it: others may look, and not rely on it.
    is_passing: bool = False

    @classmethod
    def find(cls, data_dir: Path) -> Self | None:
        """The server that runs on a data folder; None if there is none."""
        try:
            told = json.loads((data_dir / _FILE).read_bytes())
            found = cls(
                url=str(told["url"]),
                pid=int(told["pid"]),
                is_passing=bool(told["is_passing"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if _is_alive(found.pid) else None

    def announce(self, data_dir: Path) -> None:
        """Say that this server runs; the file appears whole."""
        path = data_dir / _FILE
        new = path.with_name(f"{path.name}.{self.pid}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        new.replace(path)

    def withdraw(self, data_dir: Path) -> None:
        """Say that it no longer runs; another server's word is left."""
        if self.find(data_dir) == self:
            with suppress(FileNotFoundError):
                (data_dir / _FILE).unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

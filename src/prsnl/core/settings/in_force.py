"""The settings of a process that goes on: read again when the kept ones change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from prsnl.core.errors import SettingsError
from prsnl.core.settings import OF_ENGINES, Settings
from prsnl.core.settings.sources import KEPT_NAME

_Stamp = tuple[int, int, int] | None

log = structlog.get_logger()


@dataclass
class InForce:
    """What is set now. A look at the kept file is one `stat`; safe from any thread.

    Only what the engines are set to changes; where the process listens and keeps does
    not.
    """

    _settings: Settings
    _stamp: _Stamp = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._stamp = _stamp(self._path)

    def now(self) -> Settings:
        """The settings; of a file that cannot be read, those from before."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            with self._lock:
                self._take(stamp)
        return self._settings

    def _take(self, stamp: _Stamp) -> None:
        self._stamp = stamp
        try:
            told = Settings.read(self._settings.storage.folder)
        except SettingsError as error:
            log.warning("settings.unread", reason=error.message)
            return
        changes = {name: getattr(told, name) for name in OF_ENGINES}
        self._settings = replace(self._settings, **changes)

    @property
    def _path(self) -> Path:
        return self._settings.storage.folder / KEPT_NAME


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

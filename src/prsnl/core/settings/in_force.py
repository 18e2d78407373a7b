"""The settings of a process that goes on: read again when the kept ones change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from prsnl.core.errors import SettingsError
from prsnl.core.settings import OF_ENGINES, Settings
from prsnl.core.settings.sources import KEPT_NAME

T = TypeVar("T")
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


class Following(Generic[T]):
    """What is made of the settings, and made anew when they have changed."""

    def __init__(self, in_force: InForce, make: Callable[[Settings], T]) -> None:
        """Makes it at once.

        Args:
            in_force: The settings.
            make: May raise `SettingsError`; later the one of before is kept then.

        Raises:
            SettingsError: Of the first settings none can be made.
        """
        self._in_force = in_force
        self._make = make
        self._lock = threading.Lock()
        self._settings = in_force.now()
        self._made = make(self._settings)

    @property
    def is_stale(self) -> bool:
        """Whether the next call makes it anew, and takes as long as that does."""
        return self._in_force.now() is not self._settings

    def now(self) -> T:
        """The one of now. Safe from any thread."""
        settings = self._in_force.now()
        with self._lock:
            if settings is not self._settings:
                self._settings = settings
                try:
                    self._made = self._make(settings)
                except SettingsError as error:
                    log.warning("settings.not_taken_up", reason=error.message)
            return self._made

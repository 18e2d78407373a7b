"""What the two embedded servers have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prsnl.core.errors import StartError
from prsnl.embedded.datadir import disk_full
from prsnl.embedded.programs import Programs
from prsnl.embedded.supervisor import RunAs


class PortTakenError(StartError):
    """Somebody else listens on the port: another one is to be chosen."""


@dataclass(frozen=True, kw_only=True)
class EmbeddedServer:
    """One server and its folder.

    Attributes:
        folder: The server's own folder, below that of the stack.
        log: The file that its messages are appended to.
        run_as: Its user; None for our own.
        is_durable: False only in tests: a crash of the machine loses data then.
    """

    programs: Programs
    folder: Path
    log: Path
    port: int
    password: str
    run_as: RunAs | None
    is_durable: bool = True

    def disk_failure(self, output: str) -> StartError | None:
        """What a server's words about the disk mean; None if there are none."""
        if "No space left on device" in output or "Disk quota exceeded" in output:
            return disk_full(self.folder)
        return None

    def port_taken(self) -> PortTakenError:
        """The error for a port that somebody else listens on."""
        return PortTakenError(
            f"Port {self.port} of 127.0.0.1 is taken by another program."
        )
